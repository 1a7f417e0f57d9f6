//! Random histories on the store and on a model built from nothing but `step`: after each call both say the same.
//!
//! This holds the SQL that moves many rows (claims, promotion, expiry, pruning, reclaim) equal to `step`. Not here: the
//! model itself (`world`) and what a history is made of (`call`). Start at [`History::play`].

mod call;
mod world;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;
use taskhost_core::ids::{QueueName, TaskId};
use taskhost_core::query::TaskFilter;
use taskhost_core::retention::{Retention, Retentions};

use self::call::{Call, calls};
use self::world::World;
use super::Files;
use crate::store::suite::{Harness, after};
use crate::store::{Assignment, AttemptReport, Claimed, Sweep};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_ends_as_step_says(calls in calls()) {
        let mut history = History::new();
        for call in calls {
            history.play(&call);
        }
        history.compare_tables();
    }
}

/// A history in the making: the store, the model, and the attempts that the host knows of.
struct History {
    store: Harness,
    path: PathBuf,
    world: World,
    attempts: Vec<Claimed>,
}

impl History {
    fn new() -> Self {
        let files = Files::default();
        let path = files.path();
        Self { store: files.harness(), path, world: World::default(), attempts: Vec::new() }
    }

    /// Makes a call on both, and compares all that can be seen.
    fn play(&mut self, call: &Call) {
        self.world.now = self.store.now;
        match call {
            Call::Submit(shapes) => {
                let tasks: Vec<_> = shapes.iter().map(|shape| shape.task(&mut self.store)).collect();
                assert_eq!(self.store.submit_all(tasks.clone()), self.world.submit(tasks));
            }
            Call::Offer { slots, kinds } => {
                self.store.offer(slots, kinds);
                self.world.offer(slots, kinds);
            }
            Call::Report { attempt, what } => self.report(&[(*attempt, what.clone())]),
            Call::Reports(reports) => self.report(reports),
            Call::Cancel(task) => {
                if let Some(task) = self.world.nth(*task) {
                    assert_eq!(self.store.cancel(task), self.world.cancel(task));
                }
            }
            Call::Retry(task) => {
                if let Some(task) = self.world.nth(*task) {
                    assert_eq!(self.store.retry(task), self.world.retry(task));
                }
            }
            Call::Discard(task) => {
                if let Some(task) = self.world.nth(*task) {
                    assert_eq!(self.store.discard(task), self.world.discard(task));
                }
            }
            Call::Pause(queue, paused) => {
                let name = QueueName::new(queue).unwrap();
                self.store.answer(self.store.store.pause_queue(name, *paused, self.store.now));
                self.world.pause(queue, *paused);
            }
            Call::Sweep(action) => {
                let sweep = Sweep { action: *action, filter: TaskFilter::default(), kinds: Vec::new() };
                let swept = self.store.answer(self.store.store.sweep_dead(sweep, self.store.now));
                assert_eq!(swept, self.world.sweep(*action));
            }
            Call::Retain([completed, cancelled, dead]) => {
                self.world.retention = Retention { completed: *completed, cancelled: *cancelled, dead: *dead };
                self.store.answer(self.store.store.retain(self.retentions(), self.store.now));
            }
            Call::Pass(time) => {
                self.store.pass(*time);
                self.world.advance(self.store.now);
                let due = self.store.next_due();
                assert!(due.is_none_or(|due| due > self.store.now), "all that was due is done: {due:?}");
            }
            Call::SetClock(now) => self.store.now = after(super::start(), *now),
            Call::Crash => self.crash(),
        }
        self.compare(call);
    }

    fn report(&mut self, reports: &[(prop::sample::Index, call::Saying)]) {
        if self.attempts.is_empty() {
            return;
        }
        let reports: Vec<_> = reports
            .iter()
            .map(|(attempt, what)| {
                let attempt = attempt.get(&self.attempts);
                AttemptReport {
                    task: attempt.id,
                    lease: attempt.lease,
                    change: what.change(&mut self.store),
                    log: Vec::new(),
                }
            })
            .collect();
        let answers = self.store.answer(self.store.store.report(reports.clone(), self.store.now));
        assert_eq!(answers, self.world.report(&reports));
    }

    fn retentions(&self) -> Retentions {
        Retentions { usual: self.world.retention, ..Retentions::default() }
    }

    fn crash(&mut self) {
        let files = Files::as_after_a_crash(&self.path);
        self.path = files.path();
        let (mut store, reclaimed) = files.harness_with(self.retentions(), self.store.now);
        store.go_on_with_ids_of(&self.store);
        self.store = store;
        assert_eq!(reclaimed, self.world.crash(), "what was reclaimed");
        assert_eq!(self.store.next_due(), self.world.next_due(), "what is due next");
    }

    fn compare(&mut self, call: &Call) {
        let mut claims = HashMap::new();
        for assignment in self.store.assigned() {
            match assignment {
                Assignment::Start(claimed) => {
                    let Claimed { lease, attempt, follow_ups, .. } = *claimed;
                    claims.insert(claimed.id, (lease, attempt, claimed.state.clone(), follow_ups));
                    self.attempts.push(*claimed);
                }
                Assignment::Cancel(task, lease) => assert_eq!(self.world.told.pop(), Some((task, lease))),
            }
        }
        assert_eq!(claims, std::mem::take(&mut self.world.claims), "the claims of {call:?}");
        assert_eq!(self.world.told, [], "what was to be told to stop");
        assert_eq!(*self.store.store.running().borrow(), self.world.running());
        if let (Some(told), Some(due)) = (self.store.next_due(), self.world.next_due()) {
            assert!(told <= due, "something is due at {due}, and the store said {told}");
        } else {
            assert!(self.world.next_due().is_none(), "something is due, and the store knows of nothing");
        }
        self.compare_queues();
        for id in &self.world.ids {
            assert_eq!(self.store.find(*id), self.world.view(*id), "task {id} after {call:?}");
        }
    }

    fn compare_queues(&self) {
        let oldest = self.store.store.oldest_queued().unwrap();
        for queue in self.store.store.queues() {
            let name = queue.name.as_str();
            assert_eq!(queue.counts, self.world.counts(name), "the tasks of {name}");
            assert_eq!(queue.paused_since.is_some(), self.world.is_paused(name));
            let oldest = oldest.iter().find(|(name, _)| *name == queue.name).map(|(_, since)| *since);
            assert_eq!(oldest, self.world.oldest(name), "the oldest of {name}");
        }
    }

    /// Nothing is left of what is gone, and whatever runs is known to the next start.
    fn compare_tables(&self) {
        let file = Connection::open(&self.path).unwrap();
        let count = |what: &str| file.query_row(what, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
        assert_eq!(count("SELECT count(*) FROM task"), self.world.kept());
        for table in ["task_params", "task_result", "task_state", "task_error"] {
            let orphans = count(&format!("SELECT count(*) FROM {table} WHERE seq NOT IN (SELECT seq FROM task)"));
            assert_eq!(orphans, 0, "rows of {table} without a task");
        }
        assert!(count("SELECT count(*) FROM flight") <= self.world.running(), "a turn without a running task");
    }
}

/// Which task of a history, counted as they were submitted.
fn nth(ids: &[TaskId], which: prop::sample::Index) -> Option<TaskId> {
    (!ids.is_empty()).then(|| ids[which.index(ids.len())])
}

/// How long a history may last at most; clocks stay within it.
const SPAN: Duration = Duration::from_hours(10 * 24);
