//! The words of `taskhost jobs`.

use clap::{Args, Subcommand};
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::priority::Priority;
use taskhost_core::schedule::Zone;
use taskhost_core::time::UnixMicros;

use super::cron::zone;
use super::enqueue::{OnceArgs, Patience};

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost jobs
  taskhost jobs trigger nightly-backup --follow
  taskhost jobs pause nightly-backup
  taskhost jobs add files.checksum --params '{\"path\": \"README.md\"}' --every 15m

Jobs of tasks.toml are changed in the file; `taskhost plan` shows what an edit would do.";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct JobsArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<JobsCommand>,
    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum JobsCommand {
    /// The same as without a word: all jobs, with the time when each fires next
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Show everything about a job
    #[command(after_help = SHOW_EXAMPLES)]
    Show(JobArgs),
    /// Declare a job; the daemon keeps it until it is removed
    #[command(after_help = ADD_EXAMPLES)]
    Add(Box<AddArgs>),
    /// Remove a job that is not in tasks.toml; tasks that it has made stay
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove(JobArgs),
    /// Make a task of a job now; its schedule is not touched
    #[command(after_help = TRIGGER_EXAMPLES)]
    Trigger {
        /// The name of the job
        job: JobName,
        #[command(flatten)]
        once: OnceArgs,
        #[command(flatten)]
        patience: Patience,
        /// Print the daemon's whole answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a job fire no more until it is resumed, also across restarts and edits of tasks.toml
    #[command(after_help = PAUSE_EXAMPLES)]
    Pause(JobArgs),
    /// Let a paused job fire again; what came meanwhile is not made up for
    #[command(after_help = RESUME_EXAMPLES)]
    Resume(JobArgs),
}

const LIST_EXAMPLES: &str = "\
Examples:
  taskhost jobs list
  taskhost jobs list --json | jq -r '.jobs[] | select(.held) | .job_id'";

const SHOW_EXAMPLES: &str = "\
Examples:
  taskhost jobs show nightly-backup
  taskhost jobs show nightly-backup --json";

const REMOVE_EXAMPLES: &str = "\
Examples:
  taskhost jobs remove docs";

const TRIGGER_EXAMPLES: &str = "\
Examples:
  taskhost jobs trigger nightly-backup
  taskhost jobs trigger nightly-backup --follow

Prints the id of the task, or with --wait or --follow its result as JSON.";

const PAUSE_EXAMPLES: &str = "\
Examples:
  taskhost jobs pause nightly-backup";

const RESUME_EXAMPLES: &str = "\
Examples:
  taskhost jobs resume nightly-backup";

#[derive(Debug, Args)]
pub(in crate::cli) struct JobArgs {
    /// The name of the job
    pub(in crate::cli) job: JobName,
    /// Print the daemon's answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const ADD_EXAMPLES: &str = "\
Examples:
  taskhost jobs add files.checksum --params '{\"path\": \"README.md\"}' --every 15m
  taskhost jobs add backup.create --name docs --params @backup.json \\
      --cron '30 2 * * *' --timezone Europe/Berlin
  taskhost jobs add email.send --name reminder --params @mail.json \\
      --at 2026-12-24T18:00:00Z

Prints the name of the job. Without a schedule it makes a task only when it is triggered.";

#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// What its tasks run, such as `files.checksum`
    pub(in crate::cli) kind: KindName,
    /// Its name [default: one is made]
    #[arg(long)]
    pub(in crate::cli) name: Option<JobName>,
    /// The params of its tasks: JSON, `@FILE`, or `-` for stdin [default: {}]
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(in crate::cli) params: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) when: WhenArgs,
    /// The zone of the cron line [default: that of tasks.toml]
    #[arg(long, value_name = "ZONE", value_parser = zone, requires = "cron")]
    #[arg(conflicts_with_all = ["every", "at", "delay"])]
    pub(in crate::cli) timezone: Option<Zone>,
    /// The queue where its tasks wait
    #[arg(long)]
    pub(in crate::cli) queue: Option<QueueName>,
    /// critical, high, normal or low
    #[arg(long)]
    pub(in crate::cli) priority: Option<Priority>,
    /// How long one attempt may take
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(in crate::cli) timeout: Option<DurationText>,
    /// How often it is tried at most [default: as the kind says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(in crate::cli) attempts: Option<u32>,
    /// Cancel a task of it that has not started this long after it was made
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(in crate::cli) expires_in: Option<DurationText>,
    /// A word to find its tasks by; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    pub(in crate::cli) tags: Vec<String>,
    /// Print the daemon's answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// When a job fires.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct WhenArgs {
    /// By a cron line, such as `30 2 * * *`
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    pub(in crate::cli) cron: Option<String>,
    /// Again and again, the first time one interval from now
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(in crate::cli) every: Option<DurationText>,
    /// Once, then
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) at: Option<UnixMicros>,
    /// Once, after this time
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(in crate::cli) delay: Option<DurationText>,
}
