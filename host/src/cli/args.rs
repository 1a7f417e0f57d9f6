//! The words of the command line.
//!
//! Not here: what they do. Start at [`Cli`].

mod file;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{JobName, KindName, QueueName, TaskId};
use taskhost_core::log::LogLevel;
use taskhost_core::priority::Priority;
use taskhost_core::schedule::{Zone, ZoneError};
use taskhost_core::time::UnixMicros;

pub(super) use self::file::{CheckArgs, PlanArgs};
use crate::boot;

/// Runs background work in native plugins.
#[derive(Debug, Parser)]
#[command(name = "taskhost", version, after_help = EXAMPLES)]
pub(super) struct Cli {
    /// The file that declares the daemon, its queues and jobs; the daemon's socket is found through it [default: tasks.toml
    /// here, else taskhost/tasks.toml in ~/.config, else in /etc]
    #[arg(short, long, global = true, value_name = "FILE", env = "TASKHOST_CONFIG")]
    #[arg(default_value_os_t = boot::find_config(), hide_default_value = true)]
    pub(super) config: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  taskhost run
  taskhost enqueue files.checksum --params '{\"path\": \"README.md\"}' --wait
  taskhost tasks show 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11
  taskhost cron next '30 2 * * *' --tz Europe/Berlin

Exit codes: 0 ok, 1 failed, 2 wrong words, 3 not found or no daemon.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon until SIGINT or SIGTERM; a second signal ends it at once
    Run,
    /// Check tasks.toml against the plugins in its folders, and show everything that is wrong; needs no daemon
    #[command(after_help = file::CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show what an edit of tasks.toml would change: jobs with their times before and after, queues, plugins, restarts
    #[command(after_help = file::PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Submit a task
    #[command(after_help = ENQUEUE_EXAMPLES)]
    Enqueue(EnqueueArgs),
    /// Look at tasks, or stop them
    Tasks {
        #[command(subcommand)]
        command: TasksCommand,
    },
    /// Try out cron lines; needs no daemon
    Cron {
        #[command(subcommand)]
        command: CronCommand,
    },
    /// List the kinds that the loaded plugins provide, and the plugins that were refused; or begin a plugin
    #[command(after_help = PLUGINS_EXAMPLES)]
    Plugins(PluginsArgs),
    /// Build a plugin and run a task of it, again whenever its code changes; needs no daemon
    #[command(after_help = DEV_EXAMPLES)]
    Dev(DevArgs),
    /// Load a library into this process and print what it says of itself as a line of JSON
    #[command(hide = true)]
    Describe(DescribeArgs),
}

const ENQUEUE_EXAMPLES: &str = "\
Examples:
  taskhost enqueue files.checksum --params '{\"path\": \"README.md\"}' --wait
  taskhost enqueue backup.create --params @backup.json --delay 1h --tag manual
  jq -n '{path: \"a\"}' | taskhost enqueue files.checksum --params -
  taskhost enqueue --job nightly-backup

Prints the id of the task, or with --wait its result as JSON.";

#[derive(Debug, Args)]
pub(super) struct EnqueueArgs {
    /// What runs, such as `files.checksum`
    #[arg(required_unless_present = "job", conflicts_with = "job")]
    pub(super) kind: Option<KindName>,
    /// Make a task of this job of tasks.toml instead
    #[arg(long, value_name = "NAME")]
    pub(super) job: Option<JobName>,
    /// Its params: JSON, `@FILE`, or `-` for stdin [default: {}]
    #[arg(long, value_name = "JSON", conflicts_with = "job", allow_hyphen_values = true)]
    pub(super) params: Option<String>,
    /// The queue where it waits
    #[arg(long)]
    pub(super) queue: Option<QueueName>,
    /// critical, high, normal or low
    #[arg(long)]
    pub(super) priority: Option<Priority>,
    /// Start at the earliest after this time, such as `90s` or `1h30m`
    #[arg(long, value_name = "DURATION", conflicts_with = "at", allow_hyphen_values = true)]
    pub(super) delay: Option<DurationText>,
    /// Start at the earliest then, such as `2026-12-24T18:00:00Z`
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<UnixMicros>,
    /// How long one attempt may take
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(super) timeout: Option<DurationText>,
    /// A word to find it by; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// Wait until it has ended, and print its result; well only if it completed
    #[arg(long)]
    pub(super) wait: bool,
    /// Print the daemon's whole answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum TasksCommand {
    /// Show everything about a task
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
    Cancel {
        /// The id of the task
        id: TaskId,
        /// Print the answer as JSON
        #[arg(long)]
        json: bool,
    },
}

const LOGS_EXAMPLES: &str = "\
Examples:
  taskhost tasks logs 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11
  taskhost tasks logs 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11 --follow --level warn

The latest 1,000 lines of a task are kept, or 256 KiB of them, as long as the task.";

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// The id of the task
    pub(super) id: TaskId,
    /// Go on with what it says from now on, until it has ended
    #[arg(short, long)]
    pub(super) follow: bool,
    /// Only lines that matter this much or more: trace, debug, info, warn or error
    #[arg(short, long)]
    pub(super) level: Option<LogLevel>,
    /// Print the daemon's answer as JSON, with --follow a line of JSON for each line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum CronCommand {
    /// Print the next times of a cron line, with the offset of the zone
    #[command(after_help = CRON_EXAMPLES)]
    Next(CronNextArgs),
}

const CRON_EXAMPLES: &str = "\
Examples:
  taskhost cron next '*/15 9-17 * * MON-FRI'
  taskhost cron next '30 2 * * *' --tz Europe/Berlin --from 2027-03-27T12:00:00Z --count 3
  taskhost cron next @daily --json";

#[derive(Debug, Args)]
pub(super) struct CronNextArgs {
    /// The line: 5 fields, 6 with the seconds first, or a nickname such as `@daily`
    pub(super) expression: String,
    /// The zone whose clocks count
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    pub(super) tz: Zone,
    /// Print times after this one [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<UnixMicros>,
    /// How many times
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) count: u16,
    /// Print a JSON array
    #[arg(long)]
    pub(super) json: bool,
}

const DEV_EXAMPLES: &str = "\
Examples:
  taskhost dev
  taskhost dev . thumbs.greet --params '{\"name\": \"you\"}'
  taskhost dev plugins/thumbs --once

Without KIND that is run which was asked for the last time, if any was since the build's folder was cleaned; else the sample:
the first job of the crate's tasks.toml. The config is that of the one plugin there; --plugin-config is not remembered.
An edit interrupts what runs. Ctrl-C ends. Exit code with --once: that of the task, as `taskhost plugins run` has it.";

#[derive(Debug, Clone, Args)]
pub(super) struct DevArgs {
    /// The folder of the plugin's crate
    #[arg(value_name = "CRATE", default_value = ".")]
    pub(super) folder: PathBuf,
    /// The kind to run, from now on [default: the last one, else that of the first job in the crate's tasks.toml]
    pub(super) kind: Option<KindName>,
    /// The params of the task: JSON or `@FILE` [default: {}]
    #[arg(long, value_name = "JSON", allow_hyphen_values = true, requires = "kind")]
    pub(super) params: Option<String>,
    /// Run the first job of the crate's tasks.toml, from now on
    #[arg(long, conflicts_with = "kind")]
    pub(super) sample: bool,
    /// The config of the plugin: JSON or `@FILE`
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(super) plugin_config: Option<String>,
    /// Build and run once
    #[arg(long)]
    pub(super) once: bool,
}

#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// The library
    pub(super) file: PathBuf,
    /// End with this process, which is to be the parent
    #[arg(long, value_name = "PID")]
    pub(super) parent: Option<u32>,
    /// Give it a host table that ends early
    #[arg(long)]
    pub(super) truncated_host: bool,
}

#[derive(Debug, Args)]
pub(super) struct PluginsArgs {
    #[command(subcommand)]
    pub(super) command: Option<PluginsCommand>,
    /// Print the daemon's answer as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

const PLUGINS_EXAMPLES: &str = "\
Examples:
  taskhost plugins
  taskhost plugins new thumbs
  taskhost plugins check target/debug/libthumbs.so
  taskhost plugins run target/debug/libthumbs.so thumbs.greet --params '{\"name\": \"you\"}'";

#[derive(Debug, Subcommand)]
pub(super) enum PluginsCommand {
    /// The same as without a word
    List,
    /// Write a crate for a plugin that builds, tests and loads as it is; needs no daemon
    New(PluginsNewArgs),
    /// Tell what a library offers, whether a host can use it and what could be better; needs no daemon
    #[command(after_help = CHECK_EXAMPLES)]
    Check(PluginsCheckArgs),
    /// Run one task of a library here, and print its result; needs no daemon
    #[command(after_help = RUN_EXAMPLES)]
    Run(PluginsRunArgs),
}

const RUN_EXAMPLES: &str = "\
Examples:
  taskhost plugins run target/debug/libthumbs.so thumbs.greet --params '{\"name\": \"you\"}'
  taskhost plugins run libthumbs.so thumbs.greet --params @sample.json --attempt 2 --state @checkpoint.json
  TASKHOST_LOG=plugin=debug taskhost plugins run libthumbs.so thumbs.greet

The result goes to stdout; progress, log and follow-up tasks, which are not run, go to stderr.
Ctrl-C cancels the task, once more ends it at once. Exit code 0: it completed; 1: it did not; 3: no such kind.";

#[derive(Debug, Args)]
pub(super) struct PluginsRunArgs {
    /// The library
    pub(super) file: PathBuf,
    /// One of its kinds
    pub(super) kind: KindName,
    /// The params of the task: JSON, `@FILE`, or `-` for stdin [default: {}]
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(super) params: Option<String>,
    /// Which attempt it believes to be
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) attempt: u32,
    /// The checkpoint that it goes on from, as an earlier run has shown it: JSON, `@FILE`, or `-` for stdin
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(super) state: Option<String>,
    /// The config of the plugin: JSON, `@FILE`, or `-` for stdin
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(super) plugin_config: Option<String>,
    /// How long it may take, such as `90s` [default: as the kind says]
    #[arg(long, value_name = "DURATION")]
    pub(super) timeout: Option<DurationText>,
    /// End with this process, which is to be the parent
    #[arg(long, value_name = "PID", hide = true)]
    pub(super) parent: Option<u32>,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  taskhost plugins check target/debug/libthumbs.so
  taskhost plugins check target/release/libthumbs.so --json

The library is entered in child processes only. Exit code 0: a host can use it; 1: none can.";

#[derive(Debug, Args)]
pub(super) struct PluginsCheckArgs {
    /// The library
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct PluginsNewArgs {
    /// The name of the plugin, and of the crate
    pub(super) name: String,
    /// The folder to make [default: one of its name, here]
    #[arg(long, value_name = "FOLDER")]
    pub(super) path: Option<PathBuf>,
    /// The folder of the crate plugin-api [default: looked for in the folders above]
    #[arg(long, value_name = "FOLDER")]
    pub(super) api: Option<PathBuf>,
}

fn zone(text: &str) -> Result<Zone, String> {
    text.parse().map_err(|error: ZoneError| format!("{error}\n\nhint: {}", error.hint()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn said(words: &str) -> String {
        Cli::try_parse_from(words.split(' ')).unwrap_err().to_string()
    }

    #[test]
    fn the_words_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_task_is_of_a_kind_or_of_a_job() {
        assert!(said("taskhost enqueue").contains("required"));
        assert!(said("taskhost enqueue a.b --job c").contains("cannot be used with"));
        assert!(said("taskhost enqueue --job c --params {}").contains("cannot be used with"));
        assert!(said("taskhost enqueue a.b --delay 1h --at 2026-12-24T18:00:00Z").contains("cannot be used with"));
    }

    #[test]
    fn wrong_values_are_told_in_our_words() {
        assert!(said("taskhost enqueue a.b --delay soon").contains("expected a whole number"));
        assert!(said("taskhost tasks show 7").contains("`7` is not a task id"));
        assert!(said("taskhost cron next @daily --tz Europe/Berln").contains("hint: did you mean `Europe/Berlin`?"));
        assert!(said("taskhost cron next @daily --count 0").contains("1..=1000"));
    }

    #[test]
    fn the_file_may_be_named_behind_the_command() {
        let cli = Cli::try_parse_from(["taskhost", "plugins", "list", "--json", "-c", "etc/tasks.toml"]).unwrap();
        assert_eq!(cli.config, PathBuf::from("etc/tasks.toml"));
        assert!(matches!(cli.command, Command::Plugins(PluginsArgs { json: true, .. })));
    }
}
