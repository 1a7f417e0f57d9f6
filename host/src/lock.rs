//! A file that one process at a time holds.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Held until it is dropped or the process ends, however it ends: the kernel lets go of it.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "open files hold locks; nobody reads it")] File);

impl FileLock {
    /// Makes the file and its folder where they are missing, and takes the lock; none if another process holds it.
    /// # Errors
    /// What the system says if the file cannot be made or locked.
    pub fn try_hold(path: &Path) -> io::Result<Option<Self>> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
