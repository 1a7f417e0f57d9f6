//! The words about plugins: `taskhost plugins`, `dev` and the hidden `describe`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use taskhost_core::duration::DurationText;
use taskhost_core::ids::KindName;

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginsArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<PluginsCommand>,
    /// Print the daemon's answer as JSON
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
}

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost plugins
  taskhost plugins show files.checksum
  taskhost plugins new thumbs
  taskhost plugins check target/debug/libthumbs.so
  taskhost plugins run libthumbs.so thumbs.greet --params '{\"name\": \"you\"}'";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PluginsCommand {
    /// The same as without a word
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Show what a kind does and which params it takes, or what a plugin is and has
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// A kind, such as `files.checksum`, or a plugin, such as `files`
        name: KindName,
    },
    /// Write a crate for a plugin that builds, tests and loads as it is; needs no daemon
    #[command(after_help = NEW_EXAMPLES)]
    New(PluginsNewArgs),
    /// Tell what a library offers, whether a host can use it and what could be better; needs no daemon
    #[command(after_help = CHECK_EXAMPLES)]
    Check(PluginsCheckArgs),
    /// Run one task of a library here, and print its result; needs no daemon
    #[command(after_help = RUN_EXAMPLES)]
    Run(PluginsRunArgs),
}

const LIST_EXAMPLES: &str = "\
Examples:
  taskhost plugins list
  taskhost plugins list --json | jq -r '.plugins[].kinds[].name'";

const SHOW_EXAMPLES: &str = "\
Examples:
  taskhost plugins show files.checksum
  taskhost plugins show files
  taskhost plugins show files.checksum --json | jq .params_schema";

const NEW_EXAMPLES: &str = "\
Examples:
  taskhost plugins new thumbs
  taskhost plugins new thumbs --path crates/thumbs --api ../plugin-api";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  taskhost plugins run libthumbs.so thumbs.greet --params '{\"name\": \"you\"}'
  taskhost plugins run libthumbs.so thumbs.greet --params @sample.json \\
      --attempt 2 --state @checkpoint.json
  TASKHOST_LOG=plugin=debug taskhost plugins run libthumbs.so thumbs.greet

The result goes to stdout; progress, log and follow-up tasks, which are not run, go to stderr.
Ctrl-C cancels the task, once more ends it at once. Exit code 0: it completed; 1: it did not; 3: no such kind or file.";

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginsRunArgs {
    /// The library
    pub(in crate::cli) file: PathBuf,
    /// One of its kinds
    pub(in crate::cli) kind: KindName,
    /// The params of the task: JSON, `@FILE`, or `-` for stdin [default: {}]
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(in crate::cli) params: Option<String>,
    /// Which attempt it believes to be
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(in crate::cli) attempt: u32,
    /// The checkpoint that it goes on from, as an earlier run has shown it: JSON, `@FILE`, or `-` for stdin
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(in crate::cli) state: Option<String>,
    /// The config of the plugin: JSON, `@FILE`, or `-` for stdin
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(in crate::cli) plugin_config: Option<String>,
    /// How long it may take, such as `90s` [default: as the kind says]
    #[arg(long, value_name = "DURATION")]
    pub(in crate::cli) timeout: Option<DurationText>,
    /// End with this process, which is to be the parent
    #[arg(long, value_name = "PID", hide = true)]
    pub(in crate::cli) parent: Option<u32>,
}

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  taskhost plugins check target/debug/libthumbs.so
  taskhost plugins check target/release/libthumbs.so --json

The library is entered in child processes only. Exit code 0: a host can use it; 1: none can; 3: there is no such file.";

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginsCheckArgs {
    /// The library
    pub(in crate::cli) file: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginsNewArgs {
    /// The name of the plugin, and of the crate
    pub(in crate::cli) name: String,
    /// The folder to make [default: one of its name, here]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) path: Option<PathBuf>,
    /// The folder of the crate plugin-api [default: looked for in the folders above]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) api: Option<PathBuf>,
}

pub(super) const DEV_EXAMPLES: &str = "\
Examples:
  taskhost dev
  taskhost dev . thumbs.greet --params '{\"name\": \"you\"}'
  taskhost dev plugins/thumbs --once

Without KIND that is run which was asked for the last time, if any was since the build's folder was cleaned; else the sample:
the first job of the crate's tasks.toml. The config is that of the one plugin there; --plugin-config is not remembered.
An edit interrupts what runs. Ctrl-C ends. Exit code with --once: that of the task, as `taskhost plugins run` has it.";

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct DevArgs {
    /// The folder of the plugin's crate
    #[arg(value_name = "CRATE", default_value = ".")]
    pub(in crate::cli) folder: PathBuf,
    /// The kind to run, from now on [default: the last one, else that of the first job in the crate's tasks.toml]
    pub(in crate::cli) kind: Option<KindName>,
    /// The params of the task: JSON or `@FILE` [default: {}]
    #[arg(long, value_name = "JSON", allow_hyphen_values = true, requires = "kind")]
    pub(in crate::cli) params: Option<String>,
    /// Run the first job of the crate's tasks.toml, from now on
    #[arg(long, conflicts_with = "kind")]
    pub(in crate::cli) sample: bool,
    /// The config of the plugin: JSON or `@FILE`
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(in crate::cli) plugin_config: Option<String>,
    /// Build and run once
    #[arg(long)]
    pub(in crate::cli) once: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DescribeArgs {
    /// The library
    pub(in crate::cli) file: PathBuf,
    /// End with this process, which is to be the parent
    #[arg(long, value_name = "PID")]
    pub(in crate::cli) parent: Option<u32>,
    /// Give it a host table that ends early
    #[arg(long)]
    pub(in crate::cli) truncated_host: bool,
}
