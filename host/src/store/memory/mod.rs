//! The reference store: plain maps in memory, every change by `step`, every search by looking at all.
//!
//! Nothing is durable: what it keeps ends with the process. It is for tests, for simulations and for those who embed the host
//! and want no file; it is obvious rather than fast, and what other stores do is compared with what it does. Not here: the port
//! ([`crate::store`]), its calls (`port`). Start at [`MemoryStore::open`], then `world`.

mod claim;
mod jobs;
mod list;
mod log;
mod names;
mod port;
mod report;
#[cfg(test)]
pub(in crate::store) mod tests;
mod time;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskhost_core::retention::Retentions;
use taskhost_core::time::UnixMicros;
use tokio::sync::{mpsc, watch};

use self::world::World;
use super::{Assignment, Reply, StoreError};
use crate::events::Events;
use crate::tally::Tally;

/// How a store in memory is opened.
#[derive(Debug, Clone)]
pub struct MemoryOptions {
    /// What this host is called in the records of attempts.
    pub host: String,
    /// How long ended tasks are kept, until [`Store::retain`](crate::store::Store::retain) says otherwise.
    pub retentions: Retentions,
}

/// A store that keeps everything in memory, and nothing of it for longer than it is there itself.
///
/// Every call is done and answered before it returns, by the thread that calls; calls wait for one another. No call
/// fails but for what the port says of it: [`StoreError::TaskExists`] and, once it is closed, [`StoreError::Closed`].
#[derive(Debug)]
pub struct MemoryStore {
    inside: Mutex<Inside>,
    reclaimed: usize,
    next_due: watch::Receiver<Option<UnixMicros>>,
    running: watch::Receiver<usize>,
    failure: watch::Receiver<Option<Arc<StoreError>>>,
}

#[derive(Debug)]
struct Inside {
    world: World,
    outlet: Outlet,
    is_closed: bool,
}

/// Where the results of a call go.
#[derive(Debug)]
struct Outlet {
    assignments: mpsc::UnboundedSender<Vec<Assignment>>,
    events: Events,
    tally: Tally,
    next_due: watch::Sender<Option<UnixMicros>>,
    running: watch::Sender<usize>,
    // Never told: there is nothing that could fail. Held, so that nobody takes its end for a failure.
    _failure: watch::Sender<Option<Arc<StoreError>>>,
}

impl MemoryStore {
    /// Opens an empty store.
    pub fn open(
        options: MemoryOptions,
        assignments: mpsc::UnboundedSender<Vec<Assignment>>,
        events: Events,
        tally: Tally,
        now: UnixMicros,
    ) -> Self {
        Self::start(World::default(), options, assignments, events, tally, now)
    }

    /// What a new daemon would find if that of this store had crashed: everything that was answered is there, and what ran is
    /// given back. This one is empty then, and closed.
    #[must_use = "this store is closed, and its tasks are in that one"]
    pub fn after_crash(
        &self,
        options: MemoryOptions,
        assignments: mpsc::UnboundedSender<Vec<Assignment>>,
        events: Events,
        tally: Tally,
        now: UnixMicros,
    ) -> Self {
        let mut inside = self.inside();
        inside.is_closed = true;
        let world = std::mem::take(&mut inside.world);
        drop(inside);
        Self::start(world, options, assignments, events, tally, now)
    }

    /// How many tasks the daemon before this one left running: see [`MemoryStore::after_crash`].
    pub fn reclaimed(&self) -> usize {
        self.reclaimed
    }

    fn start(
        mut world: World,
        options: MemoryOptions,
        assignments: mpsc::UnboundedSender<Vec<Assignment>>,
        events: Events,
        tally: Tally,
        now: UnixMicros,
    ) -> Self {
        let (next_due, next_due_seen) = watch::channel(None);
        let (failure, failure_seen) = watch::channel(None);
        let (running, running_seen) = watch::channel(0);
        world.begin(options, events.labels().clone());
        let reclaimed = world.reclaim(now);
        let outlet = Outlet { assignments, events, tally, next_due, running, _failure: failure };
        let mut inside = Inside { world, outlet, is_closed: false };
        inside.tell(now);
        Self {
            inside: Mutex::new(inside),
            reclaimed,
            next_due: next_due_seen,
            running: running_seen,
            failure: failure_seen,
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a call that changes something: the call itself, then free slots are filled, then it is told and answered.
    fn change<T>(&self, now: UnixMicros, call: impl FnOnce(&mut World) -> Result<T, StoreError>) -> Reply<T> {
        let (answer, reply) = Reply::pending();
        let mut inside = self.inside();
        if !inside.is_closed {
            let outcome = call(&mut inside.world);
            inside.world.fill(now);
            inside.tell(now);
            // Nobody may wait any more: a dropped reply does not undo the call.
            drop(answer.send(outcome));
            inside.outlet.events.wake();
        }
        reply
    }
}

impl Inside {
    /// Tells what has happened: the host first, then listeners.
    fn tell(&mut self, now: UnixMicros) {
        let turn = self.world.end_turn();
        self.outlet.events.append(now, turn.changes);
        if !turn.assignments.is_empty() {
            // The receiver is gone only when the daemon ends.
            drop(self.outlet.assignments.send(turn.assignments));
        }
        let mut counted = turn.counted;
        self.outlet.tally.add(&mut counted);
        let running = self.world.running();
        self.outlet.running.send_if_modified(|known| std::mem::replace(known, running) != running);
        let next_due = self.world.next_due();
        self.outlet.next_due.send_if_modified(|known| std::mem::replace(known, next_due) != next_due);
    }
}
