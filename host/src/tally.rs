//! What the store does, gathered until somebody counts it.
//!
//! The writer of a store adds to it once for each commit, which wakes nobody and counts nothing on its thread. Not here: the
//! counts (`metrics`). Start at [`Tally`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use taskhost_core::ids::{KindName, QueueName};
use taskhost_core::task::{End, Status};
use tokio::sync::Notify;

/// Something that a commit has done. Queues and kinds go by the numbers that the store gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// The number of a queue, before anything else of it.
    Queue(i64, QueueName),
    /// The number of a kind, before anything else of it.
    Kind(i64, KindName),
    /// An attempt begins.
    #[expect(missing_docs, reason = "numbers, as above")]
    Claimed { queue: i64, kind: i64 },
    /// An attempt has ended.
    #[expect(missing_docs, reason = "numbers, as above; how it ended; from its claim to its end")]
    Attempt { queue: i64, kind: i64, outcome: AttemptOutcome, ran: Duration },
    /// A task has ended.
    #[expect(missing_docs, reason = "numbers, as above; the status that it has now")]
    Ended { queue: i64, kind: i64, status: Status },
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum AttemptOutcome {
    Completed,
    Failed,
    TimedOut,
    Suspended,
    RateLimited,
    Interrupted,
    Cancelled,
}

impl AttemptOutcome {
    /// Every outcome, in the order of the variants.
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::Failed,
        Self::TimedOut,
        Self::Suspended,
        Self::RateLimited,
        Self::Interrupted,
        Self::Cancelled,
    ];

    /// What an attempt that reported `end` is counted as; `status`: that of its task then.
    pub fn of(end: End, status: Status) -> Self {
        match end {
            // Asked to stop, and stopped one way or the other.
            _however if status == Status::Cancelled => Self::Cancelled,
            End::Done => Self::Completed,
            End::Failed { .. } | End::FailedFatally => Self::Failed,
            End::TimedOut { .. } => Self::TimedOut,
            End::Suspended(_) => Self::Suspended,
            End::RateLimited(_) => Self::RateLimited,
            End::Interrupted | End::LeaseLost => Self::Interrupted,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Suspended => "suspended",
            Self::RateLimited => "rate_limited",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The gathering. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    waiting: Mutex<Vec<Counted>>,
    much: Notify,
}

/// So many wait at most before it is told that they should be counted: some tens of kilobytes.
const MUCH: usize = 1_024;

impl Tally {
    /// Adds what a commit did, and leaves `done` empty.
    pub fn add(&self, done: &mut Vec<Counted>) {
        if done.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        waiting.append(done);
        let is_much = waiting.len() >= MUCH;
        drop(waiting);
        if is_much {
            self.0.much.notify_one();
        }
    }

    /// Takes what has gathered, in the order of the commits.
    pub fn take(&self) -> Vec<Counted> {
        std::mem::take(&mut *self.waiting())
    }

    /// Ends when much has gathered.
    pub async fn much(&self) {
        self.0.much.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Counted>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_stands_in_its_place() {
        for (place, outcome) in AttemptOutcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, place);
        }
    }

    #[test]
    fn an_attempt_that_was_asked_to_stop_is_cancelled_unless_it_was_done() {
        let failed = End::Failed { delay: None, chance: 0.0 };
        assert_eq!(AttemptOutcome::of(failed, Status::Cancelled), AttemptOutcome::Cancelled);
        assert_eq!(AttemptOutcome::of(failed, Status::Dead), AttemptOutcome::Failed);
        assert_eq!(AttemptOutcome::of(End::Done, Status::Completed), AttemptOutcome::Completed);
    }

    #[tokio::test]
    async fn much_is_told_once_it_has_gathered() {
        let tally = Tally::default();
        tally.add(&mut vec![Counted::Claimed { queue: 1, kind: 2 }; MUCH]);
        tally.much().await;
        assert_eq!(tally.take().len(), MUCH);
        assert_eq!(tally.take(), []);
    }
}
