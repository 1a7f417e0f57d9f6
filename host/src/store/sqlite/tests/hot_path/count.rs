//! Counts what turns of a writer cost: in SQL, in calls of the system, in allocations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};

use super::super::disk::Disk;

/// What is counted at a time: watching SQL allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// Statements, and the steps of SQLite's machine in them.
    Sql,
    /// Allocations of ours and their bytes, writes to files and their bytes. What SQLite allocates is not among them.
    Calls,
    /// Syncs, on a disk that is made up: Linux does not count them.
    Syncs,
}

impl Counting {
    pub(super) const ALL: [Self; 3] = [Self::Sql, Self::Calls, Self::Syncs];
}

/// What was counted so far.
#[derive(Debug)]
pub(super) struct Costs {
    counting: Counting,
    sql: Arc<Mutex<Sql>>,
    disk: Option<Arc<Disk>>,
    tasks: u64,
    counts: [(&'static str, u64); 4],
}

/// What SQLite says of its statements.
#[derive(Debug, Default)]
struct Sql {
    statements: u64,
    steps: u64,
    /// A statement counts its steps over all its runs.
    before: HashMap<String, i32>,
}

impl Sql {
    fn see(&mut self, sql: &str, steps: i32) {
        let before = self.before.insert(sql.to_owned(), steps).unwrap_or(0);
        // One that was prepared anew begins at 0.
        let of_run = if steps >= before { steps - before } else { steps };
        self.statements += 1;
        self.steps += u64::try_from(of_run).unwrap();
    }
}

impl Costs {
    pub(super) fn new(counting: Counting, connection: &mut Connection, disk: Option<Arc<Disk>>) -> Self {
        let sql = Arc::new(Mutex::new(Sql::default()));
        if counting == Counting::Sql {
            let seen = Arc::clone(&sql);
            let see = move |event: TraceEvent<'_>| {
                if let TraceEvent::Profile(statement, _time) = event {
                    seen.lock().unwrap().see(&statement.sql(), statement.get_status(StatementStatus::VmStep));
                }
            };
            connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(see)).unwrap();
        }
        let names = match counting {
            Counting::Sql => ["statements", "sql_steps", "", ""],
            Counting::Calls => ["allocations", "allocated_bytes", "writes", "written_bytes"],
            Counting::Syncs => ["syncs", "", "", ""],
        };
        Self { counting, sql, disk, tasks: 0, counts: names.map(|name| (name, 0)) }
    }

    /// Does something with so many tasks, and counts it.
    pub(super) fn of(&mut self, tasks: usize, work: impl FnOnce()) {
        self.tasks += tasks as u64;
        let counted = match self.counting {
            Counting::Sql => {
                let (statements, steps) = self.seen();
                work();
                let after = self.seen();
                [after.0 - statements, after.1 - steps, 0, 0]
            }
            Counting::Calls => {
                let (writes, bytes) = written();
                let allocated = allocation_counter::measure(work);
                let after = written();
                [allocated.count_total, allocated.bytes_total, after.0 - writes, after.1 - bytes]
            }
            Counting::Syncs => {
                let disk = self.disk.as_ref().expect("it was given");
                let before = disk.syncs();
                work();
                [disk.syncs() - before, 0, 0, 0]
            }
        };
        for ((_, sum), counted) in self.counts.iter_mut().zip(counted) {
            *sum += counted;
        }
    }

    fn seen(&self) -> (u64, u64) {
        let sql = self.sql.lock().unwrap();
        (sql.statements, sql.steps)
    }

    /// Each count by its name, a task.
    pub(super) fn a_task(&self) -> impl Iterator<Item = (String, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "they are small")]
        let a_task = |count: u64| count as f64 / self.tasks as f64;
        self.counts
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .map(move |(name, count)| ((*name).to_owned(), a_task(*count)))
    }
}

/// How often this thread has written to files, and how many bytes, as Linux counts it.
fn written() -> (u64, u64) {
    let counts = std::fs::read_to_string("/proc/thread-self/io").expect("Linux counts what each thread writes");
    let of = |name: &str| {
        let line = counts.lines().find_map(|line| line.strip_prefix(name)).expect("a line of each count");
        line.trim().parse().expect("a count")
    };
    (of("syscw:"), of("wchar:"))
}
