//! Names as small integers: a row holds numbers, the table `name` holds the texts once.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::str::FromStr;

use rusqlite::Connection;
use taskhost_core::ids::{JobName, KindName, QueueName};

use crate::events::{Label, Labels};
use crate::tally::Counted;

/// The values of the column `what`.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Queue = 1,
    Kind = 2,
    Job = 3,
    Host = 4,
}

/// One sort of names, all in memory: there are as many as somebody declared.
#[derive(Debug)]
pub(super) struct Interner<T> {
    what: What,
    ids: HashMap<T, i64>,
    texts: HashMap<i64, T>,
    /// The highest number.
    latest: i64,
    /// The same names for listeners to events, which get the numbers of queues and kinds.
    labels: Labels,
}

impl<T: Clone + Eq + Hash + FromStr + ToString> Interner<T> {
    fn load(connection: &Connection, what: What, labels: &Labels) -> rusqlite::Result<Self> {
        let mut interner = Self { what, ids: HashMap::new(), texts: HashMap::new(), latest: 0, labels: labels.clone() };
        let mut statement = connection.prepare("SELECT id, text FROM name WHERE what = ?1")?;
        let mut rows = statement.query([what as i64])?;
        while let Some(row) = rows.next()? {
            let (id, text): (i64, String) = (row.get(0)?, row.get(1)?);
            // A text that is no longer a name cannot be asked for; its tasks are read with a join and stay visible.
            if let Ok(name) = text.parse::<T>() {
                interner.remember(id, name);
            }
        }
        Ok(interner)
    }

    fn remember(&mut self, id: i64, name: T) {
        self.latest = self.latest.max(id);
        if matches!(self.what, What::Queue | What::Kind) {
            self.labels.set(Label::new(id), &name.to_string());
        }
        self.texts.insert(id, name.clone());
        self.ids.insert(name, id);
    }

    /// The number of a name, given to it now if it has none.
    pub(super) fn id(&mut self, connection: &Connection, name: &T) -> rusqlite::Result<i64> {
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        let insert = "INSERT INTO name (what, text) VALUES (?1, ?2) RETURNING id";
        let id = connection.query_row(insert, (self.what as i64, name.to_string()), |row| row.get(0))?;
        self.remember(id, name.clone());
        Ok(id)
    }

    /// The name of a number.
    pub(super) fn name(&self, id: i64) -> Option<&T> {
        self.texts.get(&id)
    }

    /// The number of every name.
    pub(super) fn numbers(&self) -> impl Iterator<Item = i64> {
        self.texts.keys().copied()
    }

    /// Forgets the names with a higher number: they are in no file.
    fn forget_above(&mut self, number: i64) {
        if self.latest > number {
            self.texts.retain(|id, _| *id <= number);
            self.ids.retain(|_, id| *id <= number);
            self.latest = number;
        }
    }

    /// The names with a higher number.
    fn above(&self, number: i64) -> impl Iterator<Item = (i64, T)> {
        self.texts.iter().filter(move |(id, _)| **id > number).map(|(id, name)| (*id, name.clone()))
    }
}

/// Every sort of names.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) queues: Interner<QueueName>,
    pub(super) kinds: Interner<KindName>,
    pub(super) jobs: Interner<JobName>,
    pub(super) hosts: Interner<String>,
}

impl Names {
    pub(super) fn load(connection: &Connection, labels: &Labels) -> rusqlite::Result<Self> {
        Ok(Self {
            queues: Interner::load(connection, What::Queue, labels)?,
            kinds: Interner::load(connection, What::Kind, labels)?,
            jobs: Interner::load(connection, What::Job, labels)?,
            hosts: Interner::load(connection, What::Host, labels)?,
        })
    }

    /// The highest number of a queue or a kind.
    pub(super) fn latest(&self) -> i64 {
        self.queues.latest.max(self.kinds.latest)
    }

    /// The highest number of any name.
    pub(super) fn last(&self) -> i64 {
        self.latest().max(self.jobs.latest).max(self.hosts.latest)
    }

    /// Makes everything as it was when `last` was the highest number.
    pub(super) fn undo(&mut self, last: i64) {
        self.queues.forget_above(last);
        self.kinds.forget_above(last);
        self.jobs.forget_above(last);
        self.hosts.forget_above(last);
    }

    /// The queues and kinds with a higher number.
    pub(super) fn above(&self, number: i64) -> Vec<Counted> {
        let queues = self.queues.above(number).map(|(number, name)| Counted::Queue(number, name));
        let kinds = self.kinds.above(number).map(|(number, name)| Counted::Kind(number, name));
        queues.chain(kinds).collect()
    }
}
