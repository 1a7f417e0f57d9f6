//! What a new task is made of.
//!
//! Not here: checking params against a kind's schema (the host does, it has the plugins) and the states ([`crate::task`]).

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ids::{JobName, KindName, QueueName, TaskId};
use crate::priority::Priority;
use crate::retry::RetryPolicy;
use crate::secret;
use crate::time::UnixMicros;

/// The largest params of a task, in bytes of JSON.
pub const PARAMS_MAX: usize = 1 << 20;
/// The largest result of a task, in bytes of JSON; a larger one is a fatal failure.
pub const RESULT_MAX: usize = 1 << 20;
/// The largest checkpoint of a task, in bytes of JSON.
pub const STATE_MAX: usize = 1 << 20;

/// A task to be inserted, every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Its id, made by whoever submits, so that a lost answer can be asked for again.
    pub id: TaskId,
    /// What runs.
    pub kind: KindName,
    /// Where it waits.
    pub queue: QueueName,
    /// Its place in the queue.
    pub priority: Priority,
    /// JSON; at most [`PARAMS_MAX`] bytes.
    pub params: Vec<u8>,
    /// Whether the params hold references to secrets, which each attempt resolves ([`crate::secret`]).
    pub refers: bool,
    /// Not before this time.
    pub run_at: Option<UnixMicros>,
    /// If it has not started by then, it is cancelled.
    pub expires_at: Option<UnixMicros>,
    /// How long one attempt may take; none means no limit.
    pub timeout: Option<Duration>,
    /// Attempts and the waits between them.
    pub retry: RetryPolicy,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// The job that made it, and for which nominal time.
    pub origin: Option<Origin>,
}

/// The job that made a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its name.
    pub job: JobName,
    /// The nominal time of the schedule, if a schedule fired it.
    pub nominal_at: Option<UnixMicros>,
}

/// Params: the value that is checked, and the JSON that is kept as it was written. A number has more digits in a text than
/// in a value, and a kind may want them all.
///
/// As JSON they are literal: only what [`Params::of_file`] made may hold references to secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    value: Value,
    json: String,
    refers: bool,
}

impl Params {
    /// Reads a JSON document.
    /// # Errors
    /// What is wrong with it, with line and column.
    pub fn read(json: &[u8]) -> serde_json::Result<Self> {
        let raw: Box<RawValue> = serde_json::from_slice(json)?;
        Ok(Self { value: serde_json::from_str(raw.get())?, json: raw.get().to_owned(), refers: false })
    }

    /// A value that was read already, and the text that it was read from.
    pub fn written(value: Value, json: &str) -> Self {
        Self { value, json: json.to_owned(), refers: false }
    }

    /// Those of a job of `tasks.toml`, where references to secrets count.
    pub fn of_file(value: Value) -> Self {
        Self { refers: secret::refers(&value), ..value.into() }
    }

    /// Whether they hold references to secrets ([`crate::secret`]).
    pub fn refers(&self) -> bool {
        self.refers
    }

    /// The value, to check and to look at.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The text, to keep and to hand on.
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl From<Value> for Params {
    fn from(value: Value) -> Self {
        Self { json: value.to_string(), value, refers: false }
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.json).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::read(raw.get().as_bytes()).map_err(serde::de::Error::custom)
    }
}
