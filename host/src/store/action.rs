//! What the port says about what people ask of tasks.

use taskhost_core::ids::KindName;
use taskhost_core::query::TaskFilter;
use taskhost_core::task::Rejected;

/// Why a task is not cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefused {
    /// There is none of this id.
    #[error("there is no such task")]
    Unknown,
    /// It has ended.
    #[error("the task has ended")]
    Rejected(#[from] Rejected),
}

/// What is done with a task that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is queued again, with one more attempt allowed.
    Retry,
    /// It is deleted; only a dead one can be.
    Discard,
}

/// What is done with many dead tasks.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// What is done.
    pub action: Action,
    /// With which of them; an empty filter finds all.
    pub filter: TaskFilter,
    /// The kinds whose params may be searched for a text: see [`Store::list`](super::Store::list).
    pub kinds: Vec<KindName>,
}

/// Why a task is neither queued again nor discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActionRefused {
    /// There is none of this id.
    #[error("there is no such task")]
    Unknown,
    /// It is in a status that does not allow it.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}
