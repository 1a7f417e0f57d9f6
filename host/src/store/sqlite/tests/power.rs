//! The power goes at any moment of a random load, and takes what was not synced with it: nothing that was acknowledged is
//! lost, and nothing had started that the file does not know.
//!
//! `TASKHOST_HUNT=100 cargo test -p taskhost --lib power` looks at so many loads instead of a few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use rusqlite::Connection;
use taskhost_core::ids::{LeaseId, QueueName, TaskId};
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Rejected, Status};
use tokio::sync::mpsc;

use super::disk::{Cut, Dice, Disk, Unsynced};
use super::{Files, SqliteOptions, options, start};
use crate::events::Events;
use crate::store::sqlite::SqliteStore;
use crate::store::suite::{Harness, ended, failed};
use crate::store::{Assignment, AttemptReport, Change, Claimed, Ending, Reply, Store as _};
use crate::tally::Tally;

/// What a call asked for, and thus what its answer acknowledges.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Tasks(Vec<TaskId>),
    Checkpoint(TaskId, Vec<u8>),
    Ended(TaskId),
    Failed(TaskId),
    Cancel(TaskId),
}

type Answered<T> = Vec<(Reply<T>, Asked)>;

/// What the world has heard of the store. Looked at before each write and after each sync: a word that comes too early is
/// caught between the two.
#[derive(Debug)]
struct World {
    assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
    submits: Answered<Vec<Status>>,
    reports: Answered<Vec<Result<Status, Rejected>>>,
    cancels: Answered<Result<Status, crate::store::CancelRefused>>,
    acknowledged: Vec<Asked>,
    started: Vec<Claimed>,
    cuts: Vec<(Cut, Heard)>,
    dice: Dice,
    /// One of so many moments is kept.
    one_of: u64,
}

/// How much of it had been heard.
#[derive(Debug, Clone, Copy)]
struct Heard {
    acknowledged: usize,
    started: usize,
}

fn answered<T>(waiting: &mut Answered<T>, acknowledged: &mut Vec<Asked>, is_good: impl Fn(&T) -> bool) {
    let mut context = Context::from_waker(Waker::noop());
    waiting.retain_mut(|(reply, asked)| match std::pin::Pin::new(reply).poll(&mut context) {
        Poll::Pending => true,
        Poll::Ready(answer) => {
            if is_good(&answer.expect("the store works")) {
                acknowledged.push(asked.clone());
            }
            false
        }
    });
}

impl World {
    fn listen(&mut self) {
        answered(&mut self.submits, &mut self.acknowledged, |_| true);
        answered(&mut self.reports, &mut self.acknowledged, |statuses| statuses.iter().all(Result::is_ok));
        answered(&mut self.cancels, &mut self.acknowledged, |cancelled| matches!(cancelled, Ok(Status::Cancelled)));
        while let Ok(assigned) = self.assignments.try_recv() {
            self.started.extend(assigned.into_iter().filter_map(|assignment| match assignment {
                Assignment::Start(claimed) => Some(*claimed),
                Assignment::Cancel(..) => None,
            }));
        }
    }

    fn waits(&self) -> bool {
        !(self.submits.is_empty() && self.reports.is_empty() && self.cancels.is_empty())
    }
}

/// A store under load, on a disk that can be cut off.
struct Load {
    store: SqliteStore,
    world: Arc<Mutex<World>>,
    makes: Harness,
    dice: Dice,
    _files: Files,
}

impl Load {
    fn new(seed: u64, durable: bool) -> Self {
        let files = Files::default();
        let disk = Disk::under(&files.path());
        let (assign, assignments) = mpsc::unbounded_channel();
        let world = World {
            assignments,
            submits: Vec::new(),
            reports: Vec::new(),
            cancels: Vec::new(),
            acknowledged: Vec::new(),
            started: Vec::new(),
            cuts: Vec::new(),
            dice: Dice(seed ^ 0xC07),
            one_of: 80,
        };
        let world = Arc::new(Mutex::new(world));
        let options = SqliteOptions { durable, ..options(&files.path()) };
        let store = SqliteStore::open(&options, assign, Events::default(), Tally::default(), start()).unwrap();
        let witness = Arc::clone(&world);
        disk.witness(move |_name, on_disk| {
            let mut world = witness.lock().unwrap();
            world.listen();
            let one_of = world.one_of;
            if world.dice.up_to(one_of) == 0 {
                let heard = Heard { acknowledged: world.acknowledged.len(), started: world.started.len() };
                world.cuts.push((Cut(on_disk.clone()), heard));
            }
        });
        Self { store, world, makes: Files::default().harness(), dice: Dice(seed), _files: files }
    }

    fn tasks(&mut self) -> (Vec<NewTask>, Asked) {
        let many = 1 + self.dice.up_to(12);
        let tasks: Vec<_> = (0..many)
            .map(|_| {
                let length = if self.dice.up_to(8) == 0 { 6_000 } else { 20 };
                NewTask { params: format!("\"{}\"", "p".repeat(length)).into_bytes(), ..self.makes.task() }
            })
            .collect();
        let ids = tasks.iter().map(|task| task.id).collect();
        (tasks, Asked::Tasks(ids))
    }

    fn report(&mut self, attempt: &Claimed) -> (Change, Asked) {
        let large = vec![b'1'; 1 + usize::try_from(self.dice.up_to(3_000)).unwrap()];
        match self.dice.up_to(4) {
            0 => {
                let change = Change::Checkpoint { state: large.clone(), follow_ups: Vec::new() };
                (change, Asked::Checkpoint(attempt.id, large))
            }
            1 => (Change::Ended(Box::new(failed("no"))), Asked::Failed(attempt.id)),
            _ => {
                let ending = Ending { result: Some(large), ..ended(End::Done) };
                (Change::Ended(Box::new(ending)), Asked::Ended(attempt.id))
            }
        }
    }

    /// Asks for a few things at once.
    fn ask(&mut self, running: &mut Vec<Claimed>) {
        for _ in 0..=self.dice.up_to(4) {
            let (tasks, asked) = self.tasks();
            let last = tasks.last().map(|task| task.id).unwrap();
            let submitted = self.store.submit(tasks, start());
            let is_cancelled = self.dice.up_to(6) == 0;
            let mut world = self.world.lock().unwrap();
            world.submits.push((submitted, asked));
            if is_cancelled {
                world.cancels.push((self.store.cancel(last, start()), Asked::Cancel(last)));
            }
        }
        let some = self.dice.up_to(1 + running.len() as u64);
        for _ in 0..some {
            let which = usize::try_from(self.dice.up_to(running.len() as u64)).unwrap();
            let attempt = running[which].clone();
            let (change, asked) = self.report(&attempt);
            if matches!(change, Change::Ended(_)) {
                running.swap_remove(which);
            }
            let report = AttemptReport { task: attempt.id, lease: attempt.lease, change, log: Vec::new() };
            let reported = self.store.report(vec![report], start());
            self.world.lock().unwrap().reports.push((reported, asked));
        }
    }

    /// Works for so many rounds; answers what was seen.
    fn run(mut self, rounds: usize) -> Arc<Mutex<World>> {
        let kinds = vec![crate::store::suite::KIND.parse().unwrap()];
        let offer = crate::store::Offer { slots: vec![(<_>::default(), 10)], kinds };
        self.makes.answer(self.store.offer(offer, start()));
        let (mut running, mut seen) = (Vec::new(), 0);
        for _ in 0..rounds {
            self.ask(&mut running);
            // Answered behind all of them.
            self.makes.answer(self.store.advance(start()));
            let mut world = self.world.lock().unwrap();
            world.listen();
            assert!(!world.waits());
            running.extend_from_slice(&world.started[seen..]);
            seen = world.started.len();
        }
        self.makes.answer(self.store.close());
        self.world
    }
}

/// The file after a cut, opened by a daemon that starts.
pub(super) struct Restarted {
    pub(super) h: Harness,
    pub(super) file: Connection,
}

fn restart(cut: &Cut, unsynced: Unsynced, dice: &mut Dice) -> Restarted {
    let files = Files::default();
    std::fs::create_dir(files.0.path().join("var")).unwrap();
    cut.leave(&files.path(), unsynced, dice);
    Restarted::of(files)
}

impl Restarted {
    pub(super) fn of(files: Files) -> Self {
        let path = files.path();
        let h = files.harness_at(start()).0;
        let file = Connection::open(&path).unwrap();
        let checked: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(checked, "ok");
        Self { h, file }
    }

    pub(super) fn check_acknowledged(&self, acknowledged: &[Asked]) {
        let mut checkpoints = HashMap::new();
        for asked in acknowledged {
            match asked {
                Asked::Tasks(ids) => ids.iter().for_each(|id| assert!(self.h.find(*id).is_some(), "{id} is lost")),
                Asked::Ended(id) => {
                    checkpoints.remove(id);
                    assert_eq!(self.h.status(*id), Status::Completed, "the end of {id} is lost");
                }
                Asked::Failed(id) => {
                    // Cancelled if it was to be cancelled when it failed.
                    let status = self.h.status(*id);
                    assert!(
                        matches!(status, Status::Retrying | Status::Cancelled),
                        "the end of {id} is lost: {status}"
                    );
                }
                Asked::Cancel(id) => assert_eq!(self.h.status(*id), Status::Cancelled),
                Asked::Checkpoint(id, state) => drop(checkpoints.insert(*id, state)),
            }
        }
        for (id, state) in checkpoints {
            let kept = "SELECT body FROM task_state JOIN task USING (seq) WHERE id = ?1";
            let kept: Option<Vec<u8>> = self.file.query_row(kept, [id.as_bytes().as_slice()], |row| row.get(0)).ok();
            let is_completed = self.h.status(id) == Status::Completed;
            assert!(
                is_completed || kept.is_some_and(|kept| !kept.is_empty()),
                "{} bytes of {id} are lost",
                state.len()
            );
        }
    }

    /// Every start was in the file, so no attempt gets its lease again; and what is there comes to its end.
    pub(super) fn check_starts_and_finish(mut self, started: &[(TaskId, LeaseId)]) {
        let mut leases = HashMap::new();
        for (id, started) in started {
            let lease = self.h.view(*id).task.lease;
            assert!(lease >= *started, "{id} has started, and the file does not know");
            leases.insert(*id, *started);
        }
        let statuses = "SELECT count(*) FROM task WHERE state = 3";
        let running: i64 = self.file.query_row(statuses, [], |row| row.get(0)).unwrap();
        assert_eq!(running, 0, "what ran was given back");
        self.finish(&leases);
    }

    pub(super) fn finish(&mut self, leases: &HashMap<TaskId, LeaseId>) {
        self.h.serve(50);
        loop {
            let claims = self.h.claims();
            if claims.is_empty() {
                break;
            }
            for claimed in claims {
                assert!(leases.get(&claimed.id).is_none_or(|before| claimed.lease > *before), "a lease comes twice");
                self.h.end(&claimed, ended(End::Done));
            }
        }
        let queues = self.h.store.queues();
        let of_queues = "SELECT count(*) FROM task JOIN name ON name.id = queue WHERE text = ?1";
        for queue in &queues {
            let tasks: i64 = self.file.query_row(of_queues, [queue.name.as_str()], |row| row.get(0)).unwrap();
            assert_eq!(queue.counts.total(), u64::try_from(tasks).unwrap(), "the counts are right");
        }
        let served = queues.iter().find(|queue| queue.name == QueueName::default()).expect("it was offered");
        let left = [Status::Queued, Status::Running].map(|status| served.counts.get(status));
        assert_eq!(left, [0, 0], "all is worked off");
    }
}

/// How many rounds a hunt takes, or the usual ones.
pub(super) fn loads(usual: u64) -> u64 {
    std::env::var("TASKHOST_HUNT").ok().and_then(|loads| loads.parse().ok()).unwrap_or(usual)
}

#[test]
fn nothing_acknowledged_is_lost_with_the_power_and_nothing_had_started_unknown() {
    let mut looked_at = 0;
    for seed in 0..loads(2) {
        let world = Load::new(seed, true).run(15);
        let world = world.lock().unwrap();
        let mut dice = Dice(seed ^ 0xBAD);
        for (cut, heard) in &world.cuts {
            for unsynced in [Unsynced::Lost, Unsynced::Torn] {
                let restarted = restart(cut, unsynced, &mut dice);
                restarted.check_acknowledged(&world.acknowledged[..heard.acknowledged]);
                let started: Vec<_> =
                    world.started[..heard.started].iter().map(|start| (start.id, start.lease)).collect();
                restarted.check_starts_and_finish(&started);
                looked_at += 1;
            }
        }
    }
    assert!(looked_at >= 10, "{looked_at} cuts");
}

#[test]
fn a_relaxed_store_may_lose_its_tail_with_the_power_but_is_sound() {
    let mut looked_at = 0;
    for seed in 0..loads(1) {
        let world = Load::new(1_000 + seed, false).run(15);
        let world = world.lock().unwrap();
        let mut dice = Dice(seed ^ 0xBAD);
        for (cut, _) in &world.cuts {
            for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn] {
                let mut restarted = restart(cut, unsynced, &mut dice);
                restarted.finish(&HashMap::new());
                looked_at += 1;
            }
        }
    }
    assert!(looked_at >= 10, "{looked_at} cuts");
}
