//! From what somebody asks for to a task that can be stored: everything is checked here, once, for every face.
//!
//! Not here: HTTP and TOML (the faces and `core::config`), inserting (`store`). Start at [`Intake::prepare`].

use std::time::Duration;

use taskhost_core::config::Config;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::job::Job;
use taskhost_core::priority::Priority;
use taskhost_core::retry::{PartialRetry, RetryPolicy};
pub use taskhost_core::submit::Params;
use taskhost_core::submit::{NewTask, Origin, PARAMS_MAX};
use taskhost_core::suggest::closest;
use taskhost_core::time::UnixMicros;

use crate::chance::Chance;
use crate::plugins::{Kind, Kinds, ParamError};
use crate::store::StoreError;

/// What somebody asks for; what is not said is taken from the job, the kind, or the defaults.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wishes {
    /// Where it waits.
    pub queue: Option<QueueName>,
    /// Its place there.
    pub priority: Option<Priority>,
    /// When it may start at the earliest; at once if not said.
    pub start: Option<Start>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// If it has not started this long after its submission, it is cancelled.
    pub expires_in: Option<Duration>,
    /// What is said about retries.
    pub retry: PartialRetry,
    /// Free words to find it by.
    pub tags: Vec<String>,
}

/// When a task may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// This long after the submission.
    After(Duration),
    /// At this time.
    At(UnixMicros),
}

/// Why a task is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// No plugin provides the kind.
    #[error("no plugin provides the kind `{kind}`")]
    UnknownKind {
        /// What was asked for.
        kind: KindName,
        /// A kind of nearly this name.
        similar: Option<String>,
    },
    /// The queue is not declared.
    #[error("the queue `{queue}` is not declared")]
    UnknownQueue {
        /// What was asked for.
        queue: QueueName,
        /// A queue of nearly this name.
        similar: Option<String>,
    },
    /// There is no such job.
    #[error("there is no job `{job}`")]
    UnknownJob {
        /// What was asked for.
        job: JobName,
        /// A job of nearly this name.
        similar: Option<String>,
    },
    /// The params do not fit the schema of the kind.
    #[error("the params do not fit the kind `{kind}`")]
    Params {
        /// The kind.
        kind: KindName,
        /// Each place that does not fit.
        errors: Vec<ParamError>,
    },
    /// The params are too large.
    #[error("the params are {bytes} bytes of JSON, the limit is {PARAMS_MAX}")]
    ParamsTooLarge {
        /// How large they are.
        bytes: usize,
    },
    /// It would start after the last time that there is.
    #[error("the delay ends after {}", UnixMicros::MAX)]
    TooLate,
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SubmitError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let similar = |similar: &Option<String>, or: &str| match similar {
            Some(similar) => format!("did you mean `{similar}`?"),
            None => or.to_owned(),
        };
        match self {
            Self::UnknownKind { similar: found, .. } => similar(found, "`taskhost plugins` lists what is loaded"),
            Self::UnknownQueue { queue, similar: found } => {
                similar(found, &format!("declare it in tasks.toml: [queues.{queue}]"))
            }
            Self::UnknownJob { similar: found, .. } => similar(found, "jobs are declared in tasks.toml"),
            Self::Params { errors, .. } => errors.first().map_or_else(String::new, |error| {
                let place = if error.pointer.is_empty() { "the params" } else { &error.pointer };
                format!("at {place}: {}", error.message)
            }),
            Self::ParamsTooLarge { .. } => "put the data into a file and pass its path".to_owned(),
            Self::TooLate => "give a shorter one".to_owned(),
            Self::Store(error) => error.hint().to_owned(),
        }
    }
}

/// What a submission is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a> {
    /// The declared queues and jobs.
    pub config: &'a Config,
    /// The kinds that plugins provide.
    pub kinds: &'a dyn Kinds,
    /// Where the id comes from.
    pub chance: &'a Chance,
    /// The time of the submission.
    pub now: UnixMicros,
}

impl Intake<'_> {
    /// Makes a task of a kind, everything checked and every default filled in.
    /// # Errors
    /// [`SubmitError`] for a kind, queue or params that will not do.
    pub fn prepare(&self, kind: &KindName, params: &Params, wishes: &Wishes) -> Result<NewTask, SubmitError> {
        let kind = self.kinds.find(kind).ok_or_else(|| self.unknown_kind(kind))?;
        let queue = self.queue(wishes.queue.as_ref(), &kind)?;
        Ok(NewTask {
            id: self.chance.task_id(self.now),
            params: check_params(&kind, params)?,
            refers: params.refers(),
            queue,
            priority: wishes.priority.unwrap_or_default(),
            run_at: wishes.start.map(|start| self.earliest(start)).transpose()?,
            expires_at: wishes.expires_in.map(|expires_in| self.now.saturating_add(expires_in)),
            timeout: wishes.timeout.or(kind.timeout),
            retry: wishes.retry.over(kind.retry.over(RetryPolicy::default())),
            tags: wishes.tags.clone(),
            origin: None,
            kind: kind.name.clone(),
        })
    }

    /// Makes a task of a job, as the job says; `wishes` win where they say something.
    /// # Errors
    /// [`SubmitError`] as for [`Intake::prepare`].
    pub fn prepare_job(
        &self,
        name: &JobName,
        job: &Job,
        nominal_at: Option<UnixMicros>,
        wishes: &Wishes,
    ) -> Result<NewTask, SubmitError> {
        let task = self.prepare(&job.kind, &job.params, &over_job(wishes, job))?;
        Ok(NewTask { origin: Some(Origin { job: name.clone(), nominal_at }), ..task })
    }

    fn earliest(&self, start: Start) -> Result<UnixMicros, SubmitError> {
        match start {
            Start::After(delay) => self.now.checked_add(delay).ok_or(SubmitError::TooLate),
            Start::At(time) => Ok(time),
        }
    }

    fn unknown_kind(&self, kind: &KindName) -> SubmitError {
        let similar = self.kinds.closest(kind.as_str()).map(String::from);
        SubmitError::UnknownKind { kind: kind.clone(), similar }
    }

    fn queue(&self, asked: Option<&QueueName>, kind: &Kind) -> Result<QueueName, SubmitError> {
        let queues = &self.config.queues;
        match asked {
            Some(queue) if queues.contains_key(queue) => Ok(queue.clone()),
            Some(queue) => {
                let similar = closest(queue.as_str(), queues.keys().map(QueueName::as_str)).map(str::to_owned);
                Err(SubmitError::UnknownQueue { queue: queue.clone(), similar })
            }
            // A kind's wish is a wish: the queue may not be declared here.
            None => Ok(kind.queue.clone().filter(|queue| queues.contains_key(queue)).unwrap_or_default()),
        }
    }
}

fn check_params(kind: &Kind, params: &Params) -> Result<Vec<u8>, SubmitError> {
    // What a secret is, is seen when an attempt starts.
    let errors =
        if params.refers() { kind.check_references(params.value()) } else { kind.check_params(params.value()) };
    if !errors.is_empty() {
        return Err(SubmitError::Params { kind: kind.name.clone(), errors });
    }
    let bytes = params.json().len();
    if bytes > PARAMS_MAX { Err(SubmitError::ParamsTooLarge { bytes }) } else { Ok(params.json().as_bytes().to_vec()) }
}

fn over_job(wishes: &Wishes, job: &Job) -> Wishes {
    Wishes {
        queue: wishes.queue.clone().or_else(|| job.queue.clone()),
        priority: wishes.priority.or(Some(job.priority)),
        start: wishes.start,
        timeout: wishes.timeout.or(job.timeout),
        expires_in: wishes.expires_in.or(job.expires_in),
        retry: wishes.retry.or(job.retry),
        tags: if wishes.tags.is_empty() { job.tags.clone() } else { wishes.tags.clone() },
    }
}
