//! One attempt as its task sees it: all that does not wait.
//!
//! Not here: what waits (`context`), how a task is polled (`shim`). Start at [`Attempt`].

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::abi::{DEBUG, ERROR, F_CANCEL, F_DRAIN, F_LEASE_LOST, INFO, SAVED, SAVING, WARN};
use crate::export;
use crate::host::{Ctx, now_ms};
use crate::outcome::{TaskError, TaskResult};
use crate::progress::{Progress, Reported};
use crate::wait::{Condition, Waits};

/// A lost lease is a cancel to the task: nothing that it does counts any more.
pub(crate) const STOP: u32 = F_CANCEL | F_LEASE_LOST;

/// What the host says about the attempt, copied out of `create`'s arguments.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) task_id: [u8; 16],
    pub(crate) attempt: u32,
    pub(crate) deadline_ms: u64,
    pub(crate) state: Box<[u8]>,
    pub(crate) extra: Extra,
}

/// The part of it that comes as JSON. Keys that this crate does not use are not read.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Extra {
    max_attempts: Option<u32>,
    state_version: Option<u32>,
}

/// One call of a kind for a task: what [`Context`](crate::Context) and
/// [`BlockingContext`](crate::BlockingContext) have in common.
#[derive(Debug)]
pub struct Attempt {
    ctx: Ctx,
    given: Given,
    waits: Mutex<Waits>,
    reported: Mutex<Reported>,
}

/// Names one [`save`](Attempt::save); [`Context::saved`](crate::Context::saved) and [`BlockingContext::saved`](crate::BlockingContext::saved) wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a save is durable only when `saved` says so"]
pub struct Ticket(pub(crate) u64);

impl Attempt {
    pub(crate) fn new(ctx: Ctx, given: Given) -> Self {
        Self { ctx, given, waits: Mutex::default(), reported: Mutex::default() }
    }

    pub(crate) fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// The id of the task, as a hyphenated UUID.
    pub fn task_id(&self) -> String {
        let mut text = String::with_capacity(36);
        for (index, byte) in self.given.task_id.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            write!(text, "{byte:02x}").expect("a String takes all");
        }
        text
    }

    /// Which attempt of the task this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.given.attempt
    }

    /// How many attempts the task has in all, if the host says so.
    pub fn max_attempts(&self) -> Option<u32> {
        self.given.extra.max_attempts
    }

    /// The time that is left until the attempt's deadline, zero once it has passed. `None`: there is no deadline.
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = self.given.deadline_ms;
        (deadline != 0).then(|| Duration::from_millis(deadline.saturating_sub(now_ms())))
    }

    /// Whether the task should end soon, with [`TaskError::cancelled`].
    pub fn is_cancelled(&self) -> bool {
        self.ctx.flags() & STOP != 0
    }

    /// Whether the host stops or the plugin is replaced: save, and end with [`TaskError::interrupted`]. `checkpoint` does both.
    pub fn drain_asked(&self) -> bool {
        self.ctx.flags() & F_DRAIN != 0
    }

    /// Ends a task at a point where its state is safe: an error if it was cancelled or a drain was asked for.
    ///
    /// # Errors
    /// [`TaskError::cancelled`] or [`TaskError::interrupted`], to be returned from the task.
    pub fn stop_point(&self) -> TaskResult<()> {
        let flags = self.ctx.flags();
        if flags & STOP != 0 {
            Err(TaskError::cancelled())
        } else if flags & F_DRAIN != 0 {
            Err(TaskError::interrupted())
        } else {
            Ok(())
        }
    }

    /// Reports how far the task is; see [`Progress`].
    pub fn progress(&self) -> Progress<'_> {
        Progress::new(&self.ctx, &self.reported)
    }

    /// A line at level debug for the log of the task.
    pub fn debug(&self, message: impl AsRef<str>) {
        self.ctx.log(DEBUG, message.as_ref());
    }

    /// A line at level info for the log of the task.
    pub fn info(&self, message: impl AsRef<str>) {
        self.ctx.log(INFO, message.as_ref());
    }

    /// A line at level warn for the log of the task.
    pub fn warn(&self, message: impl AsRef<str>) {
        self.ctx.log(WARN, message.as_ref());
    }

    /// A line at level error for the log of the task.
    pub fn error(&self, message: impl AsRef<str>) {
        self.ctx.log(ERROR, message.as_ref());
    }

    /// Begins to save `state` and returns at once. What was saved last is what a later attempt
    /// [resumes from](Self::resume_from).
    ///
    /// # Errors
    /// Fatal, code `state`, if `state` is no JSON or the host refuses it (too large); [`TaskError::cancelled`] if the task is
    /// no longer this attempt's.
    pub fn save<S: Serialize + ?Sized>(&self, state: &S) -> TaskResult<Ticket> {
        let json = serde_json::to_vec(state).map_err(|error| TaskError::unusable_state("write", &error))?;
        match self.ctx.save_state(&json) {
            Some(ticket) => Ok(Ticket(ticket)),
            None if self.is_cancelled() => Err(TaskError::cancelled()),
            None => Err(TaskError::fatal(format_args!("the host refused to save a state of {} bytes", json.len()))
                .with_code("state")),
        }
    }

    /// The state that an earlier attempt saved last; `None` if there is none.
    ///
    /// # Errors
    /// Fatal, code `state`, if the state is not a `T`: a new version of the plugin should read what the old one wrote.
    pub fn resume_from<T: DeserializeOwned>(&self) -> TaskResult<Option<T>> {
        if self.given.state.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&self.given.state).map(Some).map_err(|error| TaskError::unusable_state("read", &error))
    }

    /// The [`state_version`](crate::Defaults::state_version) of the kind that saved the state, if the host says so.
    pub fn state_version(&self) -> Option<u32> {
        self.given.extra.state_version
    }

    /// The plugin's config of `tasks.toml`, as the type that `plugin!` names under `config`.
    ///
    /// # Errors
    /// Fatal, code `config`, if `plugin!` names another type or none.
    pub fn config<C: Send + Sync + 'static>(&self) -> TaskResult<&'static C> {
        export::config().ok_or_else(|| {
            TaskError::fatal(format_args!("the plugin has no config of type `{}`", std::any::type_name::<C>()))
                .with_code("config")
        })
    }

    /// How a save ended; `None`: not yet. Only blocking kinds may wait.
    pub(crate) fn save_ended(&self, ticket: u64, wait_ms: u32) -> Option<TaskResult<()>> {
        match self.ctx.saved(ticket, wait_ms) {
            SAVED => Some(Ok(())),
            SAVING => None,
            // LOST, or a refusal that this minor does not know.
            _ if self.is_cancelled() => Some(Err(TaskError::cancelled())),
            _ => Some(Err(TaskError::retry("the state of the task could not be saved").with_code("state"))),
        }
    }

    pub(crate) fn is_met(&self, condition: Condition) -> bool {
        match condition {
            Condition::Time(time) => time <= now_ms(),
            Condition::Flags(mask) => self.ctx.flags() & mask != 0,
            Condition::Save(ticket) => self.ctx.saved(ticket, 0) != SAVING,
        }
    }

    pub(crate) fn waits(&self) -> MutexGuard<'_, Waits> {
        // Only calls to the host run under this lock, and they do not panic; nor do they call back.
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before the future is polled: wakes those inside it whose condition has come true. `root` is being polled anyway.
    pub(crate) fn wake_due(&self, root: &Waker) {
        let due = self.waits().due(|condition| self.is_met(condition));
        due.into_iter().filter(|waker| !waker.will_wake(root)).for_each(Waker::wake);
    }

    /// Asks the host for a wake at the earliest time that somebody waits for.
    pub(crate) fn arm(&self) {
        let time = self.waits().arm();
        if let Some(time) = time {
            self.ctx.wake_at(time);
        }
    }
}
