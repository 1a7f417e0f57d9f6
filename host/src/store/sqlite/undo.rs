//! What the writer holds in memory, made as it was before a turn that was rolled back.
//!
//! **Whatever the writer holds beside the file must be undone here**, or the file and the memory tell different stories after
//! an error. Four ways are in use; choose the one that costs a good turn least:
//! - told after the commit only (`Turn`, `Writer::named`): nothing to undo, a turn begins with an empty one;
//! - saved at the start of a turn, where it is a number or two ([`Undo::of`]);
//! - saved when it is first changed in a turn, where that is rare or large ([`Undo::kinds`], `Queues::of`, `Flights::before`);
//! - forgotten by number, where numbers only grow (`Names::undo`).
//!
//! What a call carries from step to step (`Sweeping`, `Aging`) moves on after the commit, in `Command::go_on`.
//! Not here: when a turn is rolled back (`replay`). Start at [`Writer::undo`].

use std::collections::HashSet;

use taskhost_core::retention::Retention;

use super::turn::Turn;
use super::writer::Writer;

/// How things stood at the start of a turn.
#[derive(Debug, Default)]
pub(super) struct Undo {
    last_seq: i64,
    last_name: i64,
    usual_retention: Retention,
    /// If this turn has changed them.
    pub(super) kinds: Option<HashSet<i64>>,
    /// If this turn has changed it.
    pub(super) policy: Option<String>,
}

impl Undo {
    pub(super) fn of(writer: &Writer) -> Self {
        Self {
            last_seq: writer.last_seq,
            last_name: writer.names.last(),
            usual_retention: writer.queues.usual_retention(),
            kinds: None,
            policy: None,
        }
    }
}

impl Writer {
    /// Makes everything in memory as it was before this turn, of which nothing was told.
    pub(super) fn undo(&mut self) {
        let Undo { last_seq, last_name, usual_retention, kinds, policy } = std::mem::take(&mut self.turn).undo;
        self.last_seq = last_seq;
        self.names.undo(last_name);
        self.queues.undo(usual_retention);
        self.flights.undo();
        if let Some(kinds) = kinds {
            self.kinds = kinds;
        }
        if let Some(policy) = policy {
            self.policy = policy;
        }
        self.turn = Turn::default();
    }
}
