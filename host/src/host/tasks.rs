//! Many tasks at once: lists.
//!
//! Not here: one task (`host`). Start at [`Host::list`].

use std::sync::Arc;

use taskhost_core::ids::KindName;
use taskhost_core::query::{TaskCursor, TaskQuery};
use taskhost_core::task::Status;
use taskhost_core::view::{Page, Progress, TaskSummary};

use super::{Host, StoreError};
use crate::plugins::Kind;

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
