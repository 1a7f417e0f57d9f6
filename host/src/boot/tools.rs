//! What people do without a daemon: checking a library or a `tasks.toml`, running a task, waiting for an edit, copying the
//! store.
//!
//! Not here: what the command line makes of it (`cli`). Start at [`check()`] and [`run()`].

mod backup;
mod doctor;
mod error;
mod file;
mod listed;
mod run;
pub(super) mod scratch;

use std::io;
use std::path::Path;

pub use self::backup::{BackedUp, Backup, BackupError};
pub use self::doctor::{Examined, Verdict, examine};
pub use self::error::RunError;
pub use self::file::{FileCheck, FileReport};
pub use self::run::{News, Ran, RunRequest, Unfinished, run};
use self::scratch::Scratch;
use super::BootError;
pub use crate::plugins::catalog::{Catalog, Library};
use crate::plugins::check;
pub use crate::plugins::check::{Checked, Finding, Param, Severity, params};
use crate::plugins::describe::{self, DescribeOptions};
pub use crate::plugins::describe::{KindManifest, Manifest};
pub use crate::services::watcher::EditWatch;

/// Checks a plugin library. Its code runs in child processes only.
/// # Errors
/// [`BootError`] if there is no place for a copy. That the library is no good is an answer, no error.
pub fn check(file: &Path) -> Result<Checked, BootError> {
    let scratch = Scratch::new()?;
    Ok(check::check(file, scratch.path(), DescribeOptions::default())?)
}

/// Sees to it that this process ends with its parent, however that ends.
/// # Errors
/// What the system said, or that the parent is gone.
pub fn end_with(parent: u32) -> io::Result<()> {
    describe::end_with(parent)
}

/// Watches what an author edits in the crate in `folder`, which is absolute.
/// # Errors
/// What the system said.
pub fn watch_crate(folder: &Path) -> io::Result<EditWatch> {
    EditWatch::of_crate(folder).map_err(io::Error::other)
}
