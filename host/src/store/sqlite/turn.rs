//! What a turn of the writer has to say once it is committed, and where that goes.
//!
//! Not here: saying it (`Writer::tell`). Start at [`Turn`].

use std::sync::Arc;

use taskhost_core::time::UnixMicros;
use tokio::sync::{mpsc, watch};

use super::command::Command;
use super::lines::Range;
use super::queues::Board;
use super::rows::Row;
use super::undo::Undo;
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
    pub(super) refusing: watch::Sender<Option<Arc<StoreError>>>,
    pub(super) board: Arc<Board>,
}

/// What one turn has to say once it is committed.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) now: UnixMicros,
    pub(super) assignments: Vec<Assignment>,
    pub(super) claims: Vec<(Row, bool)>,
    pub(super) changes: Vec<TaskChanged>,
    pub(super) counted: Vec<Counted>,
    pub(super) landed: Vec<i64>,
    /// What is queued now, and not yet in the table `ready`.
    pub(super) entering: Vec<Range>,
    /// What has ended, with the time until which it is kept, and is not yet in the table `ended`.
    pub(super) ended: Vec<(i64, i64)>,
    /// What is to go on in a later turn.
    pub(super) again: Vec<(Command, UnixMicros)>,
    pub(super) next_due: NextDue,
    pub(super) closing: bool,
    /// It has written something only to find out whether there is room.
    pub(super) probed: bool,
    pub(super) undo: Undo,
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
    pub(super) fn due_by(&mut self, time: UnixMicros) {
        self.next_due = match self.next_due {
            NextDue::Same => NextDue::AtMost(time),
            NextDue::AtMost(earlier) => NextDue::AtMost(earlier.min(time)),
            NextDue::Is(earlier) => NextDue::Is(Some(earlier.map_or(time, |earlier| earlier.min(time)))),
        };
    }
}
