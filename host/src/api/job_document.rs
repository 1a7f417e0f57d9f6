//! The document of a job.

use serde::Serialize;
use serde_json::value::RawValue;
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::priority::Priority;
use taskhost_core::retry::PartialRetry;
use taskhost_core::schedule::Schedule;
use taskhost_core::time::UnixMicros;
use utoipa::ToSchema;

use super::document::raw;
use super::schema;
use super::submit::Retry;
use crate::host::{JobOrigin, JobReport};

/// Everything about a job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(super) struct JobDocument {
    /// Its name.
    #[schema(value_type = schema::Name)]
    job_id: JobName,
    /// Where it is declared.
    origin: Origin,
    /// The line of tasks.toml, for a job that is declared there.
    line: Option<usize>,
    /// What its tasks run.
    #[schema(value_type = schema::Name)]
    kind: KindName,
    /// What they work on, secrets hidden.
    #[schema(value_type = schema::AnyJson)]
    params: Option<Box<RawValue>>,
    /// When it fires; null: only when somebody triggers it.
    #[schema(value_type = Option<ScheduleShape>)]
    schedule: Option<Schedule>,
    /// Where its tasks wait; null: as the kind says, else `default`.
    #[schema(value_type = Option<schema::Name>)]
    queue: Option<QueueName>,
    #[schema(value_type = schema::PriorityLevel)]
    priority: Priority,
    /// How long one attempt may take; null: as the kind says.
    #[schema(value_type = Option<schema::Duration>)]
    timeout: Option<DurationText>,
    /// What it says about retries.
    #[schema(value_type = Retry)]
    retry: PartialRetry,
    /// A task that has not started this long after it was made is cancelled.
    #[schema(value_type = Option<schema::Duration>)]
    expires_in: Option<DurationText>,
    /// Words to find its tasks by.
    tags: Vec<String>,
    /// Since when it does not fire, if somebody paused it.
    #[schema(value_type = Option<schema::Time>)]
    paused_since: Option<UnixMicros>,
    /// When it fires next.
    #[schema(value_type = Option<schema::Time>)]
    next_at: Option<UnixMicros>,
    /// Why it cannot fire, if it cannot.
    held: Option<String>,
    /// When it was declared over HTTP; null for a job of tasks.toml.
    #[schema(value_type = Option<schema::Time>)]
    created_at: Option<UnixMicros>,
    /// When it was changed last; null for a job of tasks.toml.
    #[schema(value_type = Option<schema::Time>)]
    updated_at: Option<UnixMicros>,
}

/// Where a job is declared.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Origin {
    /// In tasks.toml.
    File,
    /// Over HTTP.
    Api,
}

/// When a job fires: exactly one of `cron`, `every`, `at` and `delay`.
#[derive(ToSchema)]
#[schema(as = Schedule)]
#[expect(dead_code, reason = "the shape of core's `Schedule` in the API's document")]
pub(super) struct ScheduleShape {
    /// A crontab line of 5 fields, or 6 with the seconds first, or a nickname like `@daily`.
    cron: Option<String>,
    /// The zone of the cron line; that of `[host]` if not said.
    timezone: Option<String>,
    /// Again and again; the first time one interval after the job was declared.
    #[schema(value_type = Option<schema::Duration>)]
    every: (),
    /// Once, then.
    #[schema(value_type = Option<schema::Time>)]
    at: (),
    /// Once, this long after the job was declared.
    #[schema(value_type = Option<schema::Duration>)]
    delay: (),
}

impl From<JobReport> for JobDocument {
    fn from(report: JobReport) -> Self {
        let JobReport { name, live, params, held } = report;
        let job = &live.job;
        let (origin, created_at, updated_at) = match live.origin {
            JobOrigin::File { .. } => (Origin::File, None, None),
            JobOrigin::Api { created_at, updated_at, .. } => (Origin::Api, Some(created_at), Some(updated_at)),
        };
        Self {
            job_id: name,
            origin,
            line: live.origin.line(),
            kind: job.kind.clone(),
            params: raw(params),
            schedule: job.schedule.clone(),
            queue: job.queue.clone(),
            priority: job.priority,
            timeout: job.timeout.map(DurationText::from),
            retry: job.retry,
            expires_in: job.expires_in.map(DurationText::from),
            tags: job.tags.clone(),
            paused_since: live.paused_since,
            next_at: live.next_at(),
            held,
            created_at,
            updated_at,
        }
    }
}
