//! Calls of the port on their way through the writer, each with its answer.
//!
//! A turn does them by reference, and only says what they answer; that is sent once it is committed. So a turn that was rolled
//! back has told nobody anything, and what it did can be done again. Start at [`Command`].

use taskhost_core::ids::{QueueName, TaskId};
use taskhost_core::once::Once;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Rejected, Status};
use taskhost_core::time::UnixMicros;
use tokio::sync::oneshot;

use super::again::Sweeping;
use super::jobs::JobCommand;
use super::retention::Aging;
use crate::store::{
    Action, ActionRefused, AttemptReport, CancelRefused, Inserted, KeyReused, Offer, Reply, StoreError,
};

/// A call of the port.
#[derive(Debug)]
pub(super) enum Command {
    Submit(Vec<NewTask>, Answer<Vec<Status>>),
    SubmitOnce(Vec<NewTask>, Box<Once>, Answer<Result<Vec<Inserted>, KeyReused>>),
    Job(JobCommand),
    Cancel(TaskId, Answer<Result<Status, CancelRefused>>),
    Act(TaskId, Action, Answer<Result<Status, ActionRefused>>),
    Sweep(Box<Sweeping>, Answer<u64>),
    Retain(Box<Aging>, Answer<()>),
    Offer(Offer, Answer<()>),
    Advance(Answer<()>),
    PauseQueue(QueueName, bool, Answer<()>),
    Close(Answer<()>),
}

impl Command {
    /// What is to be said.
    pub(super) fn answer(&mut self) -> &mut dyn Saying {
        match self {
            Self::Submit(_, answer) => answer,
            Self::SubmitOnce(_, _, answer) => answer,
            Self::Job(command) => command.answer(),
            Self::Cancel(_, answer) => answer,
            Self::Act(_, _, answer) => answer,
            Self::Sweep(_, answer) => answer,
            Self::Retain(_, answer)
            | Self::Offer(_, answer)
            | Self::Advance(answer)
            | Self::PauseQueue(_, _, answer)
            | Self::Close(answer) => answer,
        }
    }

    /// The step that it took is committed, and it has others to take.
    pub(super) fn go_on(&mut self) {
        match self {
            Self::Sweep(sweeping, _) => sweeping.go_on(),
            Self::Retain(aging, _) => aging.go_on(),
            Self::Submit(..)
            | Self::SubmitOnce(..)
            | Self::Job(_)
            | Self::Cancel(..)
            | Self::Act(..)
            | Self::Offer(..)
            | Self::Advance(_)
            | Self::PauseQueue(..)
            | Self::Close(_) => {}
        }
    }

    /// What it is about, for an error.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Submit(..) | Self::SubmitOnce(..) => "insert tasks",
            Self::Job(_) => "write a job",
            Self::Cancel(..) => "cancel a task",
            Self::Act(..) => "retry or discard a task",
            Self::Sweep(..) => "go through the dead tasks",
            Self::Retain(..) => "apply how long tasks are kept",
            Self::Offer(..) => "take an offer",
            Self::Advance(_) => "do what is due",
            Self::PauseQueue(..) => "pause or resume a queue",
            Self::Close(_) => "close",
        }
    }
}

/// Reports with the answer to them.
#[derive(Debug)]
pub(super) struct Reports {
    pub(super) of_attempts: Vec<AttemptReport>,
    pub(super) now: UnixMicros,
    pub(super) answer: Answer<Vec<Result<Status, Rejected>>>,
}

/// An answer that is said in a turn, and sent after its commit.
#[derive(Debug)]
pub(super) struct Answer<T> {
    to: Option<oneshot::Sender<Result<T, StoreError>>>,
    said: Option<Result<T, StoreError>>,
}

impl<T> Answer<T> {
    pub(super) fn pending() -> (Self, Reply<T>) {
        let (to, reply) = Reply::pending();
        (Self { to: Some(to), said: None }, reply)
    }

    pub(super) fn say(&mut self, value: T) {
        self.said = Some(Ok(value));
    }

    /// An error is that of this call alone: it has changed nothing.
    pub(super) fn say_or_refuse(&mut self, outcome: Result<T, impl Into<StoreError>>) {
        self.said = Some(outcome.map_err(Into::into));
    }
}

/// An answer of whatever type.
pub(super) trait Saying {
    /// Says that it could not be done.
    fn refuse(&mut self, error: StoreError);
    /// Takes back what was said.
    fn unsay(&mut self);
    /// Sends what was said; answers whether anything was.
    fn send(&mut self) -> bool;
}

impl<T> Saying for Answer<T> {
    fn refuse(&mut self, error: StoreError) {
        self.said = Some(Err(error));
    }

    fn unsay(&mut self) {
        self.said = None;
    }

    fn send(&mut self) -> bool {
        let Some(said) = self.said.take() else { return false };
        if let Some(to) = self.to.take() {
            // Nobody may wait any more: a dropped reply does not undo the call.
            drop(to.send(said));
        }
        true
    }
}
