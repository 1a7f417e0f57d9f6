//! What is queued, in the order in which it starts: a row stands for a range of numbers, so that a batch enters with one row and
//! is claimed with few. A task is in exactly one range as long as it is queued, and in none otherwise.
//!
//! Not here: what is claimed (`claim`), where tasks of other states are found (`marks`). Start at [`Writer::enter_line`].

use rusqlite::{Connection, OptionalExtension as _};
use taskhost_core::time::UnixMicros;

use super::rows::Row;
use super::writer::Writer;

/// What tasks in a range have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) queue: i64,
    pub(super) lane: i64,
    pub(super) priority: i64,
    pub(super) ready_at: i64,
}

impl Line {
    /// That of a task which is queued since then.
    pub(super) fn of(row: &Row, ready_at: UnixMicros) -> Self {
        let Row { queue, lane, priority, .. } = *row;
        Self { queue, lane, priority, ready_at: ready_at.as_micros() }
    }
}

/// Tasks in a line, numbered without a gap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) line: Line,
    pub(super) first: i64,
    pub(super) tasks: i64,
}

impl Range {
    /// The number behind the last.
    pub(super) fn end(&self) -> i64 {
        self.first + self.tasks
    }
}

impl Writer {
    /// A task is queued. It is written with its neighbours, by [`Writer::write_lines`].
    pub(super) fn enter_line(&mut self, line: Line, seq: i64) {
        match self.turn.entering.last_mut() {
            Some(last) if last.line == line && last.end() == seq => last.tasks += 1,
            _other => self.turn.entering.push(Range { line, first: seq, tasks: 1 }),
        }
    }

    /// Writes what has entered in this turn: before anything is looked for, and before the commit.
    pub(super) fn write_lines(&mut self) -> rusqlite::Result<()> {
        for range in std::mem::take(&mut self.turn.entering) {
            insert(&self.connection, range)?;
        }
        Ok(())
    }

    /// A task is no longer queued, though nobody claims it.
    pub(super) fn leave_line(&mut self, line: Line, seq: i64) -> rusqlite::Result<()> {
        self.write_lines()?;
        let select = "SELECT first, tasks FROM ready WHERE queue = ?1 AND lane = ?2 AND priority = ?3 AND ready_at = ?4 \
                      AND first <= ?5 ORDER BY first DESC LIMIT 1";
        let Line { queue, lane, priority, ready_at } = line;
        let key = (queue, lane, priority, ready_at, seq);
        let found = self.connection.prepare_cached(select)?.query_row(key, |row| Ok((row.get(0)?, row.get(1)?)));
        let Some((first, tasks)) = found.optional()? else { return Ok(()) };
        let range = Range { line, first, tasks };
        // What a claim meets has been taken out with its range.
        if range.end() > seq {
            delete(&self.connection, range)?;
            insert(&self.connection, Range { tasks: seq - first, ..range })?;
            insert(&self.connection, Range { first: seq + 1, tasks: range.end() - seq - 1, ..range })?;
        }
        Ok(())
    }

    /// Takes the first tasks out of a lane of a queue: at most so many, in the order in which they start.
    pub(super) fn take_first(&mut self, queue: i64, lane: i64, most: i64) -> rusqlite::Result<Vec<Range>> {
        self.write_lines()?;
        let mut ranges = self.first(queue, lane, most)?;
        for range in &ranges {
            delete(&self.connection, *range)?;
        }
        let met: i64 = ranges.iter().map(|range| range.tasks).sum();
        if let Some(last) = ranges.last_mut() {
            // What is too much of the last one stays.
            let left = (met - most).max(0);
            last.tasks -= left;
            insert(&self.connection, Range { first: last.end(), tasks: left, ..*last })?;
        }
        Ok(ranges)
    }

    /// The first ranges with so many tasks, or all.
    fn first(&self, queue: i64, lane: i64, most: i64) -> rusqlite::Result<Vec<Range>> {
        let mut statement = self.connection.prepare_cached(FIRST)?;
        let mut rows = statement.query((queue, lane))?;
        let (mut ranges, mut tasks) = (Vec::new(), 0);
        while tasks < most
            && let Some(row) = rows.next()?
        {
            let place = Line { queue, lane, priority: row.get(0)?, ready_at: row.get(1)? };
            let range = Range { line: place, first: row.get(2)?, tasks: row.get(3)? };
            tasks += range.tasks;
            ranges.push(range);
        }
        Ok(ranges)
    }
}

/// The ranges of a lane of a queue, in the order in which they start.
pub(super) const FIRST: &str = "SELECT priority, ready_at, first, tasks FROM ready WHERE queue = ?1 AND lane = ?2 \
    ORDER BY priority, ready_at, first";

fn insert(connection: &Connection, range: Range) -> rusqlite::Result<()> {
    if range.tasks == 0 {
        return Ok(());
    }
    let Range { line: Line { queue, lane, priority, ready_at }, first, tasks } = range;
    let insert = "INSERT INTO ready (queue, lane, priority, ready_at, first, tasks) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(insert)?.execute((queue, lane, priority, ready_at, first, tasks)).map(drop)
}

fn delete(connection: &Connection, range: Range) -> rusqlite::Result<()> {
    let Range { line: Line { queue, lane, priority, ready_at }, first, .. } = range;
    let delete = "DELETE FROM ready WHERE queue = ?1 AND lane = ?2 AND priority = ?3 AND ready_at = ?4 AND first = ?5";
    connection.prepare_cached(delete)?.execute((queue, lane, priority, ready_at, first)).map(drop)
}
