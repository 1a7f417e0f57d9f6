//! Lists of tasks, and what is done with ended ones.
//!
//! Not here: submitting, reading and cancelling one task (`host`). Start at [`Host::list`].

use std::sync::Arc;

use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::query::{TaskCursor, TaskFilter, TaskQuery};
use taskhost_core::task::Status;
use taskhost_core::view::{Page, Progress, TaskSummary};

use super::{Host, StoreError};
use crate::plugins::Kind;
pub use crate::store::ActionRefused;
use crate::store::{Action, Sweep};

/// A page of tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPage {
    /// The tasks, the newest first.
    pub tasks: Vec<ListedTask>,
    /// Where the next page begins; none after the last. A page may hold fewer tasks than asked for, or none, and still have
    /// one.
    pub next: Option<TaskCursor>,
}

/// A task of a list, with what only this host knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTask {
    /// What the store keeps.
    pub summary: TaskSummary,
    /// The latest progress: of the running attempt, or the last of the one before.
    pub progress: Option<Progress>,
    /// What the progress counts; empty if the kind does not say.
    pub unit: String,
    /// Why it stands where it stands, if the status alone does not say.
    pub reason: Option<String>,
}

impl Host {
    /// A page of tasks, the newest first, without params and results.
    ///
    /// A text is looked for only in params that nothing of is secret.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub async fn list(&self, query: TaskQuery) -> Result<TaskPage, StoreError> {
        let store = Arc::clone(&self.0.store);
        let kinds = self.searchable();
        let read = tokio::task::spawn_blocking(move || store.list(&query, &kinds)).await;
        // The join fails only while the runtime ends.
        let Page { tasks, next } = read.unwrap_or(Err(StoreError::Closed))?;
        Ok(TaskPage { tasks: tasks.into_iter().map(|summary| self.listed(summary)).collect(), next })
    }

    /// Queues a completed, cancelled or dead task again, with one more attempt allowed. A dead or cancelled one goes on from
    /// its checkpoint. Answers with the status that it had then: it may have started since.
    /// # Errors
    /// [`StoreError`] if the store has failed; within, [`ActionRefused`] if there is no such task, or if it has not ended.
    /// # Cancel safety
    /// Dropping the future leaves the task either as it was or queued, never half.
    pub async fn retry(&self, task: TaskId) -> Result<Result<Status, ActionRefused>, StoreError> {
        self.0.store.retry(task, self.0.clock.now()).await
    }

    /// Deletes a dead task with all that is kept of it.
    /// # Errors
    /// [`StoreError`] if the store has failed; within, [`ActionRefused`] if there is no such task, or if it is not dead.
    /// # Cancel safety
    /// Dropping the future leaves the task either there or deleted, never half.
    pub async fn discard(&self, task: TaskId) -> Result<Result<(), ActionRefused>, StoreError> {
        let discarded = self.0.store.discard(task, self.0.clock.now()).await?;
        Ok(discarded.map(|_last_status| ()))
    }

    /// Queues every dead task again that the filter finds, the oldest first; an empty filter finds all, and a face has to be
    /// told so. Answers with how many there were.
    /// # Errors
    /// [`StoreError`] if the store has failed; some may be queued then.
    /// # Cancel safety
    /// Dropping the future stops nothing: the store goes on in steps of its own.
    pub async fn retry_dead(&self, filter: TaskFilter) -> Result<u64, StoreError> {
        self.sweep(Action::Retry, filter).await
    }

    /// Deletes every dead task that the filter finds; else as [`Host::retry_dead`].
    /// # Errors
    /// [`StoreError`] if the store has failed; some may be deleted then.
    /// # Cancel safety
    /// As for [`Host::retry_dead`].
    pub async fn discard_dead(&self, filter: TaskFilter) -> Result<u64, StoreError> {
        self.sweep(Action::Discard, filter).await
    }

    async fn sweep(&self, action: Action, filter: TaskFilter) -> Result<u64, StoreError> {
        let sweep = Sweep { action, filter, kinds: self.searchable() };
        self.0.store.sweep_dead(sweep, self.0.clock.now()).await
    }

    /// The kinds whose params hold no secret. A search in others would tell what is hidden, guess by guess.
    fn searchable(&self) -> Vec<KindName> {
        let open = |kind: &Arc<Kind>| (!kind.has_secrets()).then(|| kind.name.clone());
        self.0.kinds.all().iter().filter_map(open).collect()
    }

    fn listed(&self, summary: TaskSummary) -> ListedTask {
        let kind = self.0.kinds.find(&summary.kind);
        let running = summary.task.status() == Status::Running;
        let live = if running { self.0.executor.progress(summary.id) } else { None };
        ListedTask {
            progress: live.or_else(|| summary.progress.clone()),
            unit: kind.as_ref().map(|kind| kind.unit.clone()).unwrap_or_default(),
            reason: self.reason(summary.id, &summary.task, &summary.kind, kind.as_deref()),
            summary,
        }
    }
}
