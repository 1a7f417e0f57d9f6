//! One thread for all attempts of one generation: polls the async ones, and holds the time limits of all.
//!
//! Its loop: take what was said, fire timers, poll what is ready, hand over what has ended as one vector. It sleeps
//! when there is nothing to do, and has no timer when there is nothing to wait for. Not here: blocking calls
//! (`blocking`), the meaning of an end (`attempt`). Start at [`Poller::run`].

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use plugin_api::abi;

use super::attempt::{self, Answer, End, Stop};
use super::blocking::{Job, Pool};
use super::ctx::Ctx;
use super::ffi::{self, TaskHandle};
use super::in_process::{Shared, without_thread};
use super::mailbox::{Key, Mailbox, Message};
use super::{Attempt, Report};

/// So many reports are handed over even if the pass is not over.
const REPORTS_MAX: usize = 256;
/// After this long a pass hands over what it has: polls of others do not delay a report for longer.
const REPORTS_WAIT: Duration = Duration::from_millis(1);

/// The state of the thread.
#[derive(Debug)]
pub(super) struct Poller {
    mailbox: Arc<Mailbox>,
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    entries: HashMap<Key, Entry>,
    /// At most one time for each entry, monotonic milliseconds.
    timers: BTreeSet<(u64, Key)>,
    ready: VecDeque<Key>,
    reports: Vec<Report>,
    handed_over: Duration,
}

/// An attempt that runs.
#[derive(Debug)]
struct Entry {
    ctx: Arc<Ctx>,
    /// None: a blocking one, its task is on a thread of the pool.
    task: Option<TaskHandle>,
    timeout: Option<Duration>,
    limit: Option<Limit>,
    /// Its time in `timers`.
    armed: Option<u64>,
}

/// The next thing that time does to an attempt.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// Monotonic milliseconds.
    at: u64,
    then: Then,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    /// Say that the deadline, at this time, comes up.
    Warn(u64),
    /// Tell it to stop: the timeout is over.
    TimeOut,
    /// End it: the grace is over.
    GiveUp,
}

impl Poller {
    pub(super) fn new(mailbox: Arc<Mailbox>, shared: Arc<Shared>, pool: Arc<Pool>) -> Self {
        Self {
            mailbox,
            shared,
            pool,
            entries: HashMap::new(),
            timers: BTreeSet::new(),
            ready: VecDeque::new(),
            reports: Vec::new(),
            handed_over: Duration::ZERO,
        }
    }

    /// Works until the executor is gone.
    pub(super) fn run(mut self) {
        let mut messages = Vec::new();
        loop {
            let until = if self.ready.is_empty() { self.next_timer() } else { Some(Duration::ZERO) };
            self.mailbox.take(&mut messages, until);
            self.handed_over = ffi::monotonic();
            for message in messages.drain(..) {
                if matches!(message, Message::Close) {
                    return;
                }
                self.act(message);
            }
            self.fire_timers();
            for _ in 0..self.ready.len() {
                if let Some(key) = self.ready.pop_front() {
                    self.poll(key);
                }
            }
            self.hand_over();
        }
    }

    fn act(&mut self, message: Message) {
        match message {
            Message::Start(attempts) => {
                for (ctx, attempt) in attempts {
                    self.start(ctx, attempt);
                    self.hand_over_if_due();
                }
            }
            Message::Wake(key) => self.ready.push_back(key),
            Message::Rearm(key) => self.rearm(key),
            Message::Cancel(key) => self.begin_grace(key),
            Message::LeaseLost(key) => {
                if self.entries.get(&key).is_some_and(|entry| entry.task.is_some()) {
                    self.end(key, End::Interrupted);
                }
            }
            Message::Returned(key, answer) => self.end(key, End::Answered(answer)),
            Message::GiveBack => {
                let keys: Vec<Key> = self.entries.keys().copied().collect();
                for key in keys {
                    self.end(key, End::Interrupted);
                }
            }
            Message::Close => {}
        }
    }

    fn start(&mut self, ctx: Arc<Ctx>, attempt: Attempt) {
        let mut entry = Entry { ctx, task: None, timeout: attempt.timeout, limit: None, armed: None };
        if entry.ctx.flags() & (abi::F_DRAIN | abi::F_LEASE_LOST) != 0 {
            return self.report(entry, End::Interrupted);
        }
        let deadline_ms = entry.begin_timeout();
        let code = entry.ctx.kind.code;
        if code.is_blocking() {
            let job = Job { ctx: Arc::clone(&entry.ctx), attempt, deadline_ms };
            return match self.pool.run(job) {
                Ok(()) => self.keep(entry),
                Err(error) => self.fail_without_thread(&entry, &error),
            };
        }
        entry.task = code.create(&entry.ctx, &attempt, deadline_ms);
        // What was parsed is not needed while the task waits.
        drop(attempt);
        let ended = match &mut entry.task {
            None => Some(Answer::Refused),
            Some(task) => poll_once(&entry.ctx, task, &mut self.ready),
        };
        match ended {
            Some(answer) => self.report(entry, End::Answered(answer)),
            None => self.keep(entry),
        }
    }

    fn keep(&mut self, entry: Entry) {
        let key = entry.ctx.key;
        self.entries.insert(key, entry);
        self.rearm(key);
    }

    fn poll(&mut self, key: Key) {
        let Some(Entry { ctx, task: Some(task), .. }) = self.entries.get_mut(&key) else {
            return;
        };
        match poll_once(ctx, task, &mut self.ready) {
            Some(answer) => self.end(key, End::Answered(answer)),
            None => self.rearm(key),
        }
        self.hand_over_if_due();
    }

    /// A cancel was asked: from now on the grace limits it, not the timeout, unless that has told it to stop before.
    fn begin_grace(&mut self, key: Key) {
        let at = self.shared.end_of_grace(ffi::monotonic_ms());
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.limit = Some(Limit { at, then: Then::GiveUp });
            self.rearm(key);
        }
    }

    fn next_timer(&self) -> Option<Duration> {
        self.timers.first().map(|(millis, _)| Duration::from_millis(*millis))
    }

    /// Sets the timer of an entry to whatever comes first for it.
    fn rearm(&mut self, key: Key) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let limit = entry.limit.map(|limit| limit.at);
        let next = [limit, entry.ctx.wake_time(), entry.ctx.flush_time()].into_iter().flatten().min();
        if next == entry.armed {
            return;
        }
        if let Some(before) = entry.armed {
            self.timers.remove(&(before, key));
        }
        if let Some(next) = next {
            self.timers.insert((next, key));
        }
        entry.armed = next;
    }

    fn fire_timers(&mut self) {
        if self.timers.is_empty() {
            return;
        }
        let now = ffi::monotonic_ms();
        while let Some((_, key)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.pop_first();
            self.fire(key, now);
            self.rearm(key);
        }
    }

    fn fire(&mut self, key: Key, now: u64) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        entry.armed = None;
        if entry.ctx.take_due(now) {
            entry.ctx.wake();
        }
        entry.ctx.flush_if_due(now);
        let Some(limit) = entry.limit.filter(|limit| limit.at <= now) else {
            return;
        };
        entry.limit = None;
        match limit.then {
            Then::Warn(deadline) => {
                entry.limit = Some(Limit { at: deadline, then: Then::TimeOut });
                entry.ctx.raise(abi::F_DEADLINE_NEAR);
            }
            Then::TimeOut => {
                entry.limit = Some(Limit { at: self.shared.end_of_grace(now), then: Then::GiveUp });
                entry.ctx.stop(Stop::Timeout(entry.timeout.unwrap_or_default()));
            }
            Then::GiveUp if entry.task.is_some() => self.end(key, End::Dropped),
            Then::GiveUp => entry.ctx.set_stuck(),
        }
    }

    fn end(&mut self, key: Key, end: End) {
        if let Some(entry) = self.entries.remove(&key) {
            if let Some(at) = entry.armed {
                self.timers.remove(&(at, key));
            }
            self.report(entry, end);
        }
    }

    fn report(&mut self, entry: Entry, end: End) {
        // The plugin may use its ctx until its drop has returned, so that comes first.
        drop(entry.task);
        let ctx = entry.ctx;
        let closed = ctx.close();
        let (state, outcome) = attempt::outcome(end, closed.finish, closed.told, || self.shared.links.clock.now());
        let (task, lease) = (ctx.task, ctx.lease);
        let mut log = ctx.last_log(closed.log, &outcome);
        let mut follow_ups = closed.follow_ups;
        if let Some(state) = state {
            let follow_ups = std::mem::take(&mut follow_ups);
            let log = std::mem::take(&mut log);
            self.reports.push(Report::Saved { task, lease, ticket: closed.ticket, state, follow_ups, log });
        }
        let (generation, progress) = (ctx.kind.generation, closed.progress);
        self.reports.push(Report::Ended { task, lease, generation, outcome, progress, follow_ups, log });
    }

    fn fail_without_thread(&mut self, entry: &Entry, error: &std::io::Error) {
        let closed = entry.ctx.close();
        let (task, lease, generation) = (entry.ctx.task, entry.ctx.lease, entry.ctx.kind.generation);
        let outcome = without_thread(error);
        let log = entry.ctx.last_log(closed.log, &outcome);
        let follow_ups = Vec::new();
        self.reports.push(Report::Ended { task, lease, generation, outcome, progress: None, follow_ups, log });
    }

    fn hand_over_if_due(&mut self) {
        let due = self.reports.len() >= REPORTS_MAX
            || !self.reports.is_empty() && ffi::monotonic().saturating_sub(self.handed_over) >= REPORTS_WAIT;
        if due {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        if !self.reports.is_empty() {
            self.shared.hand_over(std::mem::take(&mut self.reports));
            self.handed_over = ffi::monotonic();
        }
    }
}

impl Entry {
    /// Starts the clock of its timeout; answers the deadline in monotonic milliseconds, 0 for none.
    fn begin_timeout(&mut self) -> u64 {
        let Some(timeout) = self.timeout else {
            return 0;
        };
        let now = ffi::monotonic_ms();
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let deadline = now.saturating_add(millis);
        self.limit = Some(Limit { at: now.saturating_add(millis - millis / 10), then: Then::Warn(deadline) });
        deadline
    }
}

/// Polls a task once; none if it waits, or is to be polled again (then it is in `ready`).
fn poll_once(ctx: &Ctx, task: &mut TaskHandle, ready: &mut VecDeque<Key>) -> Option<Answer> {
    ctx.begin_poll();
    match task.poll() {
        abi::READY => Some(Answer::Ready),
        abi::PENDING => {
            if ctx.end_poll() {
                ready.push_back(ctx.key);
            }
            None
        }
        unknown => Some(Answer::Unknown(unknown)),
    }
}
