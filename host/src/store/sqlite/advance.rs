//! What comes by time: tasks whose time has come, expired ones, and those kept long enough; and recovery at the start.

use rusqlite::OptionalExtension as _;
use taskhost_core::task::{End, Event};
use taskhost_core::time::UnixMicros;

use super::flight::{Flights, unpack};
use super::marks;
use super::rows::{self, COLUMNS, COLUMNS_COUNT, Row};
use super::turn::NextDue;
use super::writer::Writer;
use crate::store::rules::{PRUNE_TOGETHER, line_of_lost};

/// How many rows of each sort one call looks at; what is left is due at once.
const ROWS_A_CALL: usize = 1_000;

/// Which tasks a call looks at, by time; [`ROWS_A_CALL`] says how many.
pub(super) const DUE: &str = "SELECT seq FROM due WHERE at <= ?1 ORDER BY at, seq LIMIT 1000";
/// See [`DUE`].
pub(super) const EXPIRED: &str = "SELECT seq FROM expiring WHERE at <= ?1 ORDER BY at, seq LIMIT 1000";
/// See [`DUE`]; a row names one task or many.
pub(super) const ENDED: &str = "SELECT at, first, seqs FROM ended WHERE at <= ?1 ORDER BY at, first";

/// The earliest time of each sort.
pub(super) const EARLIEST: [&str; 3] =
    ["SELECT min(at) FROM due", "SELECT min(at) FROM expiring", "SELECT min(at) FROM ended"];

/// A row of `ended`.
struct Old {
    at: i64,
    first: i64,
    seqs: Vec<i64>,
}

impl Writer {
    pub(super) fn advance(&mut self, now: UnixMicros) -> rusqlite::Result<()> {
        let due = marks::until(&self.connection, DUE, now)?;
        let expired = marks::until(&self.connection, EXPIRED, now)?;
        let more = [&due, &expired].iter().any(|rows| rows.len() == ROWS_A_CALL);
        for seq in due {
            self.meet(seq, Event::Due, now)?;
        }
        for seq in expired {
            // It may have become due in this very call.
            self.meet(seq, Event::Expired, now)?;
        }
        let more = self.prune(now)? || more;
        let more = self.forget_keys(now)? || more;
        self.write_ended()?;
        self.turn.next_due = NextDue::Is(if more { Some(now) } else { self.earliest()? });
        Ok(())
    }

    fn meet(&mut self, seq: i64, event: Event, now: UnixMicros) -> rusqlite::Result<()> {
        if let Some(mut row) = self.row(seq)? {
            // Rejected by nobody: where it was found says that it waits, and that its time has come.
            self.apply(&mut row, event, now)?.ok();
        }
        Ok(())
    }

    /// Deletes what was kept long enough; answers whether there may be more.
    fn prune(&mut self, now: UnixMicros) -> rusqlite::Result<bool> {
        // What has ended in this turn too.
        self.write_ended()?;
        let (old, more) = self.old(now)?;
        for Old { at, first, seqs } in old {
            for seq in seqs {
                self.prune_one(seq, now)?;
            }
            let delete = "DELETE FROM ended WHERE at = ?1 AND first = ?2";
            self.connection.prepare_cached(delete)?.execute((at, first))?;
        }
        Ok(more)
    }

    fn old(&self, now: UnixMicros) -> rusqlite::Result<(Vec<Old>, bool)> {
        let mut statement = self.connection.prepare_cached(ENDED)?;
        let mut rows = statement.query([now.as_micros()])?;
        let (mut old, mut tasks) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            if tasks >= ROWS_A_CALL {
                return Ok((old, true));
            }
            let old_ones = Old { at: row.get(0)?, first: row.get(1)?, seqs: marks::ended_seqs(row, 1)? };
            tasks += old_ones.seqs.len();
            old.push(old_ones);
        }
        Ok((old, false))
    }

    fn prune_one(&mut self, seq: i64, now: UnixMicros) -> rusqlite::Result<()> {
        let Some((row, written)) = self.row_with_prune_at(seq)? else { return Ok(()) };
        match self.kept_until(&row) {
            // It was queued again since.
            None => Ok(()),
            // By another policy, or since it ended again.
            Some(kept_until) if kept_until > now => self.keep_until(&row, written),
            Some(_past) => self.delete(&row),
        }
    }

    fn row_with_prune_at(&self, seq: i64) -> rusqlite::Result<Option<(Row, Option<i64>)>> {
        let select = format!("SELECT {COLUMNS}, prune_at FROM task WHERE seq = ?1");
        let read = |row: &rusqlite::Row<'_>| Ok((rows::read(row)?, row.get(COLUMNS_COUNT)?));
        self.connection.prepare_cached(&select)?.query_row([seq], read).optional()
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
        self.write_lines()?;
        self.write_ended()?;
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
