//! Rows of the table `task`: read, inserted, saved, deleted.
//!
//! Not here: which state a row gets (`step`), and reading for people (`reader`).

use std::time::Duration;

use rusqlite::{Connection, Row as SqlRow, types::Type};
use taskhost_core::ids::{LeaseId, TaskId};
use taskhost_core::retry::RetryPolicy;
use taskhost_core::submit::NewTask;
use taskhost_core::task::Task;
use taskhost_core::time::UnixMicros;

use super::codec::{self, StateColumns};

/// Params and results up to this many bytes stand in the row of the task.
pub(super) const INLINE_MAX: usize = 512;

/// Who runs a task that is held because its kind cannot run.
pub(super) const LANE_OPEN: i64 = 0;
/// See [`LANE_OPEN`].
pub(super) const LANE_HELD: i64 = 1;

/// What the writer knows of a stored task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) id: TaskId,
    pub(super) queue: i64,
    pub(super) kind: i64,
    pub(super) lane: i64,
    pub(super) priority: i64,
    pub(super) task: Task,
    pub(super) started_at: Option<i64>,
    pub(super) host: Option<i64>,
    pub(super) follow_ups: u32,
}

/// The columns of [`Row`], in the order of [`read`].
pub(super) const COLUMNS: &str = "seq, id, queue, kind, state, reason, ready_at, started_at, finished_at, lease, attempt, \
    attempts_max, suspensions, interruptions, suspect, expires_at, retry, host, follow_ups, lane, priority";
/// How many columns [`COLUMNS`] names: more may follow.
pub(super) const COLUMNS_COUNT: usize = 21;

/// Reads a row that begins with [`COLUMNS`].
pub(super) fn read(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        seq: row.get(0)?,
        id: TaskId::from_bytes(row.get(1)?),
        queue: row.get(2)?,
        kind: row.get(3)?,
        task: read_task(row, 4)?,
        started_at: row.get(7)?,
        host: row.get(17)?,
        follow_ups: row.get(18)?,
        lane: row.get(19)?,
        priority: row.get(20)?,
    })
}

/// Reads the columns from `state` to `retry` that make a [`Task`].
pub(super) fn read_task(row: &SqlRow<'_>, first: usize) -> rusqlite::Result<Task> {
    let columns = StateColumns {
        state: row.get(first)?,
        reason: row.get(first + 1)?,
        ready_at: row.get(first + 2)?,
        started_at: row.get(first + 3)?,
        finished_at: row.get(first + 4)?,
    };
    let unknown =
        || rusqlite::Error::FromSqlConversionFailure(first, Type::Integer, format!("no state has {columns:?}").into());
    Ok(Task {
        state: codec::decode(&columns).ok_or_else(unknown)?,
        lease: LeaseId::from_u64(u64::try_from(row.get::<_, i64>(first + 5)?).unwrap_or(0)),
        attempt: row.get(first + 6)?,
        attempts_max: row.get(first + 7)?,
        suspensions: row.get(first + 8)?,
        interruptions: row.get(first + 9)?,
        suspect: row.get(first + 10)?,
        expires_at: row.get::<_, Option<i64>>(first + 11)?.map(UnixMicros::from_micros),
        retry: read_retry(row, first + 12)?,
    })
}

fn read_retry(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<RetryPolicy> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else { return Ok(RetryPolicy::default()) };
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

/// What a new row has besides the task.
#[derive(Debug)]
pub(super) struct NewRow<'a> {
    pub(super) new: &'a NewTask,
    pub(super) job: Option<i64>,
    pub(super) created_at: UnixMicros,
}

/// Inserts a task.
pub(super) fn insert(connection: &Connection, row: &Row, with: &NewRow<'_>) -> rusqlite::Result<()> {
    let new = with.new;
    let task = &row.task;
    let columns = codec::encode(&task.state);
    let inline = new.params.len() <= INLINE_MAX;
    let retry = (new.retry != RetryPolicy::default()).then(|| json(&new.retry));
    let tags = (!new.tags.is_empty()).then(|| json(&new.tags));
    let nominal_at = new.origin.as_ref().and_then(|origin| origin.nominal_at).map(UnixMicros::as_micros);
    let mut statement = connection.prepare_cached(
        "INSERT INTO task (seq, id, queue, kind, state, reason, lane, priority, lease, attempt, attempts_max, suspensions, \
         interruptions, suspect, follow_ups, ready_at, created_at, started_at, expires_at, host, job, nominal_at, run_at, timeout, \
         retry, tags, params, refers) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, 0, 0, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
         ?19, ?20, ?21, ?22, ?23, ?24)",
    )?;
    statement.execute(rusqlite::params![
        row.seq,
        row.id.as_bytes().as_slice(),
        row.queue,
        row.kind,
        columns.state,
        columns.reason,
        row.lane,
        row.priority,
        codec::lease(task.lease),
        task.attempt,
        task.attempts_max,
        columns.ready_at,
        with.created_at.as_micros(),
        columns.started_at,
        task.expires_at.map(UnixMicros::as_micros),
        row.host,
        with.job,
        nominal_at,
        new.run_at.map(UnixMicros::as_micros),
        new.timeout.map(micros),
        retry,
        tags,
        inline.then_some(new.params.as_slice()),
        new.refers,
    ])?;
    if !inline {
        put_body(connection, Body::Params, row.seq, &new.params)?;
    }
    Ok(())
}

/// Whether a row was not inserted because there is one of its id. SQLite has taken back the statement, and nothing else.
pub(super) fn is_taken_id(error: &rusqlite::Error) -> bool {
    // A number that is taken would be another code: that of a primary key, and a fault of ours.
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}

/// Writes what `step` made of a task, and until when it is kept if it has ended. The columns of [`Row`] that it does not name never change.
///
/// `result`: what it ended with, which stands in the row if it is small.
pub(super) fn save(
    connection: &Connection,
    row: &Row,
    kept_until: Option<UnixMicros>,
    result: Option<&[u8]>,
) -> rusqlite::Result<()> {
    let task = &row.task;
    let columns = codec::encode(&task.state);
    let inline = result.filter(|result| result.len() <= INLINE_MAX);
    let mut statement = connection.prepare_cached(
        "UPDATE task SET state = ?2, reason = ?3, ready_at = ?4, started_at = ?5, finished_at = ?6, lease = ?7, attempt = ?8, \
         attempts_max = ?9, suspensions = ?10, interruptions = ?11, suspect = ?12, expires_at = ?13, prune_at = ?14, host = ?15, \
         result = coalesce(?16, result) WHERE seq = ?1",
    )?;
    statement.execute(rusqlite::params![
        row.seq,
        columns.state,
        columns.reason,
        columns.ready_at,
        row.started_at,
        columns.finished_at,
        codec::lease(task.lease),
        task.attempt,
        task.attempts_max,
        task.suspensions,
        task.interruptions,
        task.suspect,
        task.expires_at.map(UnixMicros::as_micros),
        kept_until.map(UnixMicros::as_micros),
        row.host,
        inline,
    ])?;
    match result {
        Some(result) if inline.is_none() => put_body(connection, Body::Result, row.seq, result),
        Some(_) | None => Ok(()),
    }
}

/// Writes the claim of a queued task.
pub(super) fn save_claim(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let task = &row.task;
    let columns = codec::encode(&task.state);
    let mut statement = connection.prepare_cached(
        "UPDATE task SET state = ?2, reason = ?3, ready_at = ?4, started_at = ?5, lease = ?6, attempt = ?7, expires_at = NULL, \
         host = ?8 WHERE seq = ?1",
    )?;
    let (state, reason, ready_at, lease) = (columns.state, columns.reason, columns.ready_at, codec::lease(task.lease));
    statement.execute((row.seq, state, reason, ready_at, row.started_at, lease, task.attempt, row.host)).map(drop)
}

/// Writes how many follow-ups a task has made.
pub(super) fn save_follow_ups(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let update = "UPDATE task SET follow_ups = ?2 WHERE seq = ?1";
    connection.prepare_cached(update)?.execute((row.seq, row.follow_ups))?;
    Ok(())
}

/// Writes how far an attempt came.
pub(super) fn save_progress(connection: &Connection, seq: i64, progress: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE task SET progress = ?2 WHERE seq = ?1")?.execute((seq, progress)).map(drop)
}

/// Makes a task that was queued again look like one that has not run to its end. Its lane is open: a claim that meets it
/// finds out whether its kind can run.
pub(super) fn reopen(connection: &Connection, seq: i64, was_completed: bool) -> rusqlite::Result<()> {
    // What got somewhere and failed says how far; what was done begins from the start.
    let update =
        "UPDATE task SET lane = ?2, result = NULL, progress = CASE WHEN ?3 THEN NULL ELSE progress END WHERE seq = ?1";
    connection.prepare_cached(update)?.execute((seq, LANE_OPEN, was_completed))?;
    if was_completed {
        connection.prepare_cached("DELETE FROM task_result WHERE seq = ?1")?.execute([seq])?;
    }
    Ok(())
}

/// Deletes a task and all that stands beside it.
pub(super) fn delete(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    for table in ["task", "task_params", "task_result", "task_state", "task_error", "task_log"] {
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE seq = ?1"))?.execute([seq])?;
    }
    Ok(())
}

/// The tables of large values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    Params,
    Result,
    State,
}

impl Body {
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Params => "task_params",
            Self::Result => "task_result",
            Self::State => "task_state",
        }
    }
}

/// Writes a large value, over the one that is there.
pub(super) fn put_body(connection: &Connection, body: Body, seq: i64, value: &[u8]) -> rusqlite::Result<()> {
    let insert = format!("INSERT OR REPLACE INTO {} (seq, body) VALUES (?1, ?2)", body.table());
    connection.prepare_cached(&insert)?.execute((seq, value))?;
    Ok(())
}

/// Reads a large value.
pub(super) fn get_body(connection: &Connection, body: Body, seq: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    use rusqlite::OptionalExtension as _;
    let select = format!("SELECT body FROM {} WHERE seq = ?1", body.table());
    connection.prepare_cached(&select)?.query_row([seq], |row| row.get(0)).optional()
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("a value with text keys is JSON")
}
