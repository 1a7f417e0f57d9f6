//! The words of `taskhost enqueue`.

use clap::Args;
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::once::IdempotencyKey;
use taskhost_core::priority::Priority;
use taskhost_core::time::UnixMicros;

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost enqueue files.checksum --params '{\"path\": \"README.md\"}' --wait
  taskhost enqueue backup.create --params @backup.json --follow
  taskhost enqueue backup.create --params @backup.json --delay 1h --tag manual
  jq -n '{path: \"a\"}' | taskhost enqueue files.checksum --params -
  taskhost enqueue --job nightly-backup

Prints the id of the task, or with --wait or --follow its result as JSON.";

#[derive(Debug, Args)]
pub(in crate::cli) struct EnqueueArgs {
    /// What runs, such as `files.checksum`
    #[arg(required_unless_present = "job", conflicts_with = "job")]
    pub(in crate::cli) kind: Option<KindName>,
    /// Make a task of this job of tasks.toml instead
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) job: Option<JobName>,
    /// Its params: JSON, `@FILE`, or `-` for stdin [default: {}]
    #[arg(long, value_name = "JSON", conflicts_with = "job", allow_hyphen_values = true)]
    pub(in crate::cli) params: Option<String>,
    /// The queue where it waits
    #[arg(long)]
    pub(in crate::cli) queue: Option<QueueName>,
    /// critical, high, normal or low
    #[arg(long)]
    pub(in crate::cli) priority: Option<Priority>,
    /// Start at the earliest after this time, such as `90s` or `1h30m`
    #[arg(long, value_name = "DURATION", conflicts_with = "at", allow_hyphen_values = true)]
    pub(in crate::cli) delay: Option<DurationText>,
    /// Start at the earliest then, such as `2026-12-24T18:00:00Z`
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) at: Option<UnixMicros>,
    /// How long one attempt may take
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(in crate::cli) timeout: Option<DurationText>,
    /// How often it is tried at most [default: as the kind says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(in crate::cli) attempts: Option<u32>,
    /// A word to find it by; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    pub(in crate::cli) tags: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) once: OnceArgs,
    #[command(flatten)]
    pub(in crate::cli) patience: Patience,
    /// Print the daemon's whole answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// What tells a command that is repeated from one that is new.
#[derive(Debug, Args)]
pub(in crate::cli) struct OnceArgs {
    /// Make nothing if the same command had this key within 24 h: its task is answered again [default: a new one]
    #[arg(long, value_parser = IdempotencyKey::new)]
    pub(in crate::cli) key: Option<IdempotencyKey>,
}

/// How long a command stays with the task that it has made.
#[derive(Debug, Args)]
pub(in crate::cli) struct Patience {
    /// Wait until it has ended, and print its result; well only if it completed
    #[arg(long)]
    pub(in crate::cli) wait: bool,
    /// As --wait, and tell meanwhile what it says and how far it is
    #[arg(short, long)]
    pub(in crate::cli) follow: bool,
}
