//! How long ended tasks are kept.
//!
//! Not here: deleting them (the stores), reading `retention` from the file (`config`).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ids::QueueName;
use crate::task::Task;
use crate::task::TaskState;
use crate::time::UnixMicros;

/// How long tasks are kept once they have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Completed ones. Default: 24 h.
    pub completed: Duration,
    /// Cancelled ones. Default: 24 h.
    pub cancelled: Duration,
    /// Dead ones. Default: 7 d.
    pub dead: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self { completed: day, cancelled: day, dead: 7 * day }
    }
}

impl Retention {
    /// Until when a task is kept; none if it has not ended.
    pub fn kept_until(&self, task: &Task) -> Option<UnixMicros> {
        let (at, kept) = match task.state {
            TaskState::Completed { at } => (at, self.completed),
            TaskState::Cancelled { at, .. } => (at, self.cancelled),
            TaskState::Dead { at, .. } => (at, self.dead),
            TaskState::Scheduled { .. }
            | TaskState::Blocked { .. }
            | TaskState::Queued { .. }
            | TaskState::Running { .. }
            | TaskState::Retrying { .. } => return None,
        };
        Some(at.saturating_add(kept))
    }
}

/// A retention of which some may be left to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartialRetention {
    /// See [`Retention::completed`].
    pub completed: Option<Duration>,
    /// See [`Retention::cancelled`].
    pub cancelled: Option<Duration>,
    /// See [`Retention::dead`].
    pub dead: Option<Duration>,
}

impl PartialRetention {
    /// What it says, and the rest as `base` says.
    #[must_use]
    pub fn over(self, base: Retention) -> Retention {
        Retention {
            completed: self.completed.unwrap_or(base.completed),
            cancelled: self.cancelled.unwrap_or(base.cancelled),
            dead: self.dead.unwrap_or(base.dead),
        }
    }
}

/// The retention of every queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retentions {
    /// That of queues which say nothing of it.
    pub usual: Retention,
    /// Those of the others.
    pub of_queues: BTreeMap<QueueName, Retention>,
}
