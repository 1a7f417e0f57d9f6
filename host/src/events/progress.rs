//! The progress of running tasks, told at most once per 100 ms a task, and the last always. Nothing is done while nobody
//! follows it.
//!
//! What an attempt says is gathered, the latest of each; the announcer tells it from time to time, and at the end of an
//! attempt what was not told is told before the end. Start at [`Events::progressed`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use taskhost_core::ids::{KindName, QueueName, TaskId};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::Progress;
use tokio::sync::Notify;

use super::{Events, Told};

/// How far a running task has come.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressMade {
    /// The task.
    pub task: TaskId,
    /// Its queue.
    pub queue: QueueName,
    /// Its kind.
    pub kind: KindName,
    /// Which attempt.
    pub attempt: u32,
    /// What it said last.
    pub progress: Progress,
}

/// What was said and not told yet.
#[derive(Debug, Default)]
pub(super) struct Moves {
    followers: AtomicUsize,
    latest: Mutex<HashMap<TaskId, ProgressMade>>,
    some: Notify,
}

impl Moves {
    fn latest(&self) -> MutexGuard<'_, HashMap<TaskId, ProgressMade>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives, progress is told.
#[derive(Debug)]
pub struct FollowsProgress(Events);

impl Events {
    /// Asks for progress to be told.
    pub fn follow_progress(&self) -> FollowsProgress {
        self.0.moves.followers.fetch_add(1, Relaxed);
        FollowsProgress(self.clone())
    }

    /// Whether anybody follows progress: asked before anything is gathered for it.
    pub fn is_progress_followed(&self) -> bool {
        self.0.moves.followers.load(Relaxed) > 0
    }

    /// A running task has come further.
    pub fn progressed(&self, made: ProgressMade) {
        let is_first = {
            let mut latest = self.0.moves.latest();
            latest.insert(made.task, made);
            latest.len() == 1
        };
        if is_first {
            self.0.moves.some.notify_one();
        }
    }

    /// An attempt is over: what it said last is told before that.
    pub fn progress_ended(&self, task: TaskId, at: UnixMicros) {
        let mut latest = self.0.moves.latest();
        if let Some(last) = latest.remove(&task) {
            self.keep(at, Told::Progressed(vec![last]));
        }
        drop(latest);
        self.wake();
    }

    /// Ends when there is progress to tell.
    /// # Cancel safety
    /// What there is to tell is waited for by the next call.
    pub async fn progress_waits(&self) {
        loop {
            let notified = self.0.moves.some.notified();
            if !self.0.moves.latest().is_empty() {
                return;
            }
            notified.await;
        }
    }

    /// Tells the latest progress of every task that has come further.
    pub fn announce_progress(&self, at: UnixMicros) {
        // Held until it is told: an attempt that ends meanwhile waits, so that its end is told after it.
        let mut latest = self.0.moves.latest();
        let made: Vec<ProgressMade> = latest.drain().map(|(_, made)| made).collect();
        if !made.is_empty() {
            self.keep(at, Told::Progressed(made));
        }
        drop(latest);
        self.wake();
    }
}

impl Drop for FollowsProgress {
    fn drop(&mut self) {
        self.0.0.moves.followers.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(task: u8, current: u64) -> ProgressMade {
        ProgressMade {
            task: TaskId::from_bytes([task; 16]),
            queue: QueueName::default(),
            kind: KindName::new("k").unwrap(),
            attempt: 1,
            progress: Progress { current, ..Progress::default() },
        }
    }

    #[tokio::test]
    async fn of_each_task_the_latest_is_told_and_the_last_before_its_end() {
        let events = Events::default();
        let mut listener = events.listen();
        events.progressed(made(1, 1));
        events.progressed(made(1, 2));
        events.progress_waits().await;
        events.announce_progress(UnixMicros::default());
        events.progressed(made(1, 3));
        events.progress_ended(made(1, 3).task, UnixMicros::default());
        for current in [2, 3] {
            assert_eq!(listener.next().await.unwrap().told, Told::Progressed(vec![made(1, current)]));
        }
        events.progress_ended(made(1, 3).task, UnixMicros::default());
        assert_eq!(listener.hear_now(), None, "nothing is told twice");
    }

    #[test]
    fn it_is_followed_as_long_as_somebody_does() {
        let events = Events::default();
        let (one, other) = (events.follow_progress(), events.follow_progress());
        drop(one);
        assert!(events.is_progress_followed());
        drop(other);
        assert!(!events.is_progress_followed());
    }
}
