//! The words of `taskhost tasks`.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use taskhost_core::ids::{KindName, QueueName, TaskId};
use taskhost_core::log::LogLevel;
use taskhost_core::task::Status;

use super::filter::{FilterArgs, LimitArgs};

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost tasks --status running
  taskhost tasks watch
  taskhost tasks show 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11
  taskhost tasks logs 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11 --follow

Without a word the newest tasks are listed.";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct TasksArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<TasksCommand>,
    #[command(flatten)]
    pub(in crate::cli) list: TaskListArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TaskListArgs {
    /// Only tasks in this status, or in one of several: `queued,retrying`
    #[arg(short, long, value_delimiter = ',', value_parser = status())]
    pub(in crate::cli) status: Vec<Status>,
    #[command(flatten)]
    pub(in crate::cli) filter: FilterArgs,
    #[command(flatten)]
    pub(in crate::cli) limit: LimitArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TasksCommand {
    /// The same as without a word: the tasks that are kept, the newest first
    #[command(after_help = LIST_EXAMPLES)]
    List(TaskListArgs),
    /// Show everything about a task
    #[command(after_help = SHOW_EXAMPLES)]
    Show(TaskArgs),
    /// Say why a task waits, or why else it stands where it stands, and what to do about it
    #[command(after_help = WHY_EXAMPLES)]
    Why(TaskArgs),
    /// Show what a task said, and what the daemon says of its attempts
    #[command(after_help = LOGS_EXAMPLES)]
    Logs(LogsArgs),
    /// Show what runs, as it happens: a bar for each task on a terminal, else lines
    #[command(after_help = WATCH_EXAMPLES)]
    Watch(WatchArgs),
    /// Ask a task to stop: one that waits is cancelled at once, one that runs is told
    #[command(after_help = CANCEL_EXAMPLES)]
    Cancel(TaskArgs),
    /// Queue an ended task again, with one more attempt
    #[command(after_help = RETRY_EXAMPLES)]
    Retry(TaskArgs),
    /// Delete a dead task, with all that is kept of it
    #[command(after_help = DISCARD_EXAMPLES)]
    Discard(TaskArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TaskArgs {
    /// The id of the task
    pub(in crate::cli) id: TaskId,
    /// Print the daemon's answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const LIST_EXAMPLES: &str = "\
Examples:
  taskhost tasks list
  taskhost tasks list --status queued,retrying --queue mail
  taskhost tasks list --job nightly-backup --limit 1
  taskhost tasks list --status dead --all --json | jq -r '.tasks[].error'";

const SHOW_EXAMPLES: &str = "\
Examples:
  taskhost tasks show 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11
  taskhost tasks show 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11 --json | jq .result";

const WHY_EXAMPLES: &str = "\
Examples:
  taskhost tasks why 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11";

const WATCH_EXAMPLES: &str = "\
Examples:
  taskhost tasks watch
  taskhost tasks watch --queue mail

It goes on until Ctrl-C, or until the daemon stops.";

#[derive(Debug, Args)]
pub(in crate::cli) struct WatchArgs {
    /// Only tasks in this queue
    #[arg(long)]
    pub(in crate::cli) queue: Option<QueueName>,
    /// Only tasks of this kind
    #[arg(long)]
    pub(in crate::cli) kind: Option<KindName>,
}

const CANCEL_EXAMPLES: &str = "\
Examples:
  taskhost tasks cancel 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11";

const RETRY_EXAMPLES: &str = "\
Examples:
  taskhost tasks retry 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11

A dead or cancelled task goes on from its checkpoint, a completed one begins anew.
`taskhost dead retry` queues many dead tasks at once.";

const DISCARD_EXAMPLES: &str = "\
Examples:
  taskhost tasks discard 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11

`taskhost dead discard` deletes many dead tasks at once.";

const LOGS_EXAMPLES: &str = "\
Examples:
  taskhost tasks logs 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11
  taskhost tasks logs 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11 -f --level warn

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

fn status() -> impl TypedValueParser<Value = Status> {
    PossibleValuesParser::new(Status::ALL.map(Status::as_str)).try_map(|word| word.parse::<Status>())
}
