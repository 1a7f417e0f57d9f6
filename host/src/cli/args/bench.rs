//! The words of `bench`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost bench
  taskhost bench --slots 10 --json
  taskhost bench --tasks 1000000 --durability relaxed
  taskhost bench --plugins target/release/plugins

It runs a host of its own on a scratch store in the current folder, on whose disk the numbers
depend, and removes it at the end. A daemon may run meanwhile; both get slower.
Exit code 0: every task ran once and completed; 1: not so, or something needed is missing.";

#[derive(Debug, Args)]
pub(in crate::cli) struct BenchArgs {
    /// How many tasks the load has
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(in crate::cli) tasks: u32,
    /// How many of them may run at once
    #[arg(long, value_name = "K", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(in crate::cli) slots: u32,
    /// How many single tasks the idle host picks up before, 100 a second; 0 leaves that out
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=3_000))]
    pub(in crate::cli) pickups: u32,
    /// Pick up single tasks beside the load too, as long as it runs
    #[arg(long)]
    pub(in crate::cli) loaded: bool,
    /// How many tasks wait in a paused queue meanwhile
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000_000))]
    pub(in crate::cli) backlog: u32,
    /// Over how many queues the load is spread, each with all the slots
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(in crate::cli) queues: u32,
    /// How many jobs are declared whose times do not come
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(in crate::cli) jobs: u32,
    /// Whether a commit reaches the disk before it is answered
    #[arg(long, value_enum, default_value_t = Safety::Full)]
    pub(in crate::cli) durability: Safety,
    /// The folder with the library of the plugin `probe` [default: plugins beside this program]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) plugins: Option<PathBuf>,
    /// Print a JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// As `[host] durability` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Safety {
    /// It does: nothing that was answered is lost when the power goes
    Full,
    /// It does so a little later: what was answered in the last moment may be lost when the power goes
    Relaxed,
}
