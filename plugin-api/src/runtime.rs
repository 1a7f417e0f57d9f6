//! The plugin's own tokio runtime (feature `tokio`): one worker thread, begun with the first task.
//!
//! A library has its own copy of tokio, so the host's runtime is not to be seen here. Every call of a task enters the
//! plugin's, hence timers, sockets and `spawn_blocking` work as in any tokio program. Without the feature all of this is
//! nothing. Start at [`begin`].

#[cfg(feature = "tokio")]
pub(crate) use with_tokio::{begin, enter, shut_down};
#[cfg(not(feature = "tokio"))]
pub(crate) use without::{begin, enter};

#[cfg(feature = "tokio")]
mod with_tokio {
    use std::sync::{Mutex, OnceLock, PoisonError};
    use std::time::Duration;

    use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

    use crate::outcome::{TaskError, TaskResult};

    /// Outlives the runtime: what is dropped after the shutdown still needs one to enter.
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

    /// Begins the runtime if there is none yet, and enters it.
    pub(crate) fn begin() -> TaskResult<EnterGuard<'static>> {
        if let Some(guard) = enter() {
            return Ok(guard);
        }
        let mut slot = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() && HANDLE.get().is_none() {
            let mut builder = Builder::new_multi_thread();
            let runtime = builder.worker_threads(1).thread_name("plugin-tokio").enable_all().build();
            let runtime = runtime.map_err(|error| {
                TaskError::retry(format_args!("cannot start the plugin's tokio runtime: {error}")).with_code("runtime")
            })?;
            HANDLE.get_or_init(|| runtime.handle().clone());
            *slot = Some(runtime);
        }
        drop(slot);
        Ok(enter().expect("the handle was set just now, or before by whoever held the lock"))
    }

    /// Enters the runtime, if it has begun.
    pub(crate) fn enter() -> Option<EnterGuard<'static>> {
        HANDLE.get().map(Handle::enter)
    }

    /// Ends the runtime. Threads that are still busy after `limit` are left alone.
    pub(crate) fn shut_down(limit: Duration) {
        let runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(limit);
        }
    }
}

#[cfg(not(feature = "tokio"))]
mod without {
    use crate::outcome::TaskResult;

    /// There is no runtime to be in.
    pub(crate) struct Nowhere;

    #[expect(clippy::unnecessary_wraps, reason = "the same shape as with tokio")]
    pub(crate) fn begin() -> TaskResult<Nowhere> {
        Ok(Nowhere)
    }

    pub(crate) fn enter() -> Nowhere {
        Nowhere
    }
}
