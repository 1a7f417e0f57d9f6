//! The words of `taskhost queues`.

use clap::{Args, Subcommand};
use taskhost_core::ids::QueueName;

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost queues
  taskhost queues pause mail
  taskhost queues resume mail";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct QueuesArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<QueuesCommand>,
    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum QueuesCommand {
    /// The same as without a word: the queues, and how many of their tasks stand where
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Show everything about a queue
    #[command(after_help = SHOW_EXAMPLES)]
    Show(QueueArgs),
    /// Let nothing of a queue start until it is resumed; what runs goes on, and tasks are accepted
    #[command(after_help = PAUSE_EXAMPLES)]
    Pause(QueueArgs),
    /// Let what waits in a paused queue start again
    #[command(after_help = RESUME_EXAMPLES)]
    Resume(QueueArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct QueueArgs {
    /// The name of the queue
    pub(in crate::cli) queue: QueueName,
    /// Print the daemon's answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const LIST_EXAMPLES: &str = "\
Examples:
  taskhost queues list
  taskhost queues list --json | jq '.queues[] | {name, latency_seconds}'";

const SHOW_EXAMPLES: &str = "\
Examples:
  taskhost queues show mail";

const PAUSE_EXAMPLES: &str = "\
Examples:
  taskhost queues pause mail

The pause survives restarts and edits of tasks.toml.";

const RESUME_EXAMPLES: &str = "\
Examples:
  taskhost queues resume mail";
