//! Files that came with a task: each in a folder of its own, named after its task, for as long as the task is kept.
//!
//! A folder whose task does not exist is a leftover of a kill, a broken connection or a refusal, and is removed; so the store
//! alone says what is kept. Not here: reading a form (`api`), when to look (`services::sweeper`). Start at [`Uploads::begin`].

mod name;
mod writer;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use taskhost_core::ids::TaskId;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

pub use self::name::SafeName;
pub use self::writer::{Kept, Upload};

/// How many files may come in at once; each holds a thread.
const UNDER_WAY_MAX: usize = 16;

/// The folder of all uploads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Uploads(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    limit: u64,
    places: Arc<Semaphore>,
    /// The tasks that do not exist yet, and whose folders are nobody's leftovers.
    under_way: Mutex<HashSet<TaskId>>,
    added: Notify,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// Others are coming in.
    #[error("{UNDER_WAY_MAX} files are coming in already")]
    TooMany,
    /// It is larger than allowed.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// How large it may be.
        limit: u64,
    },
    /// It cannot be written.
    #[error("cannot keep the file in {}: {source}", folder.display())]
    Unwritable {
        /// The folder of all uploads.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Uploads {
    /// Keeps uploads in `folder`, which is made for the first one. A file may have `limit` bytes.
    pub fn new(folder: PathBuf, limit: u64) -> Self {
        Self(Arc::new(Shared {
            folder,
            limit,
            places: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
            under_way: Mutex::default(),
            added: Notify::new(),
        }))
    }

    /// How large a file may be, in bytes.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// Where the file of a task will be.
    pub fn path(&self, task: TaskId, name: &SafeName) -> PathBuf {
        self.0.folder.join(task.to_string()).join(name.as_str())
    }

    /// Begins to take the file of a task that does not exist yet.
    /// # Errors
    /// [`UploadError::TooMany`] if it should come later.
    pub fn begin(&self, task: TaskId, name: &SafeName) -> Result<Upload, UploadError> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| UploadError::TooMany)?;
        Ok(Upload::start(Folder::new(self.clone(), task, place), name))
    }

    /// Ends when an upload was added, at once if that was since the last call.
    pub async fn added(&self) {
        self.0.added.notified().await;
    }

    /// Removes the folders of tasks that `is_kept` does not know. Answers whether any are left. Blocks.
    /// # Errors
    /// The first error of `is_kept`; what was looked at before is removed.
    pub fn sweep<E>(&self, is_kept: impl Fn(TaskId) -> Result<bool, E>) -> Result<bool, E> {
        let Ok(entries) = std::fs::read_dir(&self.0.folder) else { return Ok(false) };
        let mut left = false;
        for entry in entries.flatten() {
            let task = entry.file_name().to_str().and_then(|name| name.parse::<TaskId>().ok());
            let Some(task) = task else { continue };
            // In this order: once it is not under way, its task exists if it ever will.
            let stays = self.is_under_way(task) || is_kept(task)?;
            left |= stays;
            if !stays {
                remove(&entry.path());
            }
        }
        Ok(left)
    }

    fn is_under_way(&self, task: TaskId) -> bool {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner).contains(&task)
    }
}

/// The folder of one upload, removed with this unless it is kept.
#[derive(Debug)]
struct Folder {
    uploads: Uploads,
    task: TaskId,
    path: PathBuf,
    is_kept: bool,
    _place: OwnedSemaphorePermit,
}

impl Folder {
    fn new(uploads: Uploads, task: TaskId, place: OwnedSemaphorePermit) -> Self {
        uploads.0.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(task);
        let path = uploads.0.folder.join(task.to_string());
        Self { uploads, task, path, is_kept: false, _place: place }
    }

    fn unwritable(&self, source: io::Error) -> UploadError {
        UploadError::Unwritable { folder: self.uploads.0.folder.clone(), source }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_kept {
            self.uploads.0.added.notify_one();
        } else {
            remove(&self.path);
        }
        self.uploads.0.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.task);
    }
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "An upload that nobody needs could not be removed.");
        }
        Ok(()) | Err(_) => {}
    }
}

#[cfg(test)]
mod tests;
