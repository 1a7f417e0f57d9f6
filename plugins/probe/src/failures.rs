//! Kinds that go wrong, in ways that the host is told of.

use plugin_api::prelude::*;

/// How often to fail.
#[params]
pub(crate) struct Fail {
    /// How many attempts fail, counted from the first one. The attempt after them succeeds.
    times: u32,
}

/// Fails the first attempts, each time with an error that is worth another one, then succeeds. The result is null.
#[task(name = "probe.fail", title = "Fail, then succeed")]
pub(crate) async fn fail(params: Fail, cx: Context) -> TaskResult<()> {
    params.verdict(cx.attempt())
}

impl Fail {
    fn verdict(&self, attempt: u32) -> TaskResult<()> {
        let times = self.times;
        if attempt > times {
            return Ok(());
        }
        Err(TaskError::retry(format_args!("attempt {attempt} of {times} that were asked to fail")).with_code("asked"))
    }
}

/// Panics on every attempt. The host is told where, and lives on.
#[task(name = "probe.panic", title = "Panic")]
pub(crate) async fn panic() -> TaskResult<()> {
    panic!("this kind panics")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_attempts_fail_as_were_asked() {
        let verdict = |attempt| Fail { times: 2 }.verdict(attempt).map_err(|error| error.to_string());
        assert_eq!(verdict(1), Err("attempt 1 of 2 that were asked to fail".to_owned()));
        assert_eq!(verdict(2), Err("attempt 2 of 2 that were asked to fail".to_owned()));
        assert_eq!(verdict(3), Ok(()));
    }

    #[test]
    fn no_failure_asked_is_no_failure() {
        assert!(Fail { times: 0 }.verdict(1).is_ok());
    }
}
