//! Lists of tasks, the newest first, beside the writer.
//!
//! No index is there for it that every task would pay for: cancelled and dead tasks have one of their own; what an index of
//! the hot path names in few rows is gathered from it and sorted; else rows are met by walking back from the newest task.
//! Not here: the conditions (`filter`). Start at [`page`].

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension as _, Statement, params_from_iter};
use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::query::{TaskCursor, TaskFilter, TaskQuery};
use taskhost_core::task::Status;
use taskhost_core::view::{Page, TaskSummary};

use super::filter::{Conditions, Text};
use super::flight::unpack;
use super::{marks, reader};

/// What [`reader::summary`] reads.
const SELECT: &str = "SELECT state, reason, ready_at, started_at, finished_at, lease, attempt, attempts_max, suspensions, \
    interruptions, suspect, expires_at, retry, \
    seq, id, (SELECT text FROM name WHERE name.id = queue), (SELECT text FROM name WHERE name.id = kind), \
    (SELECT text FROM name WHERE name.id = job), lane, priority, created_at, run_at, tags, progress, \
    (SELECT message FROM task_error WHERE task_error.seq = task.seq ORDER BY task_error.lease DESC LIMIT 1) FROM task";

/// Up to this many rows are gathered from an index that is in another order.
const GATHERED_MAX: usize = 20_000;
/// Rows are met in windows of this many numbers, so that what a call looks at can be counted.
const WINDOW: i64 = 50_000;
/// How many numbers one call walks over.
const WALKED_MAX: i64 = 500_000;

/// How the rows are met.
#[derive(Debug, PartialEq)]
pub(super) enum Way {
    /// From the newest to the oldest.
    Walk,
    /// These, the newest first; what is older than `cut` was not looked for.
    Gathered { numbers: Vec<i64>, cut: Option<i64> },
}

/// A page, all of one moment. `kinds`: those whose params may be searched.
pub(super) fn page(connection: &mut Connection, query: &TaskQuery, kinds: &[KindName]) -> rusqlite::Result<Page> {
    let snapshot = connection.transaction()?;
    let before = query.after.map_or(i64::MAX, |after| i64::try_from(after.number()).unwrap_or(i64::MAX));
    let text = query.filter.text.as_ref().map(|text| Text::new(text, kinds));
    let id = text.as_ref().and_then(Text::as_id);
    let mut conditions = Conditions::of(&query.filter);
    conditions.any_status(&query.statuses);
    let wanted = query.limit.get() as usize;
    let mut search = Search { connection: &snapshot, conditions, text, found: Vec::new(), wanted, last: None };
    let stopped_at = match id {
        Some(id) => {
            let number = number(&snapshot, id)?.filter(|number| *number < before);
            search.look_at(number.as_slice())?
        }
        None => search.go(query, before)?,
    };
    let next = stopped_at.and_then(|number| u64::try_from(number).ok()).map(TaskCursor::at);
    Ok(Page { tasks: search.found, next })
}

fn number(connection: &Connection, id: TaskId) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT seq FROM task WHERE id = ?1";
    connection.prepare_cached(select)?.query_row([id.as_bytes().as_slice()], |row| row.get(0)).optional()
}

/// The cheapest way to the rows of a query.
pub(super) fn way(connection: &Connection, query: &TaskQuery, before: i64) -> rusqlite::Result<Way> {
    if query.statuses.is_empty() {
        return Ok(Way::Walk);
    }
    let (mut numbers, mut cut) = (Vec::new(), None);
    for status in &query.statuses {
        let some = if *status == Status::Running {
            running(connection)?
        } else {
            let Some(source) = Source::of(*status) else { return Ok(Way::Walk) };
            let some = source.gather(connection, &query.filter, before)?;
            if some.len() == GATHERED_MAX {
                if !source.is_in_order {
                    return Ok(Way::Walk);
                }
                cut = cut.max(some.last().copied());
            }
            some
        };
        numbers.extend(some);
    }
    numbers.retain(|number| *number < before && cut.is_none_or(|cut| *number >= cut));
    numbers.sort_unstable_by_key(|number| Reverse(*number));
    numbers.dedup();
    Ok(Way::Gathered { numbers, cut })
}

/// What runs, or did when its turn was written.
fn running(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached("SELECT seqs FROM flight")?;
    let turns = statement.query_map([], |row| row.get_ref(0)?.as_bytes().map(unpack).map_err(Into::into))?;
    let turns: Vec<Vec<i64>> = turns.collect::<Result<_, _>>()?;
    Ok(turns.into_iter().flatten().collect())
}

/// A table that knows the tasks of a status, and perhaps more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    select: &'static str,
    by_queue: bool,
    /// Whether it stands in the order of the list, so that its newest part is enough.
    is_in_order: bool,
    what: Names,
}

/// How a row of a source names tasks.
#[derive(Debug, Clone, Copy)]
enum Names {
    One,
    /// The first of so many.
    Range,
    /// One, or many packed.
    Packed,
}

impl Source {
    pub(super) fn of(status: Status) -> Option<Self> {
        let (select, by_queue, is_in_order, what) = match status {
            Status::Queued => ("SELECT first, tasks FROM ready WHERE first < ?", true, false, Names::Range),
            Status::Scheduled | Status::Retrying => {
                ("SELECT seq FROM due NOT INDEXED WHERE seq < ?", false, false, Names::One)
            }
            Status::Completed => ("SELECT first, seqs FROM ended WHERE first < ?", false, false, Names::Packed),
            Status::Cancelled => ("SELECT seq FROM cancelled WHERE seq < ?", false, true, Names::One),
            Status::Dead => ("SELECT seq FROM dead WHERE seq < ?", false, true, Names::One),
            // Those run by the flights; nothing knows the others.
            Status::Blocked | Status::Running => return None,
        };
        Some(Self { select, by_queue, is_in_order, what })
    }

    /// At most [`GATHERED_MAX`] numbers of rows.
    fn gather(self, connection: &Connection, filter: &TaskFilter, before: i64) -> rusqlite::Result<Vec<i64>> {
        let conditions = self.conditions(filter);
        let mut statement = connection.prepare_cached(&self.select(&conditions))?;
        let mut rows = statement.query(params_from_iter(conditions.after(&[before])))?;
        let mut numbers = Vec::new();
        while numbers.len() < GATHERED_MAX
            && let Some(row) = rows.next()?
        {
            match self.what {
                Names::One => numbers.push(row.get(0)?),
                Names::Range => {
                    let (first, tasks): (i64, i64) = (row.get(0)?, row.get(1)?);
                    numbers.extend(first..(first + tasks).min(before));
                }
                Names::Packed => numbers.extend(marks::ended_seqs(row, 0)?),
            }
        }
        numbers.truncate(GATHERED_MAX);
        Ok(numbers)
    }

    /// What of a filter the table knows.
    pub(super) fn conditions(self, filter: &TaskFilter) -> Conditions {
        let queue = filter.queue.clone().filter(|_| self.by_queue);
        Conditions::of(&TaskFilter { queue, ..TaskFilter::default() })
    }

    pub(super) fn select(self, conditions: &Conditions) -> String {
        let order = if self.is_in_order { " ORDER BY seq DESC" } else { "" };
        format!("{}{}{order}", self.select, conditions.sql)
    }
}

/// Selects what stands between two numbers.
pub(super) fn walk_select(conditions: &Conditions) -> String {
    format!("{SELECT} NOT INDEXED WHERE seq < ? AND seq >= ?{} ORDER BY seq DESC", conditions.sql)
}

/// A page in the making.
struct Search<'a> {
    connection: &'a Connection,
    conditions: Conditions,
    text: Option<Text<'a>>,
    found: Vec<TaskSummary>,
    wanted: usize,
    /// The row that was looked at last.
    last: Option<i64>,
}

impl<'a> Search<'a> {
    /// Goes the cheapest way. Answers the row at which it stopped before the end.
    fn go(&mut self, query: &TaskQuery, mut before: i64) -> rusqlite::Result<Option<i64>> {
        // Of completed tasks there mostly are many, and new ones: only where they are not is it worth to gather them.
        if query.statuses.contains(&Status::Completed) {
            match self.walk(before, WINDOW)? {
                Some(stopped_at) if !self.is_made() => before = stopped_at,
                stopped_at => return Ok(stopped_at),
            }
        }
        match way(self.connection, query, before)? {
            Way::Walk => self.walk(before, WALKED_MAX),
            Way::Gathered { numbers, cut } => Ok(self.look_at(&numbers)?.or(cut)),
        }
    }

    /// Walks over so many numbers at most; answers as [`Search::go`].
    fn walk(&mut self, before: i64, walked_max: i64) -> rusqlite::Result<Option<i64>> {
        let connection: &'a Connection = self.connection;
        let mut statement = connection.prepare_cached(&walk_select(&self.conditions))?;
        let (mut before, mut walked) = (before, 0);
        while walked < walked_max {
            // Over what was deleted, at one look-up.
            let newest = "SELECT max(seq) FROM task WHERE seq < ?1";
            let newest = connection.prepare_cached(newest)?.query_row([before], |row| row.get(0))?;
            let Some(newest): Option<i64> = newest else { return Ok(None) };
            if self.is_made() {
                return Ok(Some(before));
            }
            let from = newest.saturating_sub(WINDOW - 1);
            if !self.take(&mut statement, &[newest.saturating_add(1), from])? {
                return Ok(self.last);
            }
            (before, walked) = (from, walked + WINDOW);
        }
        Ok(Some(before))
    }

    /// Whether nothing more is to be looked at.
    fn is_made(&self) -> bool {
        self.found.len() == self.wanted || self.text.as_ref().is_some_and(|text| !text.may_go_on())
    }

    /// Looks at these rows; answers as [`Search::go`].
    fn look_at(&mut self, numbers: &[i64]) -> rusqlite::Result<Option<i64>> {
        let connection: &'a Connection = self.connection;
        let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE seq = ?{}", self.conditions.sql))?;
        for number in numbers {
            if !self.take(&mut statement, &[*number])? {
                return Ok(self.last);
            }
        }
        Ok(None)
    }

    /// Takes the rows of a statement; answers whether there is room for more.
    fn take(&mut self, statement: &mut Statement<'_>, first: &[i64]) -> rusqlite::Result<bool> {
        let mut rows = statement.query(params_from_iter(self.conditions.after(first)))?;
        while let Some(row) = rows.next()? {
            if self.is_made() {
                return Ok(false);
            }
            let (number, summary) = reader::summary(row)?;
            self.last = Some(number);
            let fits = match &mut self.text {
                Some(text) => text.is_in(self.connection, number, summary.id, summary.kind.as_str())?,
                None => true,
            };
            if fits {
                self.found.push(summary);
            }
        }
        Ok(true)
    }
}
