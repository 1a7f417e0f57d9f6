//! A file of every version of the tables, as that version wrote it: each is brought up to date, and a daemon works on it.
//!
//! They are kept as text in `tests/golden/`, which people can read and compare: tables and rows are ours and change, the format
//! of the file around them is SQLite's and does not. Each was written by the code of its version. A change of what is written
//! makes that of the current version anew, never an older one. Not here: what is in them (`world`). Start at [`golden`].

mod cut;
mod dump;
mod shown;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use taskhost_core::ids::TaskId;
use taskhost_core::query::TaskQuery;
use taskhost_core::task::{End, Status};
use taskhost_core::time::UnixMicros;

use self::shown::shown;
use super::super::{lock, schema};
use super::{Files, start};
use crate::store::suite::{Harness, KIND, after, ended};
use crate::store::{Claimed, StoreError};

const MAKE: &str = "`UPDATE_GOLDEN=1 cargo test -p taskhost --lib golden` makes it";

fn current() -> usize {
    schema::MIGRATIONS.len()
}

fn path_of(version: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/golden/store-v{version}.sql"))
}

/// The text of the file that a version wrote.
fn golden(version: usize) -> String {
    let path = path_of(version);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; {MAKE}", path.display()))
}

/// A folder with the file of a version.
pub(super) fn files_of(version: usize) -> Files {
    let files = Files::default();
    std::fs::create_dir(files.path().parent().unwrap()).unwrap();
    dump::restore(&golden(version), &files.path());
    files
}

/// Soon after the files were written.
fn later() -> UnixMicros {
    after(start(), Duration::from_secs(930))
}

#[test]
fn what_this_version_writes_is_kept() {
    let files = Files::default();
    let path = files.path();
    let mut h = files.harness();
    world::fill(&mut h);
    h.answer(h.store.close());
    let written = dump::dump(&path);
    let kept = path_of(current());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(kept, written).unwrap();
        return;
    }
    let differs = "a file of this version is written otherwise than before. If a release has written such files, older ones \
        must still be read: that needs a migration. If none has";
    assert!(golden(current()) == written, "{}: {differs}, {MAKE}", kept.display());
}

#[test]
fn a_file_of_each_version_keeps_all_that_was_in_it() {
    let read = |version| {
        let (h, reclaimed) = files_of(version).harness_at(later());
        assert_eq!(reclaimed, 3, "version {version}");
        let counts: Vec<_> = h.store.queues().into_iter().map(|queue| queue.counts).collect();
        let of_status = |status| counts.iter().map(|counts| counts.get(status)).sum::<u64>();
        let counted = Status::ALL.map(of_status);
        assert_eq!(counted, Status::ALL.map(|status| in_status(&h, status)), "version {version}: the counts of queues");
        shown(&h)
    };
    let now = read(current());
    let text: Vec<_> = now.iter().map(|(since, line)| format!("{since} {line}")).collect();
    insta::assert_snapshot!("golden", text.join("\n"));
    for version in 1..current() {
        let kept = read(version);
        let expected: Vec<_> = now.iter().filter(|(since, _)| *since <= version).cloned().collect();
        pretty(&kept, &expected, version);
    }
}

fn in_status(h: &Harness, status: Status) -> u64 {
    let page = h.store.list(&TaskQuery { statuses: vec![status], ..TaskQuery::default() }, &[]).unwrap();
    page.tasks.len() as u64
}

/// Says which line differs: the whole is long.
fn pretty(kept: &[shown::Line], expected: &[shown::Line], version: usize) {
    for (kept, expected) in kept.iter().zip(expected) {
        assert_eq!(kept, expected, "version {version}");
    }
    assert_eq!(kept.len(), expected.len(), "version {version}: lines");
}

#[test]
fn a_daemon_works_off_a_file_of_each_version() {
    for version in 1..=current() {
        let files = files_of(version);
        let path = files.path();
        let mut h = files.harness_at(later()).0;
        h.answer(h.store.pause_queue("mail".parse().unwrap(), false, h.now));
        h.offer(&[("default", 3), ("mail", 1)], &[KIND, "away"]);
        for dead in
            h.store.list(&TaskQuery { statuses: vec![Status::Dead], ..TaskQuery::default() }, &[]).unwrap().tasks
        {
            h.retry(dead.id).unwrap();
        }
        h.now = after(h.now, Duration::from_mins(1));
        let fresh = h.task();
        let fresh = h.submit(fresh);
        h.pass(Duration::from_hours(3));
        let mut ran = work_off(&mut h);
        assert!(ran.remove(&fresh).is_some(), "version {version}");
        let mut states: Vec<_> = ran.values().filter(|claim| !claim.state.is_empty()).collect();
        states.sort_by_key(|claim| claim.follow_ups);
        let states = states.iter().map(|claim| (str::from_utf8(&claim.state).unwrap(), claim.follow_ups));
        let expected = [(r#"{"page":7}"#, 0), (r#"{"page":2}"#, 0), (r#"{"page":1}"#, 1)];
        assert_eq!(states.collect::<Vec<_>>(), expected, "version {version}: checkpoints");
        let (completed, cancelled) = (in_status(&h, Status::Completed), in_status(&h, Status::Cancelled));
        let all = h.store.list(&TaskQuery::default(), &[]).unwrap().tasks.len() as u64;
        assert_eq!((completed + cancelled, cancelled), (all, 3), "version {version}");
        prune(&mut h);
        h.answer(h.store.close());
        assert_eq!(left(&path), BTreeMap::new(), "version {version}: what is left of tasks");
    }
}

/// Runs whatever may run until nothing does, each once.
fn work_off(h: &mut Harness) -> BTreeMap<TaskId, Claimed> {
    let mut ran = BTreeMap::new();
    loop {
        let claims = h.claims();
        if claims.is_empty() {
            return ran;
        }
        for claim in claims {
            assert_eq!(h.end(&claim, ended(End::Done)), Status::Completed);
            assert_eq!(ran.insert(claim.id, claim), None);
        }
    }
}

/// Lets so much time pass that nothing is kept any longer.
fn prune(h: &mut Harness) {
    h.pass(Duration::from_hours(24 * 8));
    while h.next_due().is_some_and(|due| due <= h.now) {
        h.pass(Duration::ZERO);
    }
}

/// How many rows there are in the tables of tasks that have any.
fn left(path: &Path) -> BTreeMap<String, i64> {
    let file = Connection::open(path).unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND (name GLOB 'task*' OR name IN ('flight', 'idempotency_key'))";
    let mut select = file.prepare(tables).unwrap();
    let tables = select.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let count = |table: &str| file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    tables.map(|table| (table.clone(), count(&table))).filter(|(_, rows)| *rows > 0).collect()
}

/// The tables and indexes without what means nothing: comments and white space.
fn tables(file: &Connection) -> BTreeMap<String, String> {
    let mut select = file.prepare("SELECT name, coalesce(sql, '') FROM sqlite_master").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
    let bare = |sql: &str| {
        let lines = sql.lines().map(|line| line.split_once("--").map_or(line, |(before, _comment)| before));
        lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    rows.map(Result::unwrap).map(|(name, sql)| (name, bare(&sql))).collect()
}

#[test]
fn a_step_that_was_taken_is_never_edited() {
    for version in 1..=current() {
        let fresh = Connection::open_in_memory().unwrap();
        schema::MIGRATIONS[..version].iter().for_each(|step| fresh.execute_batch(step).unwrap());
        let files = files_of(version);
        let kept = Connection::open(files.path()).unwrap();
        assert_eq!(tables(&kept), tables(&fresh), "the tables of version {version}");
    }
}

#[test]
fn a_file_that_was_brought_up_to_date_has_the_tables_of_a_new_one() {
    let new = Files::default();
    drop(new.open().unwrap());
    let of_new = tables(&Connection::open(new.path()).unwrap());
    for version in 1..=current() {
        let files = files_of(version);
        let path = files.path();
        let h = files.harness_at(later()).0;
        h.answer(h.store.close());
        let file = Connection::open(&path).unwrap();
        assert_eq!(tables(&file), of_new, "version {version}");
        assert_eq!(schema::identify(&file).unwrap(), current());
        let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok", "version {version}");
    }
}

#[test]
fn only_who_holds_the_store_brings_it_up_to_date() {
    let files = files_of(1);
    let held = lock(&files.path()).unwrap();
    assert!(matches!(files.open(), Err(StoreError::InUse { .. })));
    assert!(dump::dump(&files.path()) == golden(1), "it is as it was");
    drop(held);
    files.open().unwrap();
}
