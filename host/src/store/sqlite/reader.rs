//! Reading tasks for people, beside the writer: its own connection, its own snapshot.

use std::str::FromStr;
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow};
use taskhost_core::ids::TaskId;
use taskhost_core::priority::Priority;
use taskhost_core::submit::{NewTask, Origin};
use taskhost_core::task::{Status, Task};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{AttemptError, Progress, TaskSummary, TaskView};

use super::rows::{self, Body, LANE_HELD};

const SELECT: &str = "SELECT state, reason, ready_at, started_at, finished_at, lease, attempt, attempts_max, suspensions, \
    interruptions, suspect, expires_at, retry, \
    seq, (SELECT text FROM name WHERE id = queue), (SELECT text FROM name WHERE id = kind), \
    (SELECT text FROM name WHERE id = job), (SELECT text FROM name WHERE id = host), \
    lane, priority, created_at, nominal_at, run_at, timeout, tags, params, result, progress, refers \
    FROM task WHERE task.id = ?1";

/// Reads a task with everything around it, all of one moment.
pub(super) fn task(connection: &mut Connection, id: TaskId) -> rusqlite::Result<Option<TaskView>> {
    let snapshot = connection.transaction()?;
    let found =
        snapshot.prepare_cached(SELECT)?.query_row([id.as_bytes().as_slice()], |row| view(row, id)).optional()?;
    let Some((seq, mut view)) = found else { return Ok(None) };
    if view.submitted.params.is_empty() {
        view.submitted.params = rows::get_body(&snapshot, Body::Params, seq)?.unwrap_or_default();
    }
    if view.result.is_none() {
        view.result = rows::get_body(&snapshot, Body::Result, seq)?;
    }
    view.errors = errors(&snapshot, seq)?;
    Ok(Some(view))
}

fn view(row: &SqlRow<'_>, id: TaskId) -> rusqlite::Result<(i64, TaskView)> {
    let task = rows::read_task(row, 0)?;
    let time = |column| row.get::<_, Option<i64>>(column).map(|micros| micros.map(UnixMicros::from_micros));
    let nominal_at = time(21)?;
    let job: Option<String> = row.get(16)?;
    let origin = job.map(|job| parse(16, &job).map(|job| Origin { job, nominal_at })).transpose()?;
    let submitted = NewTask {
        id,
        queue: parse(14, &row.get::<_, String>(14)?)?,
        kind: parse(15, &row.get::<_, String>(15)?)?,
        priority: priority(row, 19)?,
        params: row.get::<_, Option<Vec<u8>>>(25)?.unwrap_or_default(),
        refers: row.get(28)?,
        run_at: time(22)?,
        expires_at: task.expires_at,
        timeout: row
            .get::<_, Option<i64>>(23)?
            .and_then(|micros| u64::try_from(micros).ok())
            .map(Duration::from_micros),
        retry: task.retry,
        tags: from_json(row, 24)?.unwrap_or_default(),
        origin,
    };
    let view = TaskView {
        submitted,
        task,
        created_at: time(20)?.unwrap_or_default(),
        started_at: time(3)?,
        attempted_by: row.get::<_, Option<String>>(17)?.into_iter().collect(),
        result: row.get(26)?,
        errors: Vec::new(),
        progress: from_json::<Progress>(row, 27)?,
        held: held(row, &task, 18)?,
    };
    Ok((row.get(13)?, view))
}

/// Reads a row of [`super::list`], and its number.
pub(super) fn summary(row: &SqlRow<'_>) -> rusqlite::Result<(i64, TaskSummary)> {
    let task = rows::read_task(row, 0)?;
    let time = |column| row.get::<_, Option<i64>>(column).map(|micros| micros.map(UnixMicros::from_micros));
    let summary = TaskSummary {
        id: TaskId::from_bytes(row.get(14)?),
        queue: parse(15, row.get_ref(15)?.as_str()?)?,
        kind: parse(16, row.get_ref(16)?.as_str()?)?,
        job: row.get_ref(17)?.as_str_or_null()?.map(|job| parse(17, job)).transpose()?,
        priority: priority(row, 19)?,
        held: held(row, &task, 18)?,
        created_at: time(20)?.unwrap_or_default(),
        run_at: time(21)?,
        started_at: time(3)?,
        tags: from_json(row, 22)?.unwrap_or_default(),
        progress: from_json(row, 23)?,
        error: row.get(24)?,
        task,
    };
    Ok((row.get(13)?, summary))
}

fn priority(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Priority> {
    let level = usize::try_from(row.get::<_, i64>(column)?).ok();
    Ok(level.and_then(|level| Priority::ALL.get(level).copied()).unwrap_or_default())
}

fn held(row: &SqlRow<'_>, task: &Task, column: usize) -> rusqlite::Result<bool> {
    Ok(task.status() == Status::Queued && row.get::<_, i64>(column)? == LANE_HELD)
}

fn errors(connection: &Connection, seq: i64) -> rusqlite::Result<Vec<AttemptError>> {
    let select = "SELECT attempt, at, host, generation, code, message FROM task_error WHERE seq = ?1 ORDER BY lease";
    let mut statement = connection.prepare_cached(select)?;
    let errors = statement.query_map([seq], |row| {
        Ok(AttemptError {
            attempt: row.get(0)?,
            at: UnixMicros::from_micros(row.get(1)?),
            host: row.get(2)?,
            generation: row.get(3)?,
            code: row.get(4)?,
            message: row.get(5)?,
        })
    })?;
    errors.collect()
}

fn parse<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(column: usize, text: &str) -> rusqlite::Result<T> {
    text.parse().map_err(|error: T::Err| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

fn from_json<T: serde::de::DeserializeOwned>(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else { return Ok(None) };
    let value = serde_json::from_str(text);
    value.map(Some).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}
