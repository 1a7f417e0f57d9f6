//! What the port says about jobs.

use std::sync::Arc;

use taskhost_core::ids::JobName;
use taskhost_core::job::Job;
use taskhost_core::submit::NewTask;
use taskhost_core::time::UnixMicros;

/// A nominal time of a job that has come.
#[derive(Debug, Clone)]
pub struct Firing {
    /// The job.
    pub job: JobName,
    /// The schedule that it fires by, as text.
    pub schedule: String,
    /// The job's cursor afterwards: times up to it are never fired again.
    pub cursor: UnixMicros,
    /// The task to insert.
    pub task: NewTask,
}

/// A job as the configuration shows it.
#[derive(Debug, Clone)]
pub struct JobSighting {
    /// Its name.
    pub job: JobName,
    /// Its schedule as text: another text is another schedule.
    pub schedule: String,
}

/// What becomes of jobs that are not among those that are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// They are still declared.
    Stays,
    /// They are not declared any more.
    Gone,
}

/// What a store keeps of jobs beside their cursors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// Those that were declared over HTTP.
    pub jobs: Vec<KeptJob>,
    /// Since when which are paused, wherever they are declared.
    pub pauses: Vec<(JobName, UnixMicros)>,
}

/// A job that was declared over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptJob {
    /// Its name.
    pub name: JobName,
    /// What it declares.
    pub job: Arc<Job>,
    /// Grows with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: UnixMicros,
    /// When it was changed last.
    pub updated_at: UnixMicros,
}

/// How far a job's schedule has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCursor {
    /// The job.
    pub job: JobName,
    /// When this schedule was first seen.
    pub anchor: UnixMicros,
    /// Nominal times up to this one are accounted for.
    pub cursor: UnixMicros,
}
