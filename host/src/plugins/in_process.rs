//! Runs attempts inside the daemon: one poller for each loaded copy of a plugin.
//!
//! Not here: what a poller does (`poller`), which task runs (`services`). Start at [`InProcess::new`].

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use plugin_api::abi;
use taskhost_core::ids::{LeaseId, PluginName, TaskId};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::Progress;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::attempt::Stop;
use super::blocking::Pool;
use super::ctx::Ctx;
use super::ffi::PluginCode;
use super::followers::{Follower, Followers};
use super::log::LiveLog;
use super::mailbox::{HOLDS, Lot, Mailbox, Message};
use super::poller::Poller;
use super::{Attempt, Executor, FollowUps, Kind, Outcome, Report, ending};
use crate::clock::Clock;
use crate::events::Events;

/// The executor of this process. Its threads end when it is dropped, those inside plugin code when they come back.
#[derive(Debug)]
pub struct InProcess {
    shared: Arc<Shared>,
    lanes: Mutex<Vec<Lane>>,
    keys: AtomicU64,
}

/// What executor and pollers have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) links: Arc<Links>,
    grace_ms: AtomicU64,
    running: Mutex<Running>,
}

/// What an attempt reaches outside of itself.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) reports: UnboundedSender<Vec<Report>>,
    pub(super) follow_ups: Arc<dyn FollowUps>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) followers: Followers,
    pub(super) events: Events,
}

#[derive(Debug, Default)]
struct Running {
    attempts: BTreeMap<(TaskId, LeaseId), Arc<Ctx>>,
    draining: bool,
}

/// The way to the poller of one generation.
#[derive(Debug)]
struct Lane {
    plugin: PluginName,
    generation: u32,
    code: &'static PluginCode,
    pool: Arc<Pool>,
    mailbox: Arc<Mailbox>,
}

/// A loaded copy of a plugin.
#[derive(Debug, Clone)]
struct Loaded {
    name: String,
    code: &'static PluginCode,
}

impl InProcess {
    /// An executor that sends its reports, in vectors, to `reports`.
    ///
    /// `follow_ups` checks what plugins enqueue, `events` hears of progress. `cancel_grace` is how long an attempt that was told to stop may go on before it is dropped (an async one) or
    /// counts as stuck (a blocking one).
    pub fn new(
        reports: UnboundedSender<Vec<Report>>,
        follow_ups: Arc<dyn FollowUps>,
        events: Events,
        clock: Arc<dyn Clock>,
        cancel_grace: Duration,
    ) -> Self {
        let grace_ms = AtomicU64::new(millis(cancel_grace));
        let links = Links { reports, follow_ups, clock, followers: Followers::default(), events };
        let shared = Shared { links: Arc::new(links), grace_ms, running: Mutex::default() };
        Self { shared: Arc::new(shared), lanes: Mutex::default(), keys: AtomicU64::new(0) }
    }

    /// The mailbox of the poller for this attempt's generation; the poller is started for the first attempt.
    fn mailbox(&self, attempt: &Attempt) -> io::Result<Arc<Mailbox>> {
        let (plugin, generation) = (&attempt.kind.plugin, attempt.kind.generation);
        let mut lanes = self.lanes.lock().expect(HOLDS);
        if let Some(lane) = lanes.iter().find(|lane| lane.generation == generation && lane.plugin == *plugin) {
            return Ok(Arc::clone(&lane.mailbox));
        }
        let mailbox = Arc::<Mailbox>::default();
        let name = format!("{plugin}#{generation}");
        let pool = Pool::new(format!("{name}-block"));
        let poller = Poller::new(Arc::clone(&mailbox), Arc::clone(&self.shared), Arc::clone(&pool));
        thread::Builder::new().name(name).spawn(move || poller.run())?;
        let code = attempt.kind.code.plugin;
        lanes.push(Lane { plugin: plugin.clone(), generation, code, pool, mailbox: Arc::clone(&mailbox) });
        Ok(mailbox)
    }

    fn context(&self, attempt: &Attempt, mailbox: Arc<Mailbox>, now: UnixMicros) -> Arc<Ctx> {
        let key = self.keys.fetch_add(1, Relaxed);
        Arc::new(Ctx::new(key, attempt, mailbox, Arc::clone(&self.shared.links), now))
    }

    fn find(&self, task: TaskId, lease: LeaseId) -> Option<Arc<Ctx>> {
        self.shared.running().attempts.get(&(task, lease)).cloned()
    }

    /// The copies of these kinds and those that ran attempts, without those that code may still run in.
    fn left(&self, kinds: &[Arc<Kind>]) -> Vec<Loaded> {
        let name = |plugin: &PluginName, generation: u32| format!("{plugin}#{generation}");
        let lanes = self.lanes.lock().expect(HOLDS);
        let of_lanes = lanes.iter().map(|lane| (name(&lane.plugin, lane.generation), lane.code));
        let of_kinds = kinds.iter().map(|kind| (name(&kind.plugin, kind.generation), kind.code.plugin));
        let mut copies: Vec<Loaded> = Vec::new();
        for (name, code) in of_lanes.chain(of_kinds) {
            if !copies.iter().any(|copy| ptr::eq(copy.code, code)) {
                copies.push(Loaded { name, code });
            }
        }
        let running = self.shared.running();
        copies.retain(|copy| {
            let runs = running.attempts.values().any(|ctx| ptr::eq(ctx.kind.code.plugin, copy.code));
            let blocks = lanes.iter().any(|lane| ptr::eq(lane.code, copy.code) && !lane.pool.is_left());
            if runs || blocks {
                tracing::debug!(plugin = copy.name, "The plugin is not told to shut down: its code still runs.");
            }
            !(runs || blocks)
        });
        copies
    }

    /// The attempt of this task that has the latest lease.
    fn latest<T>(&self, task: TaskId, read: impl FnOnce(&Ctx) -> T) -> Option<T> {
        let running = self.shared.running();
        let leases = (task, LeaseId::NONE)..=(task, LeaseId::from_u64(u64::MAX));
        running.attempts.range(leases).next_back().map(|(_, ctx)| read(ctx))
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().expect(HOLDS)
    }

    /// When the grace of an attempt ends that is told to stop at `now`, in milliseconds of the monotonic clock.
    pub(super) fn end_of_grace(&self, now: u64) -> u64 {
        now.saturating_add(self.grace_ms.load(Relaxed))
    }

    /// Sends reports; the attempts that they end run no longer.
    pub(super) fn hand_over(&self, reports: Vec<Report>) {
        {
            let mut running = self.running();
            for report in &reports {
                if let Report::Ended { task, lease, .. } = report {
                    running.attempts.remove(&(*task, *lease));
                }
            }
        }
        if self.links.reports.send(reports).is_err() {
            tracing::debug!("Nobody reads the reports of attempts any more.");
        }
    }
}

impl Executor for InProcess {
    fn start(&self, attempts: Vec<Attempt>) {
        let mut lots: Vec<(Arc<Mailbox>, Lot)> = Vec::new();
        let mut refused = Vec::new();
        let now = self.shared.links.clock.now();
        for attempt in attempts {
            match self.mailbox(&attempt) {
                Err(error) => refused.push(attempt.ended(without_thread(&error))),
                Ok(mailbox) => {
                    let ctx = self.context(&attempt, Arc::clone(&mailbox), now);
                    match lots.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &mailbox)) {
                        Some((_, lot)) => lot.push((ctx, attempt)),
                        None => lots.push((mailbox, vec![(ctx, attempt)])),
                    }
                }
            }
        }
        let mut running = self.shared.running();
        if running.draining {
            let not_entered = lots.drain(..).flat_map(|(_, lot)| lot);
            refused.extend(not_entered.map(|(_, attempt)| attempt.ended(Outcome::Interrupted)));
        }
        for (ctx, attempt) in lots.iter().flat_map(|(_, lot)| lot) {
            running.attempts.insert((attempt.task, attempt.lease), Arc::clone(ctx));
        }
        drop(running);
        for (mailbox, lot) in lots {
            mailbox.push(Message::Start(lot));
        }
        if !refused.is_empty() {
            self.shared.hand_over(refused);
        }
    }

    fn cancel(&self, task: TaskId, lease: LeaseId) {
        if let Some(ctx) = self.find(task, lease)
            && ctx.stop(Stop::Cancel)
        {
            ctx.mailbox.push(Message::Cancel(ctx.key));
        }
    }

    fn saved(&self, task: TaskId, lease: LeaseId, ticket: u64) {
        if let Some(ctx) = self.find(task, lease) {
            ctx.make_durable(ticket);
        }
    }

    fn logged(&self, task: TaskId, lease: LeaseId, end: u64) {
        if let Some(ctx) = self.find(task, lease) {
            ctx.log_stored(end);
        }
    }

    fn lease_lost(&self, task: TaskId, lease: LeaseId) {
        if let Some(ctx) = self.find(task, lease) {
            ctx.lose_lease();
            ctx.mailbox.push(Message::LeaseLost(ctx.key));
        }
    }

    fn progress(&self, task: TaskId) -> Option<Progress> {
        self.latest(task, Ctx::last_progress).flatten()
    }

    fn log(&self, task: TaskId) -> Option<LiveLog> {
        self.latest(task, Ctx::live_log).flatten()
    }

    fn follow_log(&self, task: TaskId) -> Follower {
        self.shared.links.followers.follow(task)
    }

    fn is_stuck(&self, task: TaskId) -> bool {
        self.latest(task, Ctx::is_stuck).unwrap_or(false)
    }

    fn set_cancel_grace(&self, grace: Duration) {
        self.shared.grace_ms.store(millis(grace), Relaxed);
    }

    fn drain(&self) {
        let mut running = self.shared.running();
        running.draining = true;
        for ctx in running.attempts.values() {
            ctx.raise(abi::F_DRAIN);
        }
    }

    fn give_back(&self) {
        for lane in &*self.lanes.lock().expect(HOLDS) {
            lane.mailbox.push(Message::GiveBack);
        }
    }

    fn running(&self) -> usize {
        self.shared.running().attempts.len()
    }

    fn shut_down(&self, kinds: &[Arc<Kind>], limit: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (back, mut all_back) = mpsc::channel::<Infallible>(1);
        for Loaded { name, code } in self.left(kinds) {
            ending::shut_down(name, code, limit, back.clone());
        }
        drop(back);
        Box::pin(async move {
            // Nothing is ever sent: it ends with the last thread.
            all_back.recv().await;
        })
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        for lane in &*self.lanes.lock().expect(HOLDS) {
            lane.mailbox.push(Message::Close);
        }
    }
}

impl Attempt {
    /// The report of an attempt that did not enter its plugin.
    fn ended(&self, outcome: Outcome) -> Report {
        let (task, lease, generation) = (self.task, self.lease, self.kind.generation);
        Report::Ended { task, lease, generation, outcome, progress: None, follow_ups: Vec::new(), log: Vec::new() }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The system gives no thread to run an attempt on.
pub(super) fn without_thread(error: &io::Error) -> Outcome {
    Outcome::Failed {
        fatal: false,
        delay: None,
        code: "no-thread".to_owned(),
        message: format!("the host could not start a thread for it: {error}"),
    }
}
