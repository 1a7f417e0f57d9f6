//! The daemon's log: to stderr, for people.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// The variable that says what is logged, as `tracing` filters are written: `debug`, `info,taskhost=debug`. Default: `info`.
pub const LOG_VARIABLE: &str = "TASKHOST_LOG";

/// Starts logging. A second call in one process changes nothing.
pub fn start() {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_unset| EnvFilter::new("info"));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    // A log that cannot be written (its disk is full, its reader has gone) is told nobody, and must end nothing: the
    // default is to say so on stderr, which panics where stderr is what fails.
    let log = log.log_internal_errors(false);
    // Refused only if there is one already.
    drop(log.try_init());
}
