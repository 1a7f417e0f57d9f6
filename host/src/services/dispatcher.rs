//! Says what this host can run: how many tasks of each queue at once, and which kinds; and how long ended ones are kept.
//!
//! The offer stands until the next one; the store fills it whenever it commits, so nobody asks for work task by task.
//! Start at [`Dispatcher`].

use std::collections::BTreeMap;
use std::sync::Arc;

use taskhost_core::config::{Config, QueueConfig};
use taskhost_core::ids::QueueName;
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use tokio::sync::watch;
use tracing::warn;

use crate::clock::Clock;
use crate::patience::until_taken;
use crate::plugins::Kinds;
use crate::pulse::Beat;
use crate::store::{Offer, QueueState, Store, StoreError};

/// The service and what it works with.
#[derive(Debug)]
pub struct Dispatcher {
    /// What takes the offers.
    pub store: Arc<dyn Store>,
    /// What can run.
    pub kinds: Arc<dyn Kinds>,
    /// The declared queues.
    pub configs: watch::Receiver<Arc<Config>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Moves when the kinds have changed.
    pub kinds_changed: watch::Receiver<u64>,
    /// The limits of each queue that was declared once in the life of this daemon.
    pub limits: BTreeMap<QueueName, u32>,
}

impl Dispatcher {
    /// Offers again whenever the kinds or the declared queues have changed, until the store is closed.
    pub async fn run(mut self) {
        loop {
            let changed = tokio::select! {
                changed = self.kinds_changed.changed() => changed,
                changed = self.configs.changed() => changed,
            };
            if changed.is_err() {
                return;
            }
            // Nobody has to wait until it is applied to every task that has ended.
            let retentions = self.configs.borrow().retentions();
            drop(self.store.retain(retentions, self.clock.now()));
            if let Err(error) = self.offer().await {
                tracing::debug!(%error, "The dispatcher ends with the store.");
                return;
            }
        }
    }

    /// Offers the slots of the declared queues for the kinds that can run. Queues that are not declared any more keep the
    /// limits that they had, or get the default ones, so that what waits in them is not lost.
    /// # Errors
    /// [`StoreError`] if the store has failed.
    pub async fn offer(&mut self) -> Result<(), StoreError> {
        let config = Arc::clone(&self.configs.borrow_and_update());
        let mut slots: Vec<_> = config.queues.iter().map(|(name, queue)| (name.clone(), queue.concurrency)).collect();
        for QueueState { name, counts, .. } in self.store.queues() {
            if !config.queues.contains_key(&name) {
                let is_used = Status::ALL.iter().any(|status| !status.is_ended() && counts.get(*status) > 0);
                let limit = self.limit_of_undeclared(&name, is_used);
                slots.push((name, limit));
            }
        }
        self.limits.extend(slots.iter().cloned());
        let runnable = self.kinds.all().into_iter().filter(|kind| kind.held.is_none()).map(|kind| kind.name.clone());
        let offer = Offer { slots, kinds: runnable.collect() };
        until_taken(&mut Beat::default(), &*self.clock, || self.store.offer(offer.clone(), self.clock.now())).await
    }

    fn limit_of_undeclared(&self, name: &QueueName, is_used: bool) -> u32 {
        let known = self.limits.get(name).copied();
        let limit = known.unwrap_or(QueueConfig::default().concurrency);
        if known.is_none() && is_used {
            warn!(queue = %name, limit, "The queue is not declared any more; what waits in it still runs.");
        }
        limit
    }
}

/// Offers nothing: once this is answered, nothing more is claimed.
/// # Errors
/// [`StoreError`] if the store has failed.
pub async fn offer_nothing(store: &dyn Store, now: UnixMicros) -> Result<(), StoreError> {
    store.offer(Offer::default(), now).await
}
