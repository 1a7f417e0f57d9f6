//! `/api/v1/queues`: what waits where, and pauses.
//!
//! Not here: what is told of a queue ([`QueueReport`]).

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use serde::Serialize;
use taskhost_core::ids::{NameError, QueueName};
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::StatusCounts;
use utoipa::ToSchema;

use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::{Api, schema};
use crate::host::{QueueError, QueueReport};

/// The name in the path of a call.
#[derive(Debug, Clone)]
pub(super) struct QueuePath(QueueName);

impl<S: Send + Sync> FromRequestParts<S> for QueuePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = |detail: String| Problem::new(ProblemType::QueueNotFound, detail);
        let Path(name) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|error| not_found(error.body_text()))?;
        QueueName::new(&name).map(Self).map_err(|error: NameError| not_found(error.to_string()))
    }
}

/// A page of queues; there is only one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueueList {
    queues: Vec<QueueDocument>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Queue)]
pub(super) struct QueueDocument {
    #[schema(value_type = schema::Name)]
    name: QueueName,
    /// Whether tasks.toml declares it. One that it does not any more takes nothing new, and is shown while it holds tasks.
    declared: bool,
    /// Whether nothing of it starts because somebody paused it.
    paused: bool,
    /// Since when.
    #[schema(value_type = Option<schema::Time>)]
    paused_since: Option<UnixMicros>,
    /// How many of its tasks may run at once on this host.
    concurrency: u32,
    /// How many run.
    running: u64,
    counts: Counts,
    /// Since when the oldest queued task waits, held ones too.
    #[schema(value_type = Option<schema::Time>)]
    oldest_queued_at: Option<UnixMicros>,
    /// How long the oldest queued task has waited; 0 if none waits.
    #[schema(minimum = 0)]
    latency_seconds: f64,
}

/// How many of its tasks stand in each status; ended ones while they are kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusCounts)]
struct Counts {
    scheduled: u64,
    blocked: u64,
    queued: u64,
    running: u64,
    retrying: u64,
    completed: u64,
    cancelled: u64,
    dead: u64,
}

impl From<StatusCounts> for Counts {
    fn from(counts: StatusCounts) -> Self {
        Self {
            scheduled: counts.get(Status::Scheduled),
            blocked: counts.get(Status::Blocked),
            queued: counts.get(Status::Queued),
            running: counts.get(Status::Running),
            retrying: counts.get(Status::Retrying),
            completed: counts.get(Status::Completed),
            cancelled: counts.get(Status::Cancelled),
            dead: counts.get(Status::Dead),
        }
    }
}

impl From<QueueReport> for QueueDocument {
    fn from(report: QueueReport) -> Self {
        let QueueReport { name, declared, concurrency, paused_since, counts, oldest_queued_at, latency } = report;
        Self {
            name,
            declared,
            paused: paused_since.is_some(),
            paused_since,
            concurrency,
            running: counts.get(Status::Running),
            counts: counts.into(),
            oldest_queued_at,
            latency_seconds: latency.as_secs_f64(),
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        let (detail, hint) = (error.to_string(), error.hint());
        match error {
            QueueError::Unknown { .. } => Self::new(ProblemType::QueueNotFound, detail).hint(hint),
            QueueError::Store(error) => error.into(),
        }
    }
}

problems!(Listed: StoreUnavailable);

/// List the queues
///
/// By name: those of tasks.toml, and those that still hold tasks or are paused. How many tasks there are is kept, so this
/// is cheap however many wait; `latency_seconds` is what an autoscaler wants.
#[utoipa::path(
    get, path = "/api/v1/queues", tag = "queues",
    responses((status = 200, description = "All of them.", body = QueueList), Listed),
)]
pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<QueueList>, Problem> {
    let queues = api.host.queues().await?.into_iter().map(QueueDocument::from).collect();
    Ok(Json(QueueList { queues, next_cursor: None }))
}

problems!(Shown: QueueNotFound, StoreUnavailable);

/// Show a queue
///
/// How many of its tasks stand where, and how long the oldest has waited.
#[utoipa::path(
    get, path = "/api/v1/queues/{name}", tag = "queues",
    params(("name" = schema::Name, Path, description = "The queue.")),
    responses((status = 200, description = "The queue.", body = QueueDocument), Shown),
)]
pub(super) async fn show(
    State(api): State<Arc<Api>>,
    QueuePath(name): QueuePath,
) -> Result<Json<QueueDocument>, Problem> {
    Ok(Json(api.host.queue(&name).await?.into()))
}

problems!(NotPaused: QueueNotFound, NotSupported, StoreUnavailable, StoreFull);

/// Pause a queue
///
/// Nothing of it starts until it is resumed; what runs goes on, and tasks are accepted. The pause survives restarts and
/// edits of tasks.toml.
#[utoipa::path(
    post, path = "/api/v1/queues/{name}/pause", tag = "queues",
    params(("name" = schema::Name, Path, description = "The queue.")),
    responses((status = 200, description = "The queue as it is now.", body = QueueDocument), NotPaused),
)]
pub(super) async fn pause(
    State(api): State<Arc<Api>>,
    QueuePath(name): QueuePath,
) -> Result<Json<QueueDocument>, Problem> {
    Ok(Json(api.host.pause_queue(&name, true).await?.into()))
}

/// Resume a queue
///
/// What waits starts as far as there are slots.
#[utoipa::path(
    post, path = "/api/v1/queues/{name}/resume", tag = "queues",
    params(("name" = schema::Name, Path, description = "The queue.")),
    responses((status = 200, description = "The queue as it is now.", body = QueueDocument), NotPaused),
)]
pub(super) async fn resume(
    State(api): State<Arc<Api>>,
    QueuePath(name): QueuePath,
) -> Result<Json<QueueDocument>, Problem> {
    Ok(Json(api.host.pause_queue(&name, false).await?.into()))
}
