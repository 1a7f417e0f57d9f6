//! The documents of events, and their names.
//!
//! Not here: streams (`events`). Start at [`EventDocument`].

use axum::response::sse::Event;
use serde::Serialize;
use taskhost_core::ids::TaskId;
use taskhost_core::task::{Status, TaskState};
use taskhost_core::time::UnixMicros;
use utoipa::ToSchema;

use super::document::ProgressDocument;
use super::schema;
use crate::host::{EventId, Happened, TaskEvent};

/// The `data` of an event: what happened to a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskEvent)]
pub(super) struct EventDocument {
    #[schema(value_type = schema::Id)]
    task_id: TaskId,
    #[schema(value_type = schema::Name)]
    kind: String,
    #[schema(value_type = schema::Name)]
    queue: String,
    /// Where the task stands since then; null if it was deleted.
    #[schema(value_type = Option<schema::TaskStatus>)]
    status: Option<Status>,
    /// Why it stands there, if the status alone does not say.
    reason: Option<&'static str>,
    /// Attempts spent.
    attempt: u32,
    /// When it happened.
    #[schema(value_type = schema::Time)]
    at: UnixMicros,
    /// When it goes on by itself, if it waits for a time.
    #[schema(value_type = Option<schema::Time>)]
    scheduled_at: Option<UnixMicros>,
    /// How far it has come; only in `task.progressed`.
    progress: Option<ProgressDocument>,
}

/// An event as it is sent.
pub(super) fn sent(event: &TaskEvent) -> Event {
    let (state, progress) = match &event.happened {
        Happened::Became(state) => (Some(state), None),
        Happened::Discarded => (None, None),
        Happened::Progressed { progress, unit } => (None, Some(ProgressDocument::of(progress, unit, Status::Running))),
    };
    let running = progress.is_some().then_some(Status::Running);
    let document = EventDocument {
        task_id: event.task,
        kind: event.kind.to_string(),
        queue: event.queue.to_string(),
        status: state.map(TaskState::status).or(running),
        reason: state.and_then(TaskState::reason),
        attempt: event.attempt,
        at: event.at,
        scheduled_at: state.and_then(TaskState::due_at),
        progress,
    };
    let json = serde_json::to_string(&document).expect("names, times and numbers are JSON");
    Event::default().event(name(&event.happened)).id(event.id.to_string()).data(json)
}

/// The name of an event.
fn name(happened: &Happened) -> &'static str {
    match happened {
        Happened::Became(state) => match state {
            TaskState::Scheduled { .. } => "task.scheduled",
            TaskState::Blocked { .. } => "task.blocked",
            TaskState::Queued { .. } => "task.queued",
            TaskState::Running { cancelling: false, .. } => "task.started",
            TaskState::Running { cancelling: true, .. } => "task.cancel_asked",
            TaskState::Retrying { .. } => "task.failed",
            TaskState::Completed { .. } => "task.completed",
            TaskState::Cancelled { .. } => "task.cancelled",
            TaskState::Dead { .. } => "task.died",
        },
        Happened::Discarded => "task.discarded",
        Happened::Progressed { .. } => "task.progressed",
    }
}

/// Events were missed: whoever listens reads again what it shows.
pub(super) fn reset(id: EventId) -> Event {
    Event::default().event("reset").id(id.to_string()).data("{}")
}

/// Shows that the stream lives, and how far it has come without an event that its filter let through.
pub(super) fn heartbeat(id: EventId) -> Event {
    Event::default().comment("").id(id.to_string())
}
