//! Queues: how many of their tasks stand where, how long the oldest waits, and pauses.
//!
//! Start at [`Host::queues`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use taskhost_core::config::QueueConfig;
use taskhost_core::ids::QueueName;
use taskhost_core::suggest::closest;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::StatusCounts;

use super::{Host, StoreError};
use crate::store::QueueState;

/// A queue as its faces see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueReport {
    /// Its name.
    pub name: QueueName,
    /// Whether `tasks.toml` declares it. One that it does not is served as long as tasks are kept in it.
    pub declared: bool,
    /// How many of its tasks may run at once on this host.
    pub concurrency: u32,
    /// Since when nothing of it starts, if somebody paused it.
    pub paused_since: Option<UnixMicros>,
    /// Its tasks.
    pub counts: StatusCounts,
    /// Since when the oldest queued task waits; none if none does.
    pub oldest_queued_at: Option<UnixMicros>,
    /// How long the oldest queued task has waited; 0 if none does.
    pub latency: Duration,
}

/// Why nothing is told of a queue, and nothing done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// There is none of this name.
    #[error("there is no queue `{name}`")]
    Unknown {
        /// What was asked for.
        name: QueueName,
        /// A queue of nearly this name.
        similar: Option<String>,
    },
    /// The store has failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl QueueError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { similar: Some(similar), .. } => format!("did you mean `{similar}`?"),
            Self::Unknown { name, similar: None } => format!("declare it in tasks.toml: [queues.{name}]"),
            Self::Store(error) => error.hint().to_owned(),
        }
    }
}

impl Host {
    /// The declared queues, and those that are paused or hold tasks, by name. The counts are kept, not counted; what is
    /// looked up is the oldest queued task of each.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub async fn queues(&self) -> Result<Vec<QueueReport>, StoreError> {
        let store = Arc::clone(&self.0.store);
        let read = tokio::task::spawn_blocking(move || store.oldest_queued()).await;
        // The join fails only while the runtime ends.
        let oldest: HashMap<_, _> = read.unwrap_or(Err(StoreError::Closed))?.into_iter().collect();
        let config = self.0.live.config();
        let mut queues = listed(&config.queues, self.0.store.queues());
        let now = self.now();
        for queue in &mut queues {
            queue.oldest_queued_at = oldest.get(&queue.name).copied();
            queue.latency = queue.oldest_queued_at.map(|since| now.saturating_since(since)).unwrap_or_default();
        }
        Ok(queues)
    }

    /// The queue of this name.
    /// # Errors
    /// [`QueueError`] if there is none, or if the store cannot be read.
    pub async fn queue(&self, name: &QueueName) -> Result<QueueReport, QueueError> {
        let queues = self.queues().await?;
        let names = || queues.iter().map(|queue| queue.name.as_str());
        let similar = closest(name.as_str(), names()).map(str::to_owned);
        let unknown = || QueueError::Unknown { name: name.clone(), similar };
        queues.iter().find(|queue| queue.name == *name).cloned().ok_or_else(unknown)
    }

    /// Pauses a queue, or resumes it; answers how it is then. Of a paused queue nothing starts, and what runs goes on. The
    /// pause is kept until somebody resumes it, across restarts and edits of `tasks.toml`.
    /// # Errors
    /// [`QueueError`] if there is none, or if the store has failed.
    /// # Cancel safety
    /// Dropping the future leaves the queue either as it was or as asked.
    pub async fn pause_queue(&self, name: &QueueName, paused: bool) -> Result<QueueReport, QueueError> {
        let before = self.queue(name).await?;
        self.0.store.pause_queue(name.clone(), paused, self.now()).await?;
        match self.queue(name).await {
            // What only its pause has made a queue is none any more once it is resumed.
            Err(QueueError::Unknown { .. }) => Ok(QueueReport { paused_since: None, ..before }),
            now => now,
        }
    }
}

impl QueueReport {
    fn new(name: QueueName, declared: bool, concurrency: u32) -> Self {
        let (paused_since, counts) = (None, StatusCounts::default());
        let (oldest_queued_at, latency) = (None, Duration::ZERO);
        Self { name, declared, concurrency, paused_since, counts, oldest_queued_at, latency }
    }
}

/// What the file declares and the store knows, by name.
fn listed(declared: &BTreeMap<QueueName, QueueConfig>, kept: Vec<QueueState>) -> Vec<QueueReport> {
    let of_file = declared.iter().map(|(name, queue)| QueueReport::new(name.clone(), true, queue.concurrency));
    let mut reports: BTreeMap<_, _> = of_file.map(|report| (report.name.clone(), report)).collect();
    for QueueState { name, slots, paused_since, counts } in kept {
        let is_of_interest = declared.contains_key(&name) || counts.total() > 0 || paused_since.is_some();
        if is_of_interest {
            let report = reports.entry(name.clone()).or_insert_with(|| QueueReport::new(name, false, slots));
            (report.paused_since, report.counts) = (paused_since, counts);
        }
    }
    reports.into_values().collect()
}
