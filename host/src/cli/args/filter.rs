//! The words that say which tasks are meant, and how many.

use clap::Args;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::query::SearchText;

/// Which tasks: all that is said has to hold.
#[derive(Debug, Args)]
pub(in crate::cli) struct FilterArgs {
    /// Only tasks in this queue
    #[arg(long)]
    pub(in crate::cli) queue: Option<QueueName>,
    /// Only tasks of this kind
    #[arg(long)]
    pub(in crate::cli) kind: Option<KindName>,
    /// Only tasks that this job has made
    #[arg(long)]
    pub(in crate::cli) job: Option<JobName>,
    /// Only tasks with this tag
    #[arg(long)]
    pub(in crate::cli) tag: Option<String>,
    /// Only tasks with this text in their params or their id
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(in crate::cli) search: Option<SearchText>,
}

/// How many of them.
#[derive(Debug, Args)]
pub(in crate::cli) struct LimitArgs {
    /// How many at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, conflicts_with = "all")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// All of them
    #[arg(long)]
    all: bool,
}

impl LimitArgs {
    /// How many at most; none if all are meant.
    pub(in crate::cli) fn most(&self) -> Option<usize> {
        (!self.all).then(|| usize::try_from(self.limit).unwrap_or(usize::MAX))
    }
}
