//! Filling free slots with what waits.

use std::time::Duration;

use rusqlite::Row as SqlRow;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::submit::NewTask;
use taskhost_core::task::Event;
use taskhost_core::time::UnixMicros;

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
        let mut statement = self.connection.prepare_cached(
            "UPDATE task SET lane = ?2 WHERE state = 2 AND lane = ?3 AND queue = ?1 AND kind IN (SELECT value FROM json_each(?4))",
        )?;
        for queue in self.names.queues.numbers() {
            statement.execute((queue, LANE_OPEN, LANE_HELD, &kinds))?;
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
            let waiting = self.first_waiting(queue, free)?;
            let exhausted = waiting.len() < usize::try_from(free).unwrap_or(usize::MAX);
            for waiting in waiting {
                self.claim(waiting)?;
            }
            if exhausted {
                self.queues.of(queue).backlog = false;
                return Ok(());
            }
        }
    }

    fn first_waiting(&self, queue: i64, limit: u32) -> rusqlite::Result<Vec<Waiting>> {
        let mut statement = self.connection.prepare_cached(&select_waiting())?;
        statement.query_map((queue, LANE_OPEN, limit), waiting)?.collect()
    }

    fn claim(&mut self, waiting: Waiting) -> rusqlite::Result<()> {
        let Waiting { mut row, job, nominal_at, timeout, params, refers } = waiting;
        let now = self.turn.now;
        if row.task.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return self.apply(&mut row, Event::Expired, now).map(drop);
        }
        if !self.kinds.contains(&row.kind) {
            let update = "UPDATE task SET lane = ?2 WHERE seq = ?1";
            return self.connection.prepare_cached(update)?.execute((row.seq, LANE_HELD)).map(drop);
        }
        row.started_at = Some(now.as_micros());
        row.host = Some(self.host);
        let claimed = Event::Claimed(row.task.lease.next());
        self.apply(&mut row, claimed, now)?.expect("the index says queued, and a queued task may be claimed");
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

/// The first tasks that wait in a lane of a queue.
pub(super) fn select_waiting() -> String {
    format!(
        "SELECT {COLUMNS}, job, nominal_at, timeout, params, refers FROM task INDEXED BY task_ready \
         WHERE state = 2 AND queue = ?1 AND lane = ?2 ORDER BY priority, ready_at, seq LIMIT ?3"
    )
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
