//! The words of `taskhost events`.

use clap::Args;
use taskhost_core::ids::{KindName, QueueName};

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost events
  taskhost events --queue mail
  taskhost events --json | jq 'select(.event == \"task.died\")'

It goes on until Ctrl-C, or until the daemon stops.";

#[derive(Debug, Args)]
pub(in crate::cli) struct EventsArgs {
    /// Only of tasks in this queue
    #[arg(long)]
    pub(in crate::cli) queue: Option<QueueName>,
    /// Only of tasks of this kind
    #[arg(long)]
    pub(in crate::cli) kind: Option<KindName>,
    /// Print a line of JSON for each event
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
