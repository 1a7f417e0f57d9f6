//! Counts by queue and kind. What they are written to is looked up once for each pair.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Registry};
use taskhost_core::ids::{KindName, QueueName};
use taskhost_core::task::Status;

use super::family::{ATTEMPTS, HOLDS, TASK_DURATION, TASKS_ENDED};
use crate::tally::{AttemptOutcome, Counted};

/// The counts, and the numbers that the store has for their labels.
#[derive(Debug)]
pub(super) struct Work {
    queues: HashMap<i64, QueueName>,
    kinds: HashMap<i64, KindName>,
    pairs: HashMap<(i64, i64), Pair>,
    families: Families,
}

#[derive(Debug)]
struct Families {
    ended: IntCounterVec,
    attempts: IntCounterVec,
    durations: HistogramVec,
}

/// The counts of a kind in a queue. All of them begin at 0 together, so that the first failure is a step that monitoring sees.
#[derive(Debug, Clone)]
struct Pair {
    completed: IntCounter,
    cancelled: IntCounter,
    dead: IntCounter,
    attempts: [IntCounter; AttemptOutcome::ALL.len()],
    duration: Histogram,
}

/// The upper ends of buckets, in seconds: from what only computes to a night's backup.
const DURATIONS: &[f64] =
    &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];

impl Work {
    /// Nothing counted yet; shown with what is in `registry`.
    pub(super) fn registered(registry: &Registry) -> Self {
        let ended = IntCounterVec::new(TASKS_ENDED.opts(), TASKS_ENDED.labels).expect(HOLDS);
        let attempts = IntCounterVec::new(ATTEMPTS.opts(), ATTEMPTS.labels).expect(HOLDS);
        let durations = HistogramOpts::from(TASK_DURATION.opts()).buckets(DURATIONS.to_vec());
        let durations = HistogramVec::new(durations, TASK_DURATION.labels).expect(HOLDS);
        registry.register(Box::new(ended.clone())).expect(HOLDS);
        registry.register(Box::new(attempts.clone())).expect(HOLDS);
        registry.register(Box::new(durations.clone())).expect(HOLDS);
        let families = Families { ended, attempts, durations };
        Self { queues: HashMap::new(), kinds: HashMap::new(), pairs: HashMap::new(), families }
    }

    pub(super) fn count(&mut self, counted: Counted) {
        match counted {
            Counted::Queue(number, name) => drop(self.queues.insert(number, name)),
            Counted::Kind(number, name) => drop(self.kinds.insert(number, name)),
            // From now on it is shown.
            Counted::Claimed { queue, kind } => {
                self.pair(queue, kind);
            }
            Counted::Attempt { queue, kind, outcome, ran } => {
                if let Some(pair) = self.pair(queue, kind) {
                    pair.attempt(outcome, ran);
                }
            }
            Counted::Ended { queue, kind, status } => {
                if let Some(ended) = self.pair(queue, kind).and_then(|pair| pair.ended(status)) {
                    ended.inc();
                }
            }
        }
    }

    /// None only for numbers that never had a name: what an earlier version called a queue or a kind may be none today.
    fn pair(&mut self, queue: i64, kind: i64) -> Option<&Pair> {
        match self.pairs.entry((queue, kind)) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => {
                let (queue, kind) = (self.queues.get(&queue)?, self.kinds.get(&kind)?);
                Some(place.insert(self.families.pair(queue.as_str(), kind.as_str())))
            }
        }
    }
}

impl Families {
    fn pair(&self, queue: &str, kind: &str) -> Pair {
        let ended = |status: Status| self.ended.with_label_values(&[queue, kind, status.as_str()]);
        Pair {
            completed: ended(Status::Completed),
            cancelled: ended(Status::Cancelled),
            dead: ended(Status::Dead),
            attempts: AttemptOutcome::ALL
                .map(|outcome| self.attempts.with_label_values(&[queue, kind, outcome.word()])),
            duration: self.durations.with_label_values(&[queue, kind]),
        }
    }
}

impl Pair {
    fn attempt(&self, outcome: AttemptOutcome, ran: Duration) {
        self.attempts[outcome as usize].inc();
        self.duration.observe(ran.as_secs_f64());
    }

    fn ended(&self, status: Status) -> Option<&IntCounter> {
        match status {
            Status::Completed => Some(&self.completed),
            Status::Cancelled => Some(&self.cancelled),
            Status::Dead => Some(&self.dead),
            Status::Scheduled | Status::Blocked | Status::Queued | Status::Running | Status::Retrying => None,
        }
    }
}
