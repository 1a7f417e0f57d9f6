//! One attempt as its task sees it: all that does not wait.
//!
//! Not here: what waits (`context`), how a task is polled (`shim`). Start at [`Attempt`].

use std::any::Any;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::abi::{DEBUG, ERROR, F_CANCEL, F_DRAIN, F_LEASE_LOST, INFO, SAVED, SAVING, WARN};
use crate::export;
use crate::follow_up::FollowUp;
use crate::host::{Ctx, now_ms};
use crate::outcome::{TaskError, TaskResult};
use crate::progress::{Progress, Reported};
use crate::state::Kept;
use crate::time;
use crate::wait::{Condition, Waits};

/// A lost lease is a cancel to the task: nothing that it does counts any more.
pub(crate) const STOP: u32 = F_CANCEL | F_LEASE_LOST;

/// What the host says about the attempt, copied out of `create`'s arguments.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) task_id: [u8; 16],
    pub(crate) attempt: u32,
    pub(crate) deadline_ms: u64,
    /// JSON, read when somebody asks.
    pub(crate) context: Box<[u8]>,
}

/// The part of it that comes as JSON. Keys that this crate does not use are not read.
#[derive(Debug, Default, Deserialize)]
struct Extra {
    max_attempts: Option<u32>,
    job: Option<String>,
    nominal_at: Option<String>,
    queue: Option<String>,
}

/// One call of a kind for a task: what [`Context`](crate::Context) and
/// [`BlockingContext`](crate::BlockingContext) have in common.
#[derive(Debug)]
pub struct Attempt {
    ctx: Ctx,
    given: Given,
    extra: OnceLock<Extra>,
    kept: Mutex<Kept>,
    waits: Mutex<Waits>,
    reported: Mutex<Reported>,
    config: Option<&'static (dyn Any + Send + Sync)>,
}

/// Names one [`save`](Attempt::save); [`Context::saved`](crate::Context::saved) and [`BlockingContext::saved`](crate::BlockingContext::saved) wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a save is durable only when `saved` says so"]
pub struct Ticket(pub(crate) u64);

impl Attempt {
    /// `saved`: what an earlier attempt saved, for the version of state that this kind writes.
    pub(crate) fn new(ctx: Ctx, given: Given, saved: &[u8], state_version: u32) -> Self {
        let (kept, reason) = Kept::read(saved, state_version);
        if let Some(reason) = reason {
            ctx.log(WARN, &reason, b"");
        }
        Self {
            ctx,
            given,
            extra: OnceLock::new(),
            kept: Mutex::new(kept),
            waits: Mutex::default(),
            reported: Mutex::default(),
            config: export::config(),
        }
    }

    pub(crate) fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    fn extra(&self) -> &Extra {
        // Absent or unreadable: what it says is optional.
        self.extra.get_or_init(|| serde_json::from_slice(&self.given.context).unwrap_or_default())
    }

    /// The id of the task, as a hyphenated UUID.
    pub fn task_id(&self) -> String {
        hyphenated(self.given.task_id)
    }

    /// A key for services that do a thing once for each key: the same for all attempts of this task, and for no other task.
    ///
    /// ```no_run
    /// # fn example(cx: &plugin_api::Context) {
    /// let request = ("POST /charges", [("Idempotency-Key", cx.idempotency_key())]);
    /// # }
    /// ```
    pub fn idempotency_key(&self) -> String {
        self.task_id()
    }

    /// An [`idempotency_key`](Self::idempotency_key) for one of several things that the task does.
    pub fn idempotency_key_of(&self, name: &str) -> String {
        format!("{}:{name}", self.task_id())
    }

    /// Which attempt of the task this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.given.attempt
    }

    /// How many attempts the task has in all, if the host says so.
    pub fn max_attempts(&self) -> Option<u32> {
        self.extra().max_attempts
    }

    /// The queue that the task waited in, if the host says so.
    pub fn queue(&self) -> Option<&str> {
        self.extra().queue.as_deref()
    }

    /// The job that made the task, if one did.
    pub fn job(&self) -> Option<&str> {
        self.extra().job.as_deref()
    }

    /// The time for which its job's schedule made the task, if one did; the task may begin later.
    pub fn nominal_at(&self) -> Option<SystemTime> {
        time::from_rfc3339(self.extra().nominal_at.as_deref()?)
    }

    /// When the attempt must have ended, for what takes an `Instant`; see [`time_left`](Self::time_left).
    pub fn deadline(&self) -> Option<Instant> {
        #[expect(clippy::disallowed_methods, reason = "what takes an Instant compares it with this clock")]
        let now = Instant::now();
        now.checked_add(self.time_left()?)
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
        self.ctx.log(DEBUG, message.as_ref(), b"");
    }

    /// A line at level info for the log of the task.
    pub fn info(&self, message: impl AsRef<str>) {
        self.ctx.log(INFO, message.as_ref(), b"");
    }

    /// A line at level warn for the log of the task.
    pub fn warn(&self, message: impl AsRef<str>) {
        self.ctx.log(WARN, message.as_ref(), b"");
    }

    /// A line at level error for the log of the task.
    pub fn error(&self, message: impl AsRef<str>) {
        self.ctx.log(ERROR, message.as_ref(), b"");
    }

    /// Makes a task, all of whose settings are its kind's; [`follow_up`](Self::follow_up) has the others. Answers its id.
    ///
    /// The task is committed with the next checkpoint, the completion or a suspension, and forgotten on any other end.
    ///
    /// # Errors
    /// Those of [`FollowUp::send`].
    pub fn enqueue<P: Serialize + ?Sized>(&self, kind: &str, params: &P) -> TaskResult<String> {
        self.follow_up(kind, params).send()
    }

    /// Begins to describe a task; [`FollowUp::send`] makes it.
    pub fn follow_up<'a, P: Serialize + ?Sized>(&'a self, kind: &'a str, params: &'a P) -> FollowUp<'a, P> {
        FollowUp::new(self, kind, params)
    }

    /// Begins to save `state` and returns at once. What was saved last is what a later attempt
    /// [resumes from](Self::resume_from).
    ///
    /// # Errors
    /// Fatal, code `state`, if `state` is no JSON or the host refuses it (too large); [`TaskError::cancelled`] if the task is
    /// no longer this attempt's.
    pub fn save<S: Serialize + ?Sized>(&self, state: &S) -> TaskResult<Ticket> {
        let state = to_raw_value(state).map_err(|error| TaskError::unusable_state("write", &error))?;
        // The lock is kept until the host has the document, so that no later save carries less.
        let mut kept = self.kept();
        let ticket = self.hand_over(&kept.envelope(Some(&state)))?;
        kept.set_state(state);
        Ok(ticket)
    }

    /// Begins to save the result of a step, beside the state as it is.
    pub(crate) fn save_step<T: Serialize>(&self, name: &str, result: &T) -> TaskResult<Ticket> {
        let mut kept = self.kept();
        kept.add_step(name, result)?;
        self.hand_over(&kept.envelope_as_is())
    }

    /// The result of a step that an earlier attempt has saved.
    pub(crate) fn saved_step<T: DeserializeOwned>(&self, name: &str) -> TaskResult<Option<T>> {
        self.kept().step(name)
    }

    /// What a suspension with `state` saves.
    pub(crate) fn envelope(&self, state: &RawValue) -> Vec<u8> {
        self.kept().envelope(Some(state))
    }

    fn hand_over(&self, document: &[u8]) -> TaskResult<Ticket> {
        match self.ctx.save_state(document) {
            Some(ticket) => Ok(Ticket(ticket)),
            None if self.is_cancelled() => Err(TaskError::cancelled()),
            None => Err(TaskError::fatal(format_args!("the host refused to save a state of {} bytes", document.len()))
                .with_code("state")),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic under this lock is one of the author's serialisers, before anything was changed.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state that was saved last, by an earlier attempt or this one; `None` if there is none.
    ///
    /// Also `None` if it was saved under another [`state_version`](crate::Defaults::state_version): the task starts anew, and
    /// its log says so.
    ///
    /// # Errors
    /// Fatal, code `state`, if the state is not a `T`: who changes the shape of the state changes the `state_version` too.
    pub fn resume_from<T: DeserializeOwned>(&self) -> TaskResult<Option<T>> {
        self.kept().state()
    }

    /// The plugin's config of `tasks.toml`, as the type that `plugin!` names under `config`.
    ///
    /// # Errors
    /// Fatal, code `config`, if `plugin!` names another type or none.
    pub fn config<C: Send + Sync + 'static>(&self) -> TaskResult<&'static C> {
        self.config.and_then(|config| config.downcast_ref()).ok_or_else(|| {
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

/// A UUID as people write it.
pub(crate) fn hyphenated(id: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in id.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("a String takes all");
    }
    text
}
