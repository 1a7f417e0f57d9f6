//! Kinds that go wrong, in ways that the host is told of.

use plugin_api::prelude::*;

use crate::Nothing;

/// How often to fail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fail {
    /// How many attempts fail, counted from the first one. The attempt after them succeeds.
    times: u32,
}

impl Task for Fail {
    const NAME: &'static str = "probe.fail";
    const TITLE: &'static str = "Fail, then succeed";
    const DESCRIPTION: &'static str = "Fails the first attempts, each time with an error that is worth another one, then \
                                       succeeds. The result is null.";
    type Params = Self;
    type Output = ();

    async fn run(params: Self, cx: Context) -> TaskResult<()> {
        params.verdict(cx.attempt())
    }
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

/// `probe.panic`.
#[derive(Debug)]
pub(crate) struct Panic;

impl Task for Panic {
    const NAME: &'static str = "probe.panic";
    const TITLE: &'static str = "Panic";
    const DESCRIPTION: &'static str = "Panics on every attempt. The host is told where, and lives on.";
    type Params = Nothing;
    type Output = ();

    async fn run(_: Nothing, _: Context) -> TaskResult<()> {
        panic!("this kind panics")
    }
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
