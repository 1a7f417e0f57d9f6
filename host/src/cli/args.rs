//! The words of the command line.
//!
//! Not here: what they do. Start at [`Cli`].

mod about;
mod backup_store;
mod bench;
mod config;
mod cron;
mod dead;
mod doctor;
mod enqueue;
mod events;
mod file;
mod filter;
mod jobs;
mod plugins;
mod queues;
mod run;
mod tasks;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(super) use self::about::{CompletionsArgs, ManArgs};
pub(super) use self::backup_store::BackupStoreArgs;
pub(super) use self::bench::{BenchArgs, Safety};
pub(super) use self::config::{ConfigArgs, ConfigCommand, ConfigDiffArgs, ConfigShowArgs};
pub(super) use self::cron::{CronCommand, CronNextArgs};
pub(super) use self::dead::{DeadArgs, DeadCommand, DeadListArgs, MeantArgs};
pub(super) use self::doctor::DoctorArgs;
pub(super) use self::enqueue::{EnqueueArgs, OnceArgs, Patience};
pub(super) use self::events::EventsArgs;
pub(super) use self::file::{CheckArgs, PlanArgs, SchemaArgs};
pub(super) use self::filter::FilterArgs;
pub(super) use self::jobs::{AddArgs, JobArgs, JobsArgs, JobsCommand};
pub(super) use self::plugins::{
    DescribeArgs, DevArgs, PluginsArgs, PluginsCheckArgs, PluginsCommand, PluginsNewArgs, PluginsRunArgs,
};
pub(super) use self::queues::{QueueArgs, QueuesArgs, QueuesCommand};
pub(super) use self::run::RunArgs;
pub(super) use self::tasks::{LogsArgs, TaskArgs, TaskListArgs, TasksArgs, TasksCommand, WatchArgs};
use crate::boot;

const CONFIG: &str = "The file of the daemon [default: what TASKHOST_CONFIG names, else tasks.toml here, in ~/.config/taskhost or in \
    /etc/taskhost]";

/// Runs background work in native plugins.
#[derive(Debug, Parser)]
#[command(name = "taskhost", version, after_help = EXAMPLES)]
pub(super) struct Cli {
    #[arg(short, long, global = true, value_name = "FILE", display_order = 900, help = CONFIG)]
    #[arg(default_value_os_t = boot::find_config(), hide_default_value = true)]
    pub(super) config: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  taskhost run
  taskhost enqueue files.checksum --params '{\"path\": \"README.md\"}' --wait
  taskhost tasks watch
  taskhost jobs trigger nightly-backup --follow
  taskhost cron next '30 2 * * *' --tz Europe/Berlin

Exit codes: 0 ok, 1 failed, 2 wrong words, 3 not found or no daemon, 130 Ctrl-C.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon until SIGINT or SIGTERM; a second signal ends it at once, SIGHUP reads tasks.toml again
    #[command(after_help = run::EXAMPLES)]
    Run(RunArgs),
    /// Check tasks.toml against the plugins in its folders, and show everything that is wrong; needs no daemon
    #[command(after_help = file::CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show what an edit of tasks.toml would change: jobs with their times before and after, queues, plugins, restarts
    #[command(after_help = file::PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Print the JSON Schema of tasks.toml for editors, with what the plugins in its folders take; needs no daemon
    #[command(after_help = file::SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),
    /// Look whether all that the daemon needs is there, each fault with a fix; needs no daemon
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(DoctorArgs),
    /// Measure how many tasks a second this machine runs and how soon it picks one up; needs no daemon
    #[command(after_help = bench::EXAMPLES)]
    Bench(BenchArgs),
    /// Submit a task
    #[command(after_help = enqueue::EXAMPLES)]
    Enqueue(EnqueueArgs),
    /// List the tasks; look at one, stop it or queue it again
    #[command(after_help = tasks::EXAMPLES)]
    Tasks(TasksArgs),
    /// List the jobs; declare, trigger, pause or remove one
    #[command(after_help = jobs::EXAMPLES)]
    Jobs(JobsArgs),
    /// List the queues; pause or resume one
    #[command(after_help = queues::EXAMPLES)]
    Queues(QueuesArgs),
    /// List the tasks that failed for good; queue them again, or delete them
    #[command(after_help = dead::EXAMPLES)]
    Dead(DeadArgs),
    /// Show which tasks.toml is applied, why an edit is not, and what edits changed
    #[command(after_help = config::EXAMPLES)]
    Config(ConfigArgs),
    /// Copy the store into a file, while the daemon runs or not
    #[command(after_help = backup_store::EXAMPLES)]
    BackupStore(BackupStoreArgs),
    /// Print what happens to tasks, as it happens
    #[command(after_help = events::EXAMPLES)]
    Events(EventsArgs),
    /// Try out cron lines; needs no daemon
    #[command(after_help = cron::EXAMPLES)]
    Cron {
        #[command(subcommand)]
        command: CronCommand,
    },
    /// List the kinds that plugins provide; look at one, at a library, or begin a plugin
    #[command(after_help = plugins::EXAMPLES)]
    Plugins(PluginsArgs),
    /// Build a plugin and run a task of it, again whenever its code changes; needs no daemon
    #[command(after_help = plugins::DEV_EXAMPLES)]
    Dev(DevArgs),
    /// Print the document of the HTTP API, OpenAPI 3.1; needs no daemon
    #[command(after_help = about::OPENAPI_EXAMPLES)]
    Openapi,
    /// Print what makes a shell complete the words of `taskhost`; needs no daemon
    #[command(after_help = about::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands; needs no daemon
    #[command(after_help = about::MAN_EXAMPLES)]
    Man(ManArgs),
    /// Load a library into this process and print what it says of itself as a line of JSON
    #[command(hide = true)]
    Describe(DescribeArgs),
}

#[cfg(test)]
mod tests;
