//! The words of `taskhost dead`.

use clap::{ArgGroup, Args, Subcommand};

use super::filter::{FilterArgs, LimitArgs};

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost dead
  taskhost dead --kind email.send
  taskhost dead retry --job nightly-backup
  taskhost dead discard --all

Dead tasks are kept for 7 days, or as `retention` says. Without a word they are listed.";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct DeadArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<DeadCommand>,
    #[command(flatten)]
    pub(in crate::cli) list: DeadListArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DeadListArgs {
    #[command(flatten)]
    pub(in crate::cli) filter: FilterArgs,
    #[command(flatten)]
    pub(in crate::cli) limit: LimitArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DeadCommand {
    /// The same as without a word: the tasks that failed for good, the newest first
    #[command(after_help = LIST_EXAMPLES)]
    List(DeadListArgs),
    /// Queue dead tasks again, each with one more attempt
    #[command(after_help = RETRY_EXAMPLES)]
    Retry(MeantArgs),
    /// Delete dead tasks, with all that is kept of them
    #[command(after_help = DISCARD_EXAMPLES)]
    Discard(MeantArgs),
}

/// Which dead tasks are meant: that it is all of them has to be said.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("meant").required(true).multiple(true).args(["queue", "kind", "job", "tag", "search", "all"]))]
pub(in crate::cli) struct MeantArgs {
    #[command(flatten)]
    pub(in crate::cli) filter: FilterArgs,
    /// Every dead task
    #[arg(long, conflicts_with_all = ["queue", "kind", "job", "tag", "search"])]
    pub(in crate::cli) all: bool,
    /// Print the daemon's answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const LIST_EXAMPLES: &str = "\
Examples:
  taskhost dead list --queue mail
  taskhost dead list --all --json | jq -r '.tasks[].error' | sort | uniq -c";

const RETRY_EXAMPLES: &str = "\
Examples:
  taskhost dead retry --kind email.send
  taskhost dead retry --all

It goes in steps, the oldest first, and what was done stays done.";

const DISCARD_EXAMPLES: &str = "\
Examples:
  taskhost dead discard --job nightly-backup
  taskhost dead discard --all

It goes in steps, the oldest first, and what was done stays done.";
