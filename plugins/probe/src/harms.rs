//! Kinds that harm whoever runs them: only for a process of their own.
#![expect(unsafe_code, reason = "a crash on request needs the C library's signals")]

use plugin_api::prelude::*;

/// How to crash.
#[params]
pub(crate) struct Crash {
    /// The number of the signal that the process raises on itself, such as 6 (abort) or 11 (segmentation fault).
    #[schemars(range(min = 1, max = 64))]
    signal: i32,
}

/// Ends its process by a signal.
#[task(name = "probe.crash", title = "Crash", blocking, isolate)]
pub(crate) fn crash(Crash { signal }: Crash) -> TaskResult<()> {
    raise(signal);
    Err(TaskError::fatal(format_args!("signal {signal} did not end the process")))
}

/// Raises a signal whose handler, if there is one, is put out of the way: Rust's own for signal 11 would return.
fn raise(signal: i32) {
    // SAFETY: `signal` takes integers alone, and the default action runs no code of this process; an unknown number is refused.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    // SAFETY: `raise` takes an integer alone. That the process may end here is the purpose.
    unsafe { libc::raise(signal) };
}

/// How long to hang.
#[params]
pub(crate) struct Hang {
    /// How long to block the thread, in milliseconds.
    ms: u64,
}

/// Blocks its thread and heeds neither cancel nor timeout, then completes. The result is null.
#[task(name = "probe.hang", title = "Hang", blocking, isolate)]
pub(crate) fn hang(params: Hang) -> TaskResult<()> {
    std::thread::sleep(Duration::from_millis(params.ms));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_ignored_by_default_ends_nothing() {
        raise(libc::SIGURG);
    }
}
