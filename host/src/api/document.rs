//! The documents of a task, as JSON.
//!
//! Not here: problems. Start at [`TaskDocument`].

use serde::Serialize;
use serde_json::value::RawValue;
use taskhost_core::ids::TaskId;
use taskhost_core::priority::Priority;
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{AttemptError, Progress};
use utoipa::ToSchema;

use super::schema;
use crate::host::TaskReport;

/// Everything about a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(super) struct TaskDocument {
    #[schema(value_type = schema::Id)]
    task_id: TaskId,
    /// What runs.
    #[schema(value_type = schema::Name)]
    kind: String,
    /// Where it waits.
    #[schema(value_type = schema::Name)]
    queue: String,
    #[schema(value_type = schema::PriorityLevel)]
    priority: Priority,
    #[schema(value_type = schema::TaskStatus)]
    status: Status,
    /// Why it stands there, if the status alone does not say.
    reason: Option<String>,
    /// Its params, secrets hidden.
    #[schema(value_type = schema::AnyJson)]
    params: Option<Box<RawValue>>,
    /// What the kind answered; null unless completed.
    #[schema(value_type = schema::AnyJson)]
    result: Option<Box<RawValue>>,
    /// The message of its last failed attempt; null once completed.
    error: Option<String>,
    /// Its failed attempts, oldest first: the last 50.
    #[schema(value_type = Vec<AttemptErrorShape>)]
    errors: Vec<AttemptError>,
    /// Attempts spent.
    attempt: u32,
    /// Attempts that it may spend.
    max_attempts: u32,
    /// The hosts that ran it.
    attempted_by: Vec<String>,
    /// How far it has come; null if it told nothing yet.
    progress: Option<ProgressDocument>,
    /// The job that made it.
    #[schema(value_type = Option<schema::Name>)]
    job: Option<String>,
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

/// Why an attempt failed.
#[derive(ToSchema)]
#[schema(as = AttemptError)]
#[expect(dead_code, reason = "the shape of core's `AttemptError` in the API's document")]
struct AttemptErrorShape {
    attempt: u32,
    #[schema(value_type = schema::Time)]
    at: UnixMicros,
    host: String,
    /// Which loaded copy of the plugin ran it.
    generation: u32,
    /// A short word for programs.
    code: String,
    message: String,
}

impl From<TaskReport> for TaskDocument {
    fn from(report: TaskReport) -> Self {
        let status = report.view.task.status();
        let progress = progress_of(&report);
        let TaskReport { view, reason, .. } = report;
        let last_error = view.errors.last().map(|error| error.message.clone());
        let due_at = view.task.state.due_at().or(view.submitted.run_at);
        Self {
            task_id: view.submitted.id,
            kind: view.submitted.kind.to_string(),
            queue: view.submitted.queue.to_string(),
            priority: view.submitted.priority,
            status,
            reason,
            params: raw(view.submitted.params),
            result: view.result.filter(|_| status == Status::Completed).and_then(raw),
            error: last_error.filter(|_| status != Status::Completed),
            errors: view.errors,
            attempt: view.task.attempt,
            max_attempts: view.task.attempts_max,
            attempted_by: view.attempted_by,
            progress,
            job: view.submitted.origin.map(|origin| origin.job.to_string()),
            tags: view.submitted.tags,
            created_at: view.created_at,
            scheduled_at: due_at.unwrap_or(view.created_at),
            started_at: view.started_at,
            finished_at: view.task.state.finished_at(),
        }
    }
}

/// JSON of the store as it is, without building its values.
pub(super) fn raw(json: Vec<u8>) -> Option<Box<RawValue>> {
    String::from_utf8(json).ok().and_then(|json| RawValue::from_string(json).ok())
}

/// How far a task has come, as a document of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProgressReport {
    #[schema(value_type = schema::Id)]
    task_id: TaskId,
    #[schema(value_type = schema::TaskStatus)]
    status: Status,
    progress: ProgressDocument,
}

impl ProgressReport {
    /// The document; none if the task has reported no progress.
    pub(super) fn of(report: &TaskReport) -> Option<Self> {
        let progress = progress_of(report)?;
        Some(Self { task_id: report.view.id(), status: report.view.task.status(), progress })
    }
}

fn progress_of(report: &TaskReport) -> Option<ProgressDocument> {
    let progress = report.progress.as_ref()?;
    Some(ProgressDocument::of(progress, &report.unit, report.view.task.status()))
}

/// How far a task has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Progress)]
pub(super) struct ProgressDocument {
    /// Units done.
    current: u64,
    /// Units in all; null if unknown.
    total: Option<u64>,
    /// 0 to 100.
    percentage: Option<f64>,
    /// What it does now.
    message: Option<String>,
    /// What is counted.
    unit: Option<String>,
    /// Units a second.
    rate: Option<f64>,
    /// Null unless it runs and rate and total are known.
    eta_seconds: Option<f64>,
}

impl ProgressDocument {
    /// `unit` is empty if the kind does not say what its progress counts.
    pub(super) fn of(progress: &Progress, unit: &str, status: Status) -> Self {
        let runs = status == Status::Running;
        let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            current: progress.current,
            total: Some(progress.total).filter(|total| *total > 0),
            percentage: progress.percentage().map(hundredths),
            message: filled(&progress.message),
            unit: filled(unit),
            rate: progress.rate().map(hundredths),
            // What does not run does not arrive.
            eta_seconds: progress.eta_seconds().filter(|_| runs).map(hundredths),
        }
    }
}

/// Two digits behind the point, the rest cut: 99.999 % is not done.
fn hundredths(number: f64) -> f64 {
    (number * 100.0).floor() / 100.0
}
