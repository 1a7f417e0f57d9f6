//! The reference store for the suite, which says what it does.

use std::sync::Arc;

use taskhost_core::retention::Retentions;
use taskhost_core::time::UnixMicros;
use tokio::sync::mpsc;

use super::{MemoryOptions, MemoryStore};
use crate::events::Events;
use crate::store::suite::{Adapter, Capability, Ground, Harness, start};
use crate::tally::Tally;

pub(in crate::store) const ADAPTER: Adapter = Adapter { name: "memory", can: &[Capability::Crashes], open };

fn open() -> Harness {
    let first = |options, assign, events, tally| MemoryStore::open(options, assign, events, tally, start());
    opened(Retentions::default(), start(), first).0
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

    fn after_end(self: Box<Self>, _retentions: Retentions, _now: UnixMicros) -> Option<(Harness, usize)> {
        None
    }

    fn check(&self, _tasks: u64, _running: usize) {}
}
