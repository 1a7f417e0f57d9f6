//! A store under test, with a clock that the case moves and short words for what cases do.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use taskhost_core::ids::{KindName, LeaseId, QueueName, TaskId};
use taskhost_core::log::LogChunk;
use taskhost_core::priority::Priority;
use taskhost_core::retention::Retentions;
use taskhost_core::retry::{Backoff, RetryPolicy};
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Rejected, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::TaskView;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::told::{Ears, Told};
use super::{ADAPTERS, Ground};
use crate::events::Events;
use crate::store::{
    ActionRefused, Assignment, AttemptReport, CancelRefused, Change, Claimed, Ending, Failure, Offer, Reply, Store,
    StoreError, StoredLog,
};
use crate::tally::Tally;

/// The kind that most cases run.
pub(crate) const KIND: &str = "work";

/// An open store.
pub(crate) struct Harness {
    pub(crate) store: Arc<dyn Store>,
    /// The time of every call, until the case moves it.
    pub(crate) now: UnixMicros,
    assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
    runtime: Runtime,
    ids: u64,
    ears: Ears,
    ground: Option<Box<dyn Ground>>,
    // What has to live as long as the store, such as its folder.
    _beside: Box<dyn Any>,
}

impl Drop for Harness {
    fn drop(&mut self) {
        // Answered when the adapter's thread is about to end; one that has failed or was closed says so.
        drop(self.runtime.block_on(self.store.close()));
    }
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").field("store", &self.store).field("now", &self.now).finish_non_exhaustive()
    }
}

impl Harness {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
        now: UnixMicros,
        beside: impl Any,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
        let ears = Ears::of(&Events::default(), Tally::default());
        Self { store, now, assignments, runtime, ids: 0, ears, ground: None, _beside: Box::new(beside) }
    }

    /// Where the store tells what happens.
    pub(crate) fn telling(mut self, events: &Events, tally: Tally) -> Self {
        self.ears = Ears::of(events, tally);
        self
    }

    /// What it stands on.
    pub(crate) fn on(mut self, ground: impl Ground + 'static) -> Self {
        self.ground = Some(Box::new(ground));
        self
    }

    /// The daemon ends without saying so, and another takes over. Answers how many tasks it reclaims.
    pub(crate) fn crash(&mut self, retentions: &Retentions) -> usize {
        let ground = self.ground.as_ref().expect("an adapter that can crash stands on something");
        let (next, reclaimed) = ground.after_crash(retentions.clone(), self.now);
        drop(self.go_on_with(next));
        reclaimed
    }

    /// The daemon ends in good order, and another takes over. Answers how many tasks it reclaims.
    pub(crate) fn reopen(&mut self, retentions: &Retentions) -> usize {
        self.answer(self.store.close());
        let ground = self.ground.take().expect("an adapter that can be opened again stands on something");
        // What the store holds is let go of before the next is opened.
        drop(self.go_on_with((ADAPTERS[0].open)()));
        let (next, reclaimed) = ground.after_end(retentions.clone(), self.now).expect("the adapter says that it can");
        drop(self.go_on_with(next));
        reclaimed
    }

    /// Goes on with another store; no id comes twice. Answers with the one before.
    fn go_on_with(&mut self, next: Self) -> Self {
        let before = std::mem::replace(self, next);
        (self.now, self.ids) = (before.now, before.ids);
        before
    }

    /// Checks what holds beneath the port.
    pub(crate) fn check_ground(&self) {
        let tasks = self.store.queues().iter().map(|queue| queue.counts.total()).sum();
        if let Some(ground) = &self.ground {
            ground.check(tasks, *self.store.running().borrow());
        }
    }

    /// What was told since the last look.
    pub(crate) fn told(&mut self) -> Told {
        self.ears.take()
    }

    /// Waits for an answer, whatever it is.
    pub(crate) fn outcome<T>(&self, reply: Reply<T>) -> Result<T, StoreError> {
        self.runtime.block_on(reply)
    }

    /// Waits for an answer of a store that works.
    pub(crate) fn answer<T>(&self, reply: Reply<T>) -> T {
        self.outcome(reply).expect("the store works")
    }

    /// A task of [`KIND`] in the queue `default`.
    pub(crate) fn task(&mut self) -> NewTask {
        self.ids += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.ids.to_be_bytes());
        let retry = RetryPolicy {
            attempts: 3,
            backoff: Backoff::Fixed,
            initial: Duration::from_secs(10),
            ..RetryPolicy::default()
        };
        NewTask {
            id: TaskId::new(self.now, random),
            kind: KindName::new(KIND).expect("a name"),
            queue: QueueName::default(),
            priority: Priority::Normal,
            params: b"{}".to_vec(),
            refers: false,
            run_at: None,
            expires_at: None,
            timeout: None,
            retry: RetryPolicy { jitter: 0.0, ..retry },
            tags: Vec::new(),
            origin: None,
        }
    }

    /// Submits a task; answers its id.
    pub(crate) fn submit(&self, task: NewTask) -> TaskId {
        let id = task.id;
        self.submit_all(vec![task]);
        id
    }

    pub(crate) fn submit_all(&self, tasks: Vec<NewTask>) -> Vec<Status> {
        self.answer(self.store.submit(tasks, self.now))
    }

    /// Offers slots of queues for kinds.
    pub(crate) fn offer(&self, slots: &[(&str, u32)], kinds: &[&str]) {
        let slots = slots.iter().map(|(name, slots)| (QueueName::new(name).expect("a name"), *slots)).collect();
        let kinds = kinds.iter().map(|name| KindName::new(name).expect("a name")).collect();
        self.answer(self.store.offer(Offer { slots, kinds }, self.now));
    }

    /// Offers slots of the queue `default` for [`KIND`].
    pub(crate) fn serve(&self, slots: u32) {
        self.offer(&[("default", slots)], &[KIND]);
    }

    /// Submits a task and answers its claim.
    pub(crate) fn start(&mut self, task: NewTask) -> Claimed {
        self.serve(1);
        self.submit(task);
        self.started()
    }

    /// What was handed out since the last look. Nothing more is to come: assignments are sent before answers.
    pub(crate) fn assigned(&mut self) -> Vec<Assignment> {
        let mut assigned = Vec::new();
        while let Ok(more) = self.assignments.try_recv() {
            assigned.extend(more);
        }
        assigned
    }

    /// The claims since the last look.
    pub(crate) fn claims(&mut self) -> Vec<Claimed> {
        let claims = self.assigned().into_iter().map(|assignment| match assignment {
            Assignment::Start(claimed) => *claimed,
            Assignment::Cancel(id, _) => panic!("{id} is to be cancelled, and nobody asked for that"),
        });
        claims.collect()
    }

    /// The ids of the claims since the last look.
    pub(crate) fn claimed_ids(&mut self) -> Vec<TaskId> {
        self.claims().into_iter().map(|claimed| claimed.id).collect()
    }

    /// The one claim since the last look.
    pub(crate) fn started(&mut self) -> Claimed {
        let mut claims = self.claims();
        assert_eq!(claims.len(), 1, "one claim is to come: {claims:?}");
        claims.remove(0)
    }

    /// Reports for an attempt.
    pub(crate) fn report(&self, task: TaskId, lease: LeaseId, change: Change) -> Result<Status, Rejected> {
        let report = AttemptReport { task, lease, change, log: Vec::new() };
        self.answer(self.store.report(vec![report], self.now)).remove(0)
    }

    /// Reports for an attempt what changes and what it has logged.
    pub(crate) fn report_with_log(
        &self,
        attempt: &Claimed,
        change: Change,
        log: Vec<LogChunk>,
    ) -> Result<Status, Rejected> {
        let report = AttemptReport { task: attempt.id, lease: attempt.lease, change, log };
        self.answer(self.store.report(vec![report], self.now)).remove(0)
    }

    /// What is kept of the log of a task after this number.
    pub(crate) fn log(&self, task: TaskId, after: u64) -> StoredLog {
        self.store.log(task, after).expect("the store can be read").expect("the task is kept")
    }

    pub(crate) fn checkpoint(&self, attempt: &Claimed, state: &[u8]) -> Result<Status, Rejected> {
        self.report(attempt.id, attempt.lease, Change::Checkpoint { state: state.to_vec(), follow_ups: Vec::new() })
    }

    /// Ends an attempt; answers what the task is then.
    pub(crate) fn end(&self, attempt: &Claimed, ending: Ending) -> Status {
        self.report(attempt.id, attempt.lease, Change::Ended(Box::new(ending))).expect("the attempt holds its task")
    }

    pub(crate) fn cancel(&self, task: TaskId) -> Result<Status, CancelRefused> {
        self.answer(self.store.cancel(task, self.now))
    }

    pub(crate) fn retry(&self, task: TaskId) -> Result<Status, ActionRefused> {
        self.answer(self.store.retry(task, self.now))
    }

    pub(crate) fn discard(&self, task: TaskId) -> Result<Status, ActionRefused> {
        self.answer(self.store.discard(task, self.now))
    }

    /// Lets time pass and what is due happen.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.answer(self.store.advance(self.now));
    }

    pub(crate) fn find(&self, task: TaskId) -> Option<TaskView> {
        self.store.task(task).expect("the store can be read")
    }

    pub(crate) fn view(&self, task: TaskId) -> TaskView {
        self.find(task).expect("the task is kept")
    }

    pub(crate) fn status(&self, task: TaskId) -> Status {
        self.view(task).task.status()
    }

    pub(crate) fn next_due(&self) -> Option<UnixMicros> {
        *self.store.next_due().borrow()
    }

    /// Waits until the store says that it has failed.
    pub(crate) fn failure(&self) -> Arc<StoreError> {
        let mut failure = self.store.failure();
        let seen = self.runtime.block_on(failure.wait_for(Option::is_some)).expect("it says why before it goes");
        seen.clone().expect("it was waited for")
    }
}

pub(crate) fn in_queue(task: NewTask, queue: &str) -> NewTask {
    NewTask { queue: QueueName::new(queue).expect("a name"), ..task }
}

pub(crate) fn of_kind(task: NewTask, kind: &str) -> NewTask {
    NewTask { kind: KindName::new(kind).expect("a name"), ..task }
}

/// An end with nothing around it.
pub(crate) fn ended(end: End) -> Ending {
    Ending { end, result: None, state: None, failure: None, progress: None, follow_ups: Vec::new() }
}

/// A failure that may be retried.
pub(crate) fn failed(message: &str) -> Ending {
    Ending { failure: Some(failure(message)), ..ended(End::Failed { delay: None, chance: 0.5 }) }
}

pub(crate) fn failure(message: &str) -> Failure {
    Failure { generation: 7, code: "broken".to_owned(), message: message.to_owned() }
}

pub(crate) fn after(time: UnixMicros, later: Duration) -> UnixMicros {
    time.saturating_add(later)
}
