//! The handle that every face uses: submit, read, wait, cancel, look.
//!
//! It owns no loop and no state of its own. Not here: building it (`boot`), HTTP and the command line (the faces),
//! what happens to tasks by itself (`services`). Start at [`Host::submit`].

mod config;
mod events;
mod hosts;
mod jobs;
mod logs;
mod metrics;
mod once;
mod orders;
mod queues;
mod tasks;
mod why;

use std::sync::Arc;
use std::time::Duration;

use taskhost_core::config::Config;
use taskhost_core::ids::{JobName, KindName, TaskId};
use taskhost_core::task::{Status, Task};
use taskhost_core::view::{Progress, TaskView};
use tokio::sync::watch;

pub use self::config::{ConfigChange, ConfigError, Generation, Refused, Standing};
pub use self::events::{EventFeed, EventFilter, Happened, NextEvent, TaskEvent};
pub use self::hosts::{HostReport, host_name};
pub use self::jobs::{JobError, JobPage, JobReport};
pub use self::logs::{LogPage, LogRequest, NumberedLine};
use self::once::KeysInFlight;
pub use self::once::{Begun, Flight, OnceError};
pub use self::orders::{Order, Prepared, What};
pub use self::queues::{QueueError, QueueReport};
pub use self::tasks::{ActionRefused, ListedTask, TaskPage};
pub use self::why::Why;
use crate::applied::Applied;
use crate::chance::Chance;
use crate::clock::{Clock, sleep};
pub use crate::events::EventId;
use crate::events::Events;
pub use crate::live::JobOrigin;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::plugins::{Executor, Kinds};
pub use crate::plugins::{Kind, ParamError, PluginView};
use crate::store::Store;
pub use crate::store::{CancelRefused, StoreError};
use crate::submit::Intake;

/// A running daemon, as its faces see it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Host(Arc<Parts>, KeysInFlight);

/// What a host is made of.
#[derive(Debug)]
pub struct Parts {
    /// What is declared: queues, jobs, the rest of `tasks.toml`.
    pub live: Arc<Live>,
    /// Which `tasks.toml` is applied.
    pub applied: Arc<Applied>,
    /// Where tasks are kept.
    pub store: Arc<dyn Store>,
    /// What the plugins provide.
    pub kinds: Arc<dyn Kinds>,
    /// What runs now.
    pub executor: Arc<dyn Executor>,
    /// What happens now.
    pub events: Events,
    /// What has happened, counted.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub chance: Arc<Chance>,
    /// Whether the daemon takes part.
    pub phase: watch::Receiver<Phase>,
}

/// Where the daemon stands between its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Plugins are scanned, what crashed is reclaimed, work is taken.
    Ready,
    /// No new work is taken; what runs is waited for.
    Draining,
}

/// An accepted task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub task: TaskId,
    /// Its status at the insertion.
    pub status: Status,
}

/// A task with what only this host knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskReport {
    /// What the store keeps, without secret params.
    pub view: TaskView,
    /// The latest progress: of the running attempt, or the last of the one before.
    pub progress: Option<Progress>,
    /// What the progress counts; empty if the kind does not say.
    pub unit: String,
    /// Why it stands where it stands, if the status alone does not say.
    pub reason: Option<String>,
}

impl Host {
    /// Makes the handle of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts), KeysInFlight::default())
    }

    fn intake<'a>(&'a self, config: &'a Config) -> Intake<'a> {
        let parts = &*self.0;
        Intake { config, kinds: &*parts.kinds, chance: &parts.chance, now: parts.clock.now() }
    }

    /// Reads a task; none if no such task is kept (for how long they are: `retention` in `tasks.toml`).
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub async fn task(&self, task: TaskId) -> Result<Option<TaskReport>, StoreError> {
        let store = Arc::clone(&self.0.store);
        let read = tokio::task::spawn_blocking(move || store.task(task)).await;
        // The join fails only while the runtime ends.
        let view = read.unwrap_or(Err(StoreError::Closed))?;
        Ok(view.map(|view| self.report(view)))
    }

    /// Reads a task once it has ended, or after `limit` as it is then.
    /// # Errors
    /// As for [`Host::task`].
    /// # Cancel safety
    /// Only reads.
    pub async fn wait(&self, task: TaskId, limit: Duration) -> Result<Option<TaskReport>, StoreError> {
        let mut listener = self.0.events.listen();
        let deadline = sleep(limit);
        tokio::pin!(deadline);
        loop {
            let found = self.task(task).await?;
            if found.as_ref().is_none_or(|report| report.view.task.status().is_ended()) {
                return Ok(found);
            }
            let concerns = async {
                // Missed events may have been about this task: look again.
                while let Some(batch) = listener.next().await {
                    let ended = |status: Option<Status>| status.is_none_or(Status::is_ended);
                    if batch.changes().iter().any(|change| change.task == task && ended(change.status())) {
                        return;
                    }
                }
            };
            tokio::select! {
                () = concerns => {}
                () = &mut deadline => return self.task(task).await,
            }
        }
    }

    /// Asks a task to stop and returns without waiting for it: the status that it has now.
    ///
    /// A waiting task is cancelled at once. A running one is told, and has `cancel_grace` (2 s unless `[host]` says otherwise).
    /// # Errors
    /// [`StoreError`] if the store has failed; within, [`CancelRefused`] if there is no such task or if it has ended.
    /// # Cancel safety
    /// Dropping the future leaves the task either untouched or cancelled, never half.
    pub async fn cancel(&self, task: TaskId) -> Result<Result<Status, CancelRefused>, StoreError> {
        self.0.store.cancel(task, self.0.clock.now()).await
    }

    /// Every plugin, also those refused.
    pub fn plugins(&self) -> Vec<PluginView> {
        self.0.kinds.plugins()
    }

    /// Every kind that a plugin provides.
    pub fn kinds(&self) -> Vec<Arc<Kind>> {
        self.0.kinds.all()
    }

    /// The kind of this name.
    pub fn kind(&self, name: &KindName) -> Option<Arc<Kind>> {
        self.0.kinds.find(name)
    }

    /// What the tasks of a job run; none if there is no such job.
    pub fn kind_of_job(&self, job: &JobName) -> Option<KindName> {
        self.0.live.job(job).map(|declared| declared.job.kind.clone())
    }

    /// Where the daemon stands.
    pub fn phase(&self) -> Phase {
        *self.0.phase.borrow()
    }

    /// Why the store has failed, if it has.
    pub fn store_failure(&self) -> Option<Arc<StoreError>> {
        self.0.store.failure().borrow().clone()
    }

    /// Why the store takes nothing new at the moment, if it does not; it is tried again each second.
    pub fn store_refusing(&self) -> Option<Arc<StoreError>> {
        self.0.store.refusing().borrow().clone()
    }

    /// The time by the host's clock.
    pub fn now(&self) -> taskhost_core::time::UnixMicros {
        self.0.clock.now()
    }

    fn report(&self, mut view: TaskView) -> TaskReport {
        let kind = self.0.kinds.find(&view.submitted.kind);
        let params = std::mem::take(&mut view.submitted.params);
        view.submitted.params = kind.as_ref().map_or_else(without_kind, |kind| kind.shown_params(params));
        let running = view.task.status() == Status::Running;
        let live = if running { self.0.executor.progress(view.id()) } else { None };
        TaskReport {
            progress: live.or_else(|| view.progress.clone()),
            unit: kind.as_ref().map(|kind| kind.unit.clone()).unwrap_or_default(),
            reason: self.reason(view.id(), &view.task, &view.submitted.kind, kind.as_deref()),
            view,
        }
    }

    fn reason(&self, id: TaskId, task: &Task, name: &KindName, kind: Option<&Kind>) -> Option<String> {
        match (task.status(), kind) {
            (Status::Queued, None) => Some(format!("held: no plugin provides the kind `{name}`")),
            (Status::Queued, Some(Kind { held: Some(held), .. })) => Some(format!("held: {held}")),
            (Status::Running, _) if self.0.executor.is_stuck(id) => Some("not responding".to_owned()),
            (_, _) => task.state.reason().map(str::to_owned),
        }
    }
}

/// What is shown of params while nobody can say which of them are secret.
fn without_kind() -> Vec<u8> {
    b"\"[hidden: no plugin provides the kind]\"".to_vec()
}
