//! What an author implements: one type a kind.
//!
//! Not here: how kinds become tables (`shim`, `export`), the JSON that describes them (`meta`). Start at [`Task`].

use std::future::Future;
use std::time::Duration;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::{BlockingContext, Context};
use crate::meta;
use crate::outcome::TaskResult;

// The two traits that follow have no supertraits of serde and schemars on purpose: those would be complained about one by one,
// instead of the one message that says what to write.

/// What a task can be given: anything that is read from JSON and has a schema.
///
/// [`params`](macro@crate::params) makes it of a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the params of a task",
    label = "no params",
    note = "put `#[params]` above `{Self}`, so that it is read from JSON and described by a schema"
)]
pub trait TaskParams: Sized + Send + 'static {
    /// Reads them.
    ///
    /// # Errors
    /// That of serde, if the JSON is none of these params.
    fn from_json(json: &[u8]) -> serde_json::Result<Self>;

    /// The JSON Schema of what is read.
    fn params_schema() -> Schema;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + Send + 'static> TaskParams for T {
    fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    fn params_schema() -> Schema {
        meta::schema_of_input::<T>()
    }
}

/// What a task can give back: anything that is written as JSON and has a schema.
///
/// [`output`](macro@crate::output) makes it of a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a task",
    label = "no result",
    note = "put `#[output]` above `{Self}`, so that it is written as JSON and described by a schema"
)]
pub trait TaskOutput: Send + 'static {
    /// Writes it.
    ///
    /// # Errors
    /// That of serde, if a part of it has no JSON.
    fn to_json(&self) -> serde_json::Result<Vec<u8>>;

    /// The JSON Schema of what is written.
    fn result_schema() -> Schema;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema + Send + 'static> TaskOutput for T {
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    fn result_schema() -> Schema {
        meta::schema_of_output::<T>()
    }
}

/// The params of a kind that has none: an empty object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// A kind that waits without a thread. Its future must not block; work that does is a [`BlockingTask`].
///
/// A cancel that is not heeded ends by dropping the future where it awaits.
pub trait Task: 'static {
    /// The kind's name: `thing.verb`.
    const NAME: &'static str;
    /// A short name for people; empty = none.
    const TITLE: &'static str = "";
    /// What the kind does, in a sentence; empty = the doc comment of [`Params`](Self::Params).
    const DESCRIPTION: &'static str = "";
    /// What holds where neither the call nor the job says otherwise.
    const DEFAULTS: Defaults = Defaults::new();
    /// What a task is given. Its JSON Schema is checked before the task is accepted.
    type Params: TaskParams;
    /// What a task gives back.
    type Output: TaskOutput;

    /// One attempt. Implementations may write `async fn run`.
    ///
    /// # Errors
    /// What [`TaskError`](crate::TaskError) can say; a panic is a failure that is worth another attempt.
    fn run(params: Self::Params, cx: Context) -> impl Future<Output = TaskResult<Self::Output>> + Send;
}

/// A kind that may block: it runs on a thread of its own for as long as it takes.
///
/// A cancel reaches it through [`is_cancelled`](crate::Attempt::is_cancelled) and
/// [`checkpoint`](BlockingContext::checkpoint) alone; nothing can end it from outside, except in a process of its own.
pub trait BlockingTask: 'static {
    /// As [`Task::NAME`].
    const NAME: &'static str;
    /// As [`Task::TITLE`].
    const TITLE: &'static str = "";
    /// As [`Task::DESCRIPTION`].
    const DESCRIPTION: &'static str = "";
    /// As [`Task::DEFAULTS`].
    const DEFAULTS: Defaults = Defaults::new();
    /// As [`Task::Params`].
    type Params: TaskParams;
    /// As [`Task::Output`].
    type Output: TaskOutput;

    /// One attempt.
    ///
    /// # Errors
    /// As [`Task::run`].
    fn run(params: Self::Params, cx: BlockingContext) -> TaskResult<Self::Output>;
}

/// How the wait between attempts grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backoff {
    /// Always the initial wait.
    Fixed,
    /// The initial wait times the attempt.
    Linear,
    /// Doubles from the initial wait.
    Exponential,
}

/// What a kind wants where nobody else says. What is not set is the host's default.
///
/// ```
/// # use plugin_api::prelude::*;
/// const DEFAULTS: Defaults =
///     Defaults::new().attempts(3).backoff(Backoff::Fixed).initial(Duration::from_secs(10)).unit("bytes");
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Defaults {
    pub(crate) attempts: Option<u32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) initial: Option<Duration>,
    pub(crate) max: Option<Duration>,
    pub(crate) jitter: Option<f64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) queue: Option<&'static str>,
    pub(crate) unit: Option<&'static str>,
    pub(crate) state_version: Option<u32>,
    pub(crate) privileged: bool,
    pub(crate) isolate: bool,
    pub(crate) errors_are_fatal: bool,
}

impl Defaults {
    /// Nothing set.
    pub const fn new() -> Self {
        Self {
            attempts: None,
            backoff: None,
            initial: None,
            max: None,
            jitter: None,
            timeout: None,
            queue: None,
            unit: None,
            state_version: None,
            privileged: false,
            isolate: false,
            errors_are_fatal: false,
        }
    }

    /// How many attempts a task has in all, from 1.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// How the wait between attempts grows.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// The first wait between attempts; whole milliseconds.
    pub const fn initial(mut self, initial: Duration) -> Self {
        self.initial = Some(initial);
        self
    }

    /// The longest wait between attempts; whole milliseconds.
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = Some(max);
        self
    }

    /// By what part a wait is spread at random: 0.0 to 1.0.
    pub const fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// How long one attempt may take; whole milliseconds.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Where tasks of this kind wait. The queue must be declared in `tasks.toml`.
    pub const fn queue(mut self, queue: &'static str) -> Self {
        self.queue = Some(queue);
        self
    }

    /// What [`Progress`](crate::Progress) counts, in the plural: `bytes`, `files`.
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// The version of the state that is saved, 0 if it is not said. An attempt of a kind with another one
    /// [starts anew](crate::Attempt::resume_from).
    pub const fn state_version(mut self, version: u32) -> Self {
        self.state_version = Some(version);
        self
    }

    /// The kind runs programs, or can do more than its submitter may: it is not for everybody who reaches the host's port.
    pub const fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    /// The kind may take its process down: it runs only in a process of its own.
    pub const fn isolate(mut self) -> Self {
        self.isolate = true;
        self
    }

    /// An error that comes by `?` is one that another attempt cannot mend. [`TaskError::retry`](crate::TaskError::retry) still
    /// asks for one.
    pub const fn errors_are_fatal(mut self) -> Self {
        self.errors_are_fatal = true;
        self
    }
}
