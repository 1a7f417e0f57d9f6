//! How long ended tasks are kept. Until when is written at the end of a task; where the policy is another one since, the rows
//! of ended tasks are brought up to it in steps, between which others are served.
//!
//! Not here: deleting (`advance`). Start at [`Writer::retain`].

use std::fmt::Write as _;

use rusqlite::OptionalExtension as _;
use taskhost_core::retention::{Retention, Retentions};
use taskhost_core::time::UnixMicros;

use super::command::Answer;
use super::rows::{self, COLUMNS, COLUMNS_COUNT, Row};
use super::writer::Writer;
use crate::store::rules::PRUNE_TOGETHER;

/// The step of the migration that makes the table.
pub(super) const TABLE: &str = "
-- The policy that every ended task is kept by; no row: that of the first version, empty: several.
CREATE TABLE retention (id INTEGER PRIMARY KEY CHECK (id = 0), policy TEXT NOT NULL);
";

/// How many rows one turn looks at; [`ROWS`] says it too.
pub(super) const ROWS_A_STEP: usize = 500;

/// The rows that one step looks at.
const ROWS: &str = "FROM task NOT INDEXED WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT 500";

/// A policy, on its way through the rows that it is applied to.
#[derive(Debug)]
pub(super) struct Aging {
    retentions: Retentions,
    policy: String,
    /// None: nothing of it was done yet.
    at: Option<Place>,
    /// Where the step of this turn has come to; it counts once that is committed.
    next: Option<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    after: i64,
    /// What is inserted later ends by the new policy anyway.
    until: i64,
}

impl From<Retentions> for Aging {
    fn from(retentions: Retentions) -> Self {
        Self { policy: text(&retentions), retentions, at: None, next: None }
    }
}

impl Aging {
    pub(super) fn go_on(&mut self) {
        self.at = self.next;
    }
}

/// What [`ROWS_A_STEP`] rows are selected by.
pub(super) fn select() -> String {
    format!("SELECT {COLUMNS}, prune_at {ROWS}")
}

/// A policy as text: equal ones have equal texts.
fn text(retentions: &Retentions) -> String {
    let mut text = String::new();
    let others = retentions.of_queues.iter().filter(|(_, retention)| **retention != retentions.usual);
    let others = others.map(|(name, retention)| (name.as_str(), retention));
    for (name, Retention { completed, cancelled, dead }) in [("", &retentions.usual)].into_iter().chain(others) {
        let [completed, cancelled, dead] = [completed, cancelled, dead].map(|kept| rows::micros(*kept));
        writeln!(text, "{name} {completed} {cancelled} {dead}").expect("a text takes all");
    }
    text
}

impl Writer {
    /// From now on tasks are kept by this policy. Takes a step through those that have ended before; answers once they are too.
    pub(super) fn retain(&mut self, aging: &mut Aging, answer: &mut Answer<()>) -> rusqlite::Result<()> {
        let at = match aging.at {
            Some(at) => at,
            None if self.begin_policy(aging)? => Place { after: 0, until: self.last_seq },
            None => {
                answer.say(());
                return Ok(());
            }
        };
        let (at, is_last) = self.age(at)?;
        aging.next = Some(at);
        if is_last {
            // A newer policy may have come meanwhile: it is the one that counts.
            if aging.policy == self.policy {
                self.note_policy(&aging.policy)?;
            }
            answer.say(());
        }
        Ok(())
    }

    /// Answers whether there are rows by another policy.
    fn begin_policy(&mut self, aging: &Aging) -> rusqlite::Result<bool> {
        self.queues.retain(&aging.retentions, &self.connection, &mut self.names.queues)?;
        let before = std::mem::replace(&mut self.policy, aging.policy.clone());
        self.turn.undo.policy.get_or_insert(before);
        let is_other = self.applied_policy()? != aging.policy;
        if is_other {
            self.note_policy("")?;
        }
        Ok(is_other)
    }

    fn note_policy(&self, policy: &str) -> rusqlite::Result<()> {
        let insert = "INSERT OR REPLACE INTO retention (id, policy) VALUES (0, ?1)";
        self.connection.prepare_cached(insert)?.execute([policy]).map(drop)
    }

    fn applied_policy(&self) -> rusqlite::Result<String> {
        let applied = self.connection.query_row("SELECT policy FROM retention", [], |row| row.get(0)).optional()?;
        Ok(applied.unwrap_or_else(|| text(&Retentions::default())))
    }

    /// Answers where the next step begins, and whether there is none.
    fn age(&mut self, mut at: Place) -> rusqlite::Result<(Place, bool)> {
        let rows: Vec<(Row, Option<i64>)> = self
            .connection
            .prepare_cached(&select())?
            .query_map((at.after, at.until), |row| Ok((rows::read(row)?, row.get(COLUMNS_COUNT)?)))?
            .collect::<Result<_, _>>()?;
        for (row, written) in &rows {
            at.after = row.seq;
            self.keep_until(row, *written)?;
        }
        Ok((at, rows.len() < ROWS_A_STEP))
    }

    /// Until when an ended task is kept.
    pub(super) fn kept_until(&self, row: &Row) -> Option<UnixMicros> {
        // Asked of every change of a status: most are no end.
        row.task.state.finished_at()?;
        self.queues.retention(row.queue).kept_until(&row.task)
    }

    /// Writes until when a task is kept, if that is not what is written.
    pub(super) fn keep_until(&mut self, row: &Row, written: Option<i64>) -> rusqlite::Result<()> {
        let kept_until = self.kept_until(row);
        if kept_until.map(UnixMicros::as_micros) == written {
            return Ok(());
        }
        let update = "UPDATE task SET prune_at = ?2 WHERE seq = ?1";
        self.connection.prepare_cached(update)?.execute((row.seq, kept_until.map(UnixMicros::as_micros)))?;
        if let Some(kept_until) = kept_until {
            self.turn.ended.push((kept_until.as_micros(), row.seq));
            self.turn.due_by(kept_until.saturating_add(PRUNE_TOGETHER));
        }
        Ok(())
    }
}
