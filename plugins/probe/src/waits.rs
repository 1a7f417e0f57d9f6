//! Kinds that wait: on the host's timer, without a thread.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use plugin_api::prelude::*;

/// How long to wait.
#[params]
pub(crate) struct Sleep {
    /// How long to wait, in milliseconds.
    ms: u64,
}

/// Waits, then completes. A cancel ends it at once; a drain lets it go on, as it has nothing to resume from. The result is null.
#[task(name = "probe.sleep", title = "Wait")]
pub(crate) async fn sleep(params: Sleep, cx: Context) -> TaskResult<()> {
    wait(&cx, params.ms).await
}

/// How many steps, and how long each takes.
#[params]
pub(crate) struct Steps {
    /// How many steps there are.
    steps: u64,
    /// How long one step takes, in milliseconds.
    step_ms: u64,
}

/// What was done, and where this attempt began.
#[output]
pub(crate) struct Walked {
    /// How many steps were done, over all attempts.
    steps: u64,
    /// How many steps were done already when the last attempt began. 0: it began at the beginning.
    resumed_at: u64,
}

/// Waits once for each step, reports its progress, and saves after each step where a later attempt goes on.
#[task(name = "probe.progress", title = "Work in steps", unit = "steps")]
pub(crate) async fn progress(Steps { steps, step_ms }: Steps, cx: Context) -> TaskResult<Walked> {
    let resumed_at = cx.resume_from::<u64>()?.unwrap_or(0);
    let progress = cx.progress().total(steps).update(resumed_at);
    for step in resumed_at + 1..=steps {
        wait(&cx, step_ms).await?;
        progress.update(step).message(format!("step {step} of {steps}"));
        cx.checkpoint(&step).await?;
    }
    Ok(Walked { steps, resumed_at })
}

/// Waits so long, or until the task is cancelled.
pub(crate) async fn wait(cx: &Context, ms: u64) -> TaskResult<()> {
    let mut time = pin!(cx.sleep(Duration::from_millis(ms)));
    let mut cancel = pin!(cx.cancelled());
    poll_fn(|waker| {
        if cancel.as_mut().poll(waker).is_ready() {
            return Poll::Ready(Err(TaskError::cancelled()));
        }
        time.as_mut().poll(waker).map(Ok)
    })
    .await
}

#[cfg(test)]
mod tests {
    use plugin_api::serde_json::{from_str, json, to_value};

    use super::*;

    #[test]
    fn unknown_params_are_refused() {
        assert!(from_str::<Sleep>(r#"{"ms":1}"#).is_ok());
        assert!(from_str::<Sleep>(r#"{"ms":1,"s":1}"#).is_err());
        assert!(from_str::<Steps>(r#"{"steps":1,"step_ms":1,"ms":1}"#).is_err());
    }

    #[test]
    fn the_result_says_where_the_attempt_began() {
        let result = to_value(Walked { steps: 5, resumed_at: 3 }).unwrap();
        assert_eq!(result, json!({"steps": 5, "resumed_at": 3}));
    }
}
