//! What the port says about queues.

use taskhost_core::ids::QueueName;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::StatusCounts;

/// A queue as of the latest commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    /// Its name.
    pub name: QueueName,
    /// How many of its tasks may run at once, as the latest offer says.
    pub slots: u32,
    /// Since when nothing of it starts, if somebody paused it.
    pub paused_since: Option<UnixMicros>,
    /// Its tasks.
    pub counts: StatusCounts,
}
