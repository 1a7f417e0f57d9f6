//! How a task ends: the errors that an author returns, and what the host is told.
//!
//! Not here: panics (`guard`), the call that tells the host (`host`). Start at [`TaskError`].

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::abi;
use crate::guard::Panicked;
use crate::task::{Defaults, TaskOutput};
use crate::time::{unix_ms, unix_ms_after};

/// The code of an error that has no other.
const ERROR: &str = "error";

/// What a task returns.
pub type TaskResult<T> = Result<T, TaskError>;

/// Why a task ends without a result, and what is to become of it.
///
/// `?` on any error makes it a failure that is worth another attempt, with the messages of all its sources:
///
/// ```
/// # use plugin_api::prelude::*;
/// fn size(path: &str) -> TaskResult<u64> {
///     Ok(std::fs::metadata(path)?.len())
/// }
/// assert!(size("/no/such/file").is_err_and(|error| error.to_string().starts_with("No such file")));
/// ```
#[derive(Debug)]
pub struct TaskError {
    end: End,
    code: Cow<'static, str>,
    message: String,
}

#[derive(Debug)]
enum End {
    /// By `?`: the kind says what that means.
    Error,
    Retry,
    RetryAfter(Duration),
    RateLimited(Duration),
    Fatal,
    Cancelled,
    Interrupted,
    Suspend {
        not_before_ms: u64,
        state: Box<RawValue>,
    },
}

impl TaskError {
    fn new(end: End, code: &'static str, message: impl Display) -> Self {
        Self { end, code: Cow::Borrowed(code), message: message.to_string() }
    }

    /// A failure that is worth another attempt, after the task's backoff. Code `error`.
    pub fn retry(message: impl Display) -> Self {
        Self::new(End::Retry, ERROR, message)
    }

    /// As [`retry`](Self::retry), but the next attempt comes after `delay`, whatever the backoff says.
    pub fn retry_after(delay: Duration, message: impl Display) -> Self {
        Self::new(End::RetryAfter(delay), ERROR, message)
    }

    /// The other side asks for patience: run again after `delay`. No attempt is spent. Code `rate_limited`.
    pub fn rate_limited(delay: Duration) -> Self {
        Self::new(End::RateLimited(delay), "rate_limited", "rate limited")
    }

    /// A failure that another attempt cannot mend; the task is dead. Code `fatal`.
    pub fn fatal(message: impl Display) -> Self {
        Self::new(End::Fatal, "fatal", message)
    }

    /// The task ends because [`is_cancelled`](crate::Attempt::is_cancelled) said so. Unasked it is a fatal failure.
    pub fn cancelled() -> Self {
        Self::new(End::Cancelled, "cancelled", "cancelled")
    }

    /// The task ends because [`drain_asked`](crate::Attempt::drain_asked) said so. It runs again from its last saved state; no
    /// attempt is spent.
    pub fn interrupted() -> Self {
        Self::new(End::Interrupted, "interrupted", "interrupted")
    }

    /// A durable wait that needs no memory: run again after `wait`, with `state` to
    /// [`resume_from`](crate::Attempt::resume_from). No attempt is spent.
    ///
    /// A state that cannot be written as JSON makes this a fatal failure, code `state`.
    pub fn suspend<S: Serialize + ?Sized>(wait: Duration, state: &S) -> Self {
        Self::suspend_from(unix_ms_after(wait), state)
    }

    /// As [`suspend`](Self::suspend), with the time at which the task is to go on.
    pub fn suspend_until<S: Serialize + ?Sized>(time: SystemTime, state: &S) -> Self {
        Self::suspend_from(unix_ms(time), state)
    }

    fn suspend_from<S: Serialize + ?Sized>(not_before_ms: u64, state: &S) -> Self {
        match to_raw_value(state) {
            Ok(state) => Self::new(End::Suspend { not_before_ms, state }, "suspended", "suspended"),
            Err(error) => Self::unusable_state("write", &error),
        }
    }

    pub(crate) fn unusable_state(verb: &str, error: &serde_json::Error) -> Self {
        Self::new(End::Fatal, "state", format_args!("cannot {verb} the state of the task: {error}"))
    }

    pub(crate) fn unusable_params(error: &serde_json::Error) -> Self {
        Self::new(End::Fatal, "params", format_args!("cannot read the params: {error}"))
    }

    /// Sets the code by which errors are grouped: short, stable, such as `smtp.550`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = code.into();
        self
    }

    /// Says what was tried: `context("cannot open docs")` gives `cannot open docs: No such file or directory`.
    #[must_use]
    pub fn context(mut self, what: impl Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Makes this a failure that another attempt cannot mend; the message stays, the code becomes `fatal`.
    #[must_use]
    pub fn into_fatal(self) -> Self {
        Self::new(End::Fatal, "fatal", self.message)
    }

    /// An error by `?` becomes what the kind makes of it. A code of its own stays.
    fn settled(mut self, defaults: &Defaults) -> Self {
        if matches!(self.end, End::Error) && defaults.errors_are_fatal {
            self.end = End::Fatal;
            if self.code == ERROR {
                self.code = Cow::Borrowed("fatal");
            }
        }
        self
    }

    /// The code by which errors are grouped.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether another attempt is pointless.
    pub fn is_fatal(&self) -> bool {
        matches!(self.end, End::Fatal)
    }

    /// Whether the task ends because it was told to: a cancel, or an interruption by a drain.
    pub fn is_stop(&self) -> bool {
        matches!(self.end, End::Cancelled | End::Interrupted)
    }
}

impl Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Any error is a reason to try again, unless its kind's [`Defaults`](crate::Defaults::errors_are_fatal) say otherwise. (`TaskError` itself is no `Error`, or this would collide with `From<T> for T`.)
impl<E: std::error::Error> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self::new(End::Error, ERROR, chain(&error))
    }
}

/// The message of an error and of all its sources, without those that the message before already ends with.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = error.source();
    }
    text
}

/// What `finish` is told.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) end: u32,
    pub(crate) not_before_ms: u64,
    pub(crate) body: Vec<u8>,
    pub(crate) code: Cow<'static, str>,
}

impl Outcome {
    /// What the host is told of a result, for a kind with these defaults. `envelope` makes of the state of a suspension what is
    /// saved of the task.
    pub(crate) fn of<T: TaskOutput>(
        result: TaskResult<T>,
        defaults: &Defaults,
        envelope: impl FnOnce(&RawValue) -> Vec<u8>,
    ) -> Self {
        let written = result.map_err(|error| error.settled(defaults)).and_then(|output| {
            output
                .to_json()
                .map_err(|error| TaskError::new(End::Fatal, "result", format_args!("cannot write the result: {error}")))
        });
        match written {
            Ok(body) => Self { end: abi::OK, not_before_ms: 0, body, code: Cow::Borrowed("") },
            Err(error) => Self::failed(error, envelope),
        }
    }

    fn failed(error: TaskError, envelope: impl FnOnce(&RawValue) -> Vec<u8>) -> Self {
        let TaskError { end, code, message } = error;
        let message = message.into_bytes();
        let (end, not_before_ms, body) = match end {
            End::Error | End::Retry => (abi::RETRY, 0, message),
            End::RetryAfter(delay) => (abi::RETRY, unix_ms_after(delay), message),
            End::RateLimited(delay) => (abi::DELAY, unix_ms_after(delay), message),
            End::Fatal => (abi::FATAL, 0, message),
            End::Cancelled => (abi::CANCELLED, 0, message),
            // An empty body keeps the state that was saved last.
            End::Interrupted => (abi::SUSPEND, 0, Vec::new()),
            End::Suspend { not_before_ms, state } => (abi::SUSPEND, not_before_ms, envelope(&state)),
        };
        Self { end, not_before_ms, body, code }
    }

    pub(crate) fn panicked(panic: &Panicked) -> Self {
        Self { end: abi::PANIC, not_before_ms: 0, body: panic.to_string().into_bytes(), code: Cow::Borrowed("panic") }
    }
}

/// Milliseconds, rounded up, so that nothing comes too early.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);
    impl Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|layer| layer as _)
        }
    }

    fn layers(all: &[&'static str]) -> Layer {
        let (first, rest) = all.split_first().expect("the tests give at least one");
        Layer(first, (!rest.is_empty()).then(|| Box::new(layers(rest))))
    }

    #[test]
    fn an_error_keeps_the_messages_of_its_sources() {
        let error = TaskError::from(layers(&["cannot send", "connection failed", "refused"]));
        assert_eq!(error.to_string(), "cannot send: connection failed: refused");
        assert_eq!(error.code(), "error");
        assert!(!error.is_fatal());
    }

    #[test]
    fn a_source_that_its_error_already_quotes_is_not_repeated() {
        let error = TaskError::from(layers(&["cannot send: refused", "refused"]));
        assert_eq!(error.to_string(), "cannot send: refused");
    }

    #[test]
    fn context_says_what_was_tried_and_into_fatal_keeps_the_message() {
        let error = TaskError::retry("gone").context("cannot open `a`").into_fatal();
        assert_eq!(
            (error.to_string().as_str(), error.code(), error.is_fatal()),
            ("cannot open `a`: gone", "fatal", true)
        );
    }

    #[test]
    fn each_error_becomes_the_outcome_of_the_abi() {
        let day = Duration::from_secs(1_000);
        let at = |error: TaskError| {
            let outcome = Outcome::failed(error, |state| state.get().as_bytes().to_vec());
            (outcome.end, outcome.not_before_ms > 0, String::from_utf8(outcome.body).unwrap())
        };
        assert_eq!(at(TaskError::retry("a")), (abi::RETRY, false, "a".into()));
        assert_eq!(at(TaskError::retry_after(day, "a")), (abi::RETRY, true, "a".into()));
        assert_eq!(at(TaskError::rate_limited(day)), (abi::DELAY, true, "rate limited".into()));
        assert_eq!(at(TaskError::fatal("a")), (abi::FATAL, false, "a".into()));
        assert_eq!(at(TaskError::cancelled()), (abi::CANCELLED, false, "cancelled".into()));
        assert_eq!(at(TaskError::interrupted()), (abi::SUSPEND, false, String::new()));
        assert_eq!(at(TaskError::suspend(day, &[1, 2])), (abi::SUSPEND, true, "[1,2]".into()));
        let then = SystemTime::UNIX_EPOCH + day;
        let until = Outcome::failed(TaskError::suspend_until(then, &3), |state| state.get().as_bytes().to_vec());
        assert_eq!((until.end, until.not_before_ms, until.body), (abi::SUSPEND, 1_000_000, b"3".to_vec()));
    }

    #[test]
    fn a_result_that_is_no_json_is_fatal() {
        let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
        let outcome = Outcome::of(Ok(keys), &Defaults::new(), |_| Vec::new());
        assert_eq!((outcome.end, &*outcome.code), (abi::FATAL, "result"));
    }

    #[test]
    fn an_error_by_question_mark_is_what_its_kind_makes_of_it() {
        let fatal = Defaults::new().errors_are_fatal();
        let end = |error: TaskError, defaults: &Defaults| {
            let outcome = Outcome::of::<()>(Err(error), defaults, |_| Vec::new());
            (outcome.end, outcome.code.into_owned())
        };
        let by_question_mark = || TaskError::from(layers(&["gone"]));
        assert_eq!(end(by_question_mark(), &Defaults::new()), (abi::RETRY, "error".into()));
        assert_eq!(end(by_question_mark(), &fatal), (abi::FATAL, "fatal".into()));
        assert_eq!(end(by_question_mark().context("a").with_code("io"), &fatal), (abi::FATAL, "io".into()));
        assert_eq!(end(TaskError::retry("again"), &fatal), (abi::RETRY, "error".into()));
    }

    #[test]
    fn durations_round_up_to_whole_milliseconds() {
        assert_eq!(whole_ms(Duration::from_micros(1)), 1);
        assert_eq!(whole_ms(Duration::from_millis(7)), 7);
        assert_eq!(whole_ms(Duration::MAX), u64::MAX);
    }
}
