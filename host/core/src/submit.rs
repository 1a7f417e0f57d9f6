//! What a new task is made of.
//!
//! Not here: checking params against a kind's schema (the host does, it has the plugins) and the states ([`crate::task`]).

use std::time::Duration;

use crate::ids::{JobName, KindName, QueueName, TaskId};
use crate::priority::Priority;
use crate::retry::RetryPolicy;
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
