//! What waits for the writer's next turn.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use taskhost_core::ids::{QueueName, TaskId};
use taskhost_core::once::Once;
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Rejected, Status};
use taskhost_core::time::UnixMicros;
use tokio::sync::oneshot;

use super::again::Sweeping;
use super::jobs::JobCommand;
use super::retention::Aging;
use super::{again, retention};
use crate::store::{Action, ActionRefused, AttemptReport, CancelRefused, Inserted, KeyReused, Offer, StoreError};

pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A call of the port, on its way to the writer.
#[derive(Debug)]
pub(super) enum Command {
    Submit(Vec<NewTask>, Answer<Vec<Status>>),
    SubmitOnce(Vec<NewTask>, Box<Once>, Answer<Result<Vec<Inserted>, KeyReused>>),
    Job(JobCommand),
    Cancel(TaskId, Answer<Result<Status, CancelRefused>>),
    Act(TaskId, Action, Answer<Result<Status, ActionRefused>>),
    Sweep(Box<Sweeping>, Answer<u64>),
    Retain(Box<Retentions>, Answer<()>),
    Age(Box<Aging>, Answer<()>),
    Offer(Offer, Answer<()>),
    Advance(Answer<()>),
    PauseQueue(QueueName, bool, Answer<()>),
    Close(Answer<()>),
}

/// Reports with the answer to them.
#[derive(Debug)]
pub(super) struct Reports {
    pub(super) of_attempts: Vec<AttemptReport>,
    pub(super) now: UnixMicros,
    pub(super) answer: Answer<Vec<Result<Status, Rejected>>>,
}

/// Everything for one turn.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Ends come first: they free the slots that the rest may fill.
    pub(super) reports: Vec<Reports>,
    pub(super) commands: VecDeque<(Command, UnixMicros)>,
}

/// A turn takes new tasks up to about this many; the rest waits for the next, so that a commit stays short.
const ROWS_A_TURN: usize = 512;

/// The way to the writer. Whoever puts something in wakes it; nobody polls.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    work: Work,
    closed: bool,
}

impl Inbox {
    /// Puts a command in; after the writer's end it is dropped, which answers it.
    pub(super) fn put(&self, command: Command, now: UnixMicros) {
        self.with(|work| work.commands.push_back((command, now)));
    }

    /// Puts reports in.
    pub(super) fn put_reports(&self, reports: Reports) {
        self.with(|work| work.reports.push(reports));
    }

    fn with(&self, add: impl FnOnce(&mut Work)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.closed {
            add(&mut waiting.work);
            drop(waiting);
            self.filled.notify_one();
        }
    }

    /// Waits for work and takes it.
    pub(super) fn take(&self) -> Work {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.work.reports.is_empty() && waiting.work.commands.is_empty() {
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let commands = within_a_turn(&mut waiting.work.commands);
        Work { reports: std::mem::take(&mut waiting.work.reports), commands }
    }

    /// Takes nothing more; what still waits is dropped, and so answered with [`StoreError::Closed`].
    pub(super) fn close(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.closed = true;
        waiting.work = Work::default();
    }
}

fn within_a_turn(commands: &mut VecDeque<(Command, UnixMicros)>) -> VecDeque<(Command, UnixMicros)> {
    let mut rows = 0;
    let fits = commands.iter().take_while(|(command, _)| {
        let before = rows;
        rows += match command {
            Command::Submit(tasks, _) | Command::SubmitOnce(tasks, ..) => tasks.len(),
            Command::Sweep(..) => again::ROWS_A_STEP,
            Command::Retain(..) | Command::Age(..) => retention::ROWS_A_STEP,
            _one => 1,
        };
        before < ROWS_A_TURN
    });
    let count = fits.count();
    if count == commands.len() {
        return std::mem::take(commands);
    }
    commands.drain(..count).collect()
}
