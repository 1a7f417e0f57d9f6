//! What a turn of the writer has to say once it is committed, and where that goes.
//!
//! Not here: saying it (`Writer::tell`). Start at [`Turn`].

use std::sync::Arc;

use taskhost_core::time::UnixMicros;
use tokio::sync::{mpsc, watch};

use super::inbox::{Answer, Command};
use super::queues::Board;
use super::rows::Row;
use crate::events::{Events, TaskChanged};
use crate::store::{Assignment, StoreError};
use crate::tally::{Counted, Tally};

/// Where the results of a commit go.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) assignments: mpsc::UnboundedSender<Vec<Assignment>>,
    pub(super) events: Events,
    pub(super) tally: Tally,
    pub(super) next_due: watch::Sender<Option<UnixMicros>>,
    pub(super) running: watch::Sender<usize>,
    pub(super) failure: watch::Sender<Option<Arc<StoreError>>>,
    pub(super) board: Arc<Board>,
}

/// What one turn has to say once it is committed.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) now: UnixMicros,
    pub(super) assignments: Vec<Assignment>,
    pub(super) claims: Vec<(Row, bool)>,
    pub(super) changes: Vec<TaskChanged>,
    pub(super) counted: Vec<Counted>,
    pub(super) answers: Vec<Box<dyn FnOnce() + Send>>,
    pub(super) landed: Vec<i64>,
    /// What is to go on in a later turn.
    pub(super) again: Vec<(Command, UnixMicros)>,
    pub(super) next_due: NextDue,
    pub(super) closing: bool,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("now", &self.now).field("claims", &self.claims.len()).finish_non_exhaustive()
    }
}

/// What a turn learnt about the next time that something is due.
#[derive(Debug, Default, Clone, Copy)]
pub(super) enum NextDue {
    #[default]
    Same,
    /// At this time or before.
    AtMost(UnixMicros),
    /// Exactly then.
    Is(Option<UnixMicros>),
}

impl Turn {
    pub(super) fn answer<T: Send + 'static>(&mut self, answer: Answer<T>, value: T) {
        self.answer_or_refuse(answer, Ok::<_, StoreError>(value));
    }

    /// An error is that of this call alone: it has changed nothing.
    pub(super) fn answer_or_refuse<T: Send + 'static>(
        &mut self,
        answer: Answer<T>,
        outcome: Result<T, impl Into<StoreError>>,
    ) {
        let outcome = outcome.map_err(Into::into);
        // Nobody may wait any more: a dropped reply does not undo the call.
        self.answers.push(Box::new(move || drop(answer.send(outcome))));
    }

    pub(super) fn due_by(&mut self, time: UnixMicros) {
        self.next_due = match self.next_due {
            NextDue::Same => NextDue::AtMost(time),
            NextDue::AtMost(earlier) => NextDue::AtMost(earlier.min(time)),
            NextDue::Is(earlier) => NextDue::Is(Some(earlier.map_or(time, |earlier| earlier.min(time)))),
        };
    }
}
