//! The host's table, and one attempt's handle on it: the only place that calls the host.
//!
//! Not here: what is called by the host (`shim`, `export`). Start at [`Ctx`].
#![expect(unsafe_code, reason = "calling function pointers of the C ABI")]

pub(crate) mod current;

use std::ptr::NonNull;
use std::sync::OnceLock;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::abi::{ThBytes, ThCtx, ThEnqueue, ThHost, ThResult, struct_size};
use crate::outcome::Outcome;

/// The functions of [`ThHost`] that this crate uses, proven not to be null.
#[derive(Debug)]
struct Table {
    retain: unsafe extern "C" fn(*const ThCtx),
    release: unsafe extern "C" fn(*const ThCtx),
    wake: unsafe extern "C" fn(*const ThCtx),
    wake_at: unsafe extern "C" fn(*const ThCtx, u64),
    now_ms: unsafe extern "C" fn() -> u64,
    flags: unsafe extern "C" fn(*const ThCtx) -> u32,
    log: unsafe extern "C" fn(*const ThCtx, u32, ThBytes, ThBytes),
    progress: unsafe extern "C" fn(*const ThCtx, u64, u64, ThBytes),
    save_state: unsafe extern "C" fn(*const ThCtx, ThBytes, *mut u64) -> i32,
    saved: unsafe extern "C" fn(*const ThCtx, u64, u32) -> i32,
    enqueue: unsafe extern "C" fn(*const ThCtx, *const ThEnqueue, *mut u8) -> i32,
    finish: unsafe extern "C" fn(*const ThCtx, *const ThResult),
}

/// Each library has its own copy of this crate, so a static is "per plugin".
static TABLE: OnceLock<Table> = OnceLock::new();

fn table() -> &'static Table {
    TABLE.get().expect("`init` stores the table before it hands out any function that leads here")
}

/// Keeps the table for all later calls; the first one that is given stays. `None`: it lacks what this crate needs.
///
/// # Safety
/// `host` must be null or what the header asks of the argument of `init`.
pub(crate) unsafe fn install(host: *const ThHost) -> Option<()> {
    if host.is_null() {
        return None;
    }
    // SAFETY: header, "Layout": every table begins with its u32 `struct_size`.
    let size = unsafe { host.cast::<u32>().read() };
    if size < struct_size::<ThHost>() {
        return None;
    }
    // SAFETY: header, th_host: the table is constant and lives as long as the process; it is as large as we know it.
    let host = unsafe { &*host };
    let table = Table {
        retain: host.retain?,
        release: host.release?,
        wake: host.wake?,
        wake_at: host.wake_at?,
        now_ms: host.now_ms?,
        flags: host.flags?,
        log: host.log?,
        progress: host.progress?,
        save_state: host.save_state?,
        saved: host.saved?,
        enqueue: host.enqueue?,
        finish: host.finish?,
    };
    TABLE.get_or_init(|| table);
    crate::log::install();
    Some(())
}

/// Monotonic milliseconds of the host.
pub(crate) fn now_ms() -> u64 {
    // SAFETY: header, th_host.now_ms: callable from any thread.
    unsafe { (table().now_ms)() }
}

/// A counted handle on the host's side of one attempt.
#[derive(Debug)]
pub(crate) struct Ctx(NonNull<ThCtx>);

// SAFETY: header, "Threads" and th_ctx: a retained ctx may be used from any thread.
unsafe impl Send for Ctx {}
// SAFETY: as above, several at a time.
unsafe impl Sync for Ctx {}

impl Ctx {
    /// # Safety
    /// `ctx` must be null or a live ctx, as `create` is given.
    pub(crate) unsafe fn retain(ctx: *const ThCtx) -> Option<Self> {
        let ctx = NonNull::new(ctx.cast_mut())?;
        // SAFETY: header, th_host.retain: the caller's ctx is live; `Drop` gives this count back.
        unsafe { (table().retain)(ctx.as_ptr()) };
        Some(Self(ctx))
    }

    fn as_ptr(&self) -> *const ThCtx {
        self.0.as_ptr()
    }

    pub(crate) fn wake_at(&self, mono_ms: u64) {
        // SAFETY: header, th_host.wake_at: the ctx is retained by self.
        unsafe { (table().wake_at)(self.as_ptr(), mono_ms) }
    }

    pub(crate) fn flags(&self) -> u32 {
        // SAFETY: header, th_host.flags: the ctx is retained by self.
        unsafe { (table().flags)(self.as_ptr()) }
    }

    /// `fields`: a JSON object, or empty.
    pub(crate) fn log(&self, level: u32, message: &str, fields: &[u8]) {
        let message = ThBytes::new(message.as_bytes());
        // SAFETY: header, th_host.log: the ctx is retained by self, the text outlives the call.
        unsafe { (table().log)(self.as_ptr(), level, message, ThBytes::new(fields)) }
    }

    pub(crate) fn progress(&self, done: u64, total: u64, note: &str) {
        let note = ThBytes::new(note.as_bytes());
        // SAFETY: header, th_host.progress: the ctx is retained by self, the text outlives the call.
        unsafe { (table().progress)(self.as_ptr(), done, total, note) }
    }

    /// The ticket, or `None` if the host refused.
    pub(crate) fn save_state(&self, json: &[u8]) -> Option<u64> {
        let mut ticket = 0;
        // SAFETY: header, th_host.save_state: the ctx is retained by self; bytes and out pointer outlive the call.
        let answer = unsafe { (table().save_state)(self.as_ptr(), ThBytes::new(json), &raw mut ticket) };
        (answer >= 0).then_some(ticket)
    }

    /// `SAVED`, `SAVING`, `LOST` or negative. Only blocking kinds may wait.
    pub(crate) fn saved(&self, ticket: u64, wait_ms: u32) -> i32 {
        // SAFETY: header, th_host.saved: the ctx is retained by self.
        unsafe { (table().saved)(self.as_ptr(), ticket, wait_ms) }
    }

    /// The id of the follow-up task, or `None` if the host refused. `options`: a JSON object, or empty.
    pub(crate) fn enqueue(&self, kind: &str, params: &[u8], options: &[u8]) -> Option<[u8; 16]> {
        let follow_up = ThEnqueue {
            struct_size: struct_size::<ThEnqueue>(),
            flags: 0,
            kind: ThBytes::new(kind.as_bytes()),
            params: ThBytes::new(params),
            options: ThBytes::new(options),
        };
        let mut id = [0; 16];
        // SAFETY: header, th_host.enqueue: the ctx is retained by self; what is passed outlives the call, the id has 16 bytes.
        let answer = unsafe { (table().enqueue)(self.as_ptr(), &raw const follow_up, id.as_mut_ptr()) };
        (answer >= 0).then_some(id)
    }

    /// Ends the attempt. The caller sees to "exactly once".
    pub(crate) fn finish(&self, outcome: &Outcome) {
        let result = ThResult {
            struct_size: struct_size::<ThResult>(),
            outcome: outcome.end,
            not_before_ms: outcome.not_before_ms,
            body: ThBytes::new(&outcome.body),
            code: ThBytes::new(outcome.code.as_bytes()),
        };
        // SAFETY: header, th_host.finish: the ctx is retained by self; the host copies the result before it returns.
        unsafe { (table().finish)(self.as_ptr(), &raw const result) }
    }

    /// A waker that is one more count on the ctx: cloning and waking allocate nothing.
    pub(crate) fn waker(&self) -> Waker {
        let waker = std::mem::ManuallyDrop::new(self.clone());
        // SAFETY: the vtable below upholds `RawWaker`'s contract: its functions are thread-safe (header, "Threads") and
        // each waker owns the one count that the `ManuallyDrop` above leaves to it.
        unsafe { Waker::from_raw(RawWaker::new(waker.as_ptr().cast(), &WAKER)) }
    }
}

impl Clone for Ctx {
    fn clone(&self) -> Self {
        // SAFETY: header, th_host.retain: the ctx is live because self retains it.
        unsafe { (table().retain)(self.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for Ctx {
    fn drop(&mut self) {
        // SAFETY: header, th_host.release: gives back the one count that self owns.
        unsafe { (table().release)(self.as_ptr()) }
    }
}

static WAKER: RawWakerVTable = RawWakerVTable::new(waker_clone, waker_wake, waker_wake_by_ref, waker_drop);

unsafe fn waker_clone(ctx: *const ()) -> RawWaker {
    // SAFETY: header, th_host.retain: the waker that is cloned retains the ctx.
    unsafe { (table().retain)(ctx.cast()) };
    RawWaker::new(ctx, &WAKER)
}

unsafe fn waker_wake(ctx: *const ()) {
    // SAFETY: header, th_host.wake: the waker still holds its count.
    unsafe { (table().wake)(ctx.cast()) };
    // SAFETY: header, th_host.release: `wake` consumes the waker, so its count goes back.
    unsafe { (table().release)(ctx.cast()) }
}

unsafe fn waker_wake_by_ref(ctx: *const ()) {
    // SAFETY: header, th_host.wake: the waker holds its count, also after the task's drop.
    unsafe { (table().wake)(ctx.cast()) }
}

unsafe fn waker_drop(ctx: *const ()) {
    // SAFETY: header, th_host.release: gives back the one count of this waker.
    unsafe { (table().release)(ctx.cast()) }
}
