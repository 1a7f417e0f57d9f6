//! How a run ended, and what it told the host; questions and asserts about it.
//!
//! Not here: how it came to that (`run`). Start at [`Outcome`].

use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ctx::{Asked, Finished, Line, Said};
use super::run::Run;
use crate::abi::{self, CANCELLED, DELAY, FATAL, OK, PANIC, RETRY, SUSPEND};
use crate::attempt::hyphenated;
use crate::outcome::whole_ms;
use crate::time::unix_ms;

/// A line that the task wrote to its log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// How grave it is.
    pub level: tracing::Level,
    /// The text.
    pub message: String,
    /// The fields, an object; null if there are none.
    pub fields: Value,
}

/// A report of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How much is done.
    pub done: u64,
    /// How much there is to do; 0 = unknown.
    pub total: u64,
    /// What the task was at.
    pub message: String,
}

/// A task that the task has made.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// Its id, as [`Context::enqueue`](crate::Attempt::enqueue) answered it.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its params.
    pub params: Value,
    /// What was set besides, as `POST /tasks` has it; null if there is nothing.
    pub options: Value,
}

/// How a run ended, and what it told the host on the way.
///
/// The asserts answer the outcome again, so that they can be chained; each that fails shows how it did end, and the log.
#[derive(Debug, Clone)]
pub struct Outcome {
    name: &'static str,
    /// `None`: it was dropped where it waited, or the host died.
    pub(super) finished: Option<Finished>,
    logs: Vec<LogLine>,
    progress: Vec<Report>,
    /// All that became durable, in order.
    pub(super) documents: Vec<String>,
    follow_ups: Vec<FollowUp>,
    /// What a later attempt goes on from.
    saved: String,
    /// How often it could have been cancelled.
    pub(super) points: u32,
    slept: Duration,
    pub(super) crashed_at: Option<usize>,
    /// When it ended: Unix milliseconds before and after.
    unix: RangeInclusive<u64>,
}

impl Outcome {
    pub(super) fn new<Shape>(
        run: &Run<Shape>,
        said: Said,
        finished: Option<Finished>,
        durable: u64,
        points: u32,
        slept: Duration,
        unix: RangeInclusive<u64>,
    ) -> Self {
        let durable = said.saves.get(..usize::try_from(durable).unwrap_or(usize::MAX)).unwrap_or(&said.saves);
        let is_committed = finished.as_ref().is_some_and(|end| matches!(end.outcome, OK | SUSPEND));
        let committed = if is_committed { usize::MAX } else { durable.last().map_or(0, |save| save.follow_ups) };
        let suspended = finished.as_ref().filter(|end| end.outcome == SUSPEND && !end.body.is_empty());
        let saved = suspended.map(|end| &end.body).or(durable.last().map(|save| &save.document));
        Self {
            name: run.name,
            saved: saved.unwrap_or(&run.given.state).clone(),
            documents: durable.iter().map(|save| save.document.clone()).collect(),
            follow_ups: said.follow_ups.into_iter().take(committed).map(FollowUp::from).collect(),
            logs: said.log.into_iter().map(LogLine::from).collect(),
            progress: said.progress.into_iter().map(Report::from).collect(),
            finished,
            points,
            slept,
            crashed_at: None,
            unix,
        }
    }

    /// What `later`, which went on from here, makes of it.
    pub(super) fn then(mut self, later: Self) -> Self {
        self.logs.extend(later.logs);
        self.progress.extend(later.progress);
        self.documents.extend(later.documents);
        self.follow_ups.extend(later.follow_ups);
        let slept = self.slept + later.slept;
        Self {
            logs: self.logs,
            progress: self.progress,
            documents: self.documents,
            follow_ups: self.follow_ups,
            slept,
            crashed_at: self.crashed_at,
            ..later
        }
    }

    pub(super) fn is(&self, outcome: u32) -> bool {
        self.finished.as_ref().is_some_and(|end| end.outcome == outcome)
    }

    pub(super) fn saved(&self) -> &str {
        &self.saved
    }

    /// How long after its end it is to be run again.
    pub(super) fn wait_ms(&self) -> u64 {
        self.finished.as_ref().map_or(0, |end| end.not_before_ms.saturating_sub(*self.unix.start()))
    }

    /// The message of its error; empty if it was no error.
    pub fn message(&self) -> &str {
        self.finished.as_ref().filter(|end| !matches!(end.outcome, OK | SUSPEND)).map_or("", |end| &end.body)
    }

    /// The code of its error.
    pub fn code(&self) -> &str {
        self.finished.as_ref().map_or("", |end| &end.code)
    }

    /// The lines of its log, oldest first.
    pub fn logs(&self) -> &[LogLine] {
        &self.logs
    }

    /// Its reports of progress, oldest first.
    pub fn progress(&self) -> &[Report] {
        &self.progress
    }

    /// The tasks that it made: those that were committed with a save or with its end.
    pub fn follow_ups(&self) -> &[FollowUp] {
        &self.follow_ups
    }

    /// The states that were saved, oldest first; null where a step was saved before any state.
    pub fn checkpoints(&self) -> Vec<Value> {
        self.documents.iter().map(|document| read(document)["state"].take()).collect()
    }

    /// The steps that are done, by their names, with their results.
    pub fn steps(&self) -> Vec<(String, Value)> {
        match read(&self.saved)["steps"].take() {
            Value::Object(steps) => steps.into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// How far the clock was moved because the task waited.
    pub fn slept(&self) -> Duration {
        self.slept
    }

    /// In [`for_each_crash`](Run::for_each_crash): the checkpoint behind which the host died, from 1; `None` in the run
    /// without a crash.
    pub fn crashed_at(&self) -> Option<usize> {
        self.crashed_at
    }

    /// The state from which a later attempt goes on.
    ///
    /// # Panics
    /// If there is none, or it is not an `S`.
    #[track_caller]
    pub fn state<S: DeserializeOwned>(&self) -> S {
        let state = read(&self.saved)["state"].take();
        serde_json::from_value(state).unwrap_or_else(|error| self.fail(&format!("have saved a state ({error})")))
    }

    /// The result of a task that is done.
    ///
    /// # Panics
    /// If it is not done, or its result is not a `T`.
    #[track_caller]
    pub fn ok<T: DeserializeOwned>(&self) -> T {
        match &self.finished {
            Some(end) if end.outcome == OK => serde_json::from_str(&end.body)
                .unwrap_or_else(|error| self.fail(&format!("have another type of result ({error})"))),
            _ => self.fail("be done"),
        }
    }

    /// That it failed and is worth another attempt, with `text` in its message.
    ///
    /// # Panics
    /// If not. So do all asserts below.
    #[track_caller]
    pub fn expect_retry(&self, text: &str) -> &Self {
        self.expect(RETRY, text, "be a failure that is worth another attempt")
    }

    /// That it failed and is to be run again after `delay`.
    #[track_caller]
    pub fn expect_retry_after(&self, delay: Duration, text: &str) -> &Self {
        self.expect(RETRY, text, "be a failure that is worth another attempt").expect_delay(delay)
    }

    /// That it is to be run again after `delay`, with no attempt spent.
    #[track_caller]
    pub fn expect_rate_limited(&self, delay: Duration) -> &Self {
        self.expect(DELAY, "", "be rate limited").expect_delay(delay)
    }

    /// That it failed and another attempt cannot help, with `text` in its message.
    #[track_caller]
    pub fn expect_fatal(&self, text: &str) -> &Self {
        self.expect(FATAL, text, "be a fatal failure")
    }

    /// That it panicked, with `text` in its message.
    #[track_caller]
    pub fn expect_panic(&self, text: &str) -> &Self {
        self.expect(PANIC, text, "panic")
    }

    /// That it ended because it was cancelled, by its own doing or by being dropped.
    #[track_caller]
    pub fn expect_cancelled(&self) -> &Self {
        if self.finished.is_none() { self } else { self.expect(CANCELLED, "", "be cancelled") }
    }

    /// That it ended because the host stops, to be run again from what it saved last.
    #[track_caller]
    pub fn expect_interrupted(&self) -> &Self {
        let is_interrupted = self.is(SUSPEND) && self.finished.as_ref().is_some_and(|end| end.body.is_empty());
        if is_interrupted { self } else { self.fail("be interrupted") }
    }

    /// That it waits, without memory, to go on after `wait` from its [`state`](Self::state).
    #[track_caller]
    pub fn expect_suspended(&self, wait: Duration) -> &Self {
        self.expect(SUSPEND, "", "be suspended").expect_delay(wait)
    }

    /// That it waits, without memory, to go on at `time` from its [`state`](Self::state).
    #[track_caller]
    pub fn expect_suspended_until(&self, time: SystemTime) -> &Self {
        self.expect(SUSPEND, "", "be suspended");
        let is_then = self.finished.as_ref().is_some_and(|end| end.not_before_ms == unix_ms(time));
        if is_then { self } else { self.fail(&format!("be suspended until {time:?}")) }
    }

    /// That a line of its log has `text` in its message or its fields.
    #[track_caller]
    pub fn logged(&self, text: &str) -> &Self {
        let has = |line: &LogLine| line.message.contains(text) || line.fields.to_string().contains(text);
        if self.logs.iter().any(has) { self } else { self.fail(&format!("have logged {text:?}")) }
    }

    /// That its last report of progress says so.
    #[track_caller]
    pub fn progressed(&self, done: u64, total: u64) -> &Self {
        let last = self.progress.last();
        if last.is_some_and(|last| (last.done, last.total) == (done, total)) {
            return self;
        }
        self.fail(&format!("have reported {done} of {total} last (it was {last:?})"))
    }

    #[track_caller]
    fn expect(&self, outcome: u32, text: &str, what: &str) -> &Self {
        if self.is(outcome) && self.finished.as_ref().is_some_and(|end| end.body.contains(text)) {
            return self;
        }
        let with = if text.is_empty() { String::new() } else { format!(" with {text:?}") };
        self.fail(&format!("{what}{with}"))
    }

    #[track_caller]
    fn expect_delay(&self, delay: Duration) -> &Self {
        let delay_ms = whole_ms(delay);
        // The delay begins somewhere between the two; a part of a millisecond is rounded up.
        let window = self.unix.start() + delay_ms..=self.unix.end() + delay_ms + 1;
        let is_then = self.finished.as_ref().is_some_and(|end| window.contains(&end.not_before_ms));
        if is_then { self } else { self.fail(&format!("wait {delay:?} (it waits about {} ms)", self.wait_ms())) }
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let log: Vec<String> = self.logs.iter().map(LogLine::to_string).collect();
        let log =
            if log.is_empty() { "; it logged nothing".into() } else { format!("; its log:\n  {}", log.join("\n  ")) };
        panic!("`{}` should {what}, but {self}{log}", self.name)
    }
}

/// How it ended, after "it", "but": `is done with 3`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(end) = &self.finished else { return f.write_str("was dropped where it waited") };
        let Finished { outcome, body, code, .. } = end;
        match *outcome {
            OK => write!(f, "is done with {body}"),
            RETRY => write!(f, "failed, worth another attempt (code `{code}`): {body}"),
            FATAL => write!(f, "failed for good (code `{code}`): {body}"),
            CANCELLED => f.write_str("is cancelled"),
            DELAY => write!(f, "is rate limited for about {} ms", self.wait_ms()),
            SUSPEND if body.is_empty() => f.write_str("is interrupted"),
            SUSPEND => write!(f, "is suspended for about {} ms with {body}", self.wait_ms()),
            _ => f.write_str(body),
        }
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.level, self.message)?;
        if self.fields.is_null() { Ok(()) } else { write!(f, " {}", self.fields) }
    }
}

impl From<Line> for LogLine {
    fn from(line: Line) -> Self {
        let level = match line.level {
            abi::TRACE => tracing::Level::TRACE,
            abi::DEBUG => tracing::Level::DEBUG,
            abi::INFO => tracing::Level::INFO,
            abi::WARN => tracing::Level::WARN,
            _ => tracing::Level::ERROR,
        };
        Self { level, message: line.message, fields: read(&line.fields) }
    }
}

impl From<(u64, u64, String)> for Report {
    fn from((done, total, message): (u64, u64, String)) -> Self {
        Self { done, total, message }
    }
}

impl From<Asked> for FollowUp {
    fn from(asked: Asked) -> Self {
        let (params, options) = (read(&asked.params), read(&asked.options));
        Self { id: hyphenated(asked.id), kind: asked.kind, params, options }
    }
}

/// A document of this crate's own making; empty is null.
fn read(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_default()
}
