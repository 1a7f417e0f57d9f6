//! The words of the command line.
//!
//! Not here: what they do. Start at [`Cli`].

mod cron;
mod enqueue;
mod file;
mod plugins;
mod tasks;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(super) use self::cron::{CronCommand, CronNextArgs};
pub(super) use self::enqueue::EnqueueArgs;
pub(super) use self::file::{CheckArgs, PlanArgs, SchemaArgs};
pub(super) use self::plugins::{
    DescribeArgs, DevArgs, PluginsArgs, PluginsCheckArgs, PluginsCommand, PluginsNewArgs, PluginsRunArgs,
};
pub(super) use self::tasks::{LogsArgs, TasksCommand};
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
    /// Print the JSON Schema of tasks.toml for editors, with what the plugins in its folders take; needs no daemon
    #[command(after_help = file::SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),
    /// Submit a task
    #[command(after_help = enqueue::EXAMPLES)]
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
    #[command(after_help = plugins::EXAMPLES)]
    Plugins(PluginsArgs),
    /// Build a plugin and run a task of it, again whenever its code changes; needs no daemon
    #[command(after_help = plugins::DEV_EXAMPLES)]
    Dev(DevArgs),
    /// Load a library into this process and print what it says of itself as a line of JSON
    #[command(hide = true)]
    Describe(DescribeArgs),
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
