//! A host in miniature: its table, and a driver that calls a kind's raw functions on the test's thread.
//!
//! Time, flags and the disk do what the test says. Not here: anything that the real host decides; what was said (`ctx`).
//! Start at [`Driver`].
#![expect(unsafe_code, reason = "the host's side of the C ABI, for tests alone")]

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use super::ctx::{Ctx, Finished, Line, now, set_now};
use crate::abi::{ABI_MINOR, PENDING, ThArgs, ThBytes, ThCtx, ThEnqueue, ThHost, ThKind, ThResult, struct_size};

/// # Safety
/// Header, `th_ctx`: the plugin passes what `create` was given.
unsafe fn ctx<'a>(ctx: *const ThCtx) -> &'a Ctx {
    // SAFETY: [`Driver`] made it from an `Arc` that the caller's count, or the driver itself, keeps.
    unsafe { &*ctx.cast() }
}

/// # Safety
/// Header, "Memory": valid for the call.
unsafe fn text(bytes: ThBytes) -> String {
    // SAFETY: as this function says.
    let bytes = unsafe { bytes.as_slice() };
    String::from_utf8_lossy(bytes).into_owned()
}

unsafe extern "C" fn retain(this: *const ThCtx) {
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.handles.fetch_add(1, SeqCst);
    // SAFETY: [`Driver`] made the pointer by `Arc::as_ptr`.
    unsafe { Arc::increment_strong_count(this.cast::<Ctx>()) };
}

unsafe extern "C" fn release(this: *const ThCtx) {
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.released();
    // SAFETY: gives back what `retain` took.
    unsafe { Arc::decrement_strong_count(this.cast::<Ctx>()) };
}

unsafe extern "C" fn wake(this: *const ThCtx) {
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.wake();
}

unsafe extern "C" fn wake_at(this: *const ThCtx, mono_ms: u64) {
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.set_wake_at(mono_ms);
}

unsafe extern "C" fn now_ms() -> u64 {
    now()
}

unsafe extern "C" fn flags(this: *const ThCtx) -> u32 {
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.asked_flags()
}

unsafe extern "C" fn log(this: *const ThCtx, level: u32, message: ThBytes, fields: ThBytes) {
    // SAFETY: header, "Memory".
    let message = unsafe { text(message) };
    // SAFETY: header, "Memory".
    let fields = unsafe { text(fields) };
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.say(|said| said.log.push(Line { level, message, fields }));
}

unsafe extern "C" fn progress(this: *const ThCtx, done: u64, total: u64, note: ThBytes) {
    // SAFETY: header, "Memory".
    let note = unsafe { text(note) };
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.say(|said| said.progress.push((done, total, note)));
}

unsafe extern "C" fn save_state(this: *const ThCtx, json: ThBytes, ticket_out: *mut u64) -> i32 {
    // SAFETY: header, "Memory".
    let json = unsafe { text(json) };
    // SAFETY: header, th_ctx.
    let Some(ticket) = (unsafe { ctx(this) }).save(json) else { return -1 };
    // SAFETY: header, th_host.save_state: the plugin's out pointer.
    unsafe { ticket_out.write(ticket) };
    0
}

unsafe extern "C" fn saved(this: *const ThCtx, ticket: u64, wait_ms: u32) -> i32 {
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.saved(ticket, wait_ms)
}

unsafe extern "C" fn enqueue(this: *const ThCtx, asked: *const ThEnqueue, id_out: *mut u8) -> i32 {
    // SAFETY: header, th_host.enqueue: valid for the call.
    let asked = unsafe { &*asked };
    // SAFETY: header, "Memory".
    let kind = unsafe { text(asked.kind) };
    // SAFETY: header, "Memory".
    let params = unsafe { text(asked.params) };
    // SAFETY: header, "Memory".
    let options = unsafe { text(asked.options) };
    // SAFETY: header, th_ctx.
    let Some(id) = (unsafe { ctx(this) }).follow_up(kind, params, options) else { return -1 };
    // SAFETY: header, th_host.enqueue: 16 bytes of the plugin.
    unsafe { id_out.copy_from(id.as_ptr(), id.len()) };
    0
}

unsafe extern "C" fn finish(this: *const ThCtx, result: *const ThResult) {
    // SAFETY: header, th_host.finish: valid for the call.
    let result = unsafe { &*result };
    // SAFETY: header, "Memory".
    let body = unsafe { text(result.body) };
    // SAFETY: header, "Memory".
    let code = unsafe { text(result.code) };
    let finished = Finished { outcome: result.outcome, not_before_ms: result.not_before_ms, body, code };
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.say(|said| said.finished.push(finished));
}

/// The table of this host.
pub static HOST: ThHost = ThHost {
    struct_size: struct_size::<ThHost>(),
    abi_minor: ABI_MINOR,
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
    get_ext: None,
};

/// What `init` does, for kinds that no library exports.
pub(super) fn install() {
    // SAFETY: header, th_entry.init: a table that lives as long as the process.
    unsafe { crate::host::install(&raw const HOST) }.expect("this table is complete");
    crate::guard::install_hook();
}

/// The metadata of a kind of this crate.
pub(super) fn meta(kind: &ThKind) -> serde_json::Value {
    // SAFETY: header, th_kind.meta: lives as long as the process.
    serde_json::from_slice(unsafe { kind.meta.as_slice() }).expect("metadata is JSON")
}

/// What an attempt is given.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub attempt: u32,
    pub deadline_ms: u64,
    pub params: String,
    pub state: String,
    pub context: String,
}

/// One attempt, driven by hand.
#[derive(Debug)]
pub struct Driver {
    pub ctx: Arc<Ctx>,
    kind: ThKind,
    task: Option<*mut c_void>,
}

impl Driver {
    /// Begins an attempt of a kind of this crate.
    #[must_use]
    pub fn new(kind: &ThKind, ctx: Ctx, given: &Given) -> Self {
        let ctx = Arc::new(ctx);
        // From here on the thread has a time of its own.
        set_now(now());
        let args = ThArgs {
            struct_size: struct_size::<ThArgs>(),
            attempt: given.attempt,
            task_id: ctx.task_id,
            deadline_ms: given.deadline_ms,
            params: ThBytes::new(given.params.as_bytes()),
            state: ThBytes::new(given.state.as_bytes()),
            context: ThBytes::new(given.context.as_bytes()),
        };
        let mut task = std::ptr::null_mut();
        let create = kind.create.expect("every kind has it");
        // SAFETY: header, th_kind.create.
        let answer = unsafe { create(kind, Arc::as_ptr(&ctx).cast(), &raw const args, &raw mut task) };
        let task = (answer == 0).then_some(task);
        assert_eq!(
            task.is_none(),
            !ctx.said().finished.is_empty(),
            "a `create` that failed has finished, a good one has not"
        );
        Self { ctx, kind: *kind, task }
    }

    /// What `poll` answers. As the header says, it begins with an empty slot.
    ///
    /// # Panics
    /// If there is no task: `create` failed, or it was dropped.
    #[must_use]
    pub fn poll(&self) -> i32 {
        self.ctx.begin_poll();
        let poll = self.kind.poll.expect("every kind has it");
        let task = self.task.expect("there is a task");
        // SAFETY: header, th_kind.poll: a task of this kind, one call at a time because a driver is not `Sync`.
        unsafe { poll(task) }
    }

    /// Whether `create` made a task that is not dropped yet.
    pub fn has_task(&self) -> bool {
        self.task.is_some()
    }

    /// Drops the task, if there is one.
    pub fn drop_task(&mut self) {
        let drop = self.kind.drop.expect("every kind has it");
        if let Some(task) = self.task.take() {
            // SAFETY: header, th_kind.drop: exactly once.
            unsafe { drop(task) };
        }
    }

    /// Polls until the end, moving the clock to each wake-up that the task asks for.
    ///
    /// # Panics
    /// If the task waits for anything but time.
    pub fn drive(&mut self) -> Finished {
        while self.task.is_some() && self.poll() == PENDING {
            let next = self.ctx.wake_at().expect("a task that waits for nothing never ends");
            set_now(now().max(next));
        }
        self.finished()
    }

    /// The one end, after which nothing of the plugin is left.
    ///
    /// # Panics
    /// If it has not ended exactly once, or a handle is left.
    pub fn finished(&mut self) -> Finished {
        self.drop_task();
        assert_eq!(self.ctx.handles.load(SeqCst), 0, "every handle was given back");
        let finished = self.ctx.said().finished;
        assert_eq!(finished.len(), 1, "finish is called exactly once");
        finished[0].clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.drop_task();
    }
}
