//! What a store tells beside its answers, in words without the numbers that each store gives to names.

use std::collections::{BTreeMap, HashMap};

use taskhost_core::ids::TaskId;
use taskhost_core::task::Status;

use crate::events::{Events, Heard, Label, Labels, Listener};
use crate::tally::{Counted, Tally};

/// Hears what a store tells.
#[derive(Debug)]
pub(super) struct Ears {
    listener: Listener,
    labels: Labels,
    tally: Tally,
    names: HashMap<i64, String>,
}

/// What a store has told.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// What became of each task, in order: its status (`gone` if it was discarded), a colon, and the rest.
    pub(crate) events: BTreeMap<TaskId, Vec<String>>,
    /// What was counted, sorted.
    pub(crate) counted: Vec<String>,
}

impl Ears {
    pub(super) fn of(events: &Events, tally: Tally) -> Self {
        Self { listener: events.listen(), labels: events.labels().clone(), tally, names: HashMap::new() }
    }

    /// What was told since the last look. Nothing more is to come: it is told before answers are sent.
    pub(super) fn take(&mut self) -> Told {
        let mut told = Told::default();
        while let Some(heard) = self.listener.hear_now() {
            let Heard::Batch(batch, _) = heard else { panic!("more is told by one call than events are kept") };
            for change in batch.changes() {
                let name = |label: Label| self.labels.name(label);
                let (queue, kind) = (name(change.queue), name(change.kind));
                let status = change.status().map_or("gone", Status::as_str);
                let (attempt, state, at) = (change.attempt, change.state, batch.at);
                let words = format!("{status}: {kind} in {queue}, attempt {attempt}, {state:?} at {at}");
                told.events.entry(change.task).or_default().push(words);
            }
        }
        told.counted = self.tally.take().into_iter().filter_map(|counted| self.words(counted)).collect();
        told.counted.sort_unstable();
        told
    }

    fn words(&mut self, counted: Counted) -> Option<String> {
        let name = |number| self.names.get(&number).expect("a name comes before what it names");
        Some(match counted {
            Counted::Queue(number, queue) => {
                self.names.insert(number, queue.to_string());
                return None;
            }
            Counted::Kind(number, kind) => {
                self.names.insert(number, kind.to_string());
                return None;
            }
            Counted::Claimed { queue, kind } => format!("claimed {} of {}", name(kind), name(queue)),
            Counted::Attempt { queue, kind, outcome, ran } => {
                format!("{} of {} {} after {ran:?}", name(kind), name(queue), outcome.word())
            }
            Counted::Ended { queue, kind, status } => format!("{} of {} {status}", name(kind), name(queue)),
        })
    }
}
