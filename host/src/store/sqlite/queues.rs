//! Queues as the writer serves them: slots, pauses, and how many of their tasks stand in which status.
//!
//! The counts change with each task and are made anew only when a store is opened. What others see is that of the latest
//! commit: [`Board`]. Not here: what is claimed (`claim`). Start at [`Queues`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _};
use taskhost_core::ids::QueueName;
use taskhost_core::priority::Priority;
use taskhost_core::retention::{Retention, Retentions};
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::StatusCounts;

use super::names::{Names, What};
use super::reader::parse;
use super::rows::{LANE_HELD, LANE_OPEN};
use super::writer::Writer;
use super::{codec, names};
use crate::store::QueueState;

/// The step of the migration that makes the table.
pub(super) const TABLE: &str = "CREATE TABLE queue_pause (queue INTEGER PRIMARY KEY, since INTEGER NOT NULL);";

/// A queue as this host serves it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) slots: u32,
    /// Something may wait that could start: looked up when a slot is free.
    pub(super) backlog: bool,
    pub(super) counts: StatusCounts,
    paused_since: Option<UnixMicros>,
    /// It is among those to be shown anew.
    is_touched: bool,
    /// How long its ended tasks are kept; none: as is usual.
    retention: Option<Retention>,
}

impl Queue {
    /// How many tasks may start now.
    pub(super) fn free(&self) -> u32 {
        let running = u32::try_from(self.counts.get(Status::Running)).unwrap_or(u32::MAX);
        if self.paused_since.is_some() { 0 } else { self.slots.saturating_sub(running) }
    }
}

/// All queues, by number.
#[derive(Debug, Default)]
pub(super) struct Queues {
    by_number: HashMap<i64, Queue>,
    touched: Vec<i64>,
    /// How long ended tasks are kept, in queues that say nothing of it.
    usual_retention: Retention,
}

impl Queues {
    /// What a file says of its queues. Looks at every task.
    pub(super) fn load(connection: &Connection, names: &Names) -> rusqlite::Result<Self> {
        let mut queues = Self::default();
        for number in names.queues.numbers() {
            queues.of(number);
        }
        let mut select = connection.prepare("SELECT queue, since FROM queue_pause")?;
        for row in select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (number, since) = row?;
            queues.of(number).paused_since = Some(UnixMicros::from_micros(since));
        }
        let mut select = connection.prepare("SELECT queue, state, reason, count(*) FROM task GROUP BY 1, 2, 3")?;
        let counted = select.query_map([], |row| {
            let status = codec::status(row.get(1)?, row.get(2)?)
                .ok_or(rusqlite::Error::IntegralValueOutOfRange(1, row.get(1)?))?;
            Ok((row.get(0)?, status, u64::try_from(row.get::<_, i64>(3)?).unwrap_or_default()))
        })?;
        for row in counted {
            let (number, status, tasks) = row?;
            queues.of(number).counts.add(status, tasks);
        }
        Ok(queues)
    }

    /// The queue of this number, which is shown anew after the commit.
    pub(super) fn of(&mut self, number: i64) -> &mut Queue {
        let queue = self.by_number.entry(number).or_default();
        if !queue.is_touched {
            queue.is_touched = true;
            self.touched.push(number);
        }
        queue
    }

    /// A task has another status.
    pub(super) fn moved(&mut self, number: i64, from: Status, to: Status) {
        let queue = self.of(number);
        queue.counts.remove(from);
        queue.counts.add(to, 1);
        queue.backlog |= to == Status::Queued;
    }

    /// Nobody may start anything, until they are offered again.
    pub(super) fn close(&mut self) {
        for (number, queue) in self.by_number.iter_mut().filter(|(_, queue)| queue.slots > 0) {
            queue.slots = 0;
            if !std::mem::replace(&mut queue.is_touched, true) {
                self.touched.push(*number);
            }
        }
    }

    /// Ended tasks are kept so long from now on.
    pub(super) fn retain(
        &mut self,
        retentions: &Retentions,
        connection: &Connection,
        names: &mut names::Interner<QueueName>,
    ) -> rusqlite::Result<()> {
        self.usual_retention = retentions.usual;
        self.by_number.values_mut().for_each(|queue| queue.retention = None);
        for (name, retention) in &retentions.of_queues {
            self.of(names.id(connection, name)?).retention = Some(*retention);
        }
        Ok(())
    }

    /// How long ended tasks of this queue are kept.
    pub(super) fn retention(&self, number: i64) -> Retention {
        self.by_number.get(&number).and_then(|queue| queue.retention).unwrap_or(self.usual_retention)
    }

    /// Those with a free slot and something that waits.
    pub(super) fn hungry(&self) -> Vec<i64> {
        let hungry = self.by_number.iter().filter(|(_, queue)| queue.backlog && queue.free() > 0);
        hungry.map(|(number, _)| *number).collect()
    }

    /// Shows what has changed since the last time.
    pub(super) fn show(&mut self, board: &Board, names: &names::Interner<QueueName>) {
        if self.touched.is_empty() {
            return;
        }
        let mut shown = board.0.lock().unwrap_or_else(PoisonError::into_inner);
        for number in self.touched.drain(..) {
            let Some((queue, name)) = self.by_number.get_mut(&number).zip(names.name(number)) else { continue };
            queue.is_touched = false;
            let Queue { slots, paused_since, counts, .. } = *queue;
            shown.insert(number, QueueState { name: name.clone(), slots, paused_since, counts });
        }
    }
}

/// The queues as others see them.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<HashMap<i64, QueueState>>);

impl Board {
    /// All of them, by name.
    pub(super) fn queues(&self) -> Vec<QueueState> {
        let mut queues: Vec<_> = self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        queues.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        queues
    }
}

impl Writer {
    pub(super) fn pause_queue(&mut self, name: &QueueName, paused: bool, now: UnixMicros) -> rusqlite::Result<()> {
        let number = self.names.queues.id(&self.connection, name)?;
        let queue = self.queues.of(number);
        if paused == queue.paused_since.is_some() {
            return Ok(());
        }
        queue.paused_since = paused.then_some(now);
        // While it was paused nobody has looked whether something waits.
        queue.backlog = true;
        if paused {
            let insert = "INSERT INTO queue_pause (queue, since) VALUES (?1, ?2)";
            self.connection.prepare_cached(insert)?.execute((number, now.as_micros()))?;
        } else {
            self.connection.prepare_cached("DELETE FROM queue_pause WHERE queue = ?1")?.execute([number])?;
        }
        Ok(())
    }
}

/// The first task of a lane and priority of a queue.
pub(super) const OLDEST: &str = "SELECT ready_at FROM task INDEXED BY task_ready \
    WHERE state = 2 AND queue = ?1 AND lane = ?2 AND priority = ?3 ORDER BY ready_at LIMIT 1";

/// Since when the oldest queued task of each queue waits, held ones too.
pub(super) fn oldest(connection: &mut Connection) -> rusqlite::Result<Vec<(QueueName, UnixMicros)>> {
    let snapshot = connection.transaction()?;
    let mut names = snapshot.prepare_cached("SELECT id, text FROM name WHERE what = ?1")?;
    let mut oldest = snapshot.prepare_cached(OLDEST)?;
    let mut found = Vec::new();
    let mut rows = names.query([What::Queue as i64])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let mut first: Option<i64> = None;
        for lane in [LANE_OPEN, LANE_HELD] {
            for priority in Priority::ALL {
                let of_these = oldest.query_row((number, lane, priority as i64), |row| row.get(0)).optional()?;
                first = [first, of_these].into_iter().flatten().min();
            }
        }
        if let Some(first) = first {
            found.push((parse(1, row.get_ref(1)?.as_str()?)?, UnixMicros::from_micros(first)));
        }
    }
    Ok(found)
}
