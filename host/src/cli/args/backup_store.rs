//! The words of `backup-store`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost backup-store
  taskhost backup-store --to /srv/backups/taskhost.db --force
  sudo -u taskhost taskhost backup-store --config /etc/taskhost/tasks.toml

What the daemon had acknowledged when it began is in the backup. The daemon is not held up and need
not run. The copy is checked, and gets its name when it is whole and on the disk. It is one file,
readable by its owner only: the params of tasks are in it.
To restore it: stop the daemon; move the store's file away, and those beside it that end in -wal and
-shm; copy the backup to where the file was; start the daemon.
Exit code 0: it is made; 1: it is not, and nothing is left behind; 3: there is no store.";

#[derive(Debug, Args)]
pub(in crate::cli) struct BackupStoreArgs {
    /// The file to make [default: one named after the time, in the folder `backups` of [host] `state`]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) to: Option<PathBuf>,
    /// Replace a file of that name, once the new one is whole
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Print a JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
