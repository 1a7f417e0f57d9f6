//! What waits for the writer's next turn.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use taskhost_core::time::UnixMicros;

use super::command::{Command, Reports};
use super::{again, retention};

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
            Command::Retain(..) => retention::ROWS_A_STEP,
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
