//! The one thread that writes. A turn takes whatever waits, does it in one transaction, commits once, and answers then.
//!
//! The order in a turn: ends of attempts (they free slots) → the other calls → filling free slots → one row for the
//! claims → commit → assignments → answers → events. Nothing but SQL belongs on this thread: a microsecond here is
//! paid by every task. Not here: what a call does (`insert`, `report`, `claim`, `again`, `advance`), errors of a turn (`replay`;
//! what is held in memory has to be undone then: `undo`). Start at [`run`], then [`Writer::attempt`].

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::Connection;
use taskhost_core::ids::TaskId;
use taskhost_core::task::{Event, Rejected, Status, Step, Task, step};
use taskhost_core::time::UnixMicros;

use super::codec;
use super::command::{Command, Saying as _};
use super::error::classify;
use super::failpoint::{Point, reach};
use super::flight::{Flights, pack};
use super::inbox::{Inbox, Work};
use super::names::Names;
use super::queues::Queues;
use super::replay::{Fill, TurnError};
use super::room::Room;
use super::rows::{self, Row};
use super::turn::{NextDue, Outlet, Turn};
use super::undo::Undo;
use crate::events::{Label, TaskChanged};
use crate::store::StoreError;
use crate::store::rules::PRUNE_TOGETHER;
use crate::tally::Counted;

/// The writer's whole world. Kept in memory beside the file, which no other process writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) names: Names,
    pub(super) flights: Flights,
    pub(super) queues: Queues,
    pub(super) kinds: HashSet<i64>,
    pub(super) host: i64,
    pub(super) last_seq: i64,
    /// How long ended tasks are kept, as text.
    pub(super) policy: String,
    /// Names with higher numbers were not told to the tally.
    pub(super) named: i64,
    pub(super) turn: Turn,
    pub(super) room: Room,
    pub(super) path: String,
    pub(super) outlet: Outlet,
}

/// Serves the inbox until it is told to close. A failure or a panic ends it and is told to the daemon: what it had not
/// committed was not acknowledged, and going on over a lying disk would be worse than ending.
pub(super) fn run(mut writer: Writer, inbox: &Inbox) {
    loop {
        let mut work = inbox.take();
        let outcome = catch_unwind(AssertUnwindSafe(|| writer.turn(&mut work)));
        let failed = match outcome {
            Ok(Ok(())) if writer.turn.closing => None,
            Ok(Ok(())) => {
                for (command, now) in writer.turn.again.drain(..) {
                    inbox.put(command, now);
                }
                continue;
            }
            Ok(Err(error)) => Some(classify(&writer.path, &error)),
            Err(_panic) => Some(StoreError::Failed { path: writer.path.clone(), reason: "its writer panicked".into() }),
        };
        inbox.close();
        if let Some(error) = failed {
            writer.outlet.failure.send_replace(Some(Arc::new(error)));
            return;
        }
        writer.refuse_held();
        // Closed before it is answered: whoever waits may open the file at once.
        drop(writer);
        send(&mut work);
        return;
    }
}

impl Writer {
    /// Does all of it in one transaction, and tells of it once that is committed.
    pub(super) fn attempt(&mut self, work: &mut Work, now: UnixMicros, fill: Fill) -> Result<(), TurnError> {
        self.turn = Turn { now, undo: Undo::of(self), ..Turn::default() };
        let written_before = self.connection.total_changes();
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        reach(Point::Begun);
        for reports in &mut work.reports {
            self.take_reports(reports)?;
        }
        reach(Point::ReportsTaken);
        for (command, now) in &mut work.commands {
            self.take(command, *now)?;
        }
        reach(Point::CommandsTaken);
        if fill == Fill::Yes {
            self.fill()?;
        }
        reach(Point::Filled);
        self.write_lines()?;
        self.write_ended()?;
        self.keep_flights()?;
        if self.turn.closing {
            self.queues.keep(&self.connection)?;
        }
        reach(Point::FlightsKept);
        self.connection.execute_batch("COMMIT").map_err(TurnError::of_commit)?;
        reach(Point::Committed);
        self.flights.keep();
        if self.turn.probed || self.connection.total_changes() > written_before {
            self.found_room(true);
        }
        self.tell(work);
        Ok(())
    }

    fn take(&mut self, command: &mut Command, now: UnixMicros) -> rusqlite::Result<()> {
        match command {
            Command::Submit(tasks, answer) => answer.say_or_refuse(self.submit(tasks, now)?),
            Command::SubmitOnce(tasks, once, answer) => answer.say_or_refuse(self.submit_once(tasks, once, now)?),
            Command::Job(command) => self.take_job(command, now)?,
            Command::Cancel(task, answer) => answer.say(self.cancel(*task, now)?),
            Command::Act(task, action, answer) => answer.say(self.act(*task, *action, now)?),
            Command::Sweep(sweeping, answer) => self.sweep(sweeping, answer, now)?,
            Command::Retain(aging, answer) => self.retain(aging, answer)?,
            Command::Offer(offer, answer) => answer.say(self.offer(offer)?),
            Command::Advance(answer) => {
                self.probe_room()?;
                answer.say(self.advance(now)?);
            }
            Command::PauseQueue(queue, paused, answer) => answer.say(self.pause_queue(queue, *paused, now)?),
            Command::Close(answer) => {
                self.turn.closing = true;
                answer.say(());
            }
        }
        Ok(())
    }

    /// Asks `step`, and writes what it says. The answer is the task as it is now.
    pub(super) fn apply(
        &mut self,
        row: &mut Row,
        event: Event,
        now: UnixMicros,
    ) -> rusqlite::Result<Result<Task, Rejected>> {
        self.apply_with(row, event, now, None)
    }

    /// As [`Writer::apply`], with a result that is kept if `step` lets the task complete.
    pub(super) fn apply_with(
        &mut self,
        row: &mut Row,
        event: Event,
        now: UnixMicros,
        result: Option<&[u8]>,
    ) -> rusqlite::Result<Result<Task, Rejected>> {
        let next = match step(&row.task, event, now) {
            Ok(Step::Kept(next)) => next,
            Ok(Step::Deleted) => {
                self.delete(row)?;
                self.turn.changes.push(TaskChanged { state: None, ..changed(row) });
                return Ok(Ok(row.task));
            }
            Err(rejected) => return Ok(Err(rejected)),
        };
        if next == row.task {
            return Ok(Ok(next));
        }
        let was = row.task;
        self.unmark(row)?;
        row.task = next;
        let result = result.filter(|_| next.status() == Status::Completed);
        rows::save(&self.connection, row, self.kept_until(row), result)?;
        self.mark(row)?;
        if was.status() != next.status() {
            self.queues.moved(row.queue, was.status(), next.status());
        }
        if was.status() != next.status() || was.state.reason() != next.state.reason() {
            self.became(row);
        }
        Ok(Ok(next))
    }

    /// Deletes a task and all that stands beside it.
    pub(super) fn delete(&mut self, row: &Row) -> rusqlite::Result<()> {
        self.queues.of(row.queue).counts.remove(row.task.status());
        reach(Point::Deleting);
        self.unmark(row)?;
        rows::delete(&self.connection, row.seq)
    }

    /// Tells of the new status of a row, however it came to it.
    pub(super) fn became(&mut self, row: &Row) {
        self.note(row);
        let prunes_at = self.kept_until(row).map(|at| at.saturating_add(PRUNE_TOGETHER));
        if let Some(due_at) = row.task.state.due_at().or(prunes_at) {
            self.turn.due_by(due_at);
        }
        let status = row.task.status();
        if status.is_ended() {
            self.turn.counted.push(Counted::Ended { queue: row.queue, kind: row.kind, status });
        }
    }

    /// Notes where a row stands now, for listeners.
    pub(super) fn note(&mut self, row: &Row) {
        self.turn.changes.push(changed(row));
    }

    /// A task that ran no longer does.
    pub(super) fn land(&mut self, task: TaskId) {
        self.turn.landed.extend(self.flights.land(task));
    }

    fn keep_flights(&mut self) -> rusqlite::Result<()> {
        for turn in std::mem::take(&mut self.turn.landed) {
            self.connection.prepare_cached("DELETE FROM flight WHERE turn = ?1")?.execute([turn])?;
        }
        let claims = std::mem::take(&mut self.turn.claims);
        if !claims.is_empty() {
            let claimed = |(row, _): &(Row, bool)| Counted::Claimed { queue: row.queue, kind: row.kind };
            self.turn.counted.extend(claims.iter().map(claimed));
            let seqs = pack(claims.iter().map(|(row, _)| row.seq).collect());
            let turn = self.flights.depart(claims);
            self.connection.prepare_cached("INSERT INTO flight (turn, seqs) VALUES (?1, ?2)")?.execute((turn, seqs))?;
        }
        Ok(())
    }

    /// After the commit: gathers what it did, for the metrics. Before it is answered, so that whoever has an answer finds it
    /// counted; it wakes nobody for each commit.
    pub(super) fn count(&mut self) {
        if self.names.latest() > self.named {
            self.outlet.tally.add(&mut self.names.above(self.named));
            self.named = self.names.latest();
        }
        self.outlet.tally.add(&mut self.turn.counted);
    }

    /// After the commit: the host first (with what runs and what is due next), then what others may look at, then whoever
    /// waits for an answer, then listeners. What these will hear is put down before all that, so that nothing that the host does
    /// comes before its cause.
    fn tell(&mut self, work: &mut Work) {
        self.outlet.events.append(self.turn.now, std::mem::take(&mut self.turn.changes));
        let assignments = std::mem::take(&mut self.turn.assignments);
        if !assignments.is_empty() {
            // The receiver is gone only when the daemon ends; the next start reclaims.
            drop(self.outlet.assignments.send(assignments));
        }
        reach(Point::AssignmentsSent);
        self.count();
        let running = self.flights.count();
        self.outlet.running.send_if_modified(|known| std::mem::replace(known, running) != running);
        let next_due = self.turn.next_due;
        self.outlet.next_due.send_if_modified(|known| {
            let next = match next_due {
                NextDue::Same => return false,
                NextDue::AtMost(time) => Some(known.map_or(time, |known| known.min(time))),
                NextDue::Is(next) => next,
            };
            let changed = *known != next;
            *known = next;
            changed
        });
        self.queues.show(&self.outlet.board, &self.names.queues);
        if !self.turn.closing {
            self.turn.again = send(work);
        }
        reach(Point::Answered);
        self.outlet.events.wake();
    }
}

fn changed(row: &Row) -> TaskChanged {
    let (queue, kind) = (Label::new(row.queue), Label::new(row.kind));
    TaskChanged { task: row.id, queue, kind, attempt: row.task.attempt, state: Some(row.task.state) }
}

/// Sends the answers, and answers with the calls that go on.
fn send(work: &mut Work) -> Vec<(Command, UnixMicros)> {
    for mut reports in work.reports.drain(..) {
        reports.answer.send();
    }
    let mut again = Vec::new();
    for (mut command, now) in work.commands.drain(..) {
        if !command.answer().send() {
            command.go_on();
            again.push((command, now));
        }
    }
    again
}

/// Whether the row's attempt still runs.
pub(super) fn runs(row: &Row) -> bool {
    codec::is_running(&row.task)
}
