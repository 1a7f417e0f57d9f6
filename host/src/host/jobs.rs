//! Jobs: those of `tasks.toml`, to look at and to pause, and those that are declared over HTTP.
//!
//! Whatever changes one is durable before it applies, and goes on to its end even if whoever asked has gone away.
//! Start at [`Host::declare_job`].

use std::fmt;
use std::sync::Arc;

use taskhost_core::ids::JobName;
use taskhost_core::job::Job;
use taskhost_core::schedule::Zone;
use taskhost_core::time::UnixMicros;

use super::{Host, without_kind};
use crate::live::{Edit, JobOrigin, LiveJob};
use crate::store::{JobCursor, KeptJob, StoreError};
use crate::submit::{SubmitError, Wishes};

/// A job as its faces see it.
#[derive(Debug, Clone)]
pub struct JobReport {
    /// Its name.
    pub name: JobName,
    /// What it declares, where, and when it fires next.
    pub live: Arc<LiveJob>,
    /// Its params as JSON, secrets hidden.
    pub params: Vec<u8>,
    /// Why it cannot fire, if it cannot.
    pub held: Option<String>,
}

/// Behind this many bytes of params a page of jobs ends.
const PAGE_BYTES: usize = 4 << 20;

/// A page of jobs.
#[derive(Debug, Default)]
pub struct JobPage {
    /// The jobs, by name.
    pub jobs: Vec<JobReport>,
    /// There are others behind them.
    pub more: bool,
}

/// Why a job is not declared, changed or taken away.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// There is one of this name.
    #[error("there is a job `{name}` already{}", place(*line))]
    Exists {
        /// Its name.
        name: JobName,
        /// The line of `tasks.toml` that declares it, if it does.
        line: Option<usize>,
    },
    /// There is none of this name.
    #[error("there is no job `{name}`")]
    Unknown {
        /// What was asked for.
        name: JobName,
        /// A job of nearly this name.
        similar: Option<String>,
    },
    /// It is declared in the file, which is the place to change it.
    #[error("the job `{name}` is declared in tasks.toml on line {line}")]
    InFile {
        /// Its name.
        name: JobName,
        /// On which line, from 1.
        line: usize,
    },
    /// It is not any more what whoever asked has seen.
    #[error("the job `{name}` was changed in the meantime")]
    Changed {
        /// Its name.
        name: JobName,
    },
    /// Its schedule has no time to come.
    #[error("the schedule of the job `{name}` never fires")]
    NeverFires {
        /// Its name.
        name: JobName,
    },
    /// Its tasks would be refused.
    #[error(transparent)]
    Refused(#[from] SubmitError),
}

fn place(line: Option<usize>) -> impl fmt::Display {
    line.map(|line| format!(", in tasks.toml on line {line}")).unwrap_or_default()
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl JobError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Exists { line: Some(_), .. } => "take another name, or edit the file".to_owned(),
            Self::Exists { line: None, .. } => "take another name, or change or remove that one".to_owned(),
            Self::Unknown { similar: Some(similar), .. } => format!("did you mean `{similar}`?"),
            Self::Unknown { similar: None, .. } => "`taskhost jobs` lists them".to_owned(),
            Self::InFile { .. } => "edit the file; pause, resume and trigger work here".to_owned(),
            Self::Changed { .. } => "look at it again, then decide".to_owned(),
            Self::NeverFires { .. } => "name a time to come; `taskhost cron next` shows the times of a line".to_owned(),
            Self::Refused(error) => error.hint(),
        }
    }
}

impl Host {
    /// Up to `limit` jobs behind `after`, in the order of their names; fewer if their params are large.
    pub async fn jobs(&self, after: Option<JobName>, limit: usize) -> JobPage {
        let host = self.clone();
        // To render the params of many jobs takes a while, and others want to be answered meanwhile.
        let page = tokio::task::spawn_blocking(move || host.job_page(after.as_ref(), limit)).await;
        // The join fails only while the runtime ends.
        page.unwrap_or_default()
    }

    fn job_page(&self, after: Option<&JobName>, limit: usize) -> JobPage {
        // One more than is shown tells whether there is another page.
        let found = self.0.live.jobs(after, limit.saturating_add(1));
        let (count, mut bytes) = (found.len(), 0);
        let mut jobs = Vec::new();
        for (name, live) in found.into_iter().take(limit) {
            if bytes > PAGE_BYTES {
                break;
            }
            let report = self.job_report(name, live);
            bytes += report.params.len();
            jobs.push(report);
        }
        JobPage { more: jobs.len() < count, jobs }
    }

    /// The job of this name.
    /// # Errors
    /// [`JobError::Unknown`].
    pub fn job(&self, name: &JobName) -> Result<JobReport, JobError> {
        self.find_job(name).map(|live| self.job_report(name.clone(), live))
    }

    /// The zone of cron lines that name none.
    pub fn timezone(&self) -> Zone {
        self.0.live.config().host.timezone
    }

    /// A name for a job that brings none.
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub fn fresh_job_name(&self) -> JobName {
        let unique = self.0.chance.task_id(self.now());
        JobName::new(&format!("job-{unique}")).expect("letters, digits and hyphens make a name")
    }

    /// Declares a job under a name that is free.
    /// # Errors
    /// [`JobError`] if the name is taken or its tasks would be refused; nothing is declared then.
    /// # Cancel safety
    /// Dropping the future does not undo it.
    pub async fn declare_job(&self, name: JobName, job: Job) -> Result<JobReport, JobError> {
        let host = self.clone();
        to_the_end(async move {
            let edit = host.0.live.edit().await;
            if let Some(there) = host.0.live.job(&name) {
                return Err(JobError::Exists { name, line: there.origin.line() });
            }
            host.keep_job(&edit, name, job, None).await
        })
        .await
    }

    /// Declares another job in the place of one that was declared over HTTP and is still of this `version`.
    /// # Errors
    /// [`JobError`] if there is none, if it is in the file or of another version, or if its tasks would be refused.
    /// # Cancel safety
    /// Dropping the future does not undo it.
    pub async fn replace_job(&self, name: JobName, version: u64, job: Job) -> Result<JobReport, JobError> {
        let host = self.clone();
        to_the_end(async move {
            let edit = host.0.live.edit().await;
            let before = host.api_job(&name, Some(version))?;
            host.keep_job(&edit, name, job, Some(before)).await
        })
        .await
    }

    /// Takes away a job that was declared over HTTP; with `version` only if it still has that one. Its tasks stay.
    /// # Errors
    /// [`JobError`] if there is none, if it is in the file or of another version.
    /// # Cancel safety
    /// Dropping the future does not undo it.
    pub async fn withdraw_job(&self, name: JobName, version: Option<u64>) -> Result<(), JobError> {
        let host = self.clone();
        to_the_end(async move {
            let edit = host.0.live.edit().await;
            host.api_job(&name, version)?;
            host.0.store.drop_job(name.clone(), host.now()).await?;
            edit.remove(&name);
            Ok(())
        })
        .await
    }

    /// Pauses a job or resumes it, wherever it is declared. What comes while it is paused is not made up for.
    /// # Errors
    /// [`JobError`] if there is none.
    /// # Cancel safety
    /// Dropping the future does not undo it.
    pub async fn pause_job(&self, name: JobName, paused: bool) -> Result<JobReport, JobError> {
        let host = self.clone();
        to_the_end(async move {
            let edit = host.0.live.edit().await;
            let before = host.find_job(&name)?;
            if before.paused_since.is_some() == paused {
                return Ok(host.job_report(name, before));
            }
            let now = host.now();
            let cursor = host.0.store.pause_job(name.clone(), paused, now).await?;
            let next_at = next_at(&before.job, cursor.as_ref());
            let live = edit.pause(&name, paused.then_some(now), next_at).unwrap_or(before);
            Ok(host.job_report(name, live))
        })
        .await
    }

    fn find_job(&self, name: &JobName) -> Result<Arc<LiveJob>, JobError> {
        let live = &self.0.live;
        live.job(name).ok_or_else(|| JobError::Unknown { name: name.clone(), similar: live.closest_job(name) })
    }

    /// The job of this name if it was declared over HTTP, and is of this version if one is named.
    fn api_job(&self, name: &JobName, expected: Option<u64>) -> Result<Arc<LiveJob>, JobError> {
        let live = self.find_job(name)?;
        match live.origin {
            JobOrigin::File { line } => Err(JobError::InFile { name: name.clone(), line }),
            JobOrigin::Api { version, .. } if expected.is_some_and(|expected| expected != version) => {
                Err(JobError::Changed { name: name.clone() })
            }
            JobOrigin::Api { .. } => Ok(live),
        }
    }

    async fn keep_job(
        &self,
        edit: &Edit<'_>,
        name: JobName,
        job: Job,
        before: Option<Arc<LiveJob>>,
    ) -> Result<JobReport, JobError> {
        self.intake(&self.0.live.config()).prepare_job(&name, &job, None, &Wishes::default())?;
        let now = self.now();
        // One that has fired once and for all may still be changed elsewhere.
        let is_new = before.as_ref().is_none_or(|before| before.job.schedule != job.schedule);
        if is_new && job.schedule.as_ref().is_some_and(|schedule| schedule.next_after(now, now).is_none()) {
            return Err(JobError::NeverFires { name });
        }
        let job = Arc::new(job);
        let (created_at, after) = match before.as_ref().map(|before| before.origin) {
            Some(JobOrigin::Api { created_at, version, .. }) => (created_at, version + 1),
            Some(JobOrigin::File { .. }) | None => (now, 0),
        };
        // A name that is taken anew must not come back with a version that somebody has seen before.
        let version = u64::try_from(now.as_micros()).unwrap_or_default().max(after);
        let kept = KeptJob { name: name.clone(), job: Arc::clone(&job), version, created_at, updated_at: now };
        let cursor = self.0.store.keep_job(kept, now).await?;
        let next_at = next_at(&job, cursor.as_ref());
        let live = edit.put(&name, job, JobOrigin::Api { version, created_at, updated_at: now }, next_at);
        Ok(self.job_report(name, live))
    }

    fn job_report(&self, name: JobName, live: Arc<LiveJob>) -> JobReport {
        let job = &live.job;
        let params = job.params.json().as_bytes().to_vec();
        let kind = self.0.kinds.find(&job.kind);
        let held = match kind.as_ref().and_then(|kind| kind.held.clone()) {
            Some(held) => Some(held),
            None => self.refusal(&name, job),
        };
        JobReport { params: kind.map_or_else(without_kind, |kind| kind.shown_params(params)), held, name, live }
    }

    fn refusal(&self, name: &JobName, job: &Job) -> Option<String> {
        let config = self.0.live.config();
        let prepared = self.intake(&config).prepare_job(name, job, None, &Wishes::default());
        prepared.err().map(|error| error.to_string())
    }
}

/// When a job fires next whose schedule has come so far.
fn next_at(job: &Job, cursor: Option<&JobCursor>) -> Option<UnixMicros> {
    let cursor = cursor?;
    job.schedule.as_ref()?.next_after(cursor.anchor, cursor.cursor)
}

/// Runs it in a task of its own: a caller that goes away must not leave the store and the live jobs apart.
async fn to_the_end<T: Send + 'static>(
    edit: impl Future<Output = Result<T, JobError>> + Send + 'static,
) -> Result<T, JobError> {
    // The join fails only while the runtime ends.
    tokio::spawn(edit).await.unwrap_or(Err(StoreError::Closed.into()))
}
