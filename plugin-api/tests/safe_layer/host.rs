//! A host in miniature: its table, and a driver that calls a kind's raw functions on the test's thread.
//!
//! Time, flags and the disk do what the test says. Not here: anything that the real host decides. Start at [`Run`].
#![expect(unsafe_code, reason = "the host's side of the C ABI, for tests alone")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::c_void;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use plugin_api::abi::*;
use serde_json::Value;

unsafe extern "C" {
    // What the plugin of the test binary exports.
    safe static taskhost_plugin_v1: ThEntry;
}

/// What `finish` was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finished {
    pub(crate) outcome: u32,
    pub(crate) not_before_ms: u64,
    pub(crate) body: String,
    pub(crate) code: String,
}

/// The host's side of one attempt: what a `ThCtx` pointer points at.
#[derive(Debug, Default)]
pub(crate) struct Ctx {
    /// Handles of the plugin.
    pub(crate) handles: AtomicI64,
    pub(crate) wakes: AtomicU32,
    pub(crate) flags: AtomicU32,
    wake_at: Mutex<Option<u64>>,
    saves: Mutex<Vec<String>>,
    ended_saves: Mutex<BTreeSet<u64>>,
    lost: AtomicU32,
    waited: AtomicU32,
    pub(crate) log: Mutex<Vec<(u32, String)>>,
    pub(crate) progress: Mutex<Vec<(u64, u64, String)>>,
    finished: Mutex<Vec<Finished>>,
}

thread_local! {
    // `now_ms` is asked without a ctx; a test's time is that of its thread.
    static NOW: Cell<u64> = const { Cell::new(1_000) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a test that panics is over")
}

/// # Safety
/// Header, `th_ctx`: the plugin passes what `create` was given.
unsafe fn ctx<'a>(ctx: *const ThCtx) -> &'a Ctx {
    // SAFETY: [`Run`] made it from an `Arc` that the caller's count, or the run itself, keeps.
    unsafe { &*ctx.cast() }
}

/// # Safety
/// Header, "Memory": valid for the call.
unsafe fn text(bytes: ThBytes) -> String {
    // SAFETY: as this function says.
    let bytes = unsafe { bytes.as_slice() };
    String::from_utf8(bytes.to_vec()).expect("the ABI's text is UTF-8")
}

unsafe extern "C" fn retain(this: *const ThCtx) {
    // SAFETY: header, th_ctx.
    let ctx = unsafe { ctx(this) };
    ctx.handles.fetch_add(1, Ordering::SeqCst);
    // SAFETY: [`Run`] made the pointer by `Arc::as_ptr`.
    unsafe { Arc::increment_strong_count(this.cast::<Ctx>()) };
}

unsafe extern "C" fn release(this: *const ThCtx) {
    // SAFETY: header, th_ctx.
    let ctx = unsafe { ctx(this) };
    ctx.handles.fetch_sub(1, Ordering::SeqCst);
    // SAFETY: gives back what `retain` took.
    unsafe { Arc::decrement_strong_count(this.cast::<Ctx>()) };
}

unsafe extern "C" fn wake(this: *const ThCtx) {
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.wakes.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn wake_at(this: *const ThCtx, mono_ms: u64) {
    // SAFETY: header, th_ctx.
    let mut slot = lock(&unsafe { ctx(this) }.wake_at);
    *slot = Some(slot.map_or(mono_ms, |earlier| earlier.min(mono_ms)));
}

unsafe extern "C" fn now_ms() -> u64 {
    NOW.get()
}

unsafe extern "C" fn flags(this: *const ThCtx) -> u32 {
    // SAFETY: header, th_ctx.
    unsafe { ctx(this) }.flags.load(Ordering::SeqCst)
}

unsafe extern "C" fn log(this: *const ThCtx, level: u32, message: ThBytes, _fields: ThBytes) {
    // SAFETY: header, "Memory".
    let message = unsafe { text(message) };
    // SAFETY: header, th_ctx.
    lock(&unsafe { ctx(this) }.log).push((level, message));
}

unsafe extern "C" fn progress(this: *const ThCtx, done: u64, total: u64, note: ThBytes) {
    // SAFETY: header, "Memory".
    let note = unsafe { text(note) };
    // SAFETY: header, th_ctx.
    lock(&unsafe { ctx(this) }.progress).push((done, total, note));
}

unsafe extern "C" fn save_state(this: *const ThCtx, json: ThBytes, ticket: *mut u64) -> i32 {
    // SAFETY: header, th_ctx.
    let ctx = unsafe { ctx(this) };
    // SAFETY: header, "Memory".
    let json = unsafe { text(json) };
    if json.len() > 1_000 {
        return -1;
    }
    let mut saves = lock(&ctx.saves);
    saves.push(json);
    // SAFETY: header, th_host.save_state: the plugin's out pointer.
    unsafe { ticket.write(saves.len() as u64) };
    0
}

unsafe extern "C" fn saved(this: *const ThCtx, ticket: u64, wait_ms: u32) -> i32 {
    // SAFETY: header, th_ctx.
    let ctx = unsafe { ctx(this) };
    if ctx.lost.load(Ordering::SeqCst) != 0 {
        return LOST;
    }
    if wait_ms > 0 {
        // The disk answers a blocking kind at its second question.
        let asked = ctx.waited.fetch_add(1, Ordering::SeqCst);
        return if asked % 2 == 1 { SAVED } else { SAVING };
    }
    if lock(&ctx.ended_saves).contains(&ticket) { SAVED } else { SAVING }
}

unsafe extern "C" fn finish(this: *const ThCtx, result: *const ThResult) {
    // SAFETY: header, th_host.finish: valid for the call.
    let result = unsafe { &*result };
    assert_eq!(result.struct_size, struct_size::<ThResult>());
    // SAFETY: header, "Memory".
    let body = unsafe { text(result.body) };
    // SAFETY: header, "Memory".
    let code = unsafe { text(result.code) };
    let finished = Finished { outcome: result.outcome, not_before_ms: result.not_before_ms, body, code };
    // SAFETY: header, th_ctx.
    lock(&unsafe { ctx(this) }.finished).push(finished);
}

static HOST: ThHost = ThHost {
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
    enqueue: None,
    finish: Some(finish),
    get_ext: None,
};

pub(crate) fn entry() -> &'static ThEntry {
    &taskhost_plugin_v1
}

/// `init` with some other table.
pub(crate) fn init_with(host: Option<&ThHost>) -> Option<&'static ThPlugin> {
    let init = entry().init.expect("every entry has it");
    // SAFETY: header, th_entry.init; `plugin_api` keeps copies of the pointers, not the table.
    let plugin = unsafe { init(host.map_or(std::ptr::null(), std::ptr::from_ref)) };
    // SAFETY: header, "Memory": null, or lives as long as the process.
    unsafe { plugin.as_ref() }
}

/// The table of this host, to be spoiled.
pub(crate) fn table() -> ThHost {
    HOST
}

pub(crate) fn plugin() -> &'static ThPlugin {
    init_with(Some(&HOST)).expect("this table is complete")
}

pub(crate) fn kinds() -> Vec<&'static ThKind> {
    let plugin = plugin();
    // SAFETY: header, th_plugin.kinds: `n_kinds` pointers.
    let kinds = unsafe { std::slice::from_raw_parts(plugin.kinds, plugin.n_kinds) };
    // SAFETY: header, "Memory": each lives as long as the process.
    kinds.iter().map(|kind| unsafe { &**kind }).collect()
}

pub(crate) fn name(kind: &ThKind) -> String {
    // SAFETY: header, th_kind.name.
    unsafe { text(kind.name) }
}

pub(crate) fn json(bytes: ThBytes) -> Value {
    // SAFETY: header, "Memory": metadata lives as long as the process.
    serde_json::from_str(&unsafe { text(bytes) }).expect("metadata is JSON")
}

/// `configure`; its reason where it refuses.
pub(crate) fn configure(config: &str) -> Result<(), String> {
    let mut error = ThBytes::EMPTY;
    let configure = plugin().configure.expect("the test's plugin has a config");
    // SAFETY: header, th_plugin.configure.
    let answer = unsafe { configure(ThBytes::new(config.as_bytes()), &raw mut error) };
    // SAFETY: header, th_plugin.configure: valid until `shutdown`.
    if answer == 0 { Ok(()) } else { Err(unsafe { text(error) }) }
}

/// What `poll` and `drop` do with a null task.
pub(crate) fn poll_and_drop_null(kind: &ThKind) -> i32 {
    let poll = kind.poll.expect("every kind has it");
    // SAFETY: this crate's kinds accept null.
    let answer = unsafe { poll(std::ptr::null_mut()) };
    let drop = kind.drop.expect("every kind has it");
    // SAFETY: as above.
    unsafe { drop(std::ptr::null_mut()) };
    answer
}

/// One attempt, driven by hand.
pub(crate) struct Run {
    pub(crate) ctx: Arc<Ctx>,
    kind: &'static ThKind,
    task: Option<*mut c_void>,
}

impl Run {
    pub(crate) fn new(name_of_kind: &str, params: &str) -> Self {
        Self::resumed(name_of_kind, params, "")
    }

    /// An attempt that is given `state`.
    pub(crate) fn resumed(name_of_kind: &str, params: &str, state: &str) -> Self {
        let kind = kinds().into_iter().find(|kind| name(kind) == name_of_kind).expect("a kind of the test's plugin");
        let ctx = Arc::new(Ctx::default());
        let args = ThArgs {
            struct_size: struct_size::<ThArgs>(),
            attempt: 2,
            task_id: *b"\x01\x98\xab\xcd\xef\x01\x71\x23\x84\x56\x00\x11\x22\x33\x44\x55",
            deadline_ms: 6_000,
            params: ThBytes::new(params.as_bytes()),
            state: ThBytes::new(state.as_bytes()),
            context: ThBytes::new(br#"{"max_attempts":5,"queue":"default"}"#),
        };
        let mut task = std::ptr::null_mut();
        let create = kind.create.expect("every kind has it");
        // SAFETY: header, th_kind.create.
        let answer = unsafe { create(kind, Arc::as_ptr(&ctx).cast(), &raw const args, &raw mut task) };
        let task = (answer == 0).then_some(task);
        assert_eq!(task.is_none(), !lock(&ctx.finished).is_empty(), "a failed create has finished, a good one has not");
        Self { ctx, kind, task }
    }

    /// What `poll` answers. As the header says, it begins with an empty slot.
    pub(crate) fn poll(&self) -> i32 {
        *lock(&self.ctx.wake_at) = None;
        let poll = self.kind.poll.expect("every kind has it");
        // SAFETY: header, th_kind.poll: a task of this kind, one call at a time.
        unsafe { poll(self.task.expect("create succeeded")) }
    }

    pub(crate) fn drop_task(&mut self) {
        let drop = self.kind.drop.expect("every kind has it");
        if let Some(task) = self.task.take() {
            // SAFETY: header, th_kind.drop: exactly once.
            unsafe { drop(task) };
        }
    }

    /// Polls until the end, moving the clock to each wake-up that the task asks for.
    pub(crate) fn drive(&mut self) -> Finished {
        while self.task.is_some() && self.poll() == PENDING {
            let next = self.wake_at().expect("a task that waits for nothing never ends");
            NOW.set(NOW.get().max(next));
        }
        self.finished()
    }

    /// The one end, after which nothing of the plugin is left.
    pub(crate) fn finished(&mut self) -> Finished {
        self.drop_task();
        assert_eq!(self.ctx.handles.load(Ordering::SeqCst), 0, "every handle was given back");
        let finished = lock(&self.ctx.finished);
        assert_eq!(finished.len(), 1, "finish is called exactly once");
        finished[0].clone()
    }

    pub(crate) fn has_finished(&self) -> bool {
        !lock(&self.ctx.finished).is_empty()
    }

    pub(crate) fn wake_at(&self) -> Option<u64> {
        *lock(&self.ctx.wake_at)
    }

    pub(crate) fn saves(&self) -> Vec<String> {
        lock(&self.ctx.saves).clone()
    }

    /// The save with this ticket (from 1) is durable now.
    pub(crate) fn end_save(&self, ticket: u64) {
        lock(&self.ctx.ended_saves).insert(ticket);
    }

    pub(crate) fn lose_saves(&self) {
        self.ctx.lost.store(1, Ordering::SeqCst);
    }

    pub(crate) fn set_flag(&self, flag: u32) {
        self.ctx.flags.fetch_or(flag, Ordering::SeqCst);
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.drop_task();
    }
}

pub(crate) fn now() -> u64 {
    NOW.get()
}

pub(crate) fn set_now(now: u64) {
    NOW.set(now);
}
