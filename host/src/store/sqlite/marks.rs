//! Where tasks are found that wait for a time or have ended: tables that only such tasks pay for. With partial indexes in
//! their place each change of a status would look at all of them.
//!
//! Not here: what is queued (`lines`). Start at [`Writer::mark`].

use std::collections::BTreeMap;

use rusqlite::{Connection, Row as SqlRow};
use taskhost_core::task::TaskState;
use taskhost_core::time::UnixMicros;

use super::flight::{pack, unpack};
use super::lines::Line;
use super::rows::Row;
use super::writer::Writer;

/// The step of the migration that makes the tables, that of `lines` too.
pub(super) const TABLES: &str = "
-- What is queued, in the order in which it starts: `tasks` of them, numbered from `first` on without a gap.
CREATE TABLE ready (
    queue INTEGER NOT NULL, lane INTEGER NOT NULL, priority INTEGER NOT NULL, ready_at INTEGER NOT NULL,
    first INTEGER NOT NULL, tasks INTEGER NOT NULL,
    PRIMARY KEY (queue, lane, priority, ready_at, first)
) WITHOUT ROWID;
INSERT INTO ready SELECT queue, lane, priority, ready_at, seq, 1 FROM task WHERE state = 2;
DROP INDEX task_ready;
CREATE TABLE due (at INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (at, seq)) WITHOUT ROWID;
INSERT INTO due SELECT ready_at, seq FROM task WHERE state = 5;
CREATE TABLE expiring (at INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (at, seq)) WITHOUT ROWID;
INSERT INTO expiring SELECT expires_at, seq FROM task WHERE expires_at IS NOT NULL;
CREATE TABLE cancelled (seq INTEGER PRIMARY KEY);
INSERT INTO cancelled SELECT seq FROM task WHERE state = 9;
CREATE TABLE dead (seq INTEGER PRIMARY KEY);
INSERT INTO dead SELECT seq FROM task WHERE state = 10;
-- Tasks that may be old enough to be deleted at `at`: one, or many packed with the smallest number first. Their rows say
-- whether they are.
CREATE TABLE ended (at INTEGER NOT NULL, first INTEGER NOT NULL, seqs BLOB, PRIMARY KEY (at, first)) WITHOUT ROWID;
INSERT INTO ended (at, first) SELECT prune_at, seq FROM task WHERE state >= 8 AND prune_at IS NOT NULL;
DROP INDEX task_due;
DROP INDEX task_expiring;
DROP INDEX task_ended;
DROP INDEX task_cancelled;
DROP INDEX task_dead;
";

/// A row of `ended` holds at most so many tasks, so that deleting them stays a short turn.
const ENDED_A_ROW: usize = 512;

impl Writer {
    /// Makes a task found by what it has become.
    pub(super) fn mark(&mut self, row: &Row) -> rusqlite::Result<()> {
        match row.task.state {
            TaskState::Queued { ready_at } => self.enter_line(Line::of(row, ready_at), row.seq),
            TaskState::Scheduled { due_at, .. } | TaskState::Retrying { due_at } => {
                self.execute_at("INSERT INTO due (at, seq) VALUES (?1, ?2)", due_at, row.seq)?;
            }
            TaskState::Cancelled { .. } => self.execute_for("INSERT INTO cancelled (seq) VALUES (?1)", row.seq)?,
            TaskState::Dead { .. } => self.execute_for("INSERT INTO dead (seq) VALUES (?1)", row.seq)?,
            TaskState::Blocked { .. } | TaskState::Running { .. } | TaskState::Completed { .. } => {}
        }
        if let Some(expires_at) = row.task.expires_at {
            self.execute_at("INSERT INTO expiring (at, seq) VALUES (?1, ?2)", expires_at, row.seq)?;
        }
        if let Some(kept_until) = self.kept_until(row) {
            self.turn.ended.push((kept_until.as_micros(), row.seq));
        }
        Ok(())
    }

    /// A task is no longer found by what it is; `ended` may go on naming it.
    pub(super) fn unmark(&mut self, row: &Row) -> rusqlite::Result<()> {
        match row.task.state {
            TaskState::Queued { ready_at } => self.leave_line(Line::of(row, ready_at), row.seq)?,
            TaskState::Scheduled { due_at, .. } | TaskState::Retrying { due_at } => {
                self.execute_at("DELETE FROM due WHERE at = ?1 AND seq = ?2", due_at, row.seq)?;
            }
            TaskState::Cancelled { .. } => self.execute_for("DELETE FROM cancelled WHERE seq = ?1", row.seq)?,
            TaskState::Dead { .. } => self.execute_for("DELETE FROM dead WHERE seq = ?1", row.seq)?,
            TaskState::Blocked { .. } | TaskState::Running { .. } | TaskState::Completed { .. } => {}
        }
        self.forget_expiry(row)
    }

    /// A task no longer waits for the end of the time in which it may start.
    pub(super) fn forget_expiry(&self, row: &Row) -> rusqlite::Result<()> {
        let Some(expires_at) = row.task.expires_at else { return Ok(()) };
        self.execute_at("DELETE FROM expiring WHERE at = ?1 AND seq = ?2", expires_at, row.seq)
    }

    /// Writes which tasks have ended in this turn, before the commit.
    pub(super) fn write_ended(&mut self) -> rusqlite::Result<()> {
        let mut by_time: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (at, seq) in std::mem::take(&mut self.turn.ended) {
            by_time.entry(at).or_default().push(seq);
        }
        for (at, seqs) in by_time {
            for seqs in seqs.chunks(ENDED_A_ROW) {
                self.write_ended_together(at, seqs)?;
            }
        }
        Ok(())
    }

    fn write_ended_together(&self, at: i64, seqs: &[i64]) -> rusqlite::Result<()> {
        // A row that is there already names its first, which has ended twice at one time.
        let insert = "INSERT OR IGNORE INTO ended (at, first, seqs) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare_cached(insert)?;
        let first = seqs.iter().min();
        let packed = (seqs.len() > 1).then(|| pack(seqs.to_vec()));
        if insert.execute((at, first, packed))? == 0 {
            for seq in seqs {
                insert.execute((at, seq, None::<Vec<u8>>))?;
            }
        }
        Ok(())
    }

    fn execute_for(&self, statement: &str, seq: i64) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([seq]).map(drop)
    }

    fn execute_at(&self, statement: &str, at: UnixMicros, seq: i64) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute((at.as_micros(), seq)).map(drop)
    }
}

/// The numbers of tasks, earliest first, of a table with `at` and `seq`, until this time.
pub(super) fn until(connection: &Connection, select: &str, now: UnixMicros) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(select)?.query_map([now.as_micros()], |row| row.get(0))?.collect()
}

/// The tasks that a row of `ended` names; `first` is the column of that name, and `seqs` the next one.
pub(super) fn ended_seqs(row: &SqlRow<'_>, first: usize) -> rusqlite::Result<Vec<i64>> {
    match row.get_ref(first + 1)?.as_blob_or_null()? {
        Some(packed) => Ok(unpack(packed)),
        None => Ok(vec![row.get(first)?]),
    }
}
