//! Queues as the writer serves them: slots, pauses, and how many of their tasks stand in which status.
//!
//! The counts change with each task. They are written at the end of the daemon, and made anew by the next only if it ended
//! otherwise. What others see is that of the latest commit: [`Board`]. Not here: what is claimed (`claim`). Start at [`Queues`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _};
use taskhost_core::ids::QueueName;
use taskhost_core::priority::Priority;
use taskhost_core::retention::{Retention, Retentions};
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::StatusCounts;

use super::names::Names;
use super::rows::{LANE_HELD, LANE_OPEN};
use super::writer::Writer;
use super::{codec, names};
use crate::store::QueueState;

/// The step of the migration that makes the table.
pub(super) const TABLE: &str = "CREATE TABLE queue_pause (queue INTEGER PRIMARY KEY, since INTEGER NOT NULL);";

/// The next step.
pub(super) const COUNTS: &str = "
-- How many tasks there were when the daemon ended; no rows while one runs, and after a crash.
CREATE TABLE queue_count (
    queue INTEGER NOT NULL, status TEXT NOT NULL, tasks INTEGER NOT NULL, PRIMARY KEY (queue, status)
) WITHOUT ROWID;
";

/// A queue as this host serves it.
#[derive(Debug, Default, Clone, Copy)]
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
    /// The queues that are to be shown anew, as they were before the turn; none: there was no such queue.
    touched: Vec<(i64, Option<Queue>)>,
    /// How long ended tasks are kept, in queues that say nothing of it.
    usual_retention: Retention,
}

impl Queues {
    /// What a file says of its queues. Looks at every task if the daemon before this one did not say how many there are.
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
        if !queues.take_counts(connection)? {
            queues.count(connection)?;
        }
        Ok(queues)
    }

    /// Takes what [`Queues::keep`] has written; answers whether it had.
    fn take_counts(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let mut select = connection.prepare("SELECT queue, status, tasks FROM queue_count")?;
        let mut rows = select.query([])?;
        let mut any = false;
        while let Some(row) = rows.next()? {
            let status = row.get_ref(1)?.as_str()?;
            if let Some(status) = Status::ALL.into_iter().find(|known| known.as_str() == status) {
                self.of(row.get(0)?).counts.add(status, tasks(row.get(2)?));
            }
            any = true;
        }
        drop(rows);
        // They are true no longer than until the next task comes.
        connection.execute("DELETE FROM queue_count", [])?;
        Ok(any)
    }

    /// Looks at every task. To let SQLite group them would sort them first, which takes four times as long.
    fn count(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut select = connection.prepare("SELECT queue, state, reason FROM task")?;
        let mut counted: HashMap<(i64, i64, i64), u64> = HashMap::new();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            *counted.entry((row.get(0)?, row.get(1)?, row.get(2)?)).or_default() += 1;
        }
        for ((number, state, reason), tasks) in counted {
            let status = codec::status(state, reason).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, state))?;
            self.of(number).counts.add(status, tasks);
        }
        Ok(())
    }

    /// Writes how many tasks there are, for the next start.
    pub(super) fn keep(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut insert = connection.prepare("INSERT INTO queue_count (queue, status, tasks) VALUES (?1, ?2, ?3)")?;
        for (number, queue) in &self.by_number {
            for status in Status::ALL {
                let tasks = i64::try_from(queue.counts.get(status)).unwrap_or(i64::MAX);
                if tasks > 0 {
                    insert.execute((number, status.as_str(), tasks))?;
                }
            }
        }
        Ok(())
    }

    /// The queue of this number, which is shown anew after the commit, or put back if there is none.
    pub(super) fn of(&mut self, number: i64) -> &mut Queue {
        match self.by_number.entry(number) {
            Entry::Occupied(queue) => {
                let queue = queue.into_mut();
                if !queue.is_touched {
                    self.touched.push((number, Some(*queue)));
                    queue.is_touched = true;
                }
                queue
            }
            Entry::Vacant(place) => {
                self.touched.push((number, None));
                place.insert(Queue { is_touched: true, ..Queue::default() })
            }
        }
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
        let open: Vec<_> =
            self.by_number.iter().filter(|(_, queue)| queue.slots > 0).map(|(number, _)| *number).collect();
        for number in open {
            self.of(number).slots = 0;
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
        let all: Vec<_> = self.by_number.keys().copied().collect();
        for number in all {
            self.of(number).retention = None;
        }
        for (name, retention) in &retentions.of_queues {
            self.of(names.id(connection, name)?).retention = Some(*retention);
        }
        Ok(())
    }

    /// How long ended tasks are kept in queues that say nothing of it.
    pub(super) fn usual_retention(&self) -> Retention {
        self.usual_retention
    }

    /// Makes everything as it was before the turn.
    pub(super) fn undo(&mut self, usual_retention: Retention) {
        for (number, before) in self.touched.drain(..) {
            match before {
                Some(queue) => drop(self.by_number.insert(number, queue)),
                None => drop(self.by_number.remove(&number)),
            }
        }
        self.usual_retention = usual_retention;
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
        for (number, _before) in self.touched.drain(..) {
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

    /// Those in which something is queued.
    pub(super) fn waiting(&self) -> Vec<(i64, QueueName)> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = shown.iter().filter(|(_, queue)| queue.counts.get(Status::Queued) > 0);
        waiting.map(|(number, queue)| (*number, queue.name.clone())).collect()
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
pub(super) const OLDEST: &str = "SELECT ready_at FROM ready WHERE queue = ?1 AND lane = ?2 AND priority = ?3 \
    ORDER BY ready_at LIMIT 1";

/// Since when the oldest queued task of these queues waits, held ones too.
pub(super) fn oldest(
    connection: &mut Connection,
    waiting: Vec<(i64, QueueName)>,
) -> rusqlite::Result<Vec<(QueueName, UnixMicros)>> {
    let snapshot = connection.transaction()?;
    let mut select = snapshot.prepare_cached(OLDEST)?;
    let mut oldest = Vec::with_capacity(waiting.len());
    for (number, name) in waiting {
        let mut first: Option<i64> = None;
        for lane in [LANE_OPEN, LANE_HELD] {
            for priority in Priority::ALL {
                let of_these = select.query_row((number, lane, priority as i64), |row| row.get(0)).optional()?;
                first = [first, of_these].into_iter().flatten().min();
            }
        }
        oldest.extend(first.map(|first| (name, UnixMicros::from_micros(first))));
    }
    Ok(oldest)
}

fn tasks(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
