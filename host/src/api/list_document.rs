//! The documents of a list of tasks, as JSON.
//!
//! Not here: the document of one task, with params, result and every error (`document`). Start at [`TaskList`].

use serde::Serialize;
use taskhost_core::ids::{JobName, KindName, QueueName, TaskId};
use taskhost_core::priority::Priority;
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::TaskSummary;
use utoipa::ToSchema;

use super::document::ProgressDocument;
use super::schema;
use crate::host::{ListedTask, TaskPage};

/// A page of tasks, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskList {
    tasks: Vec<ListedDocument>,
    /// `cursor` of the next page; null on the last. What one call looks at is bounded: a page may hold fewer tasks than asked
    /// for, or none, and still have a next one.
    #[schema(value_type = Option<schema::Cursor>)]
    next_cursor: Option<String>,
}

/// A task as a list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedTask)]
struct ListedDocument {
    #[schema(value_type = schema::Id)]
    task_id: TaskId,
    /// What runs.
    #[schema(value_type = schema::Name)]
    kind: KindName,
    /// Where it waits.
    #[schema(value_type = schema::Name)]
    queue: QueueName,
    #[schema(value_type = schema::PriorityLevel)]
    priority: Priority,
    #[schema(value_type = schema::TaskStatus)]
    status: Status,
    /// Why it stands there, if the status alone does not say.
    reason: Option<String>,
    /// The message of its last failed attempt; null once completed.
    error: Option<String>,
    /// Attempts spent.
    attempt: u32,
    /// Attempts that it may spend.
    max_attempts: u32,
    /// How far it has come; null if it told nothing yet.
    progress: Option<ProgressDocument>,
    /// The job that made it.
    #[schema(value_type = Option<schema::Name>)]
    job: Option<JobName>,
    tags: Vec<String>,
    #[schema(value_type = schema::Time)]
    created_at: UnixMicros,
    /// When it may start, or might.
    #[schema(value_type = schema::Time)]
    scheduled_at: UnixMicros,
    /// When its latest attempt started.
    #[schema(value_type = Option<schema::Time>)]
    started_at: Option<UnixMicros>,
    #[schema(value_type = Option<schema::Time>)]
    finished_at: Option<UnixMicros>,
}

impl From<TaskPage> for TaskList {
    fn from(page: TaskPage) -> Self {
        let tasks = page.tasks.into_iter().map(ListedDocument::from).collect();
        Self { tasks, next_cursor: page.next.map(|next| next.to_string()) }
    }
}

impl From<ListedTask> for ListedDocument {
    fn from(listed: ListedTask) -> Self {
        let ListedTask { summary, progress, unit, reason } = listed;
        let TaskSummary { id, kind, queue, priority, task, tags, job, created_at, run_at, started_at, error, .. } =
            summary;
        let status = task.status();
        Self {
            task_id: id,
            progress: progress.as_ref().map(|progress| ProgressDocument::of(progress, &unit, status)),
            error: error.filter(|_| status != Status::Completed),
            attempt: task.attempt,
            max_attempts: task.attempts_max,
            scheduled_at: task.state.due_at().or(run_at).unwrap_or(created_at),
            finished_at: task.state.finished_at(),
            kind,
            queue,
            priority,
            status,
            reason,
            job,
            tags,
            created_at,
            started_at,
        }
    }
}
