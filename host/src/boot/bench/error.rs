//! Why nothing was measured, or the measurement is worth nothing.

use std::path::PathBuf;

use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::task::Status;

use crate::boot::BootError;
use crate::host::QueueError;
use crate::store::{Store, StoreError};
use crate::submit::SubmitError;

/// Why nothing was measured, or the measurement is worth nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The host did not come up.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The folder is not there, or its path is not text.
    #[error("there is no folder {} with plugins", .0.display())]
    NoPlugins(PathBuf),
    /// The kind that runs is not there.
    #[error("no plugin in {} provides the kind `{kind}`", folder.display())]
    NoProbe {
        /// The folder.
        folder: PathBuf,
        /// What was looked for.
        kind: KindName,
    },
    /// A task was not taken.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// A queue was not paused.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The store has failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task did not run once and complete.
    #[error("the task {task} is {status} after {attempts} attempts; each is to be completed after one")]
    NotOnce {
        /// Which.
        task: TaskId,
        /// Where it stands.
        status: Status,
        /// How often it ran.
        attempts: u32,
    },
    /// The store does not have as many as it was given.
    #[error("{submitted} tasks were stored, and {kept} are there")]
    Lost {
        /// How many it has answered.
        submitted: u32,
        /// How many it has.
        kept: u32,
    },
    /// A task did not say when it began.
    #[error("the task {0} has not said when it began")]
    NoTime(TaskId),
    /// A signal came.
    #[error("stopped before anything was measured to its end")]
    Stopped,
}

impl BenchError {
    pub(super) fn failed(store: &dyn Store) -> Self {
        let error = store.failure().borrow().clone();
        error.map_or(Self::Store(StoreError::Closed), |error| BootError::StoreFailed(error).into())
    }

    /// What to do about it, where that is not plain.
    pub fn hint(&self) -> Option<String> {
        const BUILD: &str =
            "`cargo xtask build --release` makes target/release/plugins; --plugins names another folder";
        match self {
            Self::Boot(error) => Some(error.hint()),
            Self::NoPlugins(_) | Self::NoProbe { .. } => Some(BUILD.to_owned()),
            Self::Submit(error) => Some(error.hint()),
            Self::Queue(error) => Some(error.hint()),
            Self::Store(error) => Some(error.hint().to_owned()),
            Self::NotOnce { .. } | Self::Lost { .. } => {
                Some("this is a bug of taskhost, or of the disk: please report it".to_owned())
            }
            Self::NoTime(_) => Some("the plugins are of another version: build them anew".to_owned()),
            Self::Stopped => None,
        }
    }
}
