//! How far a task is.
//!
//! Not here: how often that is shown (the host joins updates). Start at [`Progress`].

use std::sync::{Mutex, PoisonError};

use crate::host::Ctx;

/// What a task has reported last.
#[derive(Debug, Default)]
pub(crate) struct Reported {
    done: u64,
    total: u64,
    message: String,
}

/// Reports how far the task is. Each call tells the host at once and keeps what was said before; reporting often is cheap.
/// The unit is the kind's ([`Defaults::unit`](crate::Defaults::unit)).
///
/// ```no_run
/// # fn example(cx: &plugin_api::Context) {
/// let progress = cx.progress().total(30);
/// progress.advance(1).message("page 1");
/// progress.update(30);
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    ctx: &'a Ctx,
    reported: &'a Mutex<Reported>,
}

#[expect(clippy::return_self_not_must_use, reason = "the calls are made for their effect; the answer is for chaining")]
impl<'a> Progress<'a> {
    pub(crate) fn new(ctx: &'a Ctx, reported: &'a Mutex<Reported>) -> Self {
        Self { ctx, reported }
    }

    fn report(self, change: impl FnOnce(&mut Reported)) -> Self {
        // Told under the lock, so that two threads of one task cannot go backwards. The fields are whole at every moment.
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut reported);
        self.ctx.progress(reported.done, reported.total, &reported.message);
        drop(reported);
        self
    }

    /// How much there is to do in all; 0 = unknown, which is also the beginning.
    pub fn total(self, total: u64) -> Self {
        self.report(|all| all.total = total)
    }

    /// How much is done, counted from the beginning of the task.
    pub fn update(self, done: u64) -> Self {
        self.report(|all| all.done = done)
    }

    /// That so much more is done.
    pub fn advance(self, more: u64) -> Self {
        self.report(|all| all.done = all.done.saturating_add(more))
    }

    /// What the task is at, in a few words.
    pub fn message(self, message: impl Into<String>) -> Self {
        let message = message.into();
        self.report(|all| all.message = message)
    }
}
