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
use crate::guard;
use crate::host::Ctx;
use crate::outcome::{Outcome, TaskError};
use crate::task::{BlockingTask, Task, TaskParams};

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
        create(ctx, args, out, |params: T::Params, attempt| {
            let cx = Context::new(attempt);
            // `run` is called at the first poll: no code of the author but the reading of params runs in `create`.
            Box::pin(async move { Outcome::of(T::run(params, cx).await, &T::DEFAULTS) })
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
        create(ctx, args, out, |params: T::Params, attempt| {
            let cx = BlockingContext::new(attempt);
            Box::pin(async move { Outcome::of(T::run(params, cx), &T::DEFAULTS) })
        })
    }
}

/// # Safety
/// As the header says of `create`. Null pointers are refused.
unsafe fn create<P: TaskParams>(
    ctx: *const ThCtx,
    args: *const ThArgs,
    out: *mut *mut c_void,
    work: impl FnOnce(P, Arc<Attempt>) -> Work,
) -> i32 {
    // SAFETY: header, th_ctx: live during `create`.
    let Some(ctx) = (unsafe { Ctx::retain(ctx) }) else { return -1 };
    // SAFETY: header, "Memory": null, or valid for this call. Minor 0 of the struct is all that we read.
    let Some(args) = (unsafe { args.as_ref() }) else { return -1 };
    if out.is_null() {
        return -1;
    }
    let begun = guard::call(|| {
        // SAFETY: header, "Memory": args and its buffers are valid for this call.
        let (given, params) = unsafe { read(args) };
        let params = P::from_json(params).map_err(|error| TaskError::unusable_params(&error))?;
        let attempt = Arc::new(Attempt::new(ctx.clone(), given));
        let work = work(params, Arc::clone(&attempt));
        Ok::<_, TaskError>(Box::new(Running { attempt, waker: ctx.waker(), work: Some(work) }))
    });
    let outcome = match begun {
        Ok(Ok(running)) => {
            // SAFETY: header, th_kind.create: `task_out` points at one pointer of the host; null ended above.
            unsafe { out.write(Box::into_raw(running).cast()) };
            return 0;
        }
        Ok(Err(error)) => Outcome::from(error),
        Err(message) => Outcome::panicked(message),
    };
    ctx.finish(&outcome);
    -1
}

/// # Safety
/// The buffers of `args` must be valid for `'a`.
unsafe fn read<'a>(args: &ThArgs) -> (Given, &'a [u8]) {
    // SAFETY: the caller vouches for each buffer.
    let bytes = |bytes: ThBytes| unsafe { bytes.as_slice::<'a>() };
    let given = Given {
        task_id: args.task_id,
        attempt: args.attempt,
        deadline_ms: args.deadline_ms,
        state: bytes(args.state).into(),
        // Absent or unreadable: what it says is optional.
        extra: serde_json::from_slice(bytes(args.context)).unwrap_or_default(),
    };
    (given, bytes(args.params))
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

impl Running {
    fn poll(&mut self) -> i32 {
        let Some(work) = &mut self.work else { return READY };
        let (attempt, waker) = (&self.attempt, &self.waker);
        let step = guard::call(|| {
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
            Err(message) => Outcome::panicked(message),
        };
        // The work goes first: whatever its destructors still report comes before the end.
        self.drop_work();
        self.attempt.ctx().finish(&outcome);
        READY
    }

    /// Drops the author's code, whose destructors may panic.
    fn drop_work(&mut self) {
        let work = self.work.take();
        if let Err(message) = guard::call(|| drop(work)) {
            self.attempt.ctx().log(ERROR, &format!("{message} (while the task was dropped)"));
        }
    }
}
