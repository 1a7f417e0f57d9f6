//! What happened to tasks, for whoever waits for it.
//!
//! Not here: keeping a log of events; a listener that falls behind is told so and reads the task again.

use std::sync::Arc;

use taskhost_core::ids::TaskId;
use taskhost_core::task::Status;
use tokio::sync::broadcast;

/// A task has reached a status; durable when it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskChanged {
    /// The task.
    pub task: TaskId,
    /// Where it stands now.
    pub status: Status,
}

/// Tells what happened to everybody who listens. Cheap to clone; free while nobody listens.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Arc<[TaskChanged]>>);

/// How many commits a listener may lag behind.
const COMMITS_KEPT: usize = 256;

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::Sender::new(COMMITS_KEPT))
    }
}

impl Events {
    /// Tells the changes of one commit.
    pub fn publish(&self, changes: &[TaskChanged]) {
        if self.0.receiver_count() > 0 && !changes.is_empty() {
            // The last listener may leave between the look and the call: nobody misses the event then.
            drop(self.0.send(changes.into()));
        }
    }

    /// Listens from now on.
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Hears what happens.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Arc<[TaskChanged]>>);

impl Listener {
    /// The changes of the next commit; none if some were missed, so that the listener has to read again.
    pub async fn next(&mut self) -> Option<Arc<[TaskChanged]>> {
        self.0.recv().await.ok()
    }
}
