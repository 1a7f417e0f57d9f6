//! Tasks that a task makes.
//!
//! Not here: the call to the host (`host`), their ids (the host's duty). Start at [`FollowUp`].

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::attempt::{Attempt, hyphenated};
use crate::outcome::{TaskError, TaskResult, whole_ms};
use crate::task::Backoff;
use crate::time::rfc3339;

/// Which task of a queue comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before everything else.
    Critical,
    /// Before normal work.
    High,
    /// What a task has unless somebody says otherwise.
    Normal,
    /// When nothing else waits.
    Low,
}

/// The optional fields of `POST /tasks`.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Retry {
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff: Option<Backoff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<f64>,
}

impl Options<'_> {
    fn to_json(&self) -> Vec<u8> {
        if *self == Self::default() {
            return Vec::new();
        }
        serde_json::to_vec(self).expect("texts and numbers are JSON")
    }
}

/// A task that is about to be made; [`send`](Self::send) makes it. What is not set is the kind's or the host's default.
///
/// ```
/// # use plugin_api::prelude::*;
/// # fn example(cx: &Context, params: &String) -> TaskResult<()> {
/// let reminder = cx.follow_up("mail.remind", params).queue("mail").delay(Duration::from_hours(1)).send()?;
/// info!(task = reminder, "will remind");
/// # Ok(())
/// # }
/// ```
///
/// The task is committed together with the next saved state (a checkpoint or a [step](crate::Context::step)), with the
/// completion or with a suspension, and forgotten on any other end: so a retry does not make it twice. Its id follows from
/// this task's id and the number of follow-ups before it.
#[derive(Debug)]
#[must_use = "`send` makes the task"]
pub struct FollowUp<'a, P: ?Sized> {
    attempt: &'a Attempt,
    kind: &'a str,
    params: &'a P,
    options: Options<'a>,
}

impl<'a, P: Serialize + ?Sized> FollowUp<'a, P> {
    pub(crate) fn new(attempt: &'a Attempt, kind: &'a str, params: &'a P) -> Self {
        Self { attempt, kind, params, options: Options::default() }
    }

    /// Where it waits. The queue must be declared in `tasks.toml`.
    pub fn queue(mut self, queue: &'a str) -> Self {
        self.options.queue = Some(queue);
        self
    }

    /// Which task of its queue comes first.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = Some(priority);
        self
    }

    /// How long after its commit it may begin; whole milliseconds. Takes the place of [`run_at`](Self::run_at).
    pub fn delay(mut self, delay: Duration) -> Self {
        (self.options.delay, self.options.run_at) = (Some(millis(delay)), None);
        self
    }

    /// When it may begin; whole microseconds. Takes the place of [`delay`](Self::delay).
    pub fn run_at(mut self, time: SystemTime) -> Self {
        (self.options.run_at, self.options.delay) = (Some(rfc3339(time)), None);
        self
    }

    /// How long one attempt may take; whole milliseconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(millis(timeout));
        self
    }

    /// After what time it is cancelled if it has not begun; whole milliseconds.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.options.expires_in = Some(millis(time));
        self
    }

    /// How many attempts it has in all, from 1.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.retry().attempts = Some(attempts);
        self
    }

    /// How the wait between its attempts grows.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.retry().backoff = Some(backoff);
        self
    }

    /// The first wait between its attempts; whole milliseconds.
    pub fn initial(mut self, initial: Duration) -> Self {
        self.retry().initial = Some(millis(initial));
        self
    }

    /// The longest wait between its attempts; whole milliseconds.
    pub fn max(mut self, max: Duration) -> Self {
        self.retry().max = Some(millis(max));
        self
    }

    /// By what part a wait is spread at random: 0.0 to 1.0.
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.retry().jitter = Some(jitter);
        self
    }

    /// A word to find it by; may be called several times.
    pub fn tag(mut self, tag: &'a str) -> Self {
        self.options.tags.push(tag);
        self
    }

    fn retry(&mut self) -> &mut Retry {
        self.options.retry.get_or_insert_default()
    }

    /// Makes the task and answers its id, a hyphenated UUID.
    ///
    /// # Errors
    /// Fatal, code `follow_up`, if the params are no JSON or the host refuses the task (the task's log says why: an unknown
    /// kind, params that do not fit, an undeclared queue); [`TaskError::cancelled`] if the task is no longer this attempt's.
    pub fn send(self) -> TaskResult<String> {
        let kind = self.kind;
        let fatal = |error: String| TaskError::fatal(error).with_code("follow_up");
        let params = serde_json::to_vec(self.params)
            .map_err(|error| fatal(format!("cannot write the params of the follow-up `{kind}`: {error}")))?;
        let options = self.options.to_json();
        match self.attempt.ctx().enqueue(kind, &params, &options) {
            Some(id) => Ok(hyphenated(id)),
            None if self.attempt.is_cancelled() => Err(TaskError::cancelled()),
            None => Err(fatal(format!("the host refused the follow-up `{kind}`; the log of the task says why"))),
        }
    }
}

/// A duration as the host reads it.
fn millis(duration: Duration) -> String {
    format!("{}ms", whole_ms(duration))
}
