//! The words of `run`.

use clap::Args;

use crate::telemetry::LogFormat;

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost run
  taskhost run --config /etc/taskhost/tasks.toml --log-format json
  TASKHOST_LOG=debug,hyper=warn taskhost run

The log goes to stderr. TASKHOST_LOG says what is logged [default: info].";

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// How a line of the log is written
    #[arg(long, value_name = "FORMAT", env = "TASKHOST_LOG_FORMAT", default_value = "human")]
    pub(crate) log_format: LogFormat,
}
