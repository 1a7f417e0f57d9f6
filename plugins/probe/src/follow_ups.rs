//! A kind that makes tasks.

use plugin_api::prelude::*;
use plugin_api::serde_json::{Map, Value};

/// Which tasks to make, and how often to fail before.
#[params]
pub(crate) struct Enqueue {
    /// The kind of the tasks.
    kind: String,
    /// The params of each.
    #[serde(default)]
    params: Map<String, Value>,
    /// How many there are.
    times: u32,
    /// How many attempts make the tasks and then fail.
    #[serde(default)]
    fails: u32,
}

/// Makes follow-up tasks and completes. The result is their ids; an attempt that is to fail tells them in its error.
#[task(name = "probe.enqueue", title = "Make tasks")]
pub(crate) async fn enqueue(params: Enqueue, cx: Context) -> TaskResult<Vec<String>> {
    let made: Vec<String> =
        (0..params.times).map(|_| cx.enqueue(&params.kind, &params.params)).collect::<TaskResult<_>>()?;
    if cx.attempt() <= params.fails {
        return Err(TaskError::retry(made.join(" ")));
    }
    Ok(made)
}
