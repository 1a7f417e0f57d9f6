//! `GET /api/v1/tasks/{id}/why`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use taskhost_core::ids::TaskId;
use taskhost_core::task::Status;
use utoipa::ToSchema;

use super::openapi::problems;
use super::problem::Problem;
use super::tasks::{TaskPath, not_found};
use super::{Api, schema};
use crate::host::Why;

/// Why a task stands where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Why)]
pub(super) struct WhyDocument {
    #[schema(value_type = schema::Id)]
    task_id: TaskId,
    #[schema(value_type = schema::TaskStatus)]
    status: Status,
    /// Why, in a sentence for people.
    why: String,
    /// What to do about it, if something can be done.
    hint: Option<String>,
}

problems!(Untold: TaskNotFound, StoreUnavailable);

/// Say why a task stands where it stands
///
/// Why it waits, above all: for its time, a slot, a plugin, somebody who resumes its queue.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/why", tag = "tasks",
    params(("id" = schema::Id, Path, description = "The task.")),
    responses((status = 200, description = "The reason.", body = WhyDocument), Untold),
)]
pub(super) async fn show(State(api): State<Arc<Api>>, TaskPath(task): TaskPath) -> Result<Json<WhyDocument>, Problem> {
    let Why { status, text, hint } = api.host.why(task).await?.ok_or_else(|| not_found(task))?;
    Ok(Json(WhyDocument { task_id: task, status, why: text, hint }))
}
