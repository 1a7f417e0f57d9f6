//! The words of `run`.

use clap::Args;

use crate::telemetry::LogFormat;

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost run
  taskhost run --config /etc/taskhost/tasks.toml --log-format json
  TASKHOST_LOG=debug taskhost run

The log goes to stderr. TASKHOST_LOG says what is logged [default: info,plugin=warn].";

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// How the log is written: `human`, or `json`, an object a line
    #[arg(long, value_name = "FORMAT", default_value = "human", hide_possible_values = true)]
    #[arg(env = "TASKHOST_LOG_FORMAT", hide_env_values = true)]
    pub(crate) log_format: LogFormat,
    /// Do not start on the last good text when tasks.toml is broken
    #[arg(long)]
    pub(crate) strict: bool,
}
