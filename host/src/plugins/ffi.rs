//! The crossing between host and plugins: the host's table, and calls of a kind's functions.
//!
//! Each thunk turns the plugin's pointers into references and calls a safe method of [`Ctx`]; nothing is decided here.
//! Not here: reading tables out of a library (`loader`). "Header" in the comments is `plugin-api/include/taskhost_plugin.h`.
//! Start at [`HOST`] and [`TaskHandle`].
#![expect(unsafe_code, reason = "calls between host and plugin are calls through C pointers")]

use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use plugin_api::abi::{self, ThArgs, ThBytes, ThCtx, ThEnqueue, ThHost, ThKind, ThPlugin, ThResult, struct_size};

use super::attempt::Finish;
use super::ctx::Ctx;
use super::{Attempt, FollowUp};

/// Where the truncated table ends, in bytes.
const TRUNCATED: u8 = 88;
const _: () = assert!(offset_of!(ThHost, enqueue) == TRUNCATED as usize);

/// What every plugin gets at `init`.
pub(super) static HOST: ThHost = ThHost {
    struct_size: struct_size::<ThHost>(),
    abi_minor: abi::ABI_MINOR,
    retain: Some(retain),
    release: Some(release),
    wake: Some(wake),
    wake_at: Some(wake_at),
    now_ms: Some(now_ms),
    flags: Some(flags),
    log: Some(log),
    progress: Some(progress),
    save_state: Some(save_state),
    saved: Some(saved),
    enqueue: Some(enqueue),
    finish: Some(finish),
    get_ext: Some(get_ext),
};

/// The table of a host that ends before `enqueue`, as plugins could meet it if this were a later minor: behind the size
/// that it says lies garbage, as it may. Good for `init` alone.
pub(super) fn truncated_host() -> &'static ThHost {
    let table: &'static mut MaybeUninit<ThHost> = Box::leak(Box::new_uninit());
    let bytes = table.as_mut_ptr().cast::<u8>();
    // SAFETY: the allocation is as large as the table.
    unsafe { bytes.write_bytes(0xde, size_of::<ThHost>()) };
    let whole = (&raw const HOST).cast::<u8>();
    // SAFETY: both tables are larger than the offset of a field, and one is new.
    unsafe { bytes.copy_from_nonoverlapping(whole, usize::from(TRUNCATED)) };
    // SAFETY: header, "Layout": every struct begins with its u32 struct_size, and this one is ours alone.
    unsafe { table.as_mut_ptr().cast::<u32>().write(u32::from(TRUNCATED)) };
    // SAFETY: every byte was written, and a function pointer may have any value but null as long as nobody calls it.
    unsafe { table.assume_init_ref() }
}

/// `CLOCK_MONOTONIC`, the clock that the ABI names; an `Instant` does not tell its distance from that clock's zero.
pub(super) fn monotonic() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec that may be written to; the clock exists on every system that this builds for.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    assert_eq!(answer, 0, "a system without a monotonic clock");
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Milliseconds of [`monotonic`].
pub(super) fn monotonic_ms() -> u64 {
    u64::try_from(monotonic().as_millis()).unwrap_or(u64::MAX)
}

/// # Safety
/// `ctx` must be a pointer that the host gave to a `create`, still counted: in use by that task, or retained.
unsafe fn context<'a>(ctx: *const ThCtx) -> &'a Ctx {
    // SAFETY: header, "th_ctx": the caller holds a count on it, and the host only hands out pointers made by `Arc::as_ptr`.
    unsafe { &*ctx.cast::<Ctx>() }
}

/// # Safety
/// As [`ThBytes::as_slice`]; the result is used during this call alone.
unsafe fn borrowed<'a>(bytes: ThBytes) -> &'a [u8] {
    // SAFETY: header, "Memory": what is passed in is readable for the call.
    unsafe { bytes.as_slice() }
}

unsafe extern "C" fn retain(ctx: *const ThCtx) {
    // SAFETY: header, "th_ctx": made by `Arc::as_ptr`, and alive because the caller may use it.
    unsafe { Arc::increment_strong_count(ctx.cast::<Ctx>()) }
}

unsafe extern "C" fn release(ctx: *const ThCtx) {
    // SAFETY: header, "th_ctx": ends exactly one `retain` of the caller.
    unsafe { Arc::decrement_strong_count(ctx.cast::<Ctx>()) }
}

unsafe extern "C" fn wake(ctx: *const ThCtx) {
    // SAFETY: header, "th_ctx": usable from `create` to `drop`, or while retained.
    unsafe { context(ctx) }.wake();
}

unsafe extern "C" fn wake_at(ctx: *const ThCtx, mono_ms: u64) {
    // SAFETY: as in `wake`.
    unsafe { context(ctx) }.wake_at(mono_ms);
}

unsafe extern "C" fn now_ms() -> u64 {
    monotonic_ms()
}

unsafe extern "C" fn flags(ctx: *const ThCtx) -> u32 {
    // SAFETY: as in `wake`.
    unsafe { context(ctx) }.flags()
}

unsafe extern "C" fn log(ctx: *const ThCtx, level: u32, message: ThBytes, fields: ThBytes) {
    // SAFETY: as in `wake`.
    let ctx = unsafe { context(ctx) };
    // SAFETY: header, "Memory": readable for this call.
    let message = unsafe { borrowed(message) };
    // SAFETY: as above.
    let fields = unsafe { borrowed(fields) };
    ctx.log(level, message, fields);
}

unsafe extern "C" fn progress(ctx: *const ThCtx, done: u64, total: u64, note: ThBytes) {
    // SAFETY: as in `wake`.
    let ctx = unsafe { context(ctx) };
    // SAFETY: header, "Memory": readable for this call.
    let note = unsafe { borrowed(note) };
    ctx.progress(done, total, note);
}

unsafe extern "C" fn save_state(ctx: *const ThCtx, json: ThBytes, ticket_out: *mut u64) -> i32 {
    // SAFETY: as in `wake`.
    let ctx = unsafe { context(ctx) };
    // SAFETY: header, "Memory": readable for this call.
    let json = unsafe { borrowed(json) };
    // SAFETY: header, `save_state`: null, or a u64 of the caller that may be written to during the call.
    let Some(ticket_out) = (unsafe { ticket_out.as_mut() }) else {
        return -1;
    };
    match ctx.save_state(json) {
        Some(ticket) => {
            *ticket_out = ticket;
            0
        }
        None => -1,
    }
}

unsafe extern "C" fn saved(ctx: *const ThCtx, ticket: u64, wait_ms: u32) -> i32 {
    // SAFETY: as in `wake`.
    unsafe { context(ctx) }.saved(ticket, Duration::from_millis(u64::from(wait_ms)))
}

unsafe extern "C" fn enqueue(ctx: *const ThCtx, asked: *const ThEnqueue, id_out: *mut u8) -> i32 {
    // SAFETY: as in `wake`.
    let ctx = unsafe { context(ctx) };
    let refuse = |reason| {
        ctx.refuse_follow_up(reason);
        -1
    };
    if asked.is_null() {
        return refuse("`enqueue` was called without a task");
    }
    // SAFETY: header, "Layout": every th_enqueue begins with its u32 struct_size, which says what may be read.
    let size = unsafe { *asked.cast::<u32>() };
    if size < struct_size::<ThEnqueue>() {
        return refuse("`enqueue` was called with a struct that is too small");
    }
    // SAFETY: header, "Layout": the size says that all fields of 1.0 are there.
    let asked = unsafe { *asked };
    if asked.flags != 0 {
        return refuse("its flags are not supported by this version");
    }
    // SAFETY: header, `enqueue`: null, or 16 bytes of the caller that may be written to during the call.
    let Some(id_out) = (unsafe { id_out.cast::<[u8; 16]>().as_mut() }) else {
        return refuse("`enqueue` was called without a place for the id");
    };
    // SAFETY: header, "Memory": readable for this call.
    let kind = unsafe { borrowed(asked.kind) };
    // SAFETY: as above.
    let params = unsafe { borrowed(asked.params) };
    // SAFETY: as above.
    let options = unsafe { borrowed(asked.options) };
    match ctx.enqueue(&FollowUp { kind, params, options }) {
        Some(id) => {
            *id_out = *id.as_bytes();
            0
        }
        None => -1,
    }
}

unsafe extern "C" fn finish(ctx: *const ThCtx, result: *const ThResult) {
    // SAFETY: as in `wake`.
    let ctx = unsafe { context(ctx) };
    if result.is_null() {
        return ctx.finish(Finish::broken("`finish` was called without a result"));
    }
    // SAFETY: header, "Layout": every th_result begins with its u32 struct_size, which says what may be read.
    let size = unsafe { *result.cast::<u32>() };
    if size < struct_size::<ThResult>() {
        return ctx.finish(Finish::broken("`finish` was called with a result that is too small"));
    }
    // SAFETY: header, "Layout": the size says that all fields of 1.0 are there.
    let result = unsafe { *result };
    // SAFETY: header, "Memory": readable for this call; copied before it ends.
    let body = unsafe { borrowed(result.body) };
    // SAFETY: as above.
    let code = unsafe { borrowed(result.code) };
    ctx.finish(Finish::new(result.outcome, result.not_before_ms, body, code));
}

/// This host has no table beside the first.
unsafe extern "C" fn get_ext(_: ThBytes) -> *const c_void {
    ptr::null()
}

type CreateFn = unsafe extern "C" fn(*const ThKind, *const ThCtx, *const ThArgs, *mut *mut c_void) -> i32;
type PollFn = unsafe extern "C" fn(*mut c_void) -> i32;
type DropFn = unsafe extern "C" fn(*mut c_void);

type ShutdownFn = unsafe extern "C" fn(u32) -> i32;

/// A loaded copy of a plugin, as far as it is told things as a whole. Lives as long as its library: for ever.
#[derive(Debug)]
pub(super) struct PluginCode {
    shutdown: Option<ShutdownFn>,
    was_shut_down: AtomicBool,
}

impl PluginCode {
    /// What of `table` concerns the plugin as a whole.
    ///
    /// # Safety
    /// `table` must be what `init` of a plugin answered, whose library is never unloaded.
    pub(super) unsafe fn new(table: &ThPlugin) -> &'static Self {
        Box::leak(Box::new(Self { shutdown: table.shutdown, was_shut_down: AtomicBool::new(false) }))
    }

    /// Enters the plugin: it ends its threads, within `limit` if it keeps its word. Only the first call does something.
    ///
    /// To be called on a thread that is nothing else, when no task of the plugin is left and none will come.
    /// The error is the plugin's answer.
    pub(super) fn shut_down(&self, limit: Duration) -> Result<(), i32> {
        let Some(shutdown) = self.shutdown.filter(|_| !self.was_shut_down.swap(true, SeqCst)) else {
            return Ok(());
        };
        let millis = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
        // SAFETY: header, `shutdown`: once, after the last `drop`, which the caller sees to.
        let answer = unsafe { shutdown(millis) };
        if answer < 0 { Err(answer) } else { Ok(()) }
    }
}

/// The functions of a kind, all there. The library that they are in is never unloaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct KindCode {
    table: &'static ThKind,
    pub(super) plugin: &'static PluginCode,
    create: CreateFn,
    poll: PollFn,
    drop: DropFn,
}

impl KindCode {
    /// The functions of `table`, or the name of the first that is missing.
    ///
    /// # Safety
    /// `table` must be a kind of `plugin`, whose library is never unloaded.
    pub(super) unsafe fn new(table: &'static ThKind, plugin: &'static PluginCode) -> Result<Self, &'static str> {
        let create = table.create.ok_or("create")?;
        let poll = table.poll.ok_or("poll")?;
        let drop = table.drop.ok_or("drop")?;
        Ok(Self { table, plugin, create, poll, drop })
    }

    /// Its one poll may block.
    pub(super) fn is_blocking(&self) -> bool {
        self.table.flags & abi::K_BLOCKING != 0
    }

    /// It is to run in a process of its own.
    pub(super) fn is_isolated(&self) -> bool {
        self.table.flags & abi::K_ISOLATE != 0
    }

    /// Enters the plugin: begins an attempt. None: it was refused, and is over.
    pub(super) fn create(&self, ctx: &Arc<Ctx>, attempt: &Attempt, deadline_ms: u64) -> Option<TaskHandle> {
        let args = ThArgs {
            struct_size: struct_size::<ThArgs>(),
            attempt: attempt.attempt,
            task_id: *attempt.task.as_bytes(),
            deadline_ms,
            params: ThBytes::new(&attempt.params),
            state: ThBytes::new(&attempt.state),
            context: ThBytes::new(&attempt.context),
        };
        let mut task = ptr::null_mut();
        let raw = Arc::as_ptr(ctx).cast::<ThCtx>();
        // SAFETY: header, `create`: the table is the plugin's own, ctx and args live through the call, `task` is writable.
        let answer = unsafe { (self.create)(self.table, raw, &raw const args, &raw mut task) };
        (answer >= 0).then(|| TaskHandle { task, code: *self, _ctx: Arc::clone(ctx) })
    }

    /// Functions of no plugin: `create` refuses.
    #[cfg(test)]
    pub(super) fn fake() -> Self {
        unsafe extern "C" fn create(_: *const ThKind, _: *const ThCtx, _: *const ThArgs, _: *mut *mut c_void) -> i32 {
            -1
        }
        unsafe extern "C" fn poll(_: *mut c_void) -> i32 {
            abi::READY
        }
        unsafe extern "C" fn drop(_: *mut c_void) {}
        static TABLE: ThKind = ThKind {
            struct_size: struct_size::<ThKind>(),
            flags: 0,
            name: ThBytes::EMPTY,
            meta: ThBytes::EMPTY,
            create: Some(create),
            poll: Some(poll),
            drop: Some(drop),
        };
        static PLUGIN: PluginCode = PluginCode { shutdown: None, was_shut_down: AtomicBool::new(false) };
        // SAFETY: the functions above keep to the header and are part of this program.
        unsafe { Self::new(&TABLE, &PLUGIN) }.expect("all functions are there")
    }
}

/// A task inside a plugin. Dropping it frees the task there.
#[derive(Debug)]
pub(super) struct TaskHandle {
    task: *mut c_void,
    code: KindCode,
    /// The plugin may use its ctx until its `drop` has returned.
    _ctx: Arc<Ctx>,
}

// SAFETY: header, "Threads" and `poll`: any thread may call, as long as there is one at a time, which `&mut self` ensures.
unsafe impl Send for TaskHandle {}

impl TaskHandle {
    /// Lets the task work: `READY`, `PENDING`, or a number that the ABI does not know.
    pub(super) fn poll(&mut self) -> i32 {
        // SAFETY: header, `poll`: `create` answered this task, it is not dropped yet, and `&mut` keeps others out.
        unsafe { (self.code.poll)(self.task) }
    }
}

impl Drop for TaskHandle {
    fn drop(&mut self) {
        // SAFETY: header, `drop`: once after a successful `create`, and no poll runs, because `&mut` keeps others out.
        unsafe { (self.code.drop)(self.task) }
    }
}
