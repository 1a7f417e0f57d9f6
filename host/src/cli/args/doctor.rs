//! The words of `doctor`.

use clap::Args;

pub(super) const EXAMPLES: &str = "\
Examples:
  taskhost doctor
  taskhost doctor --config /etc/taskhost/tasks.toml
  taskhost doctor --full
  taskhost doctor --json

Looks at tasks.toml, the folders and who may write there, the store, the disk and the time of a
commit, the clock, the time zones, the socket, the port and the plugins. It changes nothing, and may
be asked while the daemon runs; ask as the daemon's user.
Every page of the store is looked at, for 10 seconds at most; with --full for as long as it takes,
and also whether its indexes tell of the rows that there are.
Exit code 0: the daemon can run, perhaps with warnings; 1: something is wrong.";

#[derive(Debug, Args)]
pub(in crate::cli) struct DoctorArgs {
    /// Look at the whole store and its indexes, however long it takes
    #[arg(long)]
    pub(in crate::cli) full: bool,
    /// Print a JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
