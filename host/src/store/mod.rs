//! Where tasks are kept: the port that services and `Host` see.
//!
//! Not here: which state follows which (`taskhost_core::task::step`; every adapter asks it), SQL (the adapters).
//! The time is always an argument. Start at [`Store`].

mod error;
mod jobs;
mod once;
mod queues;
pub mod sqlite;
#[cfg(test)]
mod suite;

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use taskhost_core::ids::{JobName, KindName, LeaseId, QueueName, TaskId};
use taskhost_core::log::LogChunk;
use taskhost_core::once::Once;
use taskhost_core::query::{TaskFilter, TaskQuery};
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Rejected, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{Page, Progress, TaskView};
use tokio::sync::{oneshot, watch};

pub use self::error::StoreError;
pub use self::jobs::{Firing, JobCursor, JobSighting, Kept, KeptJob, Rest};
pub use self::once::{Inserted, KeyReused};
pub use self::queues::QueueState;

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

    /// Pauses a job, or resumes it; what came meanwhile is not made up for.
    fn pause_job(&self, job: JobName, paused: bool, now: UnixMicros) -> Reply<()>;

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

    /// When [`Store::advance`] has something to do next.
    fn next_due(&self) -> watch::Receiver<Option<UnixMicros>>;

    /// The queues that were ever offered, paused, or that tasks were ever put into, by name. Answered from memory.
    fn queues(&self) -> Vec<QueueState>;

    /// Since when the oldest queued task of each queue waits that has any. Blocks on the disk.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    fn oldest_queued(&self) -> Result<Vec<(QueueName, UnixMicros)>, StoreError>;

    /// Pauses a queue, or resumes it. Of a paused queue nothing starts; what runs goes on. The pause is kept.
    fn pause_queue(&self, queue: QueueName, paused: bool, now: UnixMicros) -> Reply<()>;

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

/// Why a task is not cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefused {
    /// There is none of this id.
    #[error("there is no such task")]
    Unknown,
    /// It has ended.
    #[error("the task has ended")]
    Rejected(#[from] Rejected),
}

/// What is done with a task that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is queued again, with one more attempt allowed.
    Retry,
    /// It is deleted; only a dead one can be.
    Discard,
}

/// What is done with many dead tasks.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// What is done.
    pub action: Action,
    /// With which of them; an empty filter finds all.
    pub filter: TaskFilter,
    /// The kinds whose params may be searched for a text: see [`Store::list`].
    pub kinds: Vec<KindName>,
}

/// Why a task is neither queued again nor discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActionRefused {
    /// There is none of this id.
    #[error("there is no such task")]
    Unknown,
    /// It is in a status that does not allow it.
    #[error(transparent)]
    Rejected(#[from] Rejected),
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
