//! What the port says about attempts: what starts them, and what they report.

use std::time::Duration;

use taskhost_core::ids::{JobName, KindName, LeaseId, QueueName, TaskId};
use taskhost_core::log::LogChunk;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::Progress;

/// What the host has to do, in this order.
#[derive(Debug)]
pub enum Assignment {
    /// Run this: the claim is durable.
    Start(Box<Claimed>),
    /// Tell the attempt under this lease to stop.
    Cancel(TaskId, LeaseId),
}

/// A task that was claimed for this host.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The task.
    pub id: TaskId,
    /// The lease under which it runs.
    pub lease: LeaseId,
    /// What runs.
    pub kind: KindName,
    /// Its queue.
    pub queue: QueueName,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How many it may have in all.
    pub attempts_max: u32,
    /// JSON.
    pub params: Vec<u8>,
    /// Whether the params hold references to secrets.
    pub refers: bool,
    /// The last checkpoint as JSON; empty if there is none.
    pub state: Vec<u8>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// The job that made it.
    pub job: Option<JobName>,
    /// The nominal time that fired it.
    pub nominal_at: Option<UnixMicros>,
    /// How many follow-ups its attempts have made so far.
    pub follow_ups: u32,
}

/// What an attempt reports, made ready for the store.
#[derive(Debug, Clone)]
pub struct AttemptReport {
    /// The task.
    pub task: TaskId,
    /// The lease under which the attempt ran.
    pub lease: LeaseId,
    /// What it says.
    pub change: Change,
    /// What it has logged since the report before; kept with the change, and only then.
    pub log: Vec<LogChunk>,
}

/// What changes by a report.
#[derive(Debug, Clone)]
pub enum Change {
    /// A checkpoint to keep.
    Checkpoint {
        /// JSON.
        state: Vec<u8>,
        /// Tasks to insert in the commit that keeps it, and only then.
        follow_ups: Vec<NewTask>,
    },
    /// The attempt is over.
    Ended(Box<Ending>),
    /// Nothing: it has only logged.
    Logged,
}

/// The end of an attempt.
#[derive(Debug, Clone)]
pub struct Ending {
    /// How it ended.
    pub end: End,
    /// The result as JSON, if it is done.
    pub result: Option<Vec<u8>>,
    /// The state as JSON from which a suspended task goes on.
    pub state: Option<Vec<u8>>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The progress that it reported last.
    pub progress: Option<Progress>,
    /// Tasks to insert in the commit that makes the task completed or suspended, and only then.
    pub follow_ups: Vec<NewTask>,
}

/// Why an attempt failed; the store adds which attempt, when and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which generation of the plugin ran it.
    pub generation: u32,
    /// A short word for programs.
    pub code: String,
    /// What people read.
    pub message: String,
}

/// What is kept of the log of a task: at least the latest [`LINES_KEPT`](taskhost_core::log::LINES_KEPT) lines or
/// [`BYTES_KEPT`](taskhost_core::log::BYTES_KEPT) bytes, at most one piece more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLog {
    /// Where the task stood at that moment.
    pub status: Status,
    /// The number of the oldest line that is kept: lines are counted from 1, also those that are kept no longer.
    pub first: u64,
    /// Its last line; none if there is none.
    pub end: Option<LogEnd>,
    /// The pieces with the lines that were asked for, oldest first.
    pub pieces: Vec<LogPiece>,
}

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnd {
    /// The number of the last line.
    pub n: u64,
    /// Whose it is.
    pub lease: LeaseId,
    /// How many lines this lease has had.
    pub places: u64,
}

/// Lines one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// The number of the first of them.
    pub n: u64,
    /// The lines.
    pub chunk: LogChunk,
}
