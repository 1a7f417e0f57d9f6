//! The latest batches, bounded by what they hold.

use std::collections::VecDeque;
use std::sync::Arc;

use taskhost_core::time::UnixMicros;

use super::{Batch, Told};

/// How many events are kept; a batch that is larger is kept alone. Some 2 MiB of changes.
pub(super) const KEPT: usize = 32_768;

#[derive(Debug, Default)]
pub(super) struct Ring {
    batches: VecDeque<Arc<Batch>>,
    weight: usize,
    /// How many events there ever were.
    told: u64,
}

impl Ring {
    /// The number of the next event; the first has 1.
    pub(super) fn next(&self) -> u64 {
        self.told + 1
    }

    /// The number of the oldest event that is kept, or of the next if there is none.
    pub(super) fn oldest(&self) -> u64 {
        self.batches.front().map_or(self.next(), |batch| batch.first)
    }

    /// Keeps a batch; answers those that had to go for it.
    pub(super) fn push(&mut self, at: UnixMicros, told: Told) -> Vec<Arc<Batch>> {
        let batch = Arc::new(Batch { first: self.next(), at, told });
        self.told += batch.len() as u64;
        self.weight += batch.weight();
        self.batches.push_back(batch);
        let mut gone = Vec::new();
        while self.weight > KEPT && self.batches.len() > 1 {
            let oldest = self.batches.pop_front();
            self.weight -= oldest.as_ref().map_or(0, |oldest| oldest.weight());
            gone.extend(oldest);
        }
        gone
    }

    /// The batch that holds this event.
    pub(super) fn find(&self, number: u64) -> Option<Arc<Batch>> {
        let behind = self.batches.partition_point(|batch| batch.first <= number);
        let batch = self.batches.get(behind.checked_sub(1)?)?;
        (number < batch.end()).then(|| Arc::clone(batch))
    }
}

impl Batch {
    /// How much of the ring it takes, as a number of changes: a progress has a text of up to 1 KiB.
    fn weight(&self) -> usize {
        match &self.told {
            Told::Changed(changes) => changes.len(),
            Told::Progressed(made) => made.iter().map(|made| 4 + made.progress.message.len() / 64).sum(),
        }
    }
}
