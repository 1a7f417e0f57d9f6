//! Says what this host can run: how many tasks of each queue at once, and which kinds.
//!
//! The offer stands until the next one; the store fills it whenever it commits, so nobody asks for work task by task.

use std::collections::BTreeMap;

use taskhost_core::config::QueueConfig;
use taskhost_core::ids::QueueName;
use taskhost_core::time::UnixMicros;
use tracing::warn;

use crate::plugins::Kinds;
use crate::store::{Offer, Store, StoreError};

/// Offers the slots of the declared queues for the kinds that can run. Queues that are not declared any more but were
/// used once get the default slots, so that what waits in them is not lost.
/// # Errors
/// [`StoreError`] if the store has failed.
pub async fn offer_all(
    store: &dyn Store,
    kinds: &dyn Kinds,
    declared: &BTreeMap<QueueName, QueueConfig>,
    now: UnixMicros,
) -> Result<(), StoreError> {
    let mut slots: Vec<_> = declared.iter().map(|(name, queue)| (name.clone(), queue.concurrency)).collect();
    for name in store.queues().await? {
        if !declared.contains_key(&name) {
            warn!(queue = %name, "The queue is not declared any more; what waits in it still runs.");
            slots.push((name, QueueConfig::default().concurrency));
        }
    }
    let runnable = kinds.all().into_iter().filter(|kind| kind.held.is_none()).map(|kind| kind.name.clone());
    store.offer(Offer { slots, kinds: runnable.collect() }, now).await
}

/// Offers nothing: once this is answered, nothing more is claimed.
/// # Errors
/// [`StoreError`] if the store has failed.
pub async fn offer_nothing(store: &dyn Store, now: UnixMicros) -> Result<(), StoreError> {
    store.offer(Offer::default(), now).await
}
