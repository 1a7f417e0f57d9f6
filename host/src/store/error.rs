//! Why a store cannot do its work, and what to do about it.

use taskhost_core::ids::TaskId;

/// What a store says when it cannot do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another daemon holds it.
    #[error("{path} is in use by another daemon")]
    InUse {
        /// The store's file.
        path: String,
    },
    /// It cannot be opened.
    #[error("cannot open the store {path}: {reason}")]
    Open {
        /// The store's file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file is damaged.
    #[error("the store {path} is damaged: {reason}")]
    Damaged {
        /// The store's file.
        path: String,
        /// What was found.
        reason: String,
    },
    /// The file belongs to something else, or to a later version.
    #[error("the store {path} is not for this version: {reason}")]
    Foreign {
        /// The store's file.
        path: String,
        /// What was found.
        reason: String,
    },
    /// The disk is full.
    #[error("the disk that holds the store {path} is full")]
    Full {
        /// The store's file.
        path: String,
    },
    /// An operation failed.
    #[error("the store {path} failed: {reason}")]
    Failed {
        /// The store's file.
        path: String,
        /// Why.
        reason: String,
    },
    /// This call failed, and changed nothing; the store goes on.
    #[error("the store {path} could not {what}: {reason}")]
    Refused {
        /// The store's file.
        path: String,
        /// What the call was about.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// There is a task of that id already; nothing was inserted.
    #[error("there is a task {task} already")]
    TaskExists {
        /// The id.
        task: TaskId,
    },
    /// It was closed, or it failed before.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether only this call has failed, and may succeed at another time: the store goes on.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Refused { .. } => true,
            Self::InUse { .. }
            | Self::Open { .. }
            | Self::Damaged { .. }
            | Self::Foreign { .. }
            | Self::Failed { .. }
            | Self::TaskExists { .. }
            | Self::Closed => false,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "stop the other daemon, or give this one its own `store` and `state` in [host]",
            Self::Open { .. } => "check the path in [host] `store`, and that the daemon may write there",
            Self::Damaged { .. } => "restore a backup of the file, or move it away to begin with an empty store",
            Self::Foreign { .. } => {
                "run the version of taskhost that wrote it, restore a backup that this one can read, or name another file in \
                 [host] `store`"
            }
            Self::Full { .. } => "free some space on that disk, then try again; everything acknowledged is safe",
            Self::Refused { .. } => "nothing was changed; is something of it too large?",
            Self::Failed { .. } => {
                "look at the disk; everything acknowledged is safe, and the next start goes on from there"
            }
            Self::TaskExists { .. } => "submit it again: it gets another id",
            Self::Closed => "the daemon is stopping",
        }
    }
}
