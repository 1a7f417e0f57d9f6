//! A turn that meets an error is rolled back, and its calls are done again, each in a transaction of its own: the one that
//! fails again is answered with the error, and the others do not feel it. A savepoint for each would cost every good turn.
//!
//! Not here: a turn in which all goes well (`writer`), what is undone in memory (`undo`), which errors end the daemon
//! (`error`), what waits for room (`room`). Start at [`Writer::turn`].

use std::collections::VecDeque;
use std::mem::take;

use taskhost_core::time::UnixMicros;

use super::command::{Command, Reports, Saying as _};
use super::error::{classify_of, is_full, may_go_on};
use super::inbox::Work;
use super::writer::Writer;

/// Why a turn was not committed.
#[derive(Debug)]
pub(super) enum TurnError {
    /// What it has done can be undone, and others done instead.
    Undoable(rusqlite::Error),
    /// The file may not be what it was taken for.
    Fatal(rusqlite::Error),
}

impl From<rusqlite::Error> for TurnError {
    fn from(error: rusqlite::Error) -> Self {
        if may_go_on(&error) { Self::Undoable(error) } else { Self::Fatal(error) }
    }
}

impl TurnError {
    /// Of a commit that found no room nothing is in the file. After any other error it may be there all the same, and what is
    /// done again would be done twice.
    pub(super) fn of_commit(error: rusqlite::Error) -> Self {
        if is_full(&error) { Self::Undoable(error) } else { Self::Fatal(error) }
    }
}

/// Whether the free slots are filled at the end of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Yes,
    No,
}

type Commands = VecDeque<(Command, UnixMicros)>;

impl Writer {
    /// Does all that waits. What is left in `work` is to be answered once the file is closed.
    /// # Errors
    /// What ends the daemon: it must not go on.
    pub(super) fn turn(&mut self, work: &mut Work) -> rusqlite::Result<()> {
        let now = latest(work);
        self.with_held(work);
        self.once(work, now)?;
        while self.may_write_held() && !self.turn.closing {
            let again = take(&mut self.turn.again);
            self.with_held(work);
            self.once(work, now)?;
            self.turn.again.extend(again);
        }
        if self.room.is_missing && !self.turn.closing {
            self.due_in_a_while(now);
        }
        Ok(())
    }

    fn once(&mut self, work: &mut Work, now: UnixMicros) -> rusqlite::Result<()> {
        match self.attempt(work, now, Fill::Yes) {
            Ok(()) => Ok(()),
            Err(TurnError::Fatal(error)) => Err(error),
            Err(TurnError::Undoable(_met_again)) => {
                self.roll_back(work)?;
                self.replay(work, now)
            }
        }
    }

    fn replay(&mut self, work: &mut Work, now: UnixMicros) -> rusqlite::Result<()> {
        let Work { reports, commands } = take(work);
        let (closing, commands): (Vec<_>, Vec<_>) =
            commands.into_iter().partition(|(command, _)| matches!(command, Command::Close(_)));
        self.replay_reports(reports, now)?;
        let mut again = Vec::new();
        for command in commands {
            self.command_alone(command, now)?;
            again.append(&mut self.turn.again);
        }
        if closing.is_empty() {
            self.fill_alone(now)?;
        } else {
            work.commands = closing.into();
            self.close_alone(work, now)?;
        }
        self.turn.again = again;
        Ok(())
    }

    /// Does each of them. From the first that finds no room all wait, so that they stay in order.
    fn replay_reports(&mut self, reports: Vec<Reports>, now: UnixMicros) -> rusqlite::Result<()> {
        let mut left = reports.into_iter();
        while let Some(reports) = left.next() {
            let mut one = Work { reports: vec![reports], commands: Commands::new() };
            match self.attempt(&mut one, now, Fill::No) {
                Ok(()) => {}
                Err(TurnError::Undoable(error)) if is_full(&error) => {
                    self.roll_back(&mut one)?;
                    self.found_room(false);
                    self.hold_reports(one.reports);
                    self.hold_reports(left.collect());
                    return Ok(());
                }
                // What an attempt did must not be forgotten.
                Err(TurnError::Undoable(error) | TurnError::Fatal(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Does one call. If it fails it is answered with its error.
    fn command_alone(&mut self, command: (Command, UnixMicros), now: UnixMicros) -> rusqlite::Result<()> {
        let mut one = Work { reports: Vec::new(), commands: Commands::from([command]) };
        let error = match self.attempt(&mut one, now, Fill::No) {
            Ok(()) => return Ok(()),
            Err(TurnError::Fatal(error)) => return Err(error),
            Err(TurnError::Undoable(error)) => error,
        };
        self.roll_back(&mut one)?;
        let no_room = is_full(&error);
        if no_room {
            self.found_room(false);
        }
        for command in one.commands {
            let refused = if no_room { self.hold(command) } else { Some(command) };
            let Some((mut command, _)) = refused else { continue };
            if let Command::Advance(_) = command {
                self.due_in_a_while(now);
            }
            let refusal = classify_of(command.what(), &self.path, &error);
            command.answer().refuse(refusal);
            command.answer().send();
        }
        Ok(())
    }

    /// Starts what waits. If there is no room to write that it starts, a later turn does.
    fn fill_alone(&mut self, now: UnixMicros) -> rusqlite::Result<()> {
        let mut nothing = Work::default();
        match self.attempt(&mut nothing, now, Fill::Yes) {
            Ok(()) => Ok(()),
            Err(TurnError::Undoable(error)) if is_full(&error) => {
                self.found_room(false);
                self.roll_back(&mut nothing)
            }
            Err(TurnError::Undoable(error) | TurnError::Fatal(error)) => Err(error),
        }
    }

    /// Closes, also without room to write how many tasks there are: the next start counts them.
    fn close_alone(&mut self, closing: &mut Work, now: UnixMicros) -> rusqlite::Result<()> {
        match self.attempt(closing, now, Fill::No) {
            Ok(()) => return Ok(()),
            Err(TurnError::Fatal(error)) => return Err(error),
            Err(TurnError::Undoable(_no_room)) => self.roll_back(closing)?,
        }
        for (command, _) in &mut closing.commands {
            if let Command::Close(answer) = command {
                answer.say(());
            }
        }
        self.turn.closing = true;
        Ok(())
    }

    /// Makes file, memory and answers as they were before the turn.
    fn roll_back(&mut self, work: &mut Work) -> rusqlite::Result<()> {
        self.undo();
        for reports in &mut work.reports {
            reports.answer.unsay();
        }
        for (command, _) in &mut work.commands {
            command.answer().unsay();
        }
        // Some errors have rolled back already.
        if self.connection.is_autocommit() { Ok(()) } else { self.connection.execute_batch("ROLLBACK") }
    }
}

/// The time at which a turn claims. Not held up to the turn before: a clock that was wrong and is set back must not
/// leave tasks expiring by the wrong time. Calls without a time bring 0, and free no slot.
fn latest(work: &Work) -> UnixMicros {
    let reports = work.reports.iter().map(|reports| reports.now);
    reports.chain(work.commands.iter().map(|(_, now)| *now)).max().unwrap_or_default()
}
