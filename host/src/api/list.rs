//! `GET /api/v1/tasks` and `GET /api/v1/dead`: which tasks there are.
//!
//! Not here: the documents (`list_document`), what is done with many at once (`again`). Start at [`filter`].

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use taskhost_core::query::{TaskFilter, TaskQuery};
use taskhost_core::task::Status;
use utoipa::IntoParams;

use super::list_document::TaskList;
use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::query::Query;
use super::{Api, schema};

/// Which tasks: all that is said has to hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the parameters in the API's document; `filter` reads them")]
pub(super) struct Filter {
    /// In this queue.
    #[param(value_type = Option<schema::Name>)]
    queue: (),
    /// Of this kind.
    #[param(value_type = Option<schema::Name>)]
    kind: (),
    /// Made by this job.
    #[param(value_type = Option<schema::Name>)]
    job: (),
    /// With this tag.
    #[param(min_length = 1)]
    tag: Option<String>,
    /// With this text in them.
    #[param(value_type = Option<schema::Search>)]
    q: (),
}

/// Reads what [`Filter`] documents.
pub(super) fn filter(query: &Query) -> Result<TaskFilter, Problem> {
    let tag: Option<String> = query.get("tag")?;
    if tag.as_ref().is_some_and(String::is_empty) {
        return Err(Problem::new(ProblemType::InvalidQuery, "`tag`: it is empty"));
    }
    Ok(TaskFilter {
        queue: query.get("queue")?,
        kind: query.get("kind")?,
        job: query.get("job")?,
        tag,
        text: query.get("q")?,
    })
}

problems!(Listed: StoreUnavailable);

/// List the tasks
///
/// The newest first, without params and results.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "tasks",
    params(
        ("status" = Option<Vec<schema::TaskStatus>>, Query, min_items = 1, style = Form, explode = false, description = "In one of these statuses: `running`, or several with commas between, `queued,retrying`."),
        Filter,
        ("limit" = Option<schema::PageSize>, Query, description = "How many at most."),
        ("cursor" = Option<schema::Cursor>, Query, description = "Those after the page before."),
    ),
    responses((status = 200, description = "A page of them.", body = TaskList), Listed),
)]
pub(super) async fn tasks(State(api): State<Arc<Api>>, query: Query) -> Result<Json<TaskList>, Problem> {
    let statuses = query.get_list("status")?;
    page(&api, &query, statuses).await
}

/// List the dead tasks
///
/// Those that failed for good, the newest first; each says its last error.
#[utoipa::path(
    get, path = "/api/v1/dead", tag = "dead",
    params(
        Filter,
        ("limit" = Option<schema::PageSize>, Query, description = "How many at most."),
        ("cursor" = Option<schema::Cursor>, Query, description = "Those after the page before."),
    ),
    responses((status = 200, description = "A page of them.", body = TaskList), Listed),
)]
pub(super) async fn dead(State(api): State<Arc<Api>>, query: Query) -> Result<Json<TaskList>, Problem> {
    page(&api, &query, vec![Status::Dead]).await
}

async fn page(api: &Api, query: &Query, statuses: Vec<Status>) -> Result<Json<TaskList>, Problem> {
    let query = TaskQuery {
        statuses,
        filter: filter(query)?,
        after: query.get("cursor")?,
        limit: query.get("limit")?.unwrap_or_default(),
    };
    Ok(Json(TaskList::from(api.host.list(query).await?)))
}
