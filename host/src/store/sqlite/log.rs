//! The logs of tasks: pieces as attempts handed them over, numbered line by line, the oldest deleted when there are too many.
//!
//! A task that says nothing has no row here, and costs no statement before it is deleted. Not here: reading for people
//! (`Host::logs`). Start at [`Writer::keep_log`] and [`read`].

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow};
use taskhost_core::ids::{LeaseId, TaskId};
use taskhost_core::log::{BYTES_KEPT, LINES_KEPT, LogChunk, LogLine};
use taskhost_core::time::UnixMicros;

use super::codec;
use super::rows::{self, Row};
use super::writer::Writer;
use crate::store::rules::line_after;
use crate::store::{LogEnd, LogPiece, StoredLog};

/// The step of the migration that makes the table.
pub(super) const TABLE: &str = "
CREATE TABLE task_log (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,             -- the number of its first line among those of the task, from 1
    lines INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    place INTEGER NOT NULL,         -- of its first line among those of the attempt, from 0
    start INTEGER NOT NULL,         -- how many bytes of the task's log come before it
    bytes INTEGER NOT NULL,
    body TEXT NOT NULL,             -- one JSON document a line
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;
";

/// Where a piece stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    n: i64,
    lines: i64,
    lease: i64,
    /// Of its first line among those of the attempt.
    nth: i64,
    start: i64,
    bytes: i64,
}

const PLACE: &str = "SELECT n, lines, lease, place, start, bytes FROM task_log WHERE seq = ?1 ORDER BY n";

impl Place {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        let (n, lines, lease) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Self { n, lines, lease, nth: row.get(3)?, start: row.get(4)?, bytes: row.get(5)? })
    }

    fn first(connection: &Connection, seq: i64) -> rusqlite::Result<Option<Self>> {
        connection.prepare_cached(&format!("{PLACE} LIMIT 1"))?.query_row([seq], Self::read).optional()
    }

    fn last(connection: &Connection, seq: i64) -> rusqlite::Result<Option<Self>> {
        connection.prepare_cached(&format!("{PLACE} DESC LIMIT 1"))?.query_row([seq], Self::read).optional()
    }

    /// Where the next piece stands. Places that an attempt has left out (it said too much at once) count as lines too.
    fn next(last: Option<Self>, lease: i64, chunk: &LogChunk) -> Self {
        let nth = signed(chunk.first);
        let (n, start) = last.map_or((1 + nth, 0), |last| {
            let known = if last.lease == lease { last.nth + last.lines } else { 0 };
            (last.n + last.lines + (nth - known).max(0), last.start + last.bytes)
        });
        Self { n, lines: signed(chunk.count), lease, nth, start, bytes: signed(chunk.body.len() as u64) }
    }

    /// Whether what is kept would be enough without it.
    fn is_too_old(self, last: Self) -> bool {
        let lines_after = last.n + last.lines - (self.n + self.lines);
        let bytes_after = last.start + last.bytes - (self.start + self.bytes);
        lines_after >= signed(LINES_KEPT) || bytes_after >= signed(BYTES_KEPT as u64)
    }
}

impl Writer {
    /// Keeps what an attempt of this row handed over, and drops the oldest of its task.
    pub(super) fn keep_log(&self, seq: i64, lease: LeaseId, chunks: &[LogChunk]) -> rusqlite::Result<()> {
        if chunks.is_empty() {
            return Ok(());
        }
        let mut last = Place::last(&self.connection, seq)?;
        for chunk in chunks {
            let next = Place::next(last, codec::lease(lease), chunk);
            let insert = "INSERT INTO task_log (seq, n, lines, lease, attempt, place, start, bytes, body) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            let values = (seq, next.n, next.lines, next.lease, chunk.attempt, next.nth, next.start, next.bytes);
            let (seq, n, lines, lease, attempt, place, start, bytes) = values;
            let values = rusqlite::params![seq, n, lines, lease, attempt, place, start, bytes, chunk.body];
            self.connection.prepare_cached(insert)?.execute(values)?;
            last = Some(next);
        }
        last.map_or(Ok(()), |last| self.trim_log(seq, last))
    }

    fn trim_log(&self, seq: i64, last: Place) -> rusqlite::Result<()> {
        if last.n + last.lines <= signed(LINES_KEPT) && last.start + last.bytes <= signed(BYTES_KEPT as u64) {
            return Ok(());
        }
        while let Some(first) = Place::first(&self.connection, seq)?.filter(|first| first.is_too_old(last)) {
            let delete = "DELETE FROM task_log WHERE seq = ?1 AND n = ?2";
            self.connection.prepare_cached(delete)?.execute((seq, first.n))?;
        }
        Ok(())
    }

    /// Keeps the log of an attempt that has ended; says after it what becomes of the task, if it does not go well.
    pub(super) fn keep_last_log(
        &self,
        row: &Row,
        lease: LeaseId,
        chunks: &[LogChunk],
        now: UnixMicros,
    ) -> rusqlite::Result<()> {
        let Some((line, (last, before))) = line_after(&row.task, now).zip(chunks.split_last()) else {
            return self.keep_log(row.seq, lease, chunks);
        };
        let mut chunks = before.to_vec();
        let mut last = last.clone();
        last.push(&line.packed());
        chunks.push(last);
        self.keep_log(row.seq, lease, &chunks)
    }

    /// Adds a line of the host to the log of an attempt that is gone.
    pub(super) fn add_to_log(&self, seq: i64, attempt: u32, lease: LeaseId, line: &LogLine) -> rusqlite::Result<()> {
        let last = Place::last(&self.connection, seq)?.filter(|last| last.lease == codec::lease(lease));
        let first = last.map_or(0, |last| unsigned(last.nth + last.lines));
        let mut chunk = LogChunk { attempt, first, count: 0, body: String::new() };
        chunk.push(&line.packed());
        self.keep_log(seq, lease, &[chunk])
    }
}

/// Reads the lines after number `after`, in whole pieces, and where the log ends; all of one moment.
pub(super) fn read(connection: &mut Connection, id: TaskId, after: u64) -> rusqlite::Result<Option<StoredLog>> {
    let snapshot = connection.transaction()?;
    let select = format!("SELECT {} FROM task WHERE id = ?1", rows::COLUMNS);
    let row = snapshot.prepare_cached(&select)?.query_row([id.as_bytes().as_slice()], rows::read).optional()?;
    let Some(Row { seq, task, .. }) = row else { return Ok(None) };
    let first = Place::first(&snapshot, seq)?.map_or(1, |first| unsigned(first.n));
    let end = Place::last(&snapshot, seq)?.map(|last| LogEnd {
        n: unsigned(last.n + last.lines - 1),
        lease: LeaseId::from_u64(unsigned(last.lease)),
        places: unsigned(last.nth + last.lines),
    });
    let select = "SELECT n, attempt, place, lines, body FROM task_log WHERE seq = ?1 AND n + lines > ?2 + 1 ORDER BY n";
    let mut statement = snapshot.prepare_cached(select)?;
    let pieces = statement.query_map((seq, signed(after)), |row| {
        let count = |column| row.get(column).map(unsigned);
        let chunk = LogChunk { attempt: row.get(1)?, first: count(2)?, count: count(3)?, body: row.get(4)? };
        Ok(LogPiece { n: count(0)?, chunk })
    })?;
    Ok(Some(StoredLog { status: task.status(), first, end, pieces: pieces.collect::<Result<_, _>>()? }))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
