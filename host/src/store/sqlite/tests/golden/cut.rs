//! Bringing a file up to date, cut off anywhere: the old version stays whole.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;

use super::super::Files;
use super::{current, dump, files_of, golden, schema};

/// A connection that keeps nothing back: what a step changes is in the files before it is committed.
fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "cache_size", 1).unwrap();
    connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    connection
}

fn log_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

#[test]
fn a_crash_anywhere_in_it_leaves_the_old_version_whole() {
    for version in 1..current() {
        let files = files_of(version);
        let path = files.path();
        let mut connection = connect(&path);
        // What a crash would leave, whenever the files have changed.
        let left = Arc::new(Mutex::new(Vec::<(u64, Files)>::new()));
        let (seen, at) = (Arc::clone(&left), path.clone());
        connection
            .progress_handler(
                1,
                Some(move || {
                    let bytes = length(&log_of(&at));
                    let mut seen = seen.lock().unwrap();
                    if seen.last().is_none_or(|(before, _)| *before != bytes) {
                        seen.push((bytes, Files::as_after_a_crash(&at)));
                    }
                    false
                }),
            )
            .unwrap();
        schema::migrate(&mut connection, version).unwrap();
        connection.progress_handler(0, None::<fn() -> bool>).unwrap();
        assert_eq!(schema::identify(&connection).unwrap(), current());
        let left = std::mem::take(&mut *left.lock().unwrap());
        let mut cut_off = 0;
        for (bytes, files) in left {
            let found = schema::identify(&Connection::open(files.path()).unwrap()).unwrap();
            if found == version {
                cut_off += 1;
                assert!(dump::dump(&files.path()) == golden(version), "version {version}, {bytes} bytes into the log");
            } else {
                assert_eq!(found, current(), "the commit was done");
            }
            files.open().unwrap();
        }
        assert!(cut_off > 0, "version {version}");
    }
}

#[test]
fn a_failure_anywhere_in_it_leaves_the_old_version_whole() {
    let files = files_of(1);
    let mut connection = connect(&files.path());
    for operations in (1..).step_by(7) {
        let mut left = operations;
        connection
            .progress_handler(
                1,
                Some(move || {
                    left -= 1;
                    left == 0
                }),
            )
            .unwrap();
        let migrated = schema::migrate(&mut connection, 1);
        connection.progress_handler(0, None::<fn() -> bool>).unwrap();
        if migrated.is_ok() {
            assert!(operations > 100, "it was never cut off");
            return;
        }
        assert!(dump::dump(&files.path()) == golden(1), "cut off after {operations} operations");
    }
}
