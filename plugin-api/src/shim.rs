//! The functions behind a kind: `create`, `poll`, `drop`, each safe for a panic of the author's code.
//!
//! Not here: the tables that hold them (`export`), calls to the host (`host`). Start at [`create_async`].
#![expect(unsafe_code, reason = "functions that the host calls through the C ABI")]

use std::ffi::c_void;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::abi::{ERROR, PENDING, READY, ThArgs, ThBytes, ThCtx, ThKind};
use crate::attempt::{Attempt, Given};
use crate::context::{BlockingContext, Context};
use crate::host::Ctx;
use crate::outcome::{Outcome, TaskError};
use crate::task::{BlockingTask, Defaults, Task, TaskParams};
use crate::{guard, runtime};

/// The author's code and what becomes of its result. A blocking kind is one that never answers `Pending`.
type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What `*task_out` points at.
struct Running {
    attempt: Arc<Attempt>,
    waker: Waker,
    /// `None`: `finish` was called.
    work: Option<Work>,
}

/// `th_kind.create` of an async kind.
///
/// # Safety
/// As the header says of `create`.
pub(crate) unsafe extern "C" fn create_async<T: Task>(
    _: *const ThKind,
    ctx: *const ThCtx,
    args: *const ThArgs,
    out: *mut *mut c_void,
) -> i32 {
    // SAFETY: header, th_kind.create: the arguments are those of this call.
    unsafe {
        create(ctx, args, out, &T::DEFAULTS, |params: T::Params, attempt| {
            let cx = Context::new(Arc::clone(&attempt));
            // `run` is called at the first poll: no code of the author but the reading of params runs in `create`.
            Box::pin(
                async move { Outcome::of(T::run(params, cx).await, &T::DEFAULTS, |state| attempt.envelope(state)) },
            )
        })
    }
}

/// `th_kind.create` of a blocking kind.
///
/// # Safety
/// As the header says of `create`.
pub(crate) unsafe extern "C" fn create_blocking<T: BlockingTask>(
    _: *const ThKind,
    ctx: *const ThCtx,
    args: *const ThArgs,
    out: *mut *mut c_void,
) -> i32 {
    // SAFETY: header, th_kind.create: the arguments are those of this call.
    unsafe {
        create(ctx, args, out, &T::DEFAULTS, |params: T::Params, attempt| {
            let cx = BlockingContext::new(Arc::clone(&attempt));
            Box::pin(async move { Outcome::of(T::run(params, cx), &T::DEFAULTS, |state| attempt.envelope(state)) })
        })
    }
}

/// # Safety
/// As the header says of `create`. Null pointers are refused.
unsafe fn create<P: TaskParams>(
    ctx: *const ThCtx,
    args: *const ThArgs,
    out: *mut *mut c_void,
    defaults: &Defaults,
    work: impl FnOnce(P, Arc<Attempt>) -> Work,
) -> i32 {
    // SAFETY: header, th_ctx: live during `create`.
    let Some(ctx) = (unsafe { Ctx::retain(ctx) }) else { return -1 };
    // SAFETY: header, "Memory": null, or valid for this call. Minor 0 of the struct is all that we read.
    let Some(args) = (unsafe { args.as_ref() }) else { return -1 };
    if out.is_null() {
        return -1;
    }
    let _current = ctx.enter();
    let begun = guard::call(|| {
        let _runtime = runtime::begin()?;
        // SAFETY: header, "Memory": args and its buffers are valid for this call.
        let (given, saved, params) = unsafe { read(args) };
        let params = P::from_json(params).map_err(|error| TaskError::unusable_params(&error))?;
        let state_version = defaults.state_version.unwrap_or_default();
        let attempt = Arc::new(Attempt::new(ctx.clone(), given, saved, state_version));
        let work = work(params, Arc::clone(&attempt));
        Ok::<_, TaskError>(Box::new(Running { attempt, waker: ctx.waker(), work: Some(work) }))
    });
    let outcome = match begun {
        Ok(Ok(running)) => {
            // SAFETY: header, th_kind.create: `task_out` points at one pointer of the host; null ended above.
            unsafe { out.write(Box::into_raw(running).cast()) };
            return 0;
        }
        Ok(Err(error)) => Outcome::of::<()>(Err(error), defaults, |state| state.get().as_bytes().to_vec()),
        Err(panic) => Outcome::panicked(&panic),
    };
    ctx.finish(&outcome);
    -1
}

/// # Safety
/// The buffers of `args` must be valid for `'a`.
unsafe fn read<'a>(args: &ThArgs) -> (Given, &'a [u8], &'a [u8]) {
    // SAFETY: the caller vouches for each buffer.
    let bytes = |bytes: ThBytes| unsafe { bytes.as_slice::<'a>() };
    let given = Given {
        task_id: args.task_id,
        attempt: args.attempt,
        deadline_ms: args.deadline_ms,
        context: bytes(args.context).into(),
    };
    (given, bytes(args.state), bytes(args.params))
}

/// `th_kind.poll` of every kind.
///
/// # Safety
/// `task` must be null or what a `create` of this crate put out, not dropped yet, and in nobody else's hands during the call.
pub(crate) unsafe extern "C" fn poll(task: *mut c_void) -> i32 {
    // SAFETY: header, th_kind.poll: the host passes what `create` put out, before its drop, one call at a time.
    match unsafe { task.cast::<Running>().as_mut() } {
        Some(running) => running.poll(),
        None => READY,
    }
}

/// `th_kind.drop` of every kind.
///
/// # Safety
/// As [`poll`]; `task` is gone afterwards.
pub(crate) unsafe extern "C" fn drop_task(task: *mut c_void) {
    if task.is_null() {
        return;
    }
    // SAFETY: header, th_kind.drop: exactly once for each task that `create` made by `Box::into_raw`.
    let mut running = unsafe { Box::from_raw(task.cast::<Running>()) };
    running.drop_work();
}

/// `th_plugin.shutdown`: null in a plugin that has no threads of its own.
#[cfg(not(feature = "tokio"))]
pub(crate) const SHUTDOWN: Option<unsafe extern "C" fn(u32) -> i32> = None;
/// `th_plugin.shutdown`.
#[cfg(feature = "tokio")]
pub(crate) const SHUTDOWN: Option<unsafe extern "C" fn(u32) -> i32> = Some(shutdown);

/// The host calls it on a thread that is nothing else, so it may wait here.
///
/// # Safety
/// None is needed.
#[cfg(feature = "tokio")]
unsafe extern "C" fn shutdown(ms: u32) -> i32 {
    let ended = guard::call(|| runtime::shut_down(std::time::Duration::from_millis(ms.into())));
    if ended.is_ok() { 0 } else { -1 }
}

impl Running {
    fn poll(&mut self) -> i32 {
        let Some(work) = &mut self.work else { return READY };
        let (attempt, waker) = (&self.attempt, &self.waker);
        let step = guard::call(|| {
            let _current = attempt.ctx().enter();
            let _runtime = runtime::enter();
            attempt.wake_due(waker);
            let step = work.as_mut().poll(&mut std::task::Context::from_waker(waker));
            if step.is_pending() {
                attempt.arm();
            }
            step
        });
        let outcome = match step {
            Ok(Poll::Pending) => return PENDING,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(panic) => Outcome::panicked(&panic),
        };
        // The work goes first: whatever its destructors still report comes before the end.
        self.drop_work();
        self.attempt.ctx().finish(&outcome);
        READY
    }

    /// Drops the author's code, whose destructors may panic.
    fn drop_work(&mut self) {
        let Some(work) = self.work.take() else { return };
        let _current = self.attempt.ctx().enter();
        let _runtime = runtime::enter();
        if let Err(panic) = guard::call(|| drop(work)) {
            self.attempt.ctx().log(ERROR, &format!("{} (while the task was dropped)", panic.message), &panic.fields());
        }
    }
}
