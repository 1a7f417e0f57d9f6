//! Ended tasks that somebody wants to run again or to be gone: one, or the dead ones that a filter finds.
//!
//! Not here: cancelling (`report`), deleting by age (`advance`). Start at [`Writer::act`].

use rusqlite::{OptionalExtension as _, params_from_iter};
use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::task::{Event, Status};
use taskhost_core::time::UnixMicros;

use super::command::Answer;
use super::filter::{Conditions, Text};
use super::rows::{self, COLUMNS, LANE_OPEN, Row};
use super::writer::Writer;
use crate::store::{Action, ActionRefused, Sweep};

/// How many dead tasks one turn looks at, so that a commit stays short; [`DEAD`] says it too.
pub(super) const ROWS_A_STEP: usize = 250;

/// The dead tasks that one step looks at.
pub(super) const DEAD: &str = "SELECT seq FROM dead WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT 250";

/// A sweep on its way through the dead tasks, the oldest first.
#[derive(Debug)]
pub(super) struct Sweeping {
    what: Sweep,
    at: Place,
    /// Where the step of this turn has come to; it counts once that is committed.
    next: Place,
}

#[derive(Debug, Default, Clone, Copy)]
struct Place {
    after: i64,
    /// What was inserted later is not met: a sweep ends, whatever dies meanwhile.
    until: Option<i64>,
    count: u64,
}

impl From<Sweep> for Sweeping {
    fn from(what: Sweep) -> Self {
        Self { what, at: Place::default(), next: Place::default() }
    }
}

impl Sweeping {
    pub(super) fn go_on(&mut self) {
        self.at = self.next;
    }
}

impl Writer {
    pub(super) fn act(
        &mut self,
        task: TaskId,
        action: Action,
        now: UnixMicros,
    ) -> rusqlite::Result<Result<Status, ActionRefused>> {
        let Some(mut row) = self.load(task)? else { return Ok(Err(ActionRefused::Unknown)) };
        self.act_on(&mut row, action, now)
    }

    fn act_on(
        &mut self,
        row: &mut Row,
        action: Action,
        now: UnixMicros,
    ) -> rusqlite::Result<Result<Status, ActionRefused>> {
        let was = row.task.status();
        // A claim that meets it finds out whether its kind can run.
        row.lane = LANE_OPEN;
        let event = match action {
            Action::Retry => Event::RetryAsked,
            Action::Discard => Event::DiscardAsked,
        };
        let next = match self.apply(row, event, now)? {
            Ok(next) => next,
            Err(rejected) => return Ok(Err(ActionRefused::Rejected(rejected))),
        };
        if action == Action::Retry {
            rows::reopen(&self.connection, row.seq, was == Status::Completed)?;
        }
        Ok(Ok(next.status()))
    }

    /// Takes a step of a sweep. What is left is for the next turn, behind what came meanwhile: it is not answered yet.
    pub(super) fn sweep(
        &mut self,
        sweeping: &mut Sweeping,
        answer: &mut Answer<u64>,
        now: UnixMicros,
    ) -> rusqlite::Result<()> {
        let mut at = sweeping.at;
        let until = *at.until.get_or_insert(self.last_seq);
        let dead: Vec<i64> = self
            .connection
            .prepare_cached(DEAD)?
            .query_map((at.after, until), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let all = dead.len() < ROWS_A_STEP;
        let Sweep { action, filter, kinds } = &sweeping.what;
        let mut text = filter.text.as_ref().map(|text| Text::new(text, kinds));
        let conditions = Conditions::of(filter);
        let mut left = dead.into_iter();
        while text.as_ref().is_none_or(Text::may_go_on)
            && let Some(seq) = left.next()
        {
            if let Some(mut row) = self.find(seq, &conditions, text.as_mut())? {
                at.count += u64::from(self.act_on(&mut row, *action, now)?.is_ok());
            }
            at.after = seq;
        }
        sweeping.next = at;
        if all && left.len() == 0 {
            answer.say(at.count);
        }
        Ok(())
    }

    fn find(&self, seq: i64, conditions: &Conditions, text: Option<&mut Text<'_>>) -> rusqlite::Result<Option<Row>> {
        let select = format!("SELECT {COLUMNS} FROM task WHERE seq = ?{}", conditions.sql);
        let mut statement = self.connection.prepare_cached(&select)?;
        let Some(row) = statement.query_row(params_from_iter(conditions.after(&[seq])), rows::read).optional()? else {
            return Ok(None);
        };
        let Some(text) = text else { return Ok(Some(row)) };
        let kind = self.names.kinds.name(row.kind).map_or("", KindName::as_str);
        Ok(text.is_in(&self.connection, seq, row.id, kind)?.then_some(row))
    }
}
