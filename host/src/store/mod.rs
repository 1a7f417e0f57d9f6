//! Where tasks are kept: the port that services and `Host` see.
//!
//! Not here: which state follows which (`taskhost_core::task::step`; every adapter asks it), SQL (the adapters).
//! The time is always an argument. Start at [`Store`].

mod action;
mod error;
mod jobs;
pub mod memory;
mod once;
mod queues;
mod report;
mod rules;
mod sizes;
pub mod sqlite;
#[cfg(test)]
mod suite;

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use taskhost_core::ids::{JobName, KindName, QueueName, TaskId};
use taskhost_core::once::Once;
use taskhost_core::query::TaskQuery;
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Rejected, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{Page, TaskView};
use tokio::sync::{oneshot, watch};

pub use self::action::{Action, ActionRefused, CancelRefused, Sweep};
pub use self::error::StoreError;
pub use self::jobs::{Firing, JobCursor, JobSighting, Kept, KeptJob, Rest};
pub use self::once::{Inserted, KeyReused};
pub use self::queues::QueueState;
pub use self::report::{Assignment, AttemptReport, Change, Claimed, Ending, Failure, LogEnd, LogPiece, StoredLog};
pub use self::sizes::StoreSizes;

/// Keeps tasks and hands them out. Every call that changes something answers after it is durable.
///
/// What a call changes is all or nothing. Assignments go, in the order of their commits, into the channel that the
/// adapter was opened with.
pub trait Store: Send + Sync + Debug {
    /// Inserts tasks, all or none. Answers with the status of each at its insertion, or with [`StoreError::TaskExists`].
    ///
    /// A task that meets a free slot while nothing waits before it starts in the same commit; it is still answered as `queued`.
    fn submit(&self, tasks: Vec<NewTask>, now: UnixMicros) -> Reply<Vec<Status>>;

    /// As [`Store::submit`], once: under a key that is known already nothing is inserted, and the answer is that of the first
    /// time. Key and tasks are kept in one commit, the key for [`KEY_KEPT`](taskhost_core::once::KEY_KEPT).
    fn submit_once(&self, tasks: Vec<NewTask>, once: Once, now: UnixMicros) -> Reply<Result<Vec<Inserted>, KeyReused>>;

    /// What [`Store::submit_once`] has answered under this key, if it has. Blocks on the disk.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    fn submitted_once(
        &self,
        once: &Once,
        now: UnixMicros,
    ) -> Result<Option<Result<Vec<Inserted>, KeyReused>>, StoreError>;

    /// Inserts the task of a nominal time of a job and moves the job's cursor there, unless the cursor has reached it
    /// already, or the job has another schedule by now, is paused, or gone. Answers whether it did.
    fn fire(&self, firing: Firing, now: UnixMicros) -> Reply<bool>;

    /// Remembers jobs at first sight, and where the schedule of one has changed starts it anew; answers where each stands.
    fn adopt(&self, jobs: Vec<JobSighting>, rest: Rest, now: UnixMicros) -> Reply<Vec<JobCursor>>;

    /// Lets go of jobs that are not declared any more. One that comes back with the same schedule goes on in its grid, and
    /// nothing that came meanwhile is made up for.
    fn retire(&self, jobs: Vec<JobName>, now: UnixMicros) -> Reply<()>;

    /// The jobs that were declared over HTTP, and every pause. Blocks on the disk.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    fn kept(&self) -> Result<Kept, StoreError>;

    /// Keeps a job that is declared over HTTP, in the place of the one of its name; answers where its schedule stands.
    fn keep_job(&self, job: KeptJob, now: UnixMicros) -> Reply<Option<JobCursor>>;

    /// Lets go of a job that was declared over HTTP, and of its pause. Its tasks stay.
    fn drop_job(&self, job: JobName, now: UnixMicros) -> Reply<()>;

    /// Pauses a job, or resumes it; what came meanwhile is not made up for. Answers how far its schedule has come, if it
    /// has one.
    fn pause_job(&self, job: JobName, paused: bool, now: UnixMicros) -> Reply<Option<JobCursor>>;

    /// Takes what attempts report. Answers for each, in order, the status that the task has now.
    ///
    /// Follow-ups count for the task when they are kept. One whose id exists already is left as it is: a replay.
    fn report(&self, reports: Vec<AttemptReport>, now: UnixMicros) -> Reply<Vec<Result<Status, Rejected>>>;

    /// Cancels a task that waits, or tells a running one. Answers the status that it has now.
    fn cancel(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, CancelRefused>>;

    /// Queues an ended task again, with one more attempt allowed. Answers the status that it had then: it may have started in
    /// the same commit.
    fn retry(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, ActionRefused>>;

    /// Deletes a dead task with all that is kept of it. Answers its last status.
    fn discard(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, ActionRefused>>;

    /// Does something with every dead task that a filter finds, the oldest first; answers with how many there were.
    ///
    /// Not all or nothing: it goes in steps between which others are served, and every step is durable. Tasks that were
    /// inserted after the call are not met.
    fn sweep_dead(&self, sweep: Sweep, now: UnixMicros) -> Reply<u64>;

    /// Says how long ended tasks are kept, also those that have ended before; it is answered once these are. Not all or
    /// nothing: it goes in steps between which others are served.
    fn retain(&self, retentions: Retentions, now: UnixMicros) -> Reply<()>;

    /// Says what this host can run; holds until the next offer. Tasks of other kinds are held.
    ///
    /// Once it is answered no claim of an earlier offer is still to come.
    fn offer(&self, offer: Offer, now: UnixMicros) -> Reply<()>;

    /// How many tasks this host runs, as of the latest commit.
    fn running(&self) -> watch::Receiver<usize>;

    /// Does what is due: queues tasks whose time has come, cancels expired ones, deletes those kept long enough.
    fn advance(&self, now: UnixMicros) -> Reply<()>;

    /// When [`Store::advance`] has something to do next, or before that: what it waited for may have changed since.
    fn next_due(&self) -> watch::Receiver<Option<UnixMicros>>;

    /// The queues that were ever offered, paused, named by a retention, or that tasks were ever put into, by name. Answered from
    /// memory.
    fn queues(&self) -> Vec<QueueState>;

    /// Since when the oldest queued task of each queue waits that has any. Blocks on the disk.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    fn oldest_queued(&self) -> Result<Vec<(QueueName, UnixMicros)>, StoreError>;

    /// Pauses a queue, or resumes it. Of a paused queue nothing starts; what runs goes on. The pause is kept.
    fn pause_queue(&self, queue: QueueName, paused: bool, now: UnixMicros) -> Reply<()>;

    /// How many bytes its files take; none if it keeps none. Asks the file system, which answers at once.
    fn sizes(&self) -> Option<StoreSizes> {
        None
    }

    /// Reads a task. Blocks on the disk: call it where blocking is allowed.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    fn task(&self, task: TaskId) -> Result<Option<TaskView>, StoreError>;

    /// A page of tasks. `kinds`: those whose params may be searched for a text, which would tell what is hidden in others.
    ///
    /// Blocks on the disk: call it where blocking is allowed. What it looks at is bounded, so it takes milliseconds, and
    /// neither calls that write nor [`Store::task`] wait for it.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    fn list(&self, query: &TaskQuery, kinds: &[KindName]) -> Result<Page, StoreError>;

    /// Reads the lines of a task's log after number `after`, in whole pieces; none if there is no such task. Blocks on the disk.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    fn log(&self, task: TaskId, after: u64) -> Result<Option<StoredLog>, StoreError>;

    /// Becomes `Some` when the store can no longer keep its promises; the daemon must end then.
    fn failure(&self) -> watch::Receiver<Option<Arc<StoreError>>>;

    /// `Some` while there is no room for what is to be written: calls that write are answered with [`StoreError::Full`], and
    /// what attempts report is held and answered once there is room. Calls that read go on.
    fn refusing(&self) -> watch::Receiver<Option<Arc<StoreError>>> {
        watch::channel(None).1
    }

    /// Commits what it was given and lets go of the files. Calls after this are answered with [`StoreError::Closed`].
    fn close(&self) -> Reply<()>;
}

/// What a host can run.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// How many tasks of each queue may run at once; a queue that is not named gets none.
    pub slots: Vec<(QueueName, u32)>,
    /// The kinds that can run.
    pub kinds: Vec<KindName>,
}

/// The answer of a store that is still to come. Dropping it does not undo the call.
#[derive(Debug)]
pub struct Reply<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Reply<T> {
    /// A reply and the end to answer it from; if that is dropped the answer is [`StoreError::Closed`].
    pub fn pending() -> (oneshot::Sender<Result<T, StoreError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }
}

impl<T> Future for Reply<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Err(StoreError::Closed)))
    }
}
