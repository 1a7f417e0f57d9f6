//! What the port says about calls that count once.

use taskhost_core::ids::TaskId;
use taskhost_core::task::Status;

/// A task that was inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// Its id.
    pub task: TaskId,
    /// Its status then.
    pub status: Status,
}

/// The key came with another call before; nothing is inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key came with another call before")]
pub struct KeyReused;
