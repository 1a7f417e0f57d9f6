//! What is said to a poller, from any thread.
//!
//! Not here: acting on it (`poller`). Start at [`Mailbox::take`].

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::Attempt;
use super::attempt::Answer;
use super::ctx::Ctx;
use super::ffi;

/// A number for each attempt that is started; never repeats in a process.
pub(super) type Key = u64;

/// Attempts that begin together.
pub(super) type Lot = Vec<(Arc<Ctx>, Attempt)>;

/// One thing to do for a poller.
#[derive(Debug)]
pub(super) enum Message {
    /// Begin these attempts.
    Start(Lot),
    /// Poll it.
    Wake(Key),
    /// Its wake-up time changed while it waited.
    Rearm(Key),
    /// It was told to cancel: its grace begins.
    Cancel(Key),
    /// It no longer holds its task.
    LeaseLost(Key),
    /// The blocking call of it is over.
    Returned(Key, Answer),
    /// End every attempt as interrupted.
    GiveBack,
    /// End: the executor is gone.
    Close,
}

/// The inbox of one poller.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    messages: Mutex<Vec<Message>>,
    arrived: Condvar,
}

impl Mailbox {
    pub(super) fn push(&self, message: Message) {
        let mut messages = self.lock();
        messages.push(message);
        if messages.len() == 1 {
            self.arrived.notify_one();
        }
    }

    /// Moves everything that has arrived into `into`, which is empty; waits for it, until `until` (monotonic) if that
    /// is given.
    pub(super) fn take(&self, into: &mut Vec<Message>, until: Option<Duration>) {
        let mut messages = self.lock();
        while messages.is_empty() {
            let Some(until) = until else {
                messages = self.arrived.wait(messages).expect(HOLDS);
                continue;
            };
            let left = until.saturating_sub(ffi::monotonic());
            if left.is_zero() {
                break;
            }
            messages = self.arrived.wait_timeout(messages, left).expect(HOLDS).0;
        }
        std::mem::swap(&mut *messages, into);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().expect(HOLDS)
    }
}

/// Why a lock of this room is never poisoned.
pub(super) const HOLDS: &str = "nothing panics while it holds this lock";
