//! What the mock host knows of one attempt: all that the task has said, and what it is told.
//!
//! Not here: the table of functions through which both happens (`host`). Start at [`Ctx`].

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::{F_CANCEL, F_LEASE_LOST, LOST, SAVED, SAVING};

/// The largest state that is saved, in bytes, as the real host has it.
const STATE_MAX: usize = 1 << 20;

/// What `finish` was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub outcome: u32,
    pub not_before_ms: u64,
    pub body: String,
    pub code: String,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub level: u32,
    pub message: String,
    /// A JSON object, or empty.
    pub fields: String,
}

/// A follow-up task, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub id: [u8; 16],
    pub kind: String,
    pub params: String,
    pub options: String,
}

/// A state that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    pub document: String,
    /// How many follow-ups are committed with it.
    pub follow_ups: usize,
}

/// All that the task has said.
#[derive(Debug, Clone, Default)]
pub struct Said {
    pub log: Vec<Line>,
    /// Done, total, message.
    pub progress: Vec<(u64, u64, String)>,
    pub saves: Vec<Save>,
    pub follow_ups: Vec<Asked>,
    pub finished: Vec<Finished>,
    /// How often a task asked for its flags, or (a blocking one) waited for a save.
    pub questions: u32,
}

/// What is to happen to a task that blocks: nobody can come between.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    /// It is cancelled when it asks for the so-manieth time.
    pub cancel_at: Option<u32>,
    /// The host dies when this ticket is durable.
    pub crash_after: Option<u64>,
}

/// The host's side of one attempt: what a `ThCtx` pointer points at.
#[derive(Debug, Default)]
pub struct Ctx {
    /// Handles of the plugin.
    pub handles: AtomicI64,
    pub wakes: AtomicU32,
    pub flags: AtomicU32,
    plan: Plan,
    pub(super) task_id: [u8; 16],
    /// How many follow-ups earlier attempts have committed.
    follow_ups_before: u32,
    inner: Mutex<Inner>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    wake_at: Option<u64>,
    /// Saves up to this ticket are durable.
    durable: u64,
    lost: bool,
    waited: u32,
    /// The host is gone: nothing that is said counts.
    closed: bool,
    said: Said,
}

/// What the host's table does.
impl Ctx {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        self.wakes.fetch_add(1, SeqCst);
        // The lock orders it after the look of whoever waits.
        let inner = self.lock();
        self.moved.notify_all();
        drop(inner);
    }

    pub(super) fn released(&self) {
        self.handles.fetch_sub(1, SeqCst);
        let inner = self.lock();
        self.moved.notify_all();
        drop(inner);
    }

    pub(super) fn set_wake_at(&self, mono_ms: u64) {
        let mut inner = self.lock();
        inner.wake_at = Some(inner.wake_at.map_or(mono_ms, |earlier| earlier.min(mono_ms)));
    }

    pub(super) fn asked_flags(&self) -> u32 {
        self.question();
        self.flags.load(SeqCst)
    }

    fn question(&self) {
        let mut inner = self.lock();
        inner.said.questions += 1;
        if self.plan.cancel_at == Some(inner.said.questions) {
            self.flags.fetch_or(F_CANCEL, SeqCst);
        }
    }

    pub(super) fn say(&self, add: impl FnOnce(&mut Said)) {
        let mut inner = self.lock();
        if !inner.closed {
            add(&mut inner.said);
        }
    }

    pub(super) fn save(&self, document: String) -> Option<u64> {
        let mut inner = self.lock();
        if inner.closed || document.len() > STATE_MAX {
            return None;
        }
        let follow_ups = inner.said.follow_ups.len();
        inner.said.saves.push(Save { document, follow_ups });
        Some(inner.said.saves.len() as u64)
    }

    pub(super) fn saved(&self, ticket: u64, wait_ms: u32) -> i32 {
        if wait_ms > 0 {
            self.question();
        }
        let mut inner = self.lock();
        if inner.lost || inner.closed {
            return LOST;
        }
        if wait_ms > 0 {
            // The disk answers a blocking kind at its second question.
            inner.waited += 1;
            if inner.waited.is_multiple_of(2) {
                inner.durable = inner.durable.max(ticket);
                if self.plan.crash_after.is_some_and(|crash| crash <= ticket) {
                    // A thread cannot be killed. It is told that the task is no longer its own.
                    inner.closed = true;
                    self.flags.fetch_or(F_LEASE_LOST, SeqCst);
                    return LOST;
                }
            }
        }
        if ticket <= inner.durable { SAVED } else { SAVING }
    }

    pub(super) fn follow_up(&self, kind: String, params: String, options: String) -> Option<[u8; 16]> {
        let mut inner = self.lock();
        if inner.closed {
            return None;
        }
        let ordinal = self.follow_ups_before + u32::try_from(inner.said.follow_ups.len()).unwrap_or(u32::MAX) + 1;
        let mut id = self.task_id;
        id[12..].copy_from_slice(&ordinal.to_be_bytes());
        inner.said.follow_ups.push(Asked { id, kind, params, options });
        Some(id)
    }
}

/// What a test does.
impl Ctx {
    #[must_use]
    pub fn new(plan: Plan, task_id: [u8; 16], follow_ups_before: u32) -> Self {
        Self { plan, task_id, follow_ups_before, ..Self::default() }
    }

    /// A poll begins, with an empty slot.
    pub(super) fn begin_poll(&self) {
        self.lock().wake_at = None;
    }

    pub fn wake_at(&self) -> Option<u64> {
        self.lock().wake_at
    }

    /// All that was said so far.
    pub fn said(&self) -> Said {
        self.lock().said.clone()
    }

    /// The documents of the saves.
    pub fn saves(&self) -> Vec<String> {
        self.lock().said.saves.iter().map(|save| save.document.clone()).collect()
    }

    /// Saves up to this ticket (from 1) are durable now.
    pub fn end_save(&self, ticket: u64) {
        let mut inner = self.lock();
        inner.durable = inner.durable.max(ticket);
    }

    /// Makes all saves durable, up to `limit`; says whether there was one to end.
    pub fn end_saves(&self, limit: u64) -> bool {
        let mut inner = self.lock();
        let ended = (inner.said.saves.len() as u64).min(limit);
        let any = inner.durable < ended;
        inner.durable = inner.durable.max(ended);
        any
    }

    /// The latest ticket that is durable.
    pub fn durable(&self) -> u64 {
        self.lock().durable
    }

    /// No save will be durable any more.
    pub fn lose_saves(&self) {
        self.lock().lost = true;
    }

    pub fn set_flag(&self, flag: u32) {
        self.flags.fetch_or(flag, SeqCst);
    }

    /// The host is gone: nothing that the task says from here on counts.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes the wakes since the last time; where there is none waits for one.
    pub fn wait_for_wake(&self, patience: Duration) -> bool {
        let nothing = |_: &mut Inner| self.wakes.load(SeqCst) == 0;
        drop(self.moved.wait_timeout_while(self.lock(), patience, nothing));
        self.wakes.swap(0, SeqCst) > 0
    }

    /// Waits until the plugin has given all handles back.
    pub fn wait_for_release(&self, patience: Duration) -> bool {
        let held = |_: &mut Inner| self.handles.load(SeqCst) != 0;
        drop(self.moved.wait_timeout_while(self.lock(), patience, held));
        self.handles.load(SeqCst) == 0
    }
}

thread_local! {
    static NOW: Cell<Option<u64>> = const { Cell::new(None) };
}
/// The latest time of all tests: what threads read that belong to none.
static LATEST: AtomicU64 = AtomicU64::new(1_000);

/// The time of this thread's test, in milliseconds. It stands still until somebody moves it.
pub fn now() -> u64 {
    NOW.get().unwrap_or_else(|| LATEST.load(SeqCst))
}

/// Moves the time of this thread's test.
pub fn set_now(now: u64) {
    NOW.set(Some(now));
    LATEST.fetch_max(now, SeqCst);
}
