//! New tasks.

use taskhost_core::ids::TaskId;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Event, Status, Step, Task, step};
use taskhost_core::time::UnixMicros;

use super::claim;
use super::rows::{self, LANE_HELD, LANE_OPEN, NewRow, Row};
use super::turn::Turn;
use super::writer::Writer;
use crate::store::{Assignment, StoreError};

/// There is a task of this id already.
#[derive(Debug)]
pub(super) struct Exists(pub(super) TaskId);

impl From<Exists> for StoreError {
    fn from(Exists(task): Exists) -> Self {
        Self::TaskExists { task }
    }
}

/// How far a turn had come before a call.
#[derive(Debug)]
struct Before {
    last_seq: i64,
    claims: usize,
    assignments: usize,
    changes: usize,
}

impl Before {
    fn of(writer: &Writer) -> Self {
        let Turn { claims, assignments, changes, .. } = &writer.turn;
        Self { last_seq: writer.last_seq, claims: claims.len(), assignments: assignments.len(), changes: changes.len() }
    }
}

impl Writer {
    /// Inserts all of them, or none.
    pub(super) fn submit(
        &mut self,
        tasks: &[NewTask],
        now: UnixMicros,
    ) -> rusqlite::Result<Result<Vec<Status>, Exists>> {
        let before = Before::of(self);
        let mut statuses = Vec::with_capacity(tasks.len());
        for new in tasks {
            match self.insert(new, now)? {
                Ok(status) => statuses.push(status),
                Err(exists) => {
                    self.take_back(&before)?;
                    return Ok(Err(exists));
                }
            }
        }
        Ok(Ok(statuses))
    }

    /// Takes back what was inserted since. Cheaper than a savepoint, which every good call would pay for.
    fn take_back(&mut self, before: &Before) -> rusqlite::Result<()> {
        for seq in before.last_seq + 1..=self.last_seq {
            if let Some(row) = self.row(seq)? {
                self.delete(&row)?;
            }
        }
        self.last_seq = before.last_seq;
        self.turn.claims.truncate(before.claims);
        self.turn.assignments.truncate(before.assignments);
        self.turn.changes.truncate(before.changes);
        Ok(())
    }

    /// Inserts a task; if there is one of its id nothing is changed.
    pub(super) fn insert(&mut self, new: &NewTask, now: UnixMicros) -> rusqlite::Result<Result<Status, Exists>> {
        self.last_seq += 1;
        let mut row = Row {
            seq: self.last_seq,
            id: new.id,
            queue: self.names.queues.id(&self.connection, &new.queue)?,
            kind: self.names.kinds.id(&self.connection, &new.kind)?,
            lane: LANE_OPEN,
            priority: new.priority as i64,
            task: Task::submitted(new.retry, new.run_at, new.expires_at, now),
            started_at: None,
            host: None,
            follow_ups: 0,
        };
        let origin = new.origin.as_ref();
        let job = origin.map(|origin| self.names.jobs.id(&self.connection, &origin.job)).transpose()?;
        let status = row.task.status();
        let runs_here = self.kinds.contains(&row.kind);
        if !runs_here && status == Status::Queued {
            row.lane = LANE_HELD;
        }
        let expired = row.task.expires_at.is_some_and(|expires_at| expires_at <= now);
        let queued = row;
        let claimed = row.lane == LANE_OPEN && !expired && self.claim_at_once(&mut row, now);
        if let Err(error) = rows::insert(&self.connection, &row, &NewRow { new, job, created_at: now }) {
            if !rows::is_taken_id(&error) {
                return Err(error);
            }
            self.last_seq -= 1;
            return Ok(Err(Exists(new.id)));
        }
        let queue = self.queues.of(row.queue);
        queue.counts.add(row.task.status(), 1);
        if claimed {
            self.turn.assignments.push(Assignment::Start(Box::new(claim::of_new(&row, new))));
            self.note(&queued);
            self.note(&row);
            self.turn.claims.push((row, false));
        } else {
            queue.backlog |= status == Status::Queued;
            self.mark(&row)?;
            self.became(&row);
            if let Some(expires_at) = row.task.expires_at {
                self.turn.due_by(expires_at);
            }
        }
        Ok(Ok(status))
    }

    /// Inserts the follow-ups of a task, in the commit that keeps what its attempt did.
    ///
    /// They get in line, and the end of this turn fills the slots: of several the first by priority starts, not the first
    /// that was made.
    pub(super) fn keep_follow_ups(&mut self, row: &mut Row, made: &[NewTask], now: UnixMicros) -> rusqlite::Result<()> {
        if made.is_empty() {
            return Ok(());
        }
        for new in made {
            let queue = self.names.queues.id(&self.connection, &new.queue)?;
            self.queues.of(queue).backlog = true;
            // One whose id exists already is a replay.
            self.insert(new, now)?.ok();
        }
        row.follow_ups = row.follow_ups.saturating_add(u32::try_from(made.len()).unwrap_or(u32::MAX));
        rows::save_follow_ups(&self.connection, row)
    }

    /// A task that meets a free slot while nothing waits before it starts in the commit that inserts it: one fsync to
    /// pick-up.
    fn claim_at_once(&mut self, row: &mut Row, now: UnixMicros) -> bool {
        let queue = self.queues.of(row.queue);
        if queue.free() == 0 || queue.backlog {
            return false;
        }
        let Ok(Step::Kept(next)) = step(&row.task, Event::Claimed(row.task.lease.next()), now) else { return false };
        row.task = next;
        row.started_at = Some(now.as_micros());
        row.host = Some(self.host);
        true
    }
}
