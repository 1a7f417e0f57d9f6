//! Folders for one run, deleted at its end; those of runs that crashed are deleted by the next one.
//!
//! Start at [`Scratch::new`].

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::boot::BootError;
use crate::lock::FileLock;

/// How the names begin of folders whose lock was taken.
const PREFIX: &str = "taskhost-run-";
/// Held by the run as long as it lives, however it ends.
const LOCK: &str = "lock";

/// A folder for this user only.
#[derive(Debug)]
pub(in crate::boot) struct Scratch {
    path: PathBuf,
    _lock: FileLock,
}

impl Scratch {
    /// Makes one, and deletes what dead runs have left.
    pub(super) fn new() -> Result<Self, BootError> {
        Self::new_in(&std::env::temp_dir())
    }

    /// As [`Scratch::new`], in this folder: where the disk matters.
    pub(in crate::boot) fn new_in(above: &Path) -> Result<Self, BootError> {
        sweep(above);
        Self::make(above).map_err(|source| BootError::system("make a folder in", above, source))
    }

    fn make(above: &Path) -> io::Result<Self> {
        // It gets the name that others look for only when its lock is held: what they can lock is dead.
        let unnamed = tempfile::Builder::new().prefix(".taskhost-").tempdir_in(above)?;
        let lock = FileLock::try_hold(&unnamed.path().join(LOCK))?;
        let lock = lock.ok_or_else(|| io::Error::other("somebody else uses a new folder"))?;
        let name = unnamed.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = above.join(name.replace(".taskhost-", PREFIX));
        fs::rename(unnamed.path(), &path)?;
        drop(unnamed.keep());
        Ok(Self { path, _lock: lock })
    }

    pub(in crate::boot) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be deleted now is by a later run.
        drop(fs::remove_dir_all(&self.path));
    }
}

/// Deletes the folders of this user's dead runs; what cannot be looked at or deleted stays.
fn sweep(above: &Path) {
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    let runs = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    for run in runs.map(|entry| entry.path()).filter(|path| is_own_folder(path)) {
        // It has a lock, or is half deleted by another.
        let lock = run.join(LOCK);
        if lock.exists()
            && let Ok(Some(_dead)) = FileLock::try_hold(&lock)
        {
            drop(fs::remove_dir_all(&run));
        }
    }
}

/// Others may put there what they like, links too.
fn is_own_folder(path: &Path) -> bool {
    let user = rustix::process::getuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_run() {
        let above = tempfile::tempdir().unwrap();
        let scratch = Scratch::make(above.path()).unwrap();
        fs::write(scratch.path().join("library"), "").unwrap();
        drop(scratch);
        assert_eq!(fs::read_dir(above.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_dead_run_left_is_deleted_and_what_lives_or_is_not_ours_stays() {
        let above = tempfile::tempdir().unwrap();
        let live = Scratch::make(above.path()).unwrap();
        let dead = above.path().join("taskhost-run-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join(LOCK), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), above.path().join("taskhost-run-link")).unwrap();
        sweep(above.path());
        assert!(live.path().exists() && !dead.exists());
        assert!(elsewhere.path().join(LOCK).exists());
    }
}
