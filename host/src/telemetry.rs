//! The log of the daemon, and that of a command that runs a task: to stderr, for people or as JSON.

mod json;

use std::io::IsTerminal as _;

use tracing::warn;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::debug_fn;

/// The variable that says what is logged, as `tracing` filters are written: `debug`, `info,taskhost=debug`.
pub const LOG_VARIABLE: &str = "TASKHOST_LOG";

/// What is logged where nobody says it. What a plugin says of a task that goes well is kept with the task: here it would be a
/// line for each task, however many there are.
const DEFAULT: &str = "info,plugin=warn";

/// How a line of the daemon's log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// As text, in colours on a terminal.
    Human,
    /// As a JSON object: time, level, target, fields, message.
    Json,
}

/// Starts logging. A second call in one process changes nothing.
pub fn start(format: LogFormat) {
    let (filter, wrong) = filter();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(has_colour());
    // A log that cannot be written (its disk is full, its reader has gone) is told nobody, and must end nothing: the
    // default is to say so on stderr, which panics where stderr is what fails.
    let log = log.log_internal_errors(false);
    // Refused only if there is one already.
    match format {
        LogFormat::Human => drop(log.try_init()),
        LogFormat::Json => drop(log.event_format(json::Json).try_init()),
    }
    if let Some(error) = wrong {
        warn!(
            variable = LOG_VARIABLE,
            error,
            default = DEFAULT,
            "The variable is no filter of the log; what is logged is the default."
        );
    }
}

/// What is to be logged, and what is wrong with the variable that says it.
fn filter() -> (EnvFilter, Option<String>) {
    let text = std::env::var(LOG_VARIABLE).unwrap_or_default();
    let default = || EnvFilter::new(DEFAULT);
    match text.parse() {
        Ok(filter) if !text.is_empty() => (filter, None),
        Ok(_nothing) => (default(), None),
        Err(error) => (default(), Some(error.to_string())),
    }
}

/// Starts the log of a command that runs one task: what the plugin says, without what is the same in each line.
pub fn start_for_plugin<W, F>(writer: F)
where
    W: std::io::Write + 'static,
    F: Fn() -> W + Send + Sync + 'static,
{
    // Why a library is refused is told by the command itself.
    let default = "warn,plugin=info,taskhost::plugins::source=off,taskhost::plugins::shelf=off";
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_unset| EnvFilter::new(default));
    let fields = debug_fn(|writer, field, value| match field.name() {
        "message" => write!(writer, "{value:?}"),
        "task_id" | "kind" | "plugin" => Ok(()),
        "fields" => write!(writer, " {}", unquoted(&format!("{value:?}"))),
        name => write!(writer, " {name}={value:?}"),
    });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(has_colour());
    drop(log.without_time().with_target(false).fmt_fields(fields).log_internal_errors(false).try_init());
}

/// The text that was quoted, as far as JSON quotes alike.
fn unquoted(quoted: &str) -> String {
    serde_json::from_str(quoted).unwrap_or_else(|_| quoted.to_owned())
}

fn has_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
