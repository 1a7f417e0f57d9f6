//! Filters of tasks as conditions of a statement.
//!
//! Not here: which way rows are met (`list`, `sweep`). Start at [`Conditions::of`].

use std::collections::HashSet;

use memchr::memmem::Finder;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, ToSql};
use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::query::{SearchText, TaskFilter};
use taskhost_core::task::Status;

use super::codec::state;
use super::names::What;

/// Conditions, each behind an `AND`, and the values of their parameters in order.
#[derive(Debug, Default, Clone)]
pub(super) struct Conditions {
    pub(super) sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// What the filter says but for its text, which no statement looks for: see [`Text`].
    pub(super) fn of(filter: &TaskFilter) -> Self {
        let mut conditions = Self::default();
        let names = [
            ("queue", What::Queue, filter.queue.as_ref().map(ToString::to_string)),
            ("kind", What::Kind, filter.kind.as_ref().map(ToString::to_string)),
            ("job", What::Job, filter.job.as_ref().map(ToString::to_string)),
        ];
        for (column, what, name) in names {
            if let Some(name) = name {
                let number = format!("{column} = (SELECT id FROM name WHERE what = {} AND text = ?)", what as i64);
                conditions.add(&number, Value::from(name));
            }
        }
        if let Some(tag) = &filter.tag {
            conditions.add("tags IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", tag.clone());
        }
        conditions
    }

    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.push(value.into());
    }

    /// One of these statuses; any if there is none.
    pub(super) fn any_status(&mut self, statuses: &[Status]) {
        if !statuses.is_empty() {
            let each: Vec<_> = statuses.iter().map(|status| of_status(*status)).collect();
            self.sql.extend([" AND (", &each.join(" OR "), ")"]);
        }
    }

    /// These values, then those of the conditions.
    pub(super) fn after(&self, first: &[i64]) -> impl Iterator<Item: ToSql> {
        let first: Vec<_> = first.iter().copied().map(Value::from).collect();
        first.into_iter().chain(self.values.iter().cloned())
    }
}

fn of_status(status: Status) -> String {
    let one = |code: i64| format!("state = {code}");
    match status {
        Status::Scheduled => format!("state = {} AND reason < 3", state::WAITING),
        Status::Retrying => format!("state = {} AND reason = 3", state::WAITING),
        Status::Blocked => one(state::BLOCKED),
        Status::Queued => one(state::QUEUED),
        Status::Running => one(state::RUNNING),
        Status::Completed => one(state::COMPLETED),
        Status::Cancelled => one(state::CANCELLED),
        Status::Dead => one(state::DEAD),
    }
}

/// A text that is looked for, row by row, and what one call may still read for it.
#[derive(Debug)]
pub(super) struct Text<'a> {
    wanted: &'a SearchText,
    in_params: Finder<'a>,
    /// The text is a whole id, which finds that task alone.
    id: Option<TaskId>,
    kinds: HashSet<&'a str>,
    rows_left: usize,
    bytes_left: usize,
}

/// What looking for a text may cost one call.
const TEXT_ROWS_MAX: usize = 50_000;
/// See [`TEXT_ROWS_MAX`].
const TEXT_BYTES_MAX: usize = 32 << 20;

impl<'a> Text<'a> {
    /// `kinds`: those whose params may be searched.
    pub(super) fn new(wanted: &'a SearchText, kinds: &'a [KindName]) -> Self {
        let kinds = kinds.iter().map(KindName::as_str).collect();
        Self {
            wanted,
            // Both are UTF-8, so what it finds begins and ends with whole characters.
            in_params: Finder::new(wanted.as_str()),
            id: wanted.as_str().parse().ok(),
            kinds,
            rows_left: TEXT_ROWS_MAX,
            bytes_left: TEXT_BYTES_MAX,
        }
    }

    /// The one task that a whole id finds.
    pub(super) fn as_id(&self) -> Option<TaskId> {
        self.id
    }

    /// Whether one more row may be looked at.
    pub(super) fn may_go_on(&self) -> bool {
        self.rows_left > 0 && self.bytes_left > 0
    }

    /// Whether the text stands in the task's id, or in its params where they may be searched.
    pub(super) fn is_in(
        &mut self,
        connection: &Connection,
        seq: i64,
        id: TaskId,
        kind: &str,
    ) -> rusqlite::Result<bool> {
        self.rows_left = self.rows_left.saturating_sub(1);
        if let Some(wanted) = self.id {
            return Ok(id == wanted);
        }
        if id.to_string().contains(self.wanted.as_str()) {
            return Ok(true);
        }
        if !self.kinds.contains(kind) {
            return Ok(false);
        }
        let select = "SELECT coalesce(params, (SELECT body FROM task_params WHERE task_params.seq = task.seq)) \
                      FROM task WHERE seq = ?1";
        let mut statement = connection.prepare_cached(select)?;
        let found = statement.query_row([seq], |row| {
            let params = row.get_ref(0)?.as_bytes_or_null()?.unwrap_or_default();
            Ok((params.len(), self.in_params.find(params).is_some()))
        });
        let (bytes, found) = found.optional()?.unwrap_or_default();
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        Ok(found)
    }
}
