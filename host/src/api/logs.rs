//! `GET /api/v1/tasks/{id}/logs`.

use std::sync::Arc;

use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::value::RawValue;
use taskhost_core::log::{LINES_KEPT, LogLevel};
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use utoipa::ToSchema;

use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::query::Query;
use super::serve::Stopping;
use super::tasks::{TaskPath, not_found, stopped, wait_limit};
use super::{Api, schema};
use crate::host::{LogPage, LogRequest, NumberedLine};

/// Lines of the log of a task, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogLines)]
pub(super) struct LogDocument {
    logs: Vec<LineDocument>,
    /// How many lines from the beginning are kept no longer: the latest 1,000 are, and of these 256 KiB.
    dropped: u64,
    /// Where the next lines begin: give it as `after`. Never null, a task may say more later.
    next_cursor: String,
    /// Where the task stands: one that has ended says nothing more.
    #[schema(value_type = schema::TaskStatus)]
    status: Status,
}

/// A line of the log of a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogLine)]
struct LineDocument {
    /// Its number among all lines of the task, from 1, through all attempts.
    n: u64,
    #[schema(value_type = schema::Time)]
    at: UnixMicros,
    #[schema(value_type = schema::Level)]
    level: LogLevel,
    /// The attempt that said it, or that it is about.
    attempt: u32,
    /// Who said it: a plugin, or `taskhost` itself.
    target: String,
    message: String,
    /// What else was said, by name.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    fields: Option<Box<RawValue>>,
}

problems!(Logged: TaskNotFound, StoreUnavailable);

/// Read the log of a task
///
/// What its attempts said, and what the host says of them; also what a running attempt has only just said. With `wait` an
/// answer without lines is held until there is one or the task has ended, or for that time: ask again with the cursor of the
/// answer, and you follow the log.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/logs", tag = "tasks",
    params(
        ("id" = schema::Id, Path, description = "The task."),
        ("after" = Option<u64>, Query, description = "Only lines after this: the `next_cursor` of an answer, or the `n` of a line."),
        ("limit" = Option<schema::LineCount>, Query, description = "How many lines at most."),
        ("level" = Option<schema::Level>, Query, description = "Only lines that matter this much or more."),
        ("wait" = Option<schema::Wait>, Query, description = "How long the answer may be held, at most `1m`."),
    ),
    responses((status = 200, description = "The lines.", body = LogDocument), Logged),
)]
pub(super) async fn show(
    State(api): State<Arc<Api>>,
    TaskPath(task): TaskPath,
    stopping: Option<Extension<Stopping>>,
    query: Query,
) -> Result<Json<LogDocument>, Problem> {
    let request = request(&query)?;
    let page = tokio::select! {
        page = api.host.log(task, request) => page?,
        () = stopped(stopping) => api.host.log(task, LogRequest { wait: Duration::ZERO, ..request }).await?,
    };
    Ok(Json(LogDocument::from(page.ok_or_else(|| not_found(task))?)))
}

fn request(query: &Query) -> Result<LogRequest, Problem> {
    let most = usize::try_from(LINES_KEPT).unwrap_or(usize::MAX);
    let limit = query.get("limit")?.unwrap_or(most);
    if !(1..=most).contains(&limit) {
        return Err(Problem::new(ProblemType::InvalidQuery, format!("`limit`: from 1 to {most}")));
    }
    let after = query.get("after")?.unwrap_or(0);
    if i64::try_from(after).is_err() {
        return Err(Problem::new(ProblemType::InvalidQuery, format!("`after`: at most {}", i64::MAX)));
    }
    Ok(LogRequest {
        after,
        level: query.get("level")?.unwrap_or(LogLevel::Trace),
        limit,
        wait: wait_limit(query)?.unwrap_or_default(),
    })
}

impl From<LogPage> for LogDocument {
    fn from(page: LogPage) -> Self {
        let LogPage { lines, dropped, next, status } = page;
        let logs = lines.into_iter().map(LineDocument::from).collect();
        Self { logs, dropped, next_cursor: next.to_string(), status }
    }
}

impl From<NumberedLine> for LineDocument {
    fn from(numbered: NumberedLine) -> Self {
        let NumberedLine { n, attempt, line } = numbered;
        let (at, level, target) = (line.at, line.level, line.target);
        Self { n, at, level, attempt, target, message: line.message, fields: line.fields }
    }
}
