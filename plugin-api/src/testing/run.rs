//! One attempt: what it is given, and how it is driven to its end.
//!
//! Not here: many attempts on purpose (`explore`), what is seen of it afterwards (`outcome`). Start at [`Run::of`].

use std::marker::PhantomData;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::config::{self, Config};
use super::ctx::{Ctx, Plan, now, set_now};
use super::host::{self, Driver, Given};
use super::outcome::Outcome;
use crate::abi::{F_CANCEL, F_DRAIN, K_BLOCKING, PENDING, ThKind};
use crate::export::Kind;
use crate::outcome::whole_ms;
use crate::time::{rfc3339, unix_ms_after};

/// How long a task may wait for something of the real world: a thread, a socket.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long, on the test's clock, a task may go on that was told to stop: as a host has it.
const GRACE_MS: u64 = 2_000;
const TASK_ID: [u8; 16] = *b"\x01\x98\xab\xcd\xef\x01\x71\x23\x84\x56\x00\x11\x00\x00\x00\x00";

/// What an attempt is given. It can be run any number of times; each begins anew.
///
/// `Shape` tells async kinds from blocking ones; the compiler finds it out.
#[derive(Debug)]
pub struct Run<Shape> {
    kind: ThKind,
    pub(super) name: &'static str,
    pub(super) given: Given,
    version: u32,
    context: Map<String, Value>,
    time_left: Option<Duration>,
    flags: u32,
    config: Option<Config>,
    pub(super) follow_ups_before: u32,
    shape: PhantomData<fn() -> Shape>,
}

/// Where somebody comes between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Never,
    /// The host dies when so many saves are durable.
    CrashAfter(u64),
    /// It is cancelled where it waits for the so-manieth time, or (blocking) asks the host.
    CancelAt(u32),
}

impl<Shape> Clone for Run<Shape> {
    fn clone(&self) -> Self {
        Self { given: self.given.clone(), context: self.context.clone(), ..*self }
    }
}

impl<Shape> Run<Shape> {
    /// The first attempt of a task of the kind `T`, which is a [`Task`](crate::Task) or a [`BlockingTask`](crate::BlockingTask).
    ///
    /// `params`: the kind's own type, or `json!(…)` as a submitter would write them.
    ///
    /// # Panics
    /// If the params cannot be written as JSON.
    #[must_use]
    pub fn of<T: Kind<Shape>>(params: impl Serialize) -> Self {
        host::install();
        let kind = T::table();
        let meta = host::meta(&kind);
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let mut context = Map::new();
        context.insert("max_attempts".into(), number(&meta["retry"]["attempts"]).unwrap_or(5).into());
        context.insert("queue".into(), meta["queue"].as_str().unwrap_or("default").into());
        let params = serde_json::to_string(&params).expect("params are JSON");
        Self {
            kind,
            name: T::NAME,
            given: Given { attempt: 1, params, ..Given::default() },
            version: number(&meta["state_version"]).unwrap_or(0),
            context,
            time_left: None,
            flags: 0,
            config: None,
            follow_ups_before: 0,
            shape: PhantomData,
        }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.context.insert(key.to_owned(), value.into());
        self
    }

    /// Makes it the so-manieth attempt of its task, from 1.
    #[must_use]
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.given.attempt = attempt;
        self
    }

    /// How many attempts the task has in all; otherwise its kind's, or 5.
    #[must_use]
    pub fn max_attempts(self, attempts: u32) -> Self {
        self.with("max_attempts", attempts)
    }

    /// The queue that the task waited in; otherwise its kind's, or `default`.
    #[must_use]
    pub fn queue(self, queue: &str) -> Self {
        self.with("queue", queue)
    }

    /// A job made the task, for this time of its schedule.
    #[must_use]
    pub fn job(self, job: &str, nominal_at: SystemTime) -> Self {
        self.with("job", job).with("nominal_at", rfc3339(nominal_at))
    }

    /// The attempt has a deadline, so far off.
    #[must_use]
    pub fn time_left(mut self, time: Duration) -> Self {
        self.time_left = Some(time);
        self
    }

    /// What an earlier attempt has saved last.
    ///
    /// # Panics
    /// If the state cannot be written as JSON.
    #[must_use]
    pub fn resume(self, state: impl Serialize) -> Self {
        let version = self.version;
        self.resume_of_version(version, state)
    }

    /// As [`resume`](Self::resume), from an earlier version of the plugin with another `state_version`.
    ///
    /// # Panics
    /// If the state cannot be written as JSON.
    #[must_use]
    pub fn resume_of_version(mut self, version: u32, state: impl Serialize) -> Self {
        let state = serde_json::to_value(state).expect("a state is JSON");
        self.given.state = json!({ "v": version, "state": state }).to_string();
        self
    }

    /// Goes on from what `before` has saved: its state, its steps, its follow-ups.
    #[must_use]
    pub fn resume_after(mut self, before: &Outcome) -> Self {
        before.saved().clone_into(&mut self.given.state);
        self.follow_ups_before += u32::try_from(before.follow_ups().len()).unwrap_or(u32::MAX);
        self
    }

    /// The plugin's config, read as a host reads it from `tasks.toml`.
    ///
    /// # Panics
    /// If `config` is not a `C`.
    #[must_use]
    pub fn config<C: DeserializeOwned + Send + Sync + 'static>(mut self, config: impl Serialize) -> Self {
        let config = serde_json::to_value(config).and_then(serde_json::from_value::<C>);
        let config = config.unwrap_or_else(|error| panic!("this is no config of the plugin: {error}"));
        self.config = Some(Box::leak(Box::new(config)));
        self
    }

    /// The task is cancelled before it begins.
    #[must_use]
    pub fn cancelled(mut self) -> Self {
        self.flags |= F_CANCEL;
        self
    }

    /// The host stops before the task begins.
    #[must_use]
    pub fn drained(mut self) -> Self {
        self.flags |= F_DRAIN;
        self
    }

    /// Runs the attempt to its end.
    ///
    /// Where the task waits for time, the clock moves there at once, also if it waits for something else beside it; where it
    /// waits for a thread or a socket alone, it is waited for.
    ///
    /// # Panics
    /// If it waits for ten seconds of real time, or leaves something behind: a handle on the attempt, a second end.
    pub fn finish(&self) -> Outcome {
        self.run(Stop::Never)
    }

    pub(super) fn is_blocking(&self) -> bool {
        self.kind.flags & K_BLOCKING != 0
    }

    pub(super) fn run(&self, stop: Stop) -> Outcome {
        let plan = match stop {
            Stop::CrashAfter(ticket) => Plan { crash_after: Some(ticket), cancel_at: None },
            Stop::CancelAt(question) if self.is_blocking() => Plan { cancel_at: Some(question), crash_after: None },
            Stop::CancelAt(_) | Stop::Never => Plan::default(),
        };
        let ctx = Ctx::new(plan, TASK_ID, self.follow_ups_before);
        ctx.set_flag(self.flags);
        let begun = now();
        let deadline_ms = self.time_left.map_or(0, |time| begun.saturating_add(whole_ms(time)));
        let context = Value::Object(self.context.clone()).to_string();
        let given = Given { deadline_ms, context, ..self.given.clone() };
        let unix_before = unix_ms_after(Duration::ZERO);
        let mut driver = config::with(self.config, || Driver::new(&self.kind, ctx, &given));
        let awaits = self.drive(&driver, stop);
        let unix_after = unix_ms_after(Duration::ZERO);
        driver.drop_task();
        let released = driver.ctx.wait_for_release(PATIENCE);
        assert!(
            released,
            "`{}` is over, but somebody still holds a handle on the attempt: a waker or a `Context`",
            self.name
        );
        let mut said = driver.ctx.said();
        assert!(said.finished.len() <= 1, "`{}` finished twice", self.name);
        let finished = if driver.ctx.is_closed() { None } else { said.finished.pop() };
        let durable = driver.ctx.durable();
        let points = if self.is_blocking() { said.questions } else { awaits };
        let slept = Duration::from_millis(now() - begun);
        Outcome::new(self, said, finished, durable, points, slept, unix_before..=unix_after)
    }

    /// Polls until the end, or until nobody is patient any more. Answers how often the task has waited.
    fn drive(&self, driver: &Driver, stop: Stop) -> u32 {
        let ctx = &driver.ctx;
        let crash_after = if let Stop::CrashAfter(ticket) = stop { ticket } else { u64::MAX };
        let mut awaits = 0;
        let mut cancelled_at = None;
        while driver.has_task() {
            if driver.poll() != PENDING {
                // What was saved on the way is durable before the end is.
                ctx.end_saves(crash_after);
                if ctx.durable() >= crash_after {
                    ctx.close();
                }
                break;
            }
            awaits += 1;
            if stop == Stop::CancelAt(awaits) {
                ctx.set_flag(F_CANCEL);
                cancelled_at = Some(now());
                continue;
            }
            if ctx.end_saves(crash_after) {
                if ctx.durable() == crash_after {
                    ctx.close();
                    break;
                }
                continue;
            }
            if ctx.wakes.swap(0, SeqCst) > 0 {
                continue;
            }
            match ctx.wake_at() {
                Some(time) if cancelled_at.is_none_or(|at| time <= at + GRACE_MS) => set_now(now().max(time)),
                // The grace is over: the task is dropped where it waits.
                _ if cancelled_at.is_some() => break,
                _ => assert!(
                    ctx.wait_for_wake(PATIENCE),
                    "`{}` waits, and nothing has woken it for {} s: neither time, nor a save, nor anybody's waker",
                    self.name,
                    PATIENCE.as_secs()
                ),
            }
            ctx.wakes.store(0, SeqCst);
        }
        awaits
    }
}
