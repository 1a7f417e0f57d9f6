//! What is known of a task, as the store answers it.
//!
//! Not here: the JSON documents of the API, which are made from these.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{JobName, KindName, QueueName, TaskId};
use crate::priority::Priority;
use crate::query::TaskCursor;
use crate::submit::NewTask;
use crate::task::{Status, Task};
use crate::time::UnixMicros;

/// A stored task with everything around it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    /// As it was submitted.
    pub submitted: NewTask,
    /// Where it stands.
    pub task: Task,
    /// When it was inserted.
    pub created_at: UnixMicros,
    /// When the latest attempt was claimed.
    pub started_at: Option<UnixMicros>,
    /// The hosts that ran attempts of it.
    pub attempted_by: Vec<String>,
    /// JSON; only when completed.
    pub result: Option<Vec<u8>>,
    /// The errors of its attempts, oldest first; at most [`ERRORS_KEPT`].
    pub errors: Vec<AttemptError>,
    /// The progress that the latest ended attempt had reported last.
    pub progress: Option<Progress>,
    /// Why a queued task cannot start although a slot may be free.
    pub held: bool,
}

impl TaskView {
    /// Its id.
    pub fn id(&self) -> TaskId {
        self.submitted.id
    }
}

/// A task among many: what a list shows of it. Params and result are not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSummary {
    /// Its id.
    pub id: TaskId,
    /// What runs.
    pub kind: KindName,
    /// Where it waits.
    pub queue: QueueName,
    /// Its place in the queue.
    pub priority: Priority,
    /// Where it stands.
    pub task: Task,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// The job that made it.
    pub job: Option<JobName>,
    /// When it was inserted.
    pub created_at: UnixMicros,
    /// Not before this time, as it was submitted.
    pub run_at: Option<UnixMicros>,
    /// When the latest attempt was claimed.
    pub started_at: Option<UnixMicros>,
    /// The message of the latest error of its attempts.
    pub error: Option<String>,
    /// The progress that the latest ended attempt had reported last.
    pub progress: Option<Progress>,
    /// Why a queued task cannot start although a slot may be free.
    pub held: bool,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The tasks, the newest first.
    pub tasks: Vec<TaskSummary>,
    /// Where to go on; none if that was all. A page may hold fewer tasks than asked for, or none, and still have one: what
    /// one call looks at is bounded.
    pub next: Option<TaskCursor>,
}

/// How many tasks stand in each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusCounts([u64; Status::ALL.len()]);

impl StatusCounts {
    /// How many stand in this one.
    pub fn get(&self, status: Status) -> u64 {
        self.0[status as usize]
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts so many more.
    pub fn add(&mut self, status: Status, tasks: u64) {
        self.0[status as usize] += tasks;
    }

    /// Counts one less.
    pub fn remove(&mut self, status: Status) {
        let tasks = &mut self.0[status as usize];
        debug_assert!(*tasks > 0, "a {status} task that was never counted");
        *tasks = tasks.saturating_sub(1);
    }
}

/// How many errors of a task are kept: the latest.
pub const ERRORS_KEPT: u32 = 50;

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptError {
    /// Which attempt.
    pub attempt: u32,
    /// When it ended.
    pub at: UnixMicros,
    /// Which host ran it.
    pub host: String,
    /// Which generation of the plugin ran it.
    pub generation: u32,
    /// A short word for programs.
    pub code: String,
    /// What people read.
    pub message: String,
}

/// How far an attempt has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Units done.
    pub current: u64,
    /// Units in all; 0 if unknown.
    pub total: u64,
    /// What it does now; may be empty.
    pub message: String,
    /// From the first report of the attempt to the latest.
    #[serde(rename = "elapsed_us", with = "micros")]
    pub elapsed: Duration,
    /// Units done at the first report: what was done before does not count for the rate.
    pub first: u64,
}

impl Progress {
    /// How much of the whole is done, 0 to 100; none while the total is unknown.
    pub fn percentage(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
        let percentage = |current: u64, total: u64| (current as f64 / total as f64 * 100.0).min(100.0);
        (self.total > 0).then(|| percentage(self.current, self.total))
    }

    /// Units a second since the first report; none before a second report.
    pub fn rate(&self) -> Option<f64> {
        let seconds = self.elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
        let done = self.current.saturating_sub(self.first) as f64;
        (seconds > 0.0).then(|| done / seconds)
    }

    /// Seconds until the total is reached at this rate; none while rate or total are unknown.
    pub fn eta_seconds(&self) -> Option<f64> {
        let rate = self.rate().filter(|rate| *rate > 0.0)?;
        #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 52 bits")]
        let left = self.total.saturating_sub(self.current) as f64;
        (self.total > 0).then(|| left / rate)
    }
}

mod micros {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_counts_only_what_this_attempt_did() {
        let progress =
            Progress { current: 60, total: 100, first: 50, elapsed: Duration::from_secs(5), ..Progress::default() };
        assert_eq!(
            (progress.percentage(), progress.rate(), progress.eta_seconds()),
            (Some(60.0), Some(2.0), Some(20.0))
        );
    }

    #[test]
    fn every_status_is_counted_by_itself() {
        let mut counts = StatusCounts::default();
        for (status, tasks) in Status::ALL.into_iter().zip(1..) {
            counts.add(status, tasks);
        }
        counts.remove(Status::Dead);
        assert_eq!(Status::ALL.map(|status| counts.get(status)), [1, 2, 3, 4, 5, 6, 7, 7]);
        assert_eq!(counts.total(), 35);
    }

    #[test]
    fn without_a_total_there_is_no_estimate() {
        let progress = Progress { current: 60, elapsed: Duration::from_secs(5), ..Progress::default() };
        assert_eq!((progress.percentage(), progress.rate(), progress.eta_seconds()), (None, Some(12.0), None));
    }
}
