//! The reference store by itself: what it does is what the suite says.

use std::sync::Arc;

use taskhost_core::retention::Retentions;
use taskhost_core::time::UnixMicros;
use tokio::sync::mpsc;

use super::{MemoryOptions, MemoryStore};
use crate::events::Events;
use crate::store::suite::{self, Ground, Harness};
use crate::tally::Tally;

#[test]
fn every_case_of_the_suite_holds() {
    suite::run(harness);
}

/// An empty store.
pub(in crate::store) fn harness() -> Harness {
    let now = UnixMicros::from_micros(1_800_000_000_000_000);
    opened(Retentions::default(), now, |options, assign, events, tally| {
        MemoryStore::open(options, assign, events, tally, now)
    })
    .0
}

type Assign = mpsc::UnboundedSender<Vec<crate::store::Assignment>>;

fn opened(
    retentions: Retentions,
    now: UnixMicros,
    open: impl FnOnce(MemoryOptions, Assign, Events, Tally) -> MemoryStore,
) -> (Harness, usize) {
    let (assign, assignments) = mpsc::unbounded_channel();
    let (events, tally) = (Events::default(), Tally::default());
    let store =
        Arc::new(open(MemoryOptions { host: "here".to_owned(), retentions }, assign, events.clone(), tally.clone()));
    let reclaimed = store.reclaimed();
    (Harness::new(store.clone(), assignments, now, ()).telling(&events, tally).on(store), reclaimed)
}

impl Ground for Arc<MemoryStore> {
    fn after_crash(&self, retentions: Retentions, now: UnixMicros) -> (Harness, usize) {
        opened(retentions, now, |options, assign, events, tally| {
            MemoryStore::after_crash(self, options, assign, events, tally, now)
        })
    }

    fn check(&self, _tasks: u64, _running: usize) {}
}
