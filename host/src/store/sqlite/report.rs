//! What attempts report, and what people ask of a task.

use rusqlite::OptionalExtension as _;
use taskhost_core::ids::TaskId;
use taskhost_core::task::{End, Event, Rejected, Status, step};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::ERRORS_KEPT;

use super::codec;
use super::command::Reports;
use super::rows::{self, Body, COLUMNS, Row};
use super::writer::{Writer, runs};
use crate::store::rules::{failure_by_rule, keeps_follow_ups};
use crate::store::{Assignment, AttemptReport, CancelRefused, Change, Ending, Failure};
use crate::tally::{AttemptOutcome, Counted};

impl Writer {
    pub(super) fn take_reports(&mut self, reports: &mut Reports) -> rusqlite::Result<()> {
        let mut statuses = Vec::with_capacity(reports.of_attempts.len());
        for report in &reports.of_attempts {
            statuses.push(self.take_report(report, reports.now)?);
        }
        reports.answer.say(statuses);
        Ok(())
    }

    fn take_report(&mut self, report: &AttemptReport, now: UnixMicros) -> rusqlite::Result<Result<Status, Rejected>> {
        // Only what flies can report. Another lease, or a task that landed: `step` says why, from the row as it stands.
        let Some(flying) = self.flights.get(report.task) else { return self.too_late(report, now) };
        let mut row = flying.row;
        let (lease, log) = (report.lease, &report.log);
        match &report.change {
            Change::Checkpoint { state, follow_ups } => {
                let event = Event::Checkpointed(report.lease);
                let kept = self.apply(&mut row, event, now)?;
                if kept.is_ok() {
                    rows::put_body(&self.connection, Body::State, row.seq, state)?;
                    self.keep_log(row.seq, lease, log)?;
                    self.keep_follow_ups(&mut row, follow_ups, now)?;
                    self.flights.refresh(&row, true);
                }
                Ok(kept.map(|task| task.status()))
            }
            Change::Ended(ending) => {
                let had_state = flying.has_state;
                let event = Event::Ended(report.lease, ending.end);
                let kept = self.apply_with(&mut row, event, now, ending.result.as_deref())?;
                if kept.is_ok() {
                    self.keep_ending(&row, ending, had_state, now)?;
                    self.keep_last_log(&row, lease, log, now)?;
                    if keeps_follow_ups(row.task.status(), ending.end) {
                        self.keep_follow_ups(&mut row, &ending.follow_ups, now)?;
                    }
                    self.turn.counted.push(counted(&row, ending.end, now));
                    self.land(row.id);
                }
                Ok(kept.map(|task| task.status()))
            }
            Change::Logged => {
                // Taken as a checkpoint would be; the task stays as it is.
                let taken = step(&row.task, Event::Checkpointed(lease), now);
                if taken.is_ok() {
                    self.keep_log(row.seq, lease, log)?;
                }
                Ok(taken.map(|_would_be| row.task.status()))
            }
        }
    }

    fn too_late(&self, report: &AttemptReport, now: UnixMicros) -> rusqlite::Result<Result<Status, Rejected>> {
        let gone = Rejected::StaleLease { carried: report.lease, held: report.lease.next() };
        let Some(row) = self.load(report.task)? else { return Ok(Err(gone)) };
        Ok(step(&row.task, Event::Checkpointed(report.lease), now).map(|_would_be| row.task.status()))
    }

    fn keep_ending(&self, row: &Row, ending: &Ending, had_state: bool, now: UnixMicros) -> rusqlite::Result<()> {
        if let Some(progress) = &ending.progress {
            rows::save_progress(&self.connection, row.seq, &rows::json(progress))?;
        }
        match &ending.failure {
            Some(failure) => self.keep_failure(row, failure, now)?,
            None => self.keep_failure_by_rule(row, now)?,
        }
        match &ending.state {
            Some(state) => rows::put_body(&self.connection, Body::State, row.seq, state)?,
            None if had_state && row.task.status() == Status::Completed => {
                self.connection.prepare_cached("DELETE FROM task_state WHERE seq = ?1")?.execute([row.seq])?;
            }
            None => {}
        }
        Ok(())
    }

    /// See [`failure_by_rule`].
    pub(super) fn keep_failure_by_rule(&self, row: &Row, now: UnixMicros) -> rusqlite::Result<()> {
        failure_by_rule(row.task.status()).map_or(Ok(()), |failure| self.keep_failure(row, &failure, now))
    }

    fn keep_failure(&self, row: &Row, failure: &Failure, now: UnixMicros) -> rusqlite::Result<()> {
        let insert = "INSERT OR REPLACE INTO task_error (seq, lease, attempt, at, host, generation, code, message) \
                      VALUES (?1, ?2, ?3, ?4, (SELECT text FROM name WHERE id = ?5), ?6, ?7, ?8)";
        let lease = codec::lease(row.task.lease);
        let at = now.as_micros();
        let (attempt, host) = (row.task.attempt, row.host);
        let values = (row.seq, lease, attempt, at, host, failure.generation, &failure.code, &failure.message);
        self.connection.prepare_cached(insert)?.execute(values)?;
        // Counted, not told from the lease: a lease without an error (an interruption, say) pushes none out.
        let delete = "DELETE FROM task_error WHERE seq = ?1 AND lease <= \
                      (SELECT lease FROM task_error WHERE seq = ?1 ORDER BY lease DESC LIMIT 1 OFFSET ?2)";
        self.connection.prepare_cached(delete)?.execute((row.seq, ERRORS_KEPT))?;
        Ok(())
    }

    pub(super) fn cancel(&mut self, task: TaskId, now: UnixMicros) -> rusqlite::Result<Result<Status, CancelRefused>> {
        // What this turn has claimed is in the file already, and in flight only after it; the file knows both.
        let Some(mut row) = self.load(task)? else { return Ok(Err(CancelRefused::Unknown)) };
        let was_running = runs(&row);
        let next = match self.apply(&mut row, Event::CancelAsked, now)? {
            Ok(next) => next,
            Err(rejected) => return Ok(Err(CancelRefused::Rejected(rejected))),
        };
        if was_running {
            self.flights.refresh(&row, false);
            for (claimed, _) in self.turn.claims.iter_mut().filter(|(claimed, _)| claimed.id == task) {
                *claimed = row;
            }
            self.turn.assignments.push(Assignment::Cancel(task, next.lease));
        }
        Ok(Ok(next.status()))
    }

    /// The row of this number.
    pub(super) fn row(&self, seq: i64) -> rusqlite::Result<Option<Row>> {
        let select = format!("SELECT {COLUMNS} FROM task WHERE seq = ?1");
        self.connection.prepare_cached(&select)?.query_row([seq], rows::read).optional()
    }

    pub(super) fn load(&self, task: TaskId) -> rusqlite::Result<Option<Row>> {
        let select = format!("SELECT {COLUMNS} FROM task WHERE id = ?1");
        self.connection.prepare_cached(&select)?.query_row([task.as_bytes().as_slice()], rows::read).optional()
    }
}

/// The end of an attempt for the metrics; `row`: the task after it.
fn counted(row: &Row, end: End, now: UnixMicros) -> Counted {
    let outcome = AttemptOutcome::of(end, row.task.status());
    let started_at = row.started_at.map_or(now, UnixMicros::from_micros);
    Counted::Attempt { queue: row.queue, kind: row.kind, outcome, ran: now.saturating_since(started_at) }
}
