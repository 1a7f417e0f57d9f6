//! The words of `taskhost config`.

use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost config
  taskhost config show 13
  taskhost config diff";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct ConfigArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<ConfigCommand>,
    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ConfigCommand {
    /// The same as without a word; with a number, what tasks.toml said in that generation
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ConfigShowArgs),
    /// Show what an edit changed
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(ConfigDiffArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ConfigShowArgs {
    /// The number of a config generation
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) generation: Option<u64>,
    /// Print the daemon's answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ConfigDiffArgs {
    /// The number of a config generation [default: the one that is applied]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) generation: Option<u64>,
    /// Compare with this generation [default: the one before]
    #[arg(long, value_name = "GENERATION", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) from: Option<u64>,
    /// Print the daemon's answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const SHOW_EXAMPLES: &str = "\
Examples:
  taskhost config show
  taskhost config show 13
  taskhost config show --json | jq .refused

Comments are left out, and secrets hidden.";

const DIFF_EXAMPLES: &str = "\
Examples:
  taskhost config diff
  taskhost config diff 14 --from 10

`taskhost plan` shows what an edit that is not saved would change.";
