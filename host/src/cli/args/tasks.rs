//! The words of `taskhost tasks`.

use clap::{Args, Subcommand};
use taskhost_core::ids::TaskId;
use taskhost_core::log::LogLevel;

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost tasks show 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11
  taskhost tasks logs 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11 --follow";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TasksCommand {
    /// Show everything about a task
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// The id of the task
        id: TaskId,
        /// Print the document as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a task said, and what the daemon says of its attempts
    #[command(after_help = LOGS_EXAMPLES)]
    Logs(LogsArgs),
    /// Ask a task to stop: one that waits is cancelled at once, one that runs is told
    #[command(after_help = CANCEL_EXAMPLES)]
    Cancel {
        /// The id of the task
        id: TaskId,
        /// Print the answer as JSON
        #[arg(long)]
        json: bool,
    },
}

const SHOW_EXAMPLES: &str = "\
Examples:
  taskhost tasks show 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11
  taskhost tasks show 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11 --json | jq .result";

const CANCEL_EXAMPLES: &str = "\
Examples:
  taskhost tasks cancel 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11";

const LOGS_EXAMPLES: &str = "\
Examples:
  taskhost tasks logs 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11
  taskhost tasks logs 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11 --follow --level warn

The latest 1,000 lines of a task are kept, or 256 KiB of them, as long as the task.";

#[derive(Debug, Args)]
pub(in crate::cli) struct LogsArgs {
    /// The id of the task
    pub(in crate::cli) id: TaskId,
    /// Go on with what it says from now on, until it has ended
    #[arg(short, long)]
    pub(in crate::cli) follow: bool,
    /// Only lines that matter this much or more: trace, debug, info, warn or error
    #[arg(short, long)]
    pub(in crate::cli) level: Option<LogLevel>,
    /// Print the daemon's answer as JSON, with --follow a line of JSON for each line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
