//! New tasks.

use taskhost_core::submit::NewTask;
use taskhost_core::task::{Event, Status, Step, Task, step};
use taskhost_core::time::UnixMicros;

use super::claim;
use super::rows::{self, LANE_HELD, LANE_OPEN, NewRow, Row};
use super::writer::Writer;
use crate::store::Assignment;

impl Writer {
    pub(super) fn submit(&mut self, tasks: &[NewTask], now: UnixMicros) -> rusqlite::Result<Vec<Status>> {
        tasks.iter().map(|new| self.insert(new, now)).collect()
    }

    pub(super) fn insert(&mut self, new: &NewTask, now: UnixMicros) -> rusqlite::Result<Status> {
        self.last_seq += 1;
        let mut row = Row {
            seq: self.last_seq,
            id: new.id,
            queue: self.names.queues.id(&self.connection, &new.queue)?,
            kind: self.names.kinds.id(&self.connection, &new.kind)?,
            task: Task::submitted(new.retry, new.run_at, new.expires_at, now),
            started_at: None,
            host: None,
            follow_ups: 0,
        };
        let origin = new.origin.as_ref();
        let job = origin.map(|origin| self.names.jobs.id(&self.connection, &origin.job)).transpose()?;
        let status = row.task.status();
        let runs_here = self.kinds.contains(&row.kind);
        let lane = if runs_here || status != Status::Queued { LANE_OPEN } else { LANE_HELD };
        let expired = row.task.expires_at.is_some_and(|expires_at| expires_at <= now);
        let claimed = lane == LANE_OPEN && !expired && self.claim_at_once(&mut row, now);
        rows::insert(&self.connection, &row, &NewRow { new, job, lane, created_at: now })?;
        if claimed {
            self.turn.assignments.push(Assignment::Start(Box::new(claim::of_new(&row, new))));
            self.turn.changes.push(crate::events::TaskChanged { task: row.id, status: Status::Running });
            self.turn.claims.push((row, false));
        } else {
            self.became(&row);
            if let Some(expires_at) = row.task.expires_at {
                self.turn.due_by(expires_at);
            }
        }
        Ok(status)
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
            if self.load(new.id)?.is_none() {
                let queue = self.names.queues.id(&self.connection, &new.queue)?;
                self.queues.entry(queue).or_default().backlog = true;
                self.insert(new, now)?;
            }
        }
        row.follow_ups = row.follow_ups.saturating_add(u32::try_from(made.len()).unwrap_or(u32::MAX));
        rows::save_follow_ups(&self.connection, row)
    }

    /// A task that meets a free slot while nothing waits before it starts in the commit that inserts it: one fsync to
    /// pick-up.
    fn claim_at_once(&mut self, row: &mut Row, now: UnixMicros) -> bool {
        let Some(queue) = self.queues.get_mut(&row.queue) else { return false };
        if queue.free() == 0 || queue.backlog {
            return false;
        }
        let Ok(Step::Kept(next)) = step(&row.task, Event::Claimed(row.task.lease.next()), now) else { return false };
        queue.running += 1;
        row.task = next;
        row.started_at = Some(now.as_micros());
        row.host = Some(self.host);
        true
    }
}
