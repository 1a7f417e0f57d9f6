//! `GET /api/v1/tasks/{id}`, its progress, and cancelling it.

use std::sync::Arc;

use std::time::Duration;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::{Extension, Json};
use serde::Serialize;
use taskhost_core::duration::DurationText;
use taskhost_core::ids::TaskId;
use taskhost_core::task::Status;
use utoipa::ToSchema;

use super::document::{ProgressReport, TaskDocument};
use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::query::Query;
use super::serve::Stopping;
use super::{Api, schema};
use crate::host::{CancelRefused, TaskReport};

/// The longest that an answer is held.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The id in the path of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct TaskPath(pub(super) TaskId);

impl<S: Send + Sync> FromRequestParts<S> for TaskPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(id) = path.map_err(|error| Problem::new(ProblemType::TaskNotFound, error.body_text()))?;
        id.parse().map(Self).map_err(|error: taskhost_core::ids::TaskIdError| {
            Problem::new(ProblemType::TaskNotFound, error.to_string())
        })
    }
}

problems!(Shown: TaskNotFound, StoreUnavailable);

/// Show a task
///
/// Everything about it. With `wait` the answer is held until the task has ended, or for that time.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "tasks",
    params(
        ("id" = schema::Id, Path, description = "The task."),
        ("wait" = Option<schema::Wait>, Query, description = "How long the answer may be held, at most `1m`."),
    ),
    responses((status = 200, description = "The task.", body = TaskDocument), Shown),
)]
pub(super) async fn show(
    State(api): State<Arc<Api>>,
    TaskPath(task): TaskPath,
    stopping: Option<Extension<Stopping>>,
    query: Query,
) -> Result<Json<TaskDocument>, Problem> {
    let report = match wait_limit(&query)? {
        None => api.host.task(task).await?,
        Some(limit) => tokio::select! {
            report = api.host.wait(task, limit) => report?,
            () = stopped(stopping) => api.host.task(task).await?,
        },
    };
    Ok(Json(TaskDocument::from(report.ok_or_else(|| not_found(task))?)))
}

/// The parameter `wait`: how long the answer may be held.
pub(super) fn wait_limit(query: &Query) -> Result<Option<Duration>, Problem> {
    let limit = query.get("wait")?.map(DurationText::get);
    if limit.is_some_and(|limit| limit > WAIT_MAX) {
        let detail = format!("`wait`: at most {}", DurationText::from(WAIT_MAX));
        return Err(Problem::new(ProblemType::InvalidQuery, detail).hint("ask again when the answer comes"));
    }
    Ok(limit)
}

/// Ends when the daemon stops: no answer is held any longer then.
pub(super) async fn stopped(stopping: Option<Extension<Stopping>>) {
    match stopping {
        Some(Extension(stopping)) => stopping.wait().await,
        None => std::future::pending().await,
    }
}

problems!(Progressed: TaskNotFound, NoProgress, StoreUnavailable);

/// Show how far a task has come
///
/// A task that has ended keeps the last that it told.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/progress", tag = "tasks",
    params(("id" = schema::Id, Path, description = "The task.")),
    responses((status = 200, description = "Its progress.", body = ProgressReport), Progressed),
)]
pub(super) async fn progress(
    State(api): State<Arc<Api>>,
    TaskPath(task): TaskPath,
) -> Result<Json<ProgressReport>, Problem> {
    let report = api.find(task).await?;
    let no_progress = || Problem::new(ProblemType::NoProgress, "Task doesn't support progress tracking");
    ProgressReport::of(&report).map(Json).ok_or_else(no_progress)
}

/// Where a task stands after it was asked to stop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cancelled {
    #[schema(value_type = schema::Id)]
    task_id: TaskId,
    #[schema(value_type = schema::TaskStatus)]
    status: Status,
    /// `cancelling` while it runs on.
    reason: Option<String>,
}

problems!(NotCancelled: TaskNotFound, TaskEnded, NotSupported, StoreUnavailable, StoreFull);

/// Ask a task to stop
///
/// One that waits is cancelled at once; one that runs is told, and the answer does not wait for it.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/cancel", tag = "tasks",
    params(("id" = schema::Id, Path, description = "The task.")),
    responses((status = 202, description = "It was asked.", body = Cancelled), NotCancelled),
)]
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    TaskPath(task): TaskPath,
) -> Result<(StatusCode, Json<Cancelled>), Problem> {
    match api.host.cancel(task).await? {
        Ok(_) => {
            let report = api.find(task).await?;
            let (status, reason) = (report.view.task.status(), report.reason);
            Ok((StatusCode::ACCEPTED, Json(Cancelled { task_id: task, status, reason })))
        }
        Err(CancelRefused::Unknown) => Err(not_found(task)),
        Err(refused @ CancelRefused::Rejected(_)) => {
            Err(Problem::new(ProblemType::TaskEnded, format!("{refused}: there is nothing to cancel")))
        }
    }
}

impl Api {
    pub(super) async fn find(&self, task: TaskId) -> Result<TaskReport, Problem> {
        self.host.task(task).await?.ok_or_else(|| not_found(task))
    }
}

pub(super) fn not_found(task: TaskId) -> Problem {
    Problem::new(ProblemType::TaskNotFound, format!("no task `{task}` is kept"))
        .hint("ended tasks are kept for 24 h, dead ones for 7 d, unless `retention` in tasks.toml says otherwise")
}
