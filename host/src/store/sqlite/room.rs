//! A full disk: what attempts have reported is held in memory, in its order, until there is room to write it.
//!
//! Nobody polls: it is tried again after a commit that found room, and when the store is asked to do what is due, which it
//! says is so a second later. Whoever submits is answered with the error instead. Start at [`Room`].

use std::time::Duration;

use taskhost_core::time::UnixMicros;

use super::command::{Command, Reports, Saying as _};
use super::inbox::Work;
use super::schema::MIGRATIONS;
use super::writer::Writer;
use crate::store::StoreError;

/// How long until the disk is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What waits for room on the disk.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The latest that was to be written found no room.
    pub(super) is_missing: bool,
    reports: Vec<Reports>,
    commands: Vec<(Command, UnixMicros)>,
}

impl Room {
    fn holds_any(&self) -> bool {
        !self.reports.is_empty() || !self.commands.is_empty()
    }
}

impl Writer {
    /// What is to be done in a turn: behind what is held, or without it.
    pub(super) fn with_held(&mut self, work: &mut Work) {
        if !self.room.holds_any() {
            return;
        }
        self.room.reports.append(&mut work.reports);
        let tries = |command: &Command| matches!(command, Command::Advance(_) | Command::Close(_));
        if !self.room.is_missing || work.commands.iter().any(|(command, _)| tries(command)) {
            work.reports = std::mem::take(&mut self.room.reports);
            work.commands.extend(self.room.commands.drain(..));
        }
    }

    /// Whether what is held may find room now.
    pub(super) fn may_write_held(&self) -> bool {
        !self.room.is_missing && self.room.holds_any()
    }

    /// Holds reports until there is room.
    pub(super) fn hold_reports(&mut self, reports: Vec<Reports>) {
        self.room.reports.extend(reports);
    }

    /// Holds what nobody would ask for again; answers with all else.
    pub(super) fn hold(&mut self, command: (Command, UnixMicros)) -> Option<(Command, UnixMicros)> {
        if let Command::Retain(..) = command.0 {
            self.room.commands.push(command);
            return None;
        }
        Some(command)
    }

    /// Answers what is still held when the store is closed; the next start finds its attempts running, and gives them back.
    pub(super) fn refuse_held(&mut self) {
        for reports in &mut self.room.reports {
            reports.answer.refuse(StoreError::Full { path: self.path.clone() });
            reports.answer.send();
        }
    }

    /// Writes something small, to find out whether there is room again. Counts as no change of a row.
    pub(super) fn probe_room(&mut self) -> rusqlite::Result<()> {
        if self.room.is_missing {
            let version = i64::try_from(MIGRATIONS.len()).expect("a handful of migrations");
            self.connection.pragma_update(None, "user_version", version)?;
            self.turn.probed = true;
        }
        Ok(())
    }

    /// Notes, and tells who looks, whether there was room.
    pub(super) fn found_room(&mut self, found: bool) {
        if self.room.is_missing == found {
            self.room.is_missing = !found;
            let missing = (!found).then(|| StoreError::Full { path: self.path.clone() }.into());
            self.outlet.refusing.send_replace(missing);
        }
    }

    /// Says that something is due in a while, and nothing sooner: the clock brings the next try.
    pub(super) fn due_in_a_while(&self, now: UnixMicros) {
        let then = now.saturating_add(AGAIN_AFTER);
        self.outlet.next_due.send_if_modified(|due| {
            let is_later = due.is_none_or(|due| due <= now || due > then);
            if is_later {
                *due = Some(then);
            }
            is_later
        });
    }
}
