//! The C ABI: the `repr(C)` mirror of `include/taskhost_plugin.h`, which explains every field and is the source of truth.
//!
//! Not here: anything that acts (`export`, `context`). No dependency but `core`. Append-only; a test compares this file, the
//! header and `abi/v1.golden`. Start at [`ThEntry`]: what a library exports; then [`ThHost`] and [`ThKind`].
#![expect(
    unsafe_code,
    reason = "sharing tables of pointers between threads, and reading borrowed bytes, is what an ABI consists of"
)]

use core::ffi::{c_char, c_void};
use core::marker::{PhantomData, PhantomPinned};

/// The symbol that a plugin library exports: one [`ThEntry`]. The major version is part of the name.
pub const ENTRY_SYMBOL: &str = "taskhost_plugin_v1";
/// [`ThEntry::magic`]: `THPL`.
pub const MAGIC: u32 = 0x5448_504C;
/// The minor version that this file describes.
pub const ABI_MINOR: u32 = 0;

/// `poll`: the attempt is over, `finish` was called.
pub const READY: i32 = 0;
/// `poll`: the task waits for a wake.
pub const PENDING: i32 = 1;

/// Outcome: done.
pub const OK: u32 = 0;
/// Outcome: failed, worth another attempt.
pub const RETRY: u32 = 1;
/// Outcome: failed, another attempt cannot help. A host reads unknown outcomes as this.
pub const FATAL: u32 = 2;
/// Outcome: ended because it was told to; while [`F_DRAIN`] is set: interrupted.
pub const CANCELLED: u32 = 3;
/// Outcome: rate limited, the attempt is not counted.
pub const DELAY: u32 = 4;
/// Outcome: a durable wait; while [`F_DRAIN`] is set: interrupted.
pub const SUSPEND: u32 = 5;
/// Outcome: a panic, which is a retryable failure.
pub const PANIC: u32 = 6;

/// Log level.
pub const TRACE: u32 = 0;
/// Log level.
pub const DEBUG: u32 = 1;
/// Log level.
pub const INFO: u32 = 2;
/// Log level.
pub const WARN: u32 = 3;
/// Log level.
pub const ERROR: u32 = 4;

/// Flag of a ctx: end soon.
pub const F_CANCEL: u32 = 1;
/// Flag of a ctx: the host stops or the plugin is replaced; save and end.
pub const F_DRAIN: u32 = 2;
/// Flag of a ctx: the deadline comes up.
pub const F_DEADLINE_NEAR: u32 = 4;
/// Flag of a ctx: nothing that this attempt writes counts any more.
pub const F_LEASE_LOST: u32 = 8;

/// Flag of a kind: its one `poll` may block.
pub const K_BLOCKING: u32 = 1;
/// Flag of a kind: run only in a process of its own.
pub const K_ISOLATE: u32 = 2;

/// Flag of an entry: a panic ends the process.
pub const E_PANIC_ABORT: u32 = 1;
/// Flag of an entry: must never be unmapped.
pub const E_NO_UNLOAD: u32 = 2;
/// Flag of an entry: starts threads of its own.
pub const E_OWN_THREADS: u32 = 4;

/// `saved`: durable.
pub const SAVED: i32 = 0;
/// `saved`: on its way.
pub const SAVING: i32 = 1;
/// `saved`: will never be durable.
pub const LOST: i32 = 2;

/// Borrowed UTF-8 or JSON, valid for the call that it is passed in. Empty is `len == 0`, whatever `ptr` is.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ThBytes {
    /// First byte.
    pub ptr: *const u8,
    /// Number of bytes.
    pub len: usize,
}

impl ThBytes {
    /// No bytes.
    pub const EMPTY: Self = Self { ptr: core::ptr::null(), len: 0 };

    /// Points at `bytes`; whoever passes it on keeps `bytes` alive for the call.
    pub const fn new(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    /// The bytes; none where `ptr` is null or `len` is larger than any object can be.
    ///
    /// # Safety
    /// `ptr` must be null or point at `len` initialised bytes that nobody writes to for as long as `'a`.
    pub const unsafe fn as_slice<'a>(self) -> &'a [u8] {
        if self.ptr.is_null() || self.len == 0 || self.len > isize::MAX.unsigned_abs() {
            return &[];
        }
        // SAFETY: header, "Memory": the caller vouches for `len` readable bytes; null and absurd lengths ended above.
        unsafe { core::slice::from_raw_parts(self.ptr, self.len) }
    }
}

/// One attempt of one task: opaque, counted by the host, also the task's waker.
#[repr(C)]
#[derive(Debug)]
pub struct ThCtx {
    opaque: [u8; 0],
    // Neither Send, Sync nor Unpin: only the host knows what is behind the pointer.
    marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// How an attempt ended: what `finish` is given.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ThResult {
    /// `size_of::<ThResult>()` of the writer.
    pub struct_size: u32,
    /// [`OK`]..[`PANIC`].
    pub outcome: u32,
    /// Unix milliseconds, 0 = now.
    pub not_before_ms: u64,
    /// Result or state as JSON, else a message.
    pub body: ThBytes,
    /// Short error code, may be empty.
    pub code: ThBytes,
}

/// What an attempt is given.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ThArgs {
    /// `size_of::<ThArgs>()` of the writer.
    pub struct_size: u32,
    /// Counts from 1.
    pub attempt: u32,
    /// UUID of the task, big-endian as written.
    pub task_id: [u8; 16],
    /// Monotonic milliseconds, 0 = none.
    pub deadline_ms: u64,
    /// JSON.
    pub params: ThBytes,
    /// JSON: the last checkpoint; empty if none.
    pub state: ThBytes,
    /// JSON object: `max_attempts`, `job`, ….
    pub context: ThBytes,
}

/// A follow-up task.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ThEnqueue {
    /// `size_of::<ThEnqueue>()` of the writer.
    pub struct_size: u32,
    /// None is defined.
    pub flags: u32,
    /// Name of the kind.
    pub kind: ThBytes,
    /// JSON.
    pub params: ThBytes,
    /// JSON object or empty.
    pub options: ThBytes,
}

/// What the host does for a plugin.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ThHost {
    /// `size_of::<ThHost>()` of the host.
    pub struct_size: u32,
    /// The host's minor.
    pub abi_minor: u32,
    /// One more handle on the ctx.
    pub retain: Option<unsafe extern "C" fn(*const ThCtx)>,
    /// One handle less.
    pub release: Option<unsafe extern "C" fn(*const ThCtx)>,
    /// Poll the task again; harmless after its drop.
    pub wake: Option<unsafe extern "C" fn(*const ThCtx)>,
    /// Wake at a monotonic millisecond; one slot a task.
    pub wake_at: Option<unsafe extern "C" fn(*const ThCtx, u64)>,
    /// Monotonic milliseconds.
    pub now_ms: Option<unsafe extern "C" fn() -> u64>,
    /// `F_*`.
    pub flags: Option<unsafe extern "C" fn(*const ThCtx) -> u32>,
    /// ctx, level, message, fields as a JSON object.
    pub log: Option<unsafe extern "C" fn(*const ThCtx, u32, ThBytes, ThBytes)>,
    /// ctx, done, total (0 = unknown), note.
    pub progress: Option<unsafe extern "C" fn(*const ThCtx, u64, u64, ThBytes)>,
    /// ctx, JSON, ticket out.
    pub save_state: Option<unsafe extern "C" fn(*const ThCtx, ThBytes, *mut u64) -> i32>,
    /// ctx, ticket, milliseconds to wait: [`SAVED`], [`SAVING`] or [`LOST`].
    pub saved: Option<unsafe extern "C" fn(*const ThCtx, u64, u32) -> i32>,
    /// ctx, follow-up, its id out (16 bytes).
    pub enqueue: Option<unsafe extern "C" fn(*const ThCtx, *const ThEnqueue, *mut u8) -> i32>,
    /// Ends the attempt, exactly once.
    pub finish: Option<unsafe extern "C" fn(*const ThCtx, *const ThResult)>,
    /// A further table by id, or null.
    pub get_ext: Option<unsafe extern "C" fn(ThBytes) -> *const c_void>,
}

/// A named task implementation.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ThKind {
    /// `size_of::<ThKind>()` of the plugin.
    pub struct_size: u32,
    /// `K_*`.
    pub flags: u32,
    /// `thing.verb`.
    pub name: ThBytes,
    /// JSON object.
    pub meta: ThBytes,
    /// kind, ctx, args, task out. Negative: over, `finish` was called.
    pub create: Option<unsafe extern "C" fn(*const ThKind, *const ThCtx, *const ThArgs, *mut *mut c_void) -> i32>,
    /// [`READY`] or [`PENDING`].
    pub poll: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    /// Frees the task.
    pub drop: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// What a plugin offers.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ThPlugin {
    /// `size_of::<ThPlugin>()` of the plugin.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// JSON object: `name`, `version`, `config_schema`.
    pub meta: ThBytes,
    /// Length of `kinds`.
    pub n_kinds: usize,
    /// Array of pointers to kinds.
    pub kinds: *const *const ThKind,
    /// config JSON, error out.
    pub configure: Option<unsafe extern "C" fn(ThBytes, *mut ThBytes) -> i32>,
    /// Milliseconds that it may take.
    pub shutdown: Option<unsafe extern "C" fn(u32) -> i32>,
    /// A further table by id, or null.
    pub get_ext: Option<unsafe extern "C" fn(ThBytes) -> *const c_void>,
}

/// What a library exports under [`ENTRY_SYMBOL`].
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ThEntry {
    /// [`MAGIC`].
    pub magic: u32,
    /// `size_of::<ThEntry>()` of the plugin.
    pub struct_size: u32,
    /// [`ABI_MINOR`] that the plugin was built with.
    pub abi_minor: u32,
    /// The lowest minor of a host that the plugin works with.
    pub min_host_minor: u32,
    /// `E_*`.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Zero-terminated text, or null.
    pub build_info: *const c_char,
    /// Called once; null answer: unusable.
    pub init: Option<unsafe extern "C" fn(*const ThHost) -> *const ThPlugin>,
}

// SAFETY: header, "Memory": name and meta are constant and live as long as the process; nobody writes through them.
unsafe impl Send for ThKind {}
// SAFETY: as above.
unsafe impl Sync for ThKind {}
// SAFETY: header, "Memory": what `init` returns is constant and lives as long as the process.
unsafe impl Send for ThPlugin {}
// SAFETY: as above.
unsafe impl Sync for ThPlugin {}
// SAFETY: `build_info` points at constant text of the library, which is never unloaded.
unsafe impl Send for ThEntry {}
// SAFETY: as above.
unsafe impl Sync for ThEntry {}

/// States sizes and offsets of 64-bit targets where the compiler checks them.
macro_rules! layout {
    ($($name:ident: $size:literal { $($field:ident: $offset:literal),+ $(,)? })+) => {$(
        #[cfg(target_pointer_width = "64")]
        const _: () = {
            assert!(size_of::<$name>() == $size && align_of::<$name>() == 8);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)+
        };
    )+};
}

layout! {
    ThBytes: 16 { ptr: 0, len: 8 }
    ThResult: 48 { struct_size: 0, outcome: 4, not_before_ms: 8, body: 16, code: 32 }
    ThArgs: 80 { struct_size: 0, attempt: 4, task_id: 8, deadline_ms: 24, params: 32, state: 48, context: 64 }
    ThEnqueue: 56 { struct_size: 0, flags: 4, kind: 8, params: 24, options: 40 }
    ThHost: 112 {
        struct_size: 0, abi_minor: 4, retain: 8, release: 16, wake: 24, wake_at: 32, now_ms: 40, flags: 48, log: 56,
        progress: 64, save_state: 72, saved: 80, enqueue: 88, finish: 96, get_ext: 104,
    }
    ThKind: 64 { struct_size: 0, flags: 4, name: 8, meta: 24, create: 40, poll: 48, drop: 56 }
    ThPlugin: 64 {
        struct_size: 0, reserved: 4, meta: 8, n_kinds: 24, kinds: 32, configure: 40, shutdown: 48, get_ext: 56,
    }
    ThEntry: 40 {
        magic: 0, struct_size: 4, abi_minor: 8, min_host_minor: 12, flags: 16, reserved: 20, build_info: 24, init: 32,
    }
}

/// `size_of::<T>()` as a `struct_size` field holds it.
pub const fn struct_size<T>() -> u32 {
    const { assert!(size_of::<T>() <= u32::MAX as usize) };
    #[expect(clippy::cast_possible_truncation, reason = "checked in the line above")]
    {
        size_of::<T>() as u32
    }
}
