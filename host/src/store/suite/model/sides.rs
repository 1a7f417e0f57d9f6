//! The store and the reference side by side: each call is made on both, and what can be seen of both is compared.

use std::collections::BTreeMap;
use std::fmt::Debug;

use taskhost_core::ids::{KindName, LeaseId, QueueName, TaskId};
use taskhost_core::query::{PageLimit, TaskQuery};
use taskhost_core::retention::Retentions;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::TaskSummary;

use super::super::Harness;
use super::super::told::Told;
use super::call::KINDS;
use crate::store::{Assignment, Claimed, Reply, Store};

/// Both of them, at the same time of day.
pub(super) struct Sides {
    pub(super) store: Harness,
    reference: Harness,
}

impl Sides {
    pub(super) fn new(store: Harness, reference: Harness) -> Self {
        Self { store, reference }
    }

    pub(super) fn set_clock(&mut self, now: UnixMicros) {
        self.store.now = now;
        self.reference.now = now;
    }

    /// Makes a call on both; answers what both have answered.
    pub(super) fn call<T: Debug + PartialEq>(
        &self,
        what: &dyn Debug,
        call: impl Fn(&dyn Store, UnixMicros) -> Reply<T>,
    ) -> Result<T, String> {
        let answer = |side: &Harness| side.outcome(call(&*side.store, side.now)).map_err(|error| error.to_string());
        let (of_store, of_reference) = (answer(&self.store), answer(&self.reference));
        assert_eq!(of_store, of_reference, "the answer of {what:?}");
        of_store
    }

    /// Reads something of both; answers what both have answered.
    pub(super) fn read<T: Debug + PartialEq>(&self, what: &dyn Debug, read: impl Fn(&dyn Store) -> T) -> T {
        let of_store = read(&*self.store.store);
        assert_eq!(of_store, read(&*self.reference.store), "{what:?} was read");
        of_store
    }

    pub(super) fn crash(&mut self, retentions: &Retentions) {
        let reclaimed = self.store.crash(retentions);
        assert_eq!(reclaimed, self.reference.crash(retentions), "what was reclaimed");
        // Counted by who reads every task now.
        self.same_due();
        // What a store does first, it does at the time of its start: that must not come together with a call of another time.
        self.call(&"retain as before", |store, now| store.retain(retentions.clone(), now)).expect("both work");
    }

    /// What is due is done by both.
    pub(super) fn advance(&mut self) {
        // Each call of it is bounded: what is left is due at once.
        loop {
            self.call(&"advance", |store, now| store.advance(now)).expect("both work");
            if self.store.next_due().is_none_or(|due| due > self.store.now) {
                break;
            }
        }
        // It looks before it fills the slots: an expiry of what starts then is known to be void by the next look.
        self.call(&"advance again", |store, now| store.advance(now)).expect("both work");
        self.same_due();
    }

    /// A store may look in vain, at what was to be deleted and is queued again, say; never too late.
    fn same_due(&self) {
        if let Some(due) = self.reference.next_due() {
            let told = self.store.next_due();
            assert!(told.is_some_and(|told| told <= due), "something is due at {due}, and the store says {told:?}");
        }
    }

    /// Compares what both have handed out since the last look; answers it.
    pub(super) fn same_assignments(&mut self, what: &dyn Debug) -> Vec<Claimed> {
        let (claims, told) = split(self.store.assigned());
        let (expected, expected_told) = split(self.reference.assigned());
        assert_eq!(told, expected_told, "what was to be told to stop by {what:?}");
        assert_eq!(claims, expected, "the claims of {what:?}");
        claims.into_values().flatten().collect()
    }

    /// Compares what both have told; answers of which tasks.
    pub(super) fn same_told(&mut self, what: &dyn Debug) -> Vec<TaskId> {
        let told: Told = self.store.told();
        assert_eq!(told, self.reference.told(), "what was told of {what:?}");
        told.events.into_keys().collect()
    }

    /// Compares all that is seen of many tasks at once.
    pub(super) fn same_surface(&self, what: &dyn Debug) {
        self.read(what, |store| *store.running().borrow());
        self.read(what, |store| store.queues());
        self.read(what, |store| {
            let mut oldest = store.oldest_queued().expect("it can be read");
            oldest.sort_unstable();
            oldest
        });
        self.same_due();
        let all = TaskQuery { limit: PageLimit::new(PageLimit::MAX).expect("the most"), ..TaskQuery::default() };
        self.same_list(&all);
    }

    /// Compares a list, page by page.
    pub(super) fn same_list(&self, query: &TaskQuery) {
        assert_eq!(pages(&self.store, query), pages(&self.reference, query), "{query:?}");
    }

    /// Compares all that is kept of a task.
    pub(super) fn same_task(&self, task: TaskId, what: &dyn Debug) {
        self.read(what, |store| store.task(task).expect("it can be read"));
        self.read(what, |store| store.log(task, 0).expect("it can be read"));
    }

    /// Compares what is kept of jobs.
    pub(super) fn same_jobs(&self, what: &dyn Debug) {
        self.read(what, |store| {
            let mut kept = store.kept().expect("it can be read");
            kept.jobs.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            kept.pauses.sort_unstable();
            kept
        });
    }
}

/// By their queues, in order: the queues among them have none.
type Claims = BTreeMap<QueueName, Vec<Claimed>>;

/// The claims, and who is to be told to stop.
fn split(assigned: Vec<Assignment>) -> (Claims, Vec<(TaskId, LeaseId)>) {
    let (mut claims, mut told) = (Claims::new(), Vec::new());
    for assignment in assigned {
        match assignment {
            Assignment::Start(claimed) => claims.entry(claimed.queue.clone()).or_default().push(*claimed),
            Assignment::Cancel(task, lease) => told.push((task, lease)),
        }
    }
    (claims, told)
}

/// The pages of a list that hold anything. Where the last one ends, a store may find out by an empty one.
fn pages(side: &Harness, query: &TaskQuery) -> Vec<Vec<TaskSummary>> {
    let kinds = KINDS[..1].iter().map(|kind| KindName::new(kind).expect("a name")).collect::<Vec<_>>();
    let (mut pages, mut query) = (Vec::new(), query.clone());
    loop {
        let page = side.store.list(&query, &kinds).expect("it can be read");
        if !page.tasks.is_empty() {
            pages.push(page.tasks);
        }
        query.after = page.next;
        if page.next.is_none() {
            return pages;
        }
    }
}
