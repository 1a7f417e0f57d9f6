//! The host's side of one attempt: what a plugin's calls through the host table act on, and the attempt's waker.
//!
//! Not here: pointers (`ffi`), deciding what an end means (`attempt`), polling (`poller`). Any thread may call anything
//! here at any time, also long after the attempt has ended. Start at [`Ctx::wake`] and [`Ctx::save_state`].

mod logging;
mod progress;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use plugin_api::abi;
use taskhost_core::ids::{LeaseId, QueueName, TaskId};
use taskhost_core::submit::{NewTask, STATE_MAX};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::Progress;

use super::attempt::{Finish, Stop, Told, is_json};
use super::follow_up::Made;
use super::in_process::Links;
use super::log::LogBuffer;
use super::mailbox::{HOLDS, Key, Mailbox, Message};
use super::{Attempt, FollowUp, Kind, Report};

/// No time is set.
const NEVER: u64 = u64::MAX;

/// Where an attempt is between two polls.
mod state {
    /// Waits; a wake schedules it.
    pub(super) const IDLE: u8 = 0;
    /// Will be polled.
    pub(super) const SCHEDULED: u8 = 1;
    /// Is being polled.
    pub(super) const RUNNING: u8 = 2;
    /// Is being polled, and was woken meanwhile.
    pub(super) const NOTIFIED: u8 = 3;
    /// Over.
    pub(super) const ENDED: u8 = 4;
}

/// One attempt, counted; the plugin's `th_ctx`.
#[derive(Debug)]
pub(super) struct Ctx {
    pub(super) key: Key,
    pub(super) task: TaskId,
    pub(super) lease: LeaseId,
    pub(super) kind: Arc<Kind>,
    queue: QueueName,
    pub(super) mailbox: Arc<Mailbox>,
    links: Arc<Links>,
    attempt: u32,
    started_at: UnixMicros,
    flags: AtomicU32,
    state: AtomicU8,
    wake_at: AtomicU64,
    flush_at: AtomicU64,
    stuck: AtomicBool,
    told: Mutex<Inner>,
    saves_moved: Condvar,
}

#[derive(Debug)]
struct Inner {
    finish: Option<Finish>,
    finished: bool,
    closed: bool,
    lost: bool,
    stop: Option<Stop>,
    /// The latest ticket given.
    tickets: u64,
    /// Saves up to this ticket are durable.
    durable: u64,
    progress: Option<Progress>,
    /// When it first reported progress, monotonic.
    progress_began: Duration,
    made: Made,
    /// Only if it has said something.
    log: Option<Box<LogBuffer>>,
}

impl Inner {
    fn after(follow_ups: u32) -> Self {
        Self {
            finish: None,
            finished: false,
            closed: false,
            lost: false,
            stop: None,
            tickets: 0,
            durable: 0,
            progress: None,
            progress_began: Duration::ZERO,
            made: Made::after(follow_ups),
            log: None,
        }
    }

    /// Why nothing that is to be stored is taken any more, if it is not.
    fn refuses(&self) -> Option<&'static str> {
        let lost = self.lost.then_some("the task is somebody else's now");
        lost.or_else(|| (self.closed || self.finished).then_some("the attempt has finished"))
    }
}

/// What is left of an attempt when it is over.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) finish: Option<Finish>,
    pub(super) told: Told,
    pub(super) progress: Option<Progress>,
    /// A ticket for a state that is saved at the end.
    pub(super) ticket: u64,
    /// What it made since its last save.
    pub(super) follow_ups: Vec<NewTask>,
    /// What it logged and was not handed over.
    pub(super) log: Option<Box<LogBuffer>>,
}

impl Ctx {
    pub(super) fn new(
        key: Key,
        attempt: &Attempt,
        mailbox: Arc<Mailbox>,
        links: Arc<Links>,
        started_at: UnixMicros,
    ) -> Self {
        Self {
            key,
            task: attempt.task,
            lease: attempt.lease,
            kind: Arc::clone(&attempt.kind),
            queue: attempt.queue.clone(),
            mailbox,
            links,
            attempt: attempt.attempt,
            started_at,
            flags: AtomicU32::new(0),
            state: AtomicU8::new(state::SCHEDULED),
            wake_at: AtomicU64::new(NEVER),
            flush_at: AtomicU64::new(NEVER),
            stuck: AtomicBool::new(false),
            told: Mutex::new(Inner::after(attempt.follow_ups)),
            saves_moved: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.told.lock().expect(HOLDS)
    }
}

/// Waking.
impl Ctx {
    /// Polls it (again). Nothing happens if it will be polled anyway, or has ended.
    pub(super) fn wake(&self) {
        let woken = self.state.fetch_update(SeqCst, SeqCst, |now| match now {
            state::IDLE => Some(state::SCHEDULED),
            state::RUNNING => Some(state::NOTIFIED),
            _ => None,
        });
        if woken == Ok(state::IDLE) {
            self.mailbox.push(Message::Wake(self.key));
        }
    }

    /// Wakes it at this monotonic millisecond; the earliest time since the last poll began wins.
    pub(super) fn wake_at(&self, millis: u64) {
        let before = self.wake_at.fetch_min(millis, SeqCst);
        // During a poll, and before the first one, the poller looks at the slot by itself. The slot is written before the
        // state is read, and the poller does the reverse, so one of the two sees the other.
        if millis < before && self.state.load(SeqCst) == state::IDLE {
            self.mailbox.push(Message::Rearm(self.key));
        }
    }

    /// The wake-up time that is set.
    pub(super) fn wake_time(&self) -> Option<u64> {
        Some(self.wake_at.load(SeqCst)).filter(|millis| *millis != NEVER)
    }

    /// Empties the slot if its time has come, and says whether it had.
    pub(super) fn take_due(&self, now: u64) -> bool {
        self.wake_at.fetch_update(SeqCst, SeqCst, |millis| (millis <= now).then_some(NEVER)).is_ok()
    }

    /// A poll begins, with an empty slot.
    pub(super) fn begin_poll(&self) {
        self.wake_at.store(NEVER, SeqCst);
        self.state.store(state::RUNNING, SeqCst);
    }

    /// A poll is over; says whether the next one is due at once.
    pub(super) fn end_poll(&self) -> bool {
        if self.state.compare_exchange(state::RUNNING, state::IDLE, SeqCst, SeqCst).is_ok() {
            return false;
        }
        self.state.store(state::SCHEDULED, SeqCst);
        true
    }
}

/// What the host tells it.
impl Ctx {
    /// `F_*` as of now.
    pub(super) fn flags(&self) -> u32 {
        self.flags.load(SeqCst)
    }

    /// Sets a flag and wakes it.
    pub(super) fn raise(&self, flag: u32) {
        if self.flags.fetch_or(flag, SeqCst) & flag == 0 {
            self.wake();
        }
    }

    /// Tells it to stop. The first reason counts; says whether this is it.
    pub(super) fn stop(&self, reason: Stop) -> bool {
        let first = {
            let mut inner = self.lock();
            let first = inner.stop.is_none();
            inner.stop.get_or_insert(reason);
            first
        };
        self.raise(abi::F_CANCEL);
        first
    }

    /// It no longer holds its task: nothing that it says counts.
    pub(super) fn lose_lease(&self) {
        // The flag first: who hears that a save is lost may end at once, and that end must not count.
        self.raise(abi::F_LEASE_LOST);
        self.lock().lost = true;
        self.saves_moved.notify_all();
    }

    /// The saves up to this ticket are durable.
    pub(super) fn make_durable(&self, ticket: u64) {
        {
            let mut inner = self.lock();
            inner.durable = inner.durable.max(ticket);
        }
        self.saves_moved.notify_all();
        self.wake();
    }

    /// It ignored for its whole grace that it was told to stop.
    pub(super) fn set_stuck(&self) {
        self.stuck.store(true, SeqCst);
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(SeqCst)
    }

    /// The end: from here on nothing that it says counts.
    pub(super) fn close(&self) -> Closed {
        self.state.store(state::ENDED, SeqCst);
        let mut inner = self.lock();
        inner.closed = true;
        let told = Told { flags: self.flags(), stop: inner.stop };
        let closed = Closed {
            finish: inner.finish.take(),
            told,
            progress: inner.progress.take(),
            ticket: inner.tickets + 1,
            follow_ups: inner.made.take(),
            log: inner.log.take(),
        };
        drop(inner);
        self.tell_last_progress(closed.progress.as_ref());
        self.saves_moved.notify_all();
        closed
    }
}

/// What the plugin says.
impl Ctx {
    /// Ends the attempt; only the first call counts.
    pub(super) fn finish(&self, finish: Finish) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        if inner.finished {
            drop(inner);
            tracing::warn!(task_id = %self.task, kind = %self.kind.name, "A plugin finished an attempt twice.");
            return;
        }
        inner.finished = true;
        inner.finish = Some(finish);
    }

    /// Hands a state to the store and answers the ticket of this save; none if it is refused.
    pub(super) fn save_state(&self, json: &[u8]) -> Option<u64> {
        let refused = if json.len() > STATE_MAX {
            Some("it is larger than 1 MiB")
        } else if is_json(json) {
            None
        } else {
            Some("it is not JSON")
        };
        let mut inner = self.lock();
        if let Some(reason) = refused.or_else(|| inner.refuses()) {
            drop(inner);
            self.warn(reason, "A state was not saved.");
            return None;
        }
        inner.tickets += 1;
        let ticket = inner.tickets;
        let follow_ups = inner.made.take();
        let log = inner.log.as_mut().map(|log| log.hand_over()).unwrap_or_default();
        let report =
            Report::Saved { task: self.task, lease: self.lease, ticket, state: json.to_vec(), follow_ups, log };
        // Sent under the lock, so that saves leave in the order of their tickets and none after the end.
        if self.links.reports.send(vec![report]).is_err() {
            inner.lost = true;
        }
        Some(ticket)
    }

    /// How a save stands: `SAVED`, `SAVING`, `LOST`. Only a blocking kind may wait for it.
    pub(super) fn saved(&self, ticket: u64, wait: Duration) -> i32 {
        if wait.is_zero() || !self.kind.code.is_blocking() {
            return standing(&self.lock(), ticket);
        }
        let saving = |inner: &mut Inner| standing(inner, ticket) == abi::SAVING;
        let waited = self.saves_moved.wait_timeout_while(self.lock(), wait, saving);
        let (inner, _) = waited.expect(HOLDS);
        standing(&inner, ticket)
    }

    /// Makes a follow-up task that is committed with the next save or with a good end; none if it is refused.
    pub(super) fn enqueue(&self, asked: &FollowUp<'_>) -> Option<TaskId> {
        // Not under the lock: the check of large params takes its time.
        let made = self.links.follow_ups.prepare(&self.kind, asked).and_then(|new| {
            let mut inner = self.lock();
            inner.refuses().map_or(Ok(()), |reason| Err(reason.to_owned()))?;
            inner.made.push(self.task, new)
        });
        made.map_err(|reason| self.refuse_follow_up(&reason)).ok()
    }

    /// Says in the log of the task why a follow-up is not made.
    pub(super) fn refuse_follow_up(&self, reason: &str) {
        self.warn(reason, "A follow-up task was refused.");
    }
}

fn standing(inner: &Inner, ticket: u64) -> i32 {
    if (1..=inner.durable.min(inner.tickets)).contains(&ticket) {
        abi::SAVED
    } else if inner.lost || inner.closed || ticket == 0 || ticket > inner.tickets {
        abi::LOST
    } else {
        abi::SAVING
    }
}
