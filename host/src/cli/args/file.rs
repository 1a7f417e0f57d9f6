//! The words of the commands about `tasks.toml` itself.

use std::path::PathBuf;

use clap::Args;

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  taskhost check
  taskhost check deploy/tasks.toml
  taskhost check --watch

Everything goes to stderr, with --json one document to stdout, per check if there are several.
Exit code 0: a daemon would take the file, perhaps with warnings; 1: it would not; 3: there is no such file.";

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// The file [default: what --config says]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Check again after each save, until Ctrl-C
    #[arg(long)]
    pub(in crate::cli) watch: bool,
    /// Print a JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  taskhost plan
  taskhost plan deploy/tasks.toml --json

Compares with the config that was applied last; where none is known, everything is new. Times of `every` and `delay` as they
are now come from the running daemon. Exit code 0: it can be applied; 1: it has errors; 3: there is no such file.";

#[derive(Debug, Args)]
pub(in crate::cli) struct PlanArgs {
    /// The file [default: what --config says]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Print a JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  taskhost schema > tasks.schema.json

With `#:schema ./tasks.schema.json` as its first line, tasks.toml is completed, explained and checked by editors with a TOML
language server (taplo, which is `Even Better TOML` in VS Code). Print it again when the plugins have changed.
Exit code 0: printed; 1: the plugins cannot be known; 3: there is no such file.";

#[derive(Debug, Args)]
pub(in crate::cli) struct SchemaArgs {
    /// The file whose plugin folders count [default: what --config says]
    pub(in crate::cli) file: Option<PathBuf>,
}
