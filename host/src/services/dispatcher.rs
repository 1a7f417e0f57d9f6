//! Says what this host can run: how many tasks of each queue at once, and which kinds.
//!
//! The offer stands until the next one; the store fills it whenever it commits, so nobody asks for work task by task.

use std::collections::BTreeMap;
use std::sync::Arc;

use taskhost_core::config::{Config, QueueConfig};
use taskhost_core::ids::QueueName;
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use tokio::sync::watch;
use tracing::warn;

use crate::clock::Clock;
use crate::plugins::Kinds;
use crate::store::{Offer, QueueState, Store, StoreError};

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
    for QueueState { name, counts, .. } in store.queues() {
        if !declared.contains_key(&name) {
            if Status::ALL.iter().any(|status| !status.is_ended() && counts.get(*status) > 0) {
                warn!(queue = %name, "The queue is not declared any more; what waits in it still runs.");
            }
            slots.push((name, QueueConfig::default().concurrency));
        }
    }
    let runnable = kinds.all().into_iter().filter(|kind| kind.held.is_none()).map(|kind| kind.name.clone());
    store.offer(Offer { slots, kinds: runnable.collect() }, now).await
}

/// Offers again whenever the kinds or the declared queues have changed, until the store is closed.
pub async fn follow(
    store: Arc<dyn Store>,
    kinds: Arc<dyn Kinds>,
    mut configs: watch::Receiver<Arc<Config>>,
    clock: Arc<dyn Clock>,
    mut kinds_changed: watch::Receiver<u64>,
) {
    loop {
        let changed = tokio::select! {
            changed = kinds_changed.changed() => changed,
            changed = configs.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
        let config = Arc::clone(&configs.borrow_and_update());
        if let Err(error) = offer_all(&*store, &*kinds, &config.queues, clock.now()).await {
            tracing::debug!(%error, "The dispatcher ends with the store.");
            return;
        }
    }
}

/// Offers nothing: once this is answered, nothing more is claimed.
/// # Errors
/// [`StoreError`] if the store has failed.
pub async fn offer_nothing(store: &dyn Store, now: UnixMicros) -> Result<(), StoreError> {
    store.offer(Offer::default(), now).await
}
