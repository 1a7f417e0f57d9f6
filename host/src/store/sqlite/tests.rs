//! What only the embedded store promises: crashes, locks, files that are not right, a full disk, few commits, and the
//! plans of its statements.
//!
//! Not here: what every store promises, and histories against the reference store (`store::suite`).

mod backup;
mod crash;
pub(crate) mod disk;
mod file;
mod full;
mod golden;
mod health;
mod hot_path;
mod interrupt;
mod kill;
mod plan;
mod power;
mod replay;
mod turn;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use taskhost_core::retention::Retentions;
use taskhost_core::time::UnixMicros;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{SqliteOptions, SqliteStore};
use crate::events::Events;
use crate::store::suite::{Adapter, Capability, Ground, Harness, start};
use crate::store::{Assignment, StoreError};
use crate::tally::Tally;

pub(in crate::store) const ADAPTER: Adapter =
    Adapter { name: "sqlite", can: &[Capability::Crashes, Capability::Reopens], open: || Files::default().harness() };

/// A folder with the files of a store.
#[derive(Debug)]
struct Files(TempDir);

impl Default for Files {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Files {
    fn path(&self) -> PathBuf {
        self.0.path().join("var/taskhost.db")
    }

    fn open(&self) -> Result<SqliteStore, StoreError> {
        self.open_at(start()).map(|(store, _)| store)
    }

    fn open_at(&self, now: UnixMicros) -> Result<(SqliteStore, mpsc::UnboundedReceiver<Vec<Assignment>>), StoreError> {
        open_with(&options(&self.path()), now)
    }

    /// The store of the folder, which goes with the harness.
    fn harness(self) -> Harness {
        self.harness_at(start()).0
    }

    /// As [`Files::harness`]; also how many tasks were reclaimed.
    fn harness_at(self, now: UnixMicros) -> (Harness, usize) {
        self.harness_with(Retentions::default(), now)
    }

    /// As [`Files::harness_at`]; ended tasks are kept so long.
    fn harness_with(self, retentions: Retentions, now: UnixMicros) -> (Harness, usize) {
        let options = SqliteOptions { retentions, ..options(&self.path()) };
        let (assign, assignments) = mpsc::unbounded_channel();
        let (events, tally) = (Events::default(), Tally::default());
        let store = SqliteStore::open(&options, assign, events.clone(), tally.clone(), now).unwrap();
        let reclaimed = store.reclaimed();
        (Harness::new(Arc::new(store), assignments, now, ()).telling(&events, tally).on(self), reclaimed)
    }

    /// What a crash of the daemon on these files would leave. The store has to be at rest: every call answered.
    fn as_after_a_crash(path: &Path) -> Self {
        let files = Self::default();
        std::fs::create_dir(files.0.path().join("var")).unwrap();
        for suffix in ["", "-wal"] {
            let with_suffix = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            std::fs::copy(with_suffix(path), with_suffix(&files.path())).unwrap();
        }
        files
    }
}

impl Ground for Files {
    fn after_crash(&self, retentions: Retentions, now: UnixMicros) -> (Harness, usize) {
        Self::as_after_a_crash(&self.path()).harness_with(retentions, now)
    }

    fn after_end(self: Box<Self>, retentions: Retentions, now: UnixMicros) -> Option<(Harness, usize)> {
        Some(self.harness_with(retentions, now))
    }

    /// Nothing is left of what is gone, and whatever runs is known to the next start.
    fn check(&self, tasks: u64, running: usize) {
        let file = Connection::open(self.path()).unwrap();
        let count = |what: &str| file.query_row(what, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM task").unsigned_abs(), tasks);
        for table in ["task_params", "task_result", "task_state", "task_error", "task_log"] {
            let orphans = count(&format!("SELECT count(*) FROM {table} WHERE seq NOT IN (SELECT seq FROM task)"));
            assert_eq!(orphans, 0, "rows of {table} without a task");
        }
        assert!(
            count("SELECT count(*) FROM flight") <= i64::try_from(running).unwrap(),
            "a turn without a running task"
        );
        for (what, stands, should) in FOUND_BY {
            let differ = format!("SELECT count(*) FROM (SELECT * FROM ({stands}) EXCEPT SELECT * FROM ({should}))");
            assert_eq!(count(&differ), 0, "of the tasks that {what}, some are named that do not");
            let differ = format!("SELECT count(*) FROM (SELECT * FROM ({should}) EXCEPT SELECT * FROM ({stands}))");
            assert_eq!(count(&differ), 0, "of the tasks that {what}, some are not named");
        }
        let twice =
            count("SELECT (SELECT coalesce(sum(tasks), 0) FROM ready) - (SELECT count(*) FROM task WHERE state = 2)");
        assert_eq!(twice, 0, "a queued task is in two ranges");
    }
}

/// By what tasks are found: what stands in a table, and what should, from their rows.
const FOUND_BY: [(&str, &str, &str); 5] = [
    (
        "are queued",
        "WITH RECURSIVE each (queue, lane, priority, ready_at, seq, left) AS ( \
             SELECT queue, lane, priority, ready_at, first, tasks FROM ready \
             UNION ALL SELECT queue, lane, priority, ready_at, seq + 1, left - 1 FROM each WHERE left > 1) \
         SELECT queue, lane, priority, ready_at, seq FROM each",
        "SELECT queue, lane, priority, ready_at, seq FROM task WHERE state = 2",
    ),
    ("wait for a time", "SELECT at, seq FROM due", "SELECT ready_at, seq FROM task WHERE state = 5"),
    ("may expire", "SELECT at, seq FROM expiring", "SELECT expires_at, seq FROM task WHERE expires_at IS NOT NULL"),
    ("were cancelled", "SELECT seq FROM cancelled", "SELECT seq FROM task WHERE state = 9"),
    ("are dead", "SELECT seq FROM dead", "SELECT seq FROM task WHERE state = 10"),
];

fn open_with(
    options: &SqliteOptions,
    now: UnixMicros,
) -> Result<(SqliteStore, mpsc::UnboundedReceiver<Vec<Assignment>>), StoreError> {
    let (assign, assignments) = mpsc::unbounded_channel();
    let store = SqliteStore::open(options, assign, Events::default(), Tally::default(), now)?;
    Ok((store, assignments))
}

fn options(path: &Path) -> SqliteOptions {
    // Commits are not synced: these tests end no power supply.
    let (host, retentions) = ("here".to_owned(), Retentions::default());
    SqliteOptions { path: path.to_owned(), durable: false, host, retentions }
}
