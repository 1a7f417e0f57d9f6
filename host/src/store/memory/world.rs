//! Everything that is kept, and what a call does to it.
//!
//! Not here: which of them start (`claim`), reports (`report`), what comes by time (`time`), jobs, lists, logs. Start at [`World`].

use std::collections::{BTreeMap, BTreeSet};

use taskhost_core::ids::{KindName, QueueName, TaskId};
use taskhost_core::once::{IdempotencyKey, KEY_KEPT, Once};
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Event, Rejected, Status, Step, Task, TaskState, step};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{StatusCounts, TaskView};

use super::MemoryOptions;
use super::jobs::Jobs;
use super::log::Log;
use super::names::Names;
use crate::events::{Label, Labels, TaskChanged};
use crate::store::{Assignment, Inserted, KeyReused, QueueState, StoreError, StoredLog};
use crate::tally::Counted;

/// All that a store keeps.
#[derive(Debug, Default)]
pub(super) struct World {
    /// By their numbers, which are in the order of insertion.
    pub(super) tasks: BTreeMap<u64, Kept>,
    last_number: u64,
    pub(super) queues: BTreeMap<QueueName, Queue>,
    /// Those that were offered.
    pub(super) kinds: BTreeSet<KindName>,
    pub(super) keys: BTreeMap<IdempotencyKey, Key>,
    pub(super) jobs: Jobs,
    pub(super) retentions: Retentions,
    pub(super) host: String,
    pub(super) names: Names,
    pub(super) turn: Turn,
}

/// A task.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) view: TaskView,
    /// Empty if there is none.
    pub(super) checkpoint: Vec<u8>,
    /// How many its attempts have made.
    pub(super) follow_ups: u32,
    pub(super) log: Log,
    queue: i64,
    kind: i64,
}

/// A queue as this host serves it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) slots: u32,
    pub(super) paused_since: Option<UnixMicros>,
}

/// What was answered under a key.
#[derive(Debug)]
pub(super) struct Key {
    fingerprint: [u8; 32],
    pub(super) expires_at: UnixMicros,
    inserted: Vec<Inserted>,
}

/// What a call has to say once it is done.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) assignments: Vec<Assignment>,
    pub(super) changes: Vec<TaskChanged>,
    pub(super) counted: Vec<Counted>,
    /// The queues in which something waits that came with this call: what comes later in it gets in line.
    waits: BTreeSet<QueueName>,
}

impl Kept {
    pub(super) fn status(&self) -> Status {
        self.view.task.status()
    }

    /// The expiry that has passed cancels it.
    pub(super) fn has_expired(&self, now: UnixMicros) -> bool {
        self.view.task.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    pub(super) fn labels(&self) -> (i64, i64) {
        (self.queue, self.kind)
    }

    fn change(&self) -> TaskChanged {
        let (queue, kind) = (Label::new(self.queue), Label::new(self.kind));
        let Task { attempt, state, .. } = self.view.task;
        TaskChanged { task: self.view.id(), queue, kind, attempt, state: Some(state) }
    }
}

impl World {
    /// A host begins to serve it: nothing is offered yet.
    pub(super) fn begin(&mut self, options: MemoryOptions, labels: Labels) {
        self.host = options.host;
        self.names.begin(labels);
        self.retain(options.retentions);
        self.kinds.clear();
        self.queues.values_mut().for_each(|queue| queue.slots = 0);
    }

    /// Ended tasks are kept so long from now on.
    pub(super) fn retain(&mut self, retentions: Retentions) {
        for queue in retentions.of_queues.keys() {
            self.queues.entry(queue.clone()).or_default();
        }
        self.retentions = retentions;
    }

    /// A task as others see it.
    pub(super) fn view(&self, task: TaskId) -> Option<TaskView> {
        let mut view = self.tasks[&self.find(task)?].view.clone();
        // The expiry that still holds.
        view.submitted.expires_at = view.task.expires_at;
        Some(view)
    }

    /// The lines of a task's log after number `after`.
    pub(super) fn log(&self, task: TaskId, after: u64) -> Option<StoredLog> {
        let kept = &self.tasks[&self.find(task)?];
        Some(kept.log.read(kept.status(), after))
    }

    /// Takes what the call has to say.
    pub(super) fn end_turn(&mut self) -> Turn {
        let mut turn = std::mem::take(&mut self.turn);
        // Names come before what they name.
        let mut counted = self.names.take_untold();
        counted.append(&mut turn.counted);
        Turn { counted, ..turn }
    }

    /// The number of a task.
    pub(super) fn find(&self, task: TaskId) -> Option<u64> {
        self.tasks.iter().find(|(_, kept)| kept.view.id() == task).map(|(number, _)| *number)
    }

    /// The task of a number that was found.
    pub(super) fn kept(&mut self, number: u64) -> &mut Kept {
        self.tasks.get_mut(&number).expect("it was found, and nothing has deleted it since")
    }

    /// The numbers of the tasks of which this holds, in the order of insertion.
    pub(super) fn all(&self, which: impl Fn(&Kept) -> bool) -> Vec<u64> {
        self.tasks.iter().filter(|(_, kept)| which(kept)).map(|(number, _)| *number).collect()
    }

    /// Asks `step`, and does what it says. Answers the status that the task has then, or had if it is deleted.
    pub(super) fn apply(&mut self, number: u64, event: Event, now: UnixMicros) -> Result<Status, Rejected> {
        let kept = self.kept(number);
        let was = kept.view.task;
        match step(&was, event, now)? {
            Step::Deleted => {
                let gone = TaskChanged { state: None, ..kept.change() };
                self.turn.changes.push(gone);
                self.tasks.remove(&number);
                Ok(was.status())
            }
            Step::Kept(next) => {
                kept.view.task = next;
                kept.view.held &= next.status() == Status::Queued;
                if was.status() != next.status() || was.state.reason() != next.state.reason() {
                    self.became(number);
                }
                Ok(next.status())
            }
        }
    }

    fn became(&mut self, number: u64) {
        let kept = self.kept(number);
        let (change, status, (queue, kind)) = (kept.change(), kept.status(), kept.labels());
        self.turn.changes.push(change);
        if status.is_ended() {
            self.turn.counted.push(Counted::Ended { queue, kind, status });
        }
    }

    pub(super) fn submit(&mut self, tasks: Vec<NewTask>, now: UnixMicros) -> Result<Vec<Status>, StoreError> {
        let mut ids = BTreeSet::new();
        for new in &tasks {
            if !ids.insert(new.id) || self.find(new.id).is_some() {
                return Err(StoreError::TaskExists { task: new.id });
            }
        }
        Ok(tasks.into_iter().map(|new| self.insert(new, now)).collect())
    }

    pub(super) fn submit_once(
        &mut self,
        tasks: Vec<NewTask>,
        once: Once,
        now: UnixMicros,
    ) -> Result<Result<Vec<Inserted>, KeyReused>, StoreError> {
        if let Some(known) = self.submitted_once(&once, now) {
            return Ok(known);
        }
        let ids: Vec<_> = tasks.iter().map(|new| new.id).collect();
        let statuses = self.submit(tasks, now)?;
        let inserted: Vec<_> = ids.into_iter().zip(statuses).map(|(task, status)| Inserted { task, status }).collect();
        let expires_at = now.saturating_add(KEY_KEPT);
        self.keys.insert(once.key, Key { fingerprint: once.fingerprint, expires_at, inserted: inserted.clone() });
        Ok(Ok(inserted))
    }

    /// What was answered under a key.
    pub(super) fn submitted_once(&self, once: &Once, now: UnixMicros) -> Option<Result<Vec<Inserted>, KeyReused>> {
        let known = self.keys.get(&once.key).filter(|known| known.expires_at > now)?;
        Some(if known.fingerprint == once.fingerprint { Ok(known.inserted.clone()) } else { Err(KeyReused) })
    }

    /// Inserts a task, which starts at once if it meets a free slot and nothing that came with this call waits before it:
    /// at the end of every call before, either the slots were taken or nothing waited.
    pub(super) fn insert(&mut self, new: NewTask, now: UnixMicros) -> Status {
        let task = Task::submitted(new.retry, new.run_at, new.expires_at, now);
        let status = task.status();
        let name = new.queue.clone();
        self.queues.entry(name.clone()).or_default();
        let (queue, kind) = (self.names.queue(&name), self.names.kind(&new.kind));
        let held = status == Status::Queued && !self.kinds.contains(&new.kind);
        let view = TaskView {
            submitted: new,
            task,
            created_at: now,
            started_at: None,
            attempted_by: Vec::new(),
            result: None,
            errors: Vec::new(),
            progress: None,
            held,
        };
        let kept = Kept { view, checkpoint: Vec::new(), follow_ups: 0, log: Log::default(), queue, kind };
        let may_start = status == Status::Queued && !held && !kept.has_expired(now);
        self.last_number += 1;
        let number = self.last_number;
        self.tasks.insert(number, kept);
        self.became(number);
        if may_start && self.free(&name) > 0 && !self.turn.waits.contains(&name) {
            self.start(number, now);
        } else if status == Status::Queued {
            self.turn.waits.insert(name);
        }
        status
    }

    /// What comes later in this call gets in line in this queue: its end fills the slots.
    pub(super) fn get_in_line(&mut self, queue: &QueueName) {
        self.turn.waits.insert(queue.clone());
    }

    pub(super) fn pause_queue(&mut self, name: QueueName, paused: bool, now: UnixMicros) {
        let queue = self.queues.entry(name).or_default();
        queue.paused_since = paused.then(|| queue.paused_since.unwrap_or(now));
    }

    /// How many tasks run.
    pub(super) fn running(&self) -> usize {
        self.all(|kept| kept.status() == Status::Running).len()
    }

    pub(super) fn states_of_queues(&self) -> Vec<QueueState> {
        let state = |(name, queue): (&QueueName, &Queue)| QueueState {
            name: name.clone(),
            slots: queue.slots,
            paused_since: queue.paused_since,
            counts: self.counts(name),
        };
        self.queues.iter().map(state).collect()
    }

    pub(super) fn counts(&self, queue: &QueueName) -> StatusCounts {
        let mut counts = StatusCounts::default();
        for kept in self.tasks.values().filter(|kept| kept.view.submitted.queue == *queue) {
            counts.add(kept.status(), 1);
        }
        counts
    }

    pub(super) fn oldest_queued(&self) -> Vec<(QueueName, UnixMicros)> {
        let mut oldest = BTreeMap::new();
        for kept in self.tasks.values() {
            let TaskState::Queued { ready_at } = kept.view.task.state else { continue };
            let first = oldest.entry(kept.view.submitted.queue.clone()).or_insert(ready_at);
            *first = ready_at.min(*first);
        }
        oldest.into_iter().collect()
    }
}
