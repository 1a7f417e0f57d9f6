//! What is done with tasks that have ended: `retry` and `discard`, for one, or for all dead ones that a filter finds.
//!
//! Not here: which filters there are (`list`), what a retry is (`Host::retry`). Start at [`wanted`].

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::query::{PageLimit, TaskFilter, TaskQuery};
use taskhost_core::task::{Rejected, Status};
use utoipa::ToSchema;

use super::list::{self, Filter};
use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::query::Query;
use super::submit::Accepted;
use super::tasks::{TaskPath, not_found};
use super::{Api, Source, schema};
use crate::host::ActionRefused;

problems!(NotRetried: TaskNotFound, TaskNotEnded, PrivilegedKind, NotSupported, StoreUnavailable, StoreFull);

/// Queue an ended task again
///
/// It is allowed one more attempt. A dead or cancelled task goes on from its checkpoint, a completed one begins anew.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/retry", tag = "tasks",
    params(("id" = schema::Id, Path, description = "The task.")),
    responses((status = 202, description = "It is queued.", body = Accepted), NotRetried),
)]
pub(super) async fn retry(
    State(api): State<Arc<Api>>,
    TaskPath(task): TaskPath,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    if api.source == Source::Tcp {
        api.refuse_unless_harmless(&api.find(task).await?.view.submitted.kind)?;
    }
    let retried = api.host.retry(task).await?;
    let status = retried.map_err(|refused| refused_as(refused, task, ProblemType::TaskNotEnded))?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { task_id: task, status })))
}

/// A task that is gone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Discarded {
    #[schema(value_type = schema::Id)]
    task_id: TaskId,
    /// For people.
    message: &'static str,
}

problems!(NotDiscarded: TaskNotFound, TaskNotDead, NotSupported, StoreUnavailable, StoreFull);

/// Delete a dead task
///
/// With all that is kept of it. Ended tasks that are not dead are deleted by themselves.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/discard", tag = "tasks",
    params(("id" = schema::Id, Path, description = "The task.")),
    responses((status = 200, description = "It is gone.", body = Discarded), NotDiscarded),
)]
pub(super) async fn discard(State(api): State<Arc<Api>>, TaskPath(task): TaskPath) -> Result<Json<Discarded>, Problem> {
    let discarded = api.host.discard(task).await?;
    discarded.map_err(|refused| refused_as(refused, task, ProblemType::TaskNotDead))?;
    Ok(Json(Discarded { task_id: task, message: "The task is deleted, with all that was kept of it" }))
}

fn refused_as(refused: ActionRefused, task: TaskId, class: ProblemType) -> Problem {
    match refused {
        ActionRefused::Unknown => not_found(task),
        ActionRefused::Rejected(rejected) => {
            let (done, hint) = match class {
                ProblemType::TaskNotDead => (
                    "deleted by hand",
                    "only dead ones are: what waits or runs can be cancelled, and goes by itself once it has ended",
                ),
                _ => ("queued again", "a task is queued again once it is completed, cancelled or dead"),
            };
            let detail = match rejected {
                Rejected::NotNow(status) => format!("a {status} task is not {done}"),
                Rejected::StaleLease { .. } | Rejected::TooEarly(_) => rejected.to_string(),
            };
            Problem::new(class, detail).hint(hint)
        }
    }
}

/// How many tasks were met.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Swept {
    /// How many dead tasks it was done with.
    count: u64,
}

problems!(NotSwept: NoFilter, PrivilegedKind, NotSupported, StoreUnavailable, StoreFull);

/// Queue dead tasks again
///
/// All that the filter finds, the oldest first, each allowed one more attempt. Not all or nothing: it goes in steps, and what
/// was done stays done if the daemon ends meanwhile.
#[utoipa::path(
    post, path = "/api/v1/dead/retry", tag = "dead",
    params(Filter, ("all" = Option<bool>, Query, description = "Every dead task is meant; needed where there is no filter.")),
    responses((status = 200, description = "They are queued.", body = Swept, example = json!({"count": 37})), NotSwept),
)]
pub(super) async fn retry_dead(State(api): State<Arc<Api>>, query: Query) -> Result<Json<Swept>, Problem> {
    let filter = wanted(&query)?;
    if api.source == Source::Tcp {
        api.refuse_unless_all_harmless(&filter).await?;
    }
    Ok(Json(Swept { count: api.host.retry_dead(filter).await? }))
}

problems!(NotSweptAway: NoFilter, NotSupported, StoreUnavailable, StoreFull);

/// Delete dead tasks
///
/// All that the filter finds, with all that is kept of them; in steps, as a retry.
#[utoipa::path(
    post, path = "/api/v1/dead/discard", tag = "dead",
    params(Filter, ("all" = Option<bool>, Query, description = "Every dead task is meant; needed where there is no filter.")),
    responses((status = 200, description = "They are gone.", body = Swept, example = json!({"count": 37})), NotSweptAway),
)]
pub(super) async fn discard_dead(State(api): State<Arc<Api>>, query: Query) -> Result<Json<Swept>, Problem> {
    Ok(Json(Swept { count: api.host.discard_dead(wanted(&query)?).await? }))
}

/// The filter; that every task is meant has to be said.
fn wanted(query: &Query) -> Result<TaskFilter, Problem> {
    let filter = list::filter(query)?;
    let all = query.get("all")?.unwrap_or(false);
    match (filter.is_empty(), all) {
        (true, true) | (false, false) => Ok(filter),
        (true, false) => Err(Problem::new(ProblemType::NoFilter, "the call does not say which dead tasks are meant")
            .hint("give a filter such as `?kind=email.send`, or `?all=true`")),
        (false, true) => Err(Problem::new(ProblemType::NoFilter, "it should be either a filter or `all`, not both")),
    }
}

impl Api {
    /// Over the network nothing starts a program, not even again.
    async fn refuse_unless_all_harmless(&self, filter: &TaskFilter) -> Result<(), Problem> {
        let hint = "name another `kind`, or call over the daemon's socket, as `taskhost dead retry` does";
        let refuse = |kind: &KindName| self.refuse_unless_harmless(kind).map_err(|problem| problem.hint(hint));
        if let Some(kind) = &filter.kind {
            return refuse(kind);
        }
        // A task of such a kind may die while the others are looked at.
        self.host.kinds().iter().filter(|kind| kind.privileged).try_for_each(|kind| refuse(&kind.name))?;
        let limit = PageLimit::new(PageLimit::MAX).expect("it is the most");
        let mut after = None;
        loop {
            let query = TaskQuery { statuses: vec![Status::Dead], filter: filter.clone(), after, limit };
            let page = self.host.list(query).await?;
            page.tasks.iter().try_for_each(|task| refuse(&task.summary.kind))?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
