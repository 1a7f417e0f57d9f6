//! A kind that says something in the log of its task.

use plugin_api::prelude::*;

use crate::waits::wait;

/// What to say, how often, and how long to wait after each time.
#[params]
pub(crate) struct Words {
    /// What each line says.
    text: String,
    /// How many lines there are.
    lines: u64,
    /// How long to wait after each line, in milliseconds.
    #[serde(default)]
    step_ms: u64,
}

/// Says the text in so many lines, a number beside each, and waits after each line. The result is null.
#[task(name = "probe.log", title = "Say something in the log")]
pub(crate) async fn log(params: Words, cx: Context) -> TaskResult<()> {
    let Words { text, lines, step_ms } = params;
    for line in 1..=lines {
        trace!(line, "about to say it");
        info!(line, lines, "{text}");
        wait(&cx, step_ms).await?;
    }
    Ok(())
}
