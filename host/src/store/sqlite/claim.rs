//! Filling free slots with what waits.

use std::collections::HashSet;
use std::time::Duration;

use rusqlite::Row as SqlRow;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Event, Status, Step, TaskState, step};
use taskhost_core::time::UnixMicros;

use super::lines::{Line, Range};
use super::rows::{self, Body, COLUMNS, COLUMNS_COUNT, LANE_HELD, LANE_OPEN, Row};
use super::writer::Writer;
use crate::store::{Assignment, Claimed, Offer};

/// A waiting task with what its attempt needs.
struct Waiting {
    row: Row,
    job: Option<i64>,
    nominal_at: Option<i64>,
    timeout: Option<i64>,
    params: Option<Vec<u8>>,
    refers: bool,
}

impl Writer {
    pub(super) fn offer(&mut self, offer: &Offer) -> rusqlite::Result<()> {
        self.queues.close();
        for (name, slots) in &offer.slots {
            let queue = self.names.queues.id(&self.connection, name)?;
            let queue = self.queues.of(queue);
            queue.slots = *slots;
            queue.backlog = true;
        }
        let before = std::mem::take(&mut self.kinds);
        self.turn.undo.kinds.get_or_insert(before);
        for kind in &offer.kinds {
            let kind = self.names.kinds.id(&self.connection, kind)?;
            self.kinds.insert(kind);
        }
        self.release_held()
    }

    /// Opens the lane of tasks whose kind can run again. What cannot run is put aside when a claim meets it.
    fn release_held(&mut self) -> rusqlite::Result<()> {
        let kinds = rows::json(&self.kinds.iter().collect::<Vec<_>>());
        let queues: Vec<_> = self.names.queues.numbers().collect();
        for queue in queues {
            for held in self.take_first(queue, LANE_HELD, i64::MAX)? {
                self.release(held, &kinds)?;
            }
        }
        Ok(())
    }

    fn release(&mut self, held: Range, kinds: &str) -> rusqlite::Result<()> {
        let update = "UPDATE task SET lane = ?3 WHERE seq >= ?1 AND seq < ?2 \
                      AND kind IN (SELECT value FROM json_each(?4)) RETURNING seq";
        let released: HashSet<i64> = self
            .connection
            .prepare_cached(update)?
            .query_map((held.first, held.end(), LANE_OPEN, kinds), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for seq in held.first..held.end() {
            let lane = if released.contains(&seq) { LANE_OPEN } else { LANE_HELD };
            self.enter_line(Line { lane, ..held.line }, seq);
        }
        Ok(())
    }

    /// Claims for every queue with a free slot and something that waits.
    pub(super) fn fill(&mut self) -> rusqlite::Result<()> {
        for queue in self.queues.hungry() {
            self.fill_queue(queue)?;
        }
        Ok(())
    }

    fn fill_queue(&mut self, queue: i64) -> rusqlite::Result<()> {
        loop {
            let free = self.queues.of(queue).free();
            if free == 0 {
                return Ok(());
            }
            let first = self.take_first(queue, LANE_OPEN, i64::from(free))?;
            let taken: i64 = first.iter().map(|range| range.tasks).sum();
            for (from, to) in joined(&first) {
                for waiting in self.waiting(from, to)? {
                    self.claim(waiting)?;
                }
            }
            if taken < i64::from(free) {
                self.queues.of(queue).backlog = false;
                return Ok(());
            }
        }
    }

    /// The queued tasks of a range of numbers.
    fn waiting(&self, from: i64, to: i64) -> rusqlite::Result<Vec<Waiting>> {
        let mut statement = self.connection.prepare_cached(&select_waiting())?;
        statement.query_map((from, to), waiting)?.collect()
    }

    fn claim(&mut self, waiting: Waiting) -> rusqlite::Result<()> {
        let Waiting { mut row, job, nominal_at, timeout, params, refers } = waiting;
        let now = self.turn.now;
        if row.task.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return self.apply(&mut row, Event::Expired, now).map(drop);
        }
        if !self.kinds.contains(&row.kind) {
            return self.put_aside(&mut row);
        }
        self.start(&mut row, now)?;
        let stored = |body| rows::get_body(&self.connection, body, row.seq);
        let params = match params {
            Some(params) => params,
            None => stored(Body::Params)?.unwrap_or_default(),
        };
        // A task that never ran has no checkpoint: the look-up is saved for most.
        let state = if row.task.lease.as_u64() > 1 { stored(Body::State)? } else { None };
        let claimed = self.claimed(&row, params, state.clone().unwrap_or_default(), (job, nominal_at, timeout, refers));
        self.turn.assignments.push(Assignment::Start(Box::new(claimed)));
        self.turn.claims.push((row, state.is_some()));
        Ok(())
    }

    /// Puts a task aside whose kind cannot run here.
    fn put_aside(&mut self, row: &mut Row) -> rusqlite::Result<()> {
        row.lane = LANE_HELD;
        let update = "UPDATE task SET lane = ?2 WHERE seq = ?1";
        self.connection.prepare_cached(update)?.execute((row.seq, LANE_HELD))?;
        if let TaskState::Queued { ready_at } = row.task.state {
            self.enter_line(Line::of(row, ready_at), row.seq);
        }
        Ok(())
    }

    /// Makes a task run that was taken out of its line.
    fn start(&mut self, row: &mut Row, now: UnixMicros) -> rusqlite::Result<()> {
        let Ok(Step::Kept(next)) = step(&row.task, Event::Claimed(row.task.lease.next()), now) else {
            unreachable!("it stood in line, so it is queued, and a queued task may be claimed")
        };
        self.forget_expiry(row)?;
        row.task = next;
        row.started_at = Some(now.as_micros());
        row.host = Some(self.host);
        rows::save_claim(&self.connection, row)?;
        self.queues.moved(row.queue, Status::Queued, Status::Running);
        self.note(row);
        Ok(())
    }

    fn claimed(
        &self,
        row: &Row,
        params: Vec<u8>,
        state: Vec<u8>,
        (job, nominal_at, timeout, refers): (Option<i64>, Option<i64>, Option<i64>, bool),
    ) -> Claimed {
        Claimed {
            id: row.id,
            lease: row.task.lease,
            kind: self.names.kinds.name(row.kind).cloned().unwrap_or_else(unnamed::<KindName>),
            queue: self.names.queues.name(row.queue).cloned().unwrap_or_else(unnamed::<QueueName>),
            attempt: row.task.attempt,
            attempts_max: row.task.attempts_max,
            params,
            refers,
            state,
            timeout: timeout.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros),
            job: job.and_then(|job| self.names.jobs.name(job)).cloned(),
            nominal_at: nominal_at.map(UnixMicros::from_micros),
            follow_ups: row.follow_ups,
        }
    }
}

/// Tasks by their numbers, with what a claim needs.
pub(super) fn select_waiting() -> String {
    // All of them are queued. Should one not be, it is passed over: it must not end every daemon that meets it.
    format!(
        "SELECT {COLUMNS}, job, nominal_at, timeout, params, refers FROM task WHERE seq >= ?1 AND seq < ?2 AND state = 2"
    )
}

/// Numbers from and to that are read together: ranges that follow one another.
fn joined(ranges: &[Range]) -> Vec<(i64, i64)> {
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some((_, to)) if *to == range.first => *to = range.end(),
            _other => joined.push((range.first, range.end())),
        }
    }
    joined
}

fn unnamed<T>() -> T {
    unreachable!("a kind is claimed only if it was offered, and a queue only if it has slots: both by name")
}

fn waiting(row: &SqlRow<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        row: rows::read(row)?,
        job: row.get(COLUMNS_COUNT)?,
        nominal_at: row.get(COLUMNS_COUNT + 1)?,
        timeout: row.get(COLUMNS_COUNT + 2)?,
        params: row.get(COLUMNS_COUNT + 3)?,
        refers: row.get(COLUMNS_COUNT + 4)?,
    })
}

/// The claim of a task that is being inserted: everything is at hand.
pub(super) fn of_new(row: &Row, new: &NewTask) -> Claimed {
    let origin = new.origin.as_ref();
    Claimed {
        id: new.id,
        lease: row.task.lease,
        kind: new.kind.clone(),
        queue: new.queue.clone(),
        attempt: row.task.attempt,
        attempts_max: row.task.attempts_max,
        params: new.params.clone(),
        refers: new.refers,
        state: Vec::new(),
        timeout: new.timeout,
        job: origin.map(|origin| JobName::clone(&origin.job)),
        nominal_at: origin.and_then(|origin| origin.nominal_at),
        follow_ups: row.follow_ups,
    }
}
