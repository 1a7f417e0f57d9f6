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

use crate::host::TaskReport;

/// Everything about a task.
#[derive(Debug, Serialize)]
pub(super) struct TaskDocument {
    task_id: TaskId,
    kind: String,
    queue: String,
    priority: Priority,
    status: Status,
    reason: Option<String>,
    params: Option<Box<RawValue>>,
    result: Option<Box<RawValue>>,
    error: Option<String>,
    errors: Vec<AttemptError>,
    attempt: u32,
    max_attempts: u32,
    attempted_by: Vec<String>,
    progress: Option<ProgressDocument>,
    job: Option<String>,
    tags: Vec<String>,
    created_at: UnixMicros,
    scheduled_at: UnixMicros,
    started_at: Option<UnixMicros>,
    finished_at: Option<UnixMicros>,
}

impl From<TaskReport> for TaskDocument {
    fn from(report: TaskReport) -> Self {
        let progress = ProgressDocument::of(&report);
        let TaskReport { view, reason, .. } = report;
        let status = view.task.status();
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
fn raw(json: Vec<u8>) -> Option<Box<RawValue>> {
    String::from_utf8(json).ok().and_then(|json| RawValue::from_string(json).ok())
}

/// How far a task has come, as a document of its own.
#[derive(Debug, Serialize)]
pub(super) struct ProgressReport {
    task_id: TaskId,
    status: Status,
    progress: ProgressDocument,
}

impl ProgressReport {
    /// The document; none if the task has reported no progress.
    pub(super) fn of(report: &TaskReport) -> Option<Self> {
        let progress = ProgressDocument::of(report)?;
        Some(Self { task_id: report.view.id(), status: report.view.task.status(), progress })
    }
}

/// How far a task has come.
#[derive(Debug, Serialize)]
struct ProgressDocument {
    current: u64,
    total: Option<u64>,
    percentage: Option<f64>,
    message: Option<String>,
    unit: Option<String>,
    rate: Option<f64>,
    eta_seconds: Option<f64>,
}

impl ProgressDocument {
    fn of(report: &TaskReport) -> Option<Self> {
        let progress: &Progress = report.progress.as_ref()?;
        let runs = report.view.task.status() == Status::Running;
        let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Some(Self {
            current: progress.current,
            total: Some(progress.total).filter(|total| *total > 0),
            percentage: progress.percentage().map(hundredths),
            message: filled(&progress.message),
            unit: filled(&report.unit),
            rate: progress.rate().map(hundredths),
            // What does not run does not arrive.
            eta_seconds: progress.eta_seconds().filter(|_| runs).map(hundredths),
        })
    }
}

/// Two digits behind the point, the rest cut: 99.999 % is not done.
fn hundredths(number: f64) -> f64 {
    (number * 100.0).floor() / 100.0
}
