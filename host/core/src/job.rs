//! What makes tasks, wherever it was declared: in `tasks.toml` or over HTTP.
//!
//! Not here: reading `tasks.toml` (`config`), which adds where things stand in the file. Start at [`Job`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{KindName, QueueName};
use crate::priority::Priority;
use crate::retry::PartialRetry;
use crate::schedule::Schedule;
use crate::submit::Params;

/// A declaration that makes tasks. As JSON it is what is kept of a job that was declared over HTTP.
///
/// ```
/// use taskhost_core::job::Job;
///
/// let kept = r#"{"kind":"files.checksum","params":{"path":"a","at":1.10},"schedule":{"every":"15m"},"priority":"normal"}"#;
/// let job: Job = serde_json::from_str(kept)?;
/// assert_eq!(job.schedule.as_ref().map(ToString::to_string).as_deref(), Some("every 15m"));
/// assert_eq!(serde_json::to_string(&job)?, kept, "params keep their digits");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// What its tasks run.
    pub kind: KindName,
    /// What its tasks get: a JSON object.
    pub params: Params,
    /// When it fires; without a schedule only when somebody asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Where its tasks wait; unset: as the kind says, else `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// Their place in the queue. Default: `normal`.
    #[serde(default)]
    pub priority: Priority,
    /// How long one attempt may take; unset: as the kind says.
    #[serde(default, with = "crate::duration::optional", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// What it says about retries.
    #[serde(default, skip_serializing_if = "PartialRetry::is_empty")]
    pub retry: PartialRetry,
    /// A task that has not started this long after it was made is cancelled.
    #[serde(default, with = "crate::duration::optional", skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Duration>,
    /// Free words to find its tasks by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}
