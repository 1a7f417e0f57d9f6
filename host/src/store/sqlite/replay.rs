//! A turn that meets an error is rolled back, and its calls are done again, each in a transaction of its own: the one that
//! fails again is answered with the error, and the others do not feel it. A savepoint for each would cost every good turn.
//!
//! Not here: a turn in which all goes well (`writer`), what is undone in memory (`undo`), which errors end the daemon
//! (`error`). Start at [`Writer::turn`].

use std::mem::take;

use taskhost_core::time::UnixMicros;

use super::command::{Command, Saying as _};
use super::error::{classify_of, may_go_on};
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

/// Whether the free slots are filled at the end of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Yes,
    No,
}

impl Writer {
    /// Does all that waits. What is left in `work` is to be answered once the file is closed.
    /// # Errors
    /// What ends the daemon: it must not go on.
    pub(super) fn turn(&mut self, work: &mut Work) -> rusqlite::Result<()> {
        let now = latest(work);
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
        let mut again = Vec::new();
        let Work { reports, commands } = take(work);
        let (closing, commands): (Vec<_>, _) =
            commands.into_iter().partition(|(command, _)| matches!(command, Command::Close(_)));
        let each = |reports, commands| Work { reports, commands };
        let reports = reports.into_iter().map(|reports| each(vec![reports], <_>::default()));
        let commands = Vec::from_iter(commands).into_iter().map(|command| each(Vec::new(), [command].into()));
        for mut one in reports.chain(commands) {
            self.alone(&mut one, now)?;
            again.append(&mut self.turn.again);
        }
        if closing.is_empty() {
            self.fill_alone(now)?;
        } else {
            *work = Work { reports: Vec::new(), commands: closing.into() };
            self.close_alone(work, now)?;
        }
        self.turn.again = again;
        Ok(())
    }

    /// Does one call. If it fails it is answered with its error.
    fn alone(&mut self, one: &mut Work, now: UnixMicros) -> rusqlite::Result<()> {
        match self.attempt(one, now, Fill::No) {
            Ok(()) => Ok(()),
            Err(TurnError::Fatal(error)) => Err(error),
            Err(TurnError::Undoable(error)) => {
                self.roll_back(one)?;
                // What an attempt did must not be forgotten.
                if !one.reports.is_empty() {
                    return Err(error);
                }
                for (command, _) in &mut one.commands {
                    let refused = classify_of(command.what(), &self.path, &error);
                    command.answer().refuse(refused);
                    command.answer().send();
                }
                Ok(())
            }
        }
    }

    /// Starts what waits. Without that nothing goes on.
    fn fill_alone(&mut self, now: UnixMicros) -> rusqlite::Result<()> {
        self.attempt(&mut Work::default(), now, Fill::Yes)
            .map_err(|(TurnError::Undoable(error) | TurnError::Fatal(error))| error)
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
