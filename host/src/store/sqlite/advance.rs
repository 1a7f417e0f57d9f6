//! What comes by time: tasks whose time has come, expired ones, and those kept long enough; and recovery at the start.

use taskhost_core::task::{End, Event};
use taskhost_core::time::UnixMicros;

use super::flight::{Flights, unpack};
use super::rows::{self, COLUMNS, Row};
use super::turn::NextDue;
use super::writer::Writer;
use crate::store::rules::{PRUNE_TOGETHER, line_of_lost};

/// How many rows of each sort one call looks at; what is left is due at once.
const ROWS_A_CALL: usize = 1_000;

/// Which rows a call looks at, by time.
pub(super) const DUE: &str = "INDEXED BY task_due WHERE state = 5 AND ready_at <= ?1 ORDER BY ready_at";
/// See [`DUE`].
pub(super) const EXPIRED: &str =
    "INDEXED BY task_expiring WHERE expires_at IS NOT NULL AND expires_at <= ?1 ORDER BY expires_at";
/// See [`DUE`].
pub(super) const ENDED: &str = "INDEXED BY task_ended WHERE state >= 8 AND prune_at <= ?1 ORDER BY prune_at";

/// The earliest time of each sort.
pub(super) const EARLIEST: [&str; 3] = [
    "SELECT min(ready_at) FROM task INDEXED BY task_due WHERE state = 5",
    "SELECT min(expires_at) FROM task INDEXED BY task_expiring WHERE expires_at IS NOT NULL",
    "SELECT min(prune_at) FROM task INDEXED BY task_ended WHERE state >= 8",
];

/// Selects the rows of [`DUE`] and the like.
pub(super) fn select(which: &str) -> String {
    format!("SELECT {COLUMNS} FROM task {which} LIMIT {ROWS_A_CALL}")
}

impl Writer {
    pub(super) fn advance(&mut self, now: UnixMicros) -> rusqlite::Result<()> {
        let due = self.select(DUE, now)?;
        let expired = self.select(EXPIRED, now)?;
        let ended = self.select(ENDED, now)?;
        let more = [&due, &expired, &ended].iter().any(|rows| rows.len() == ROWS_A_CALL);
        for mut row in due {
            // Rejected by nobody: the index says that it waits, and that its time has come.
            self.apply(&mut row, Event::Due, now)?.ok();
        }
        for row in expired {
            self.expire(row, now)?;
        }
        for row in ended {
            // Written by a policy that may be another one by now.
            if self.kept_until(&row).is_some_and(|kept_until| kept_until > now) {
                self.keep_until(&row, None)?;
            } else {
                self.delete(&row)?;
            }
        }
        let more = self.forget_keys(now)? || more;
        self.turn.next_due = NextDue::Is(if more { Some(now) } else { self.earliest()? });
        Ok(())
    }

    fn expire(&mut self, row: Row, now: UnixMicros) -> rusqlite::Result<()> {
        // It may have become due in this very call.
        if let Some(mut row) = self.load(row.id)? {
            self.apply(&mut row, Event::Expired, now)?.ok();
        }
        Ok(())
    }

    fn select(&self, which: &str, now: UnixMicros) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(&select(which))?;
        statement.query_map([now.as_micros()], rows::read)?.collect()
    }

    /// When the next call has something to do.
    fn earliest(&self) -> rusqlite::Result<Option<UnixMicros>> {
        let first = |select| self.connection.prepare_cached(select)?.query_row([], |row| row.get::<_, Option<i64>>(0));
        let [due, expiring, ended] = EARLIEST;
        let (due, expiring, ended) = (first(due)?, first(expiring)?, first(ended)?);
        let old = [ended, self.earliest_key()?].into_iter().flatten().min();
        let old = old.map(|micros| UnixMicros::from_micros(micros).saturating_add(PRUNE_TOGETHER).as_micros());
        Ok([due, expiring, old].into_iter().flatten().min().map(UnixMicros::from_micros))
    }

    /// Puts back what ran when the daemon before this one ended without saying so. Answers how many tasks there were.
    pub(super) fn reclaim(&mut self, now: UnixMicros) -> rusqlite::Result<usize> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut last_turn = 0;
        let mut count = 0;
        let flights: Vec<(i64, Vec<u8>)> = self
            .connection
            .prepare("SELECT turn, seqs FROM flight ORDER BY turn")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (turn, seqs) in flights {
            last_turn = turn;
            for seq in unpack(&seqs) {
                count += usize::from(self.reclaim_one(seq, now)?);
            }
        }
        self.connection.execute("DELETE FROM flight", [])?;
        self.connection.execute_batch("COMMIT")?;
        self.flights = Flights::after(last_turn);
        self.count();
        self.outlet.next_due.send_replace(self.earliest()?);
        self.queues.show(&self.outlet.board, &self.names.queues);
        Ok(count)
    }

    fn reclaim_one(&mut self, seq: i64, now: UnixMicros) -> rusqlite::Result<bool> {
        let Some(mut row) = self.row(seq)?.filter(super::writer::runs) else { return Ok(false) };
        let lost = Event::Ended(row.task.lease, End::LeaseLost);
        // Which attempt it was is known before it is taken back.
        let (lease, attempt) = (row.task.lease, row.task.attempt);
        let kept = self.apply(&mut row, lost, now)?.is_ok();
        self.add_to_log(row.seq, attempt, lease, &line_of_lost(now))?;
        self.keep_failure_by_rule(&row, now)?;
        Ok(kept)
    }
}
