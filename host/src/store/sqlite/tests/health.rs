//! Files that are damaged for real, and what is found of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::super::health::{Found, Thorough, examine, sizes};
use super::{Files, start};
use crate::clock::monotonic;
use crate::store::StoreError;
use crate::store::suite::after;

/// A closed store with some thousand tasks.
fn filled() -> (Files, PathBuf) {
    let files = Files::default();
    let path = files.path();
    let (store, assignments) = files.open_at(start()).unwrap();
    let mut h = crate::store::suite::Harness::new(std::sync::Arc::new(store), assignments, start(), ());
    let tasks: Vec<_> = (0..3_000).map(|_| h.task()).collect();
    h.submit_all(tasks);
    drop(h);
    // Into one file, without a log.
    let file = Connection::open(&path).unwrap();
    file.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).unwrap();
    (files, path)
}

fn structure(path: &Path) -> Found {
    examine(path, Thorough::Structure, None).unwrap()
}

/// The file with these bytes of it turned over, beside the good one.
fn with_damage(path: &Path, bytes: std::ops::Range<usize>) -> PathBuf {
    let mut content = std::fs::read(path).unwrap();
    content[bytes].iter_mut().for_each(|byte| *byte ^= 0xFF);
    let damaged = path.with_file_name("damaged.db");
    std::fs::write(&damaged, content).unwrap();
    damaged
}

#[test]
fn a_good_file_is_sound_also_while_it_is_worked_on() {
    let (files, path) = filled();
    assert_eq!((structure(&path), examine(&path, Thorough::Indexes, None).unwrap()), (Found::Sound, Found::Sound));
    let mut h = files.harness_at(after(start(), Duration::from_secs(1))).0;
    let task = h.task();
    h.submit(task);
    assert_eq!(structure(&path), Found::Sound);
    let task = h.task();
    h.submit(task);
}

#[test]
fn turned_bytes_in_the_head_of_any_page_are_found() {
    let (_files, path) = filled();
    let pages = std::fs::metadata(&path).unwrap().len() / 4_096;
    let file = Connection::open(&path).unwrap();
    let free: i64 = file.pragma_query_value(None, "freelist_count", |row| row.get(0)).unwrap();
    assert_eq!(free, 0, "a page that is free may hold anything");
    drop(file);
    for page in 1..usize::try_from(pages).unwrap() {
        let found = structure(&with_damage(&path, page * 4_096..page * 4_096 + 8));
        let Found::Damaged(told) = found else { panic!("page {}: {found:?}", page + 1) };
        assert!(!told.is_empty() && told.len() <= 5, "{told:?}");
    }
}

#[test]
fn a_file_without_its_end_and_one_of_noise_are_damaged() {
    let (_files, path) = filled();
    let content = std::fs::read(&path).unwrap();
    let damaged = path.with_file_name("damaged.db");
    std::fs::write(&damaged, &content[..content.len() / 2]).unwrap();
    assert!(matches!(structure(&damaged), Found::Damaged(_)));
    let broken = with_damage(&path, 0..100);
    assert!(matches!(structure(&broken), Found::Damaged(_)));
}

#[test]
fn an_index_that_tells_of_other_rows_is_found_by_a_thorough_look() {
    let (_files, path) = filled();
    let file = Connection::open(&path).unwrap();
    file.pragma_update(None, "writable_schema", 1).unwrap();
    let other = "UPDATE sqlite_master SET sql = replace(sql, '(id)', '(kind)') WHERE name = 'task_id'";
    assert_eq!(file.execute(other, []).unwrap(), 1);
    drop(file);
    assert_eq!(structure(&path), Found::Sound);
    let found = examine(&path, Thorough::Indexes, None).unwrap();
    assert!(matches!(&found, Found::Damaged(told) if told[0].contains("task_id")), "{found:?}");
}

#[test]
fn a_look_ends_when_its_time_is_over() {
    let (_files, path) = filled();
    assert_eq!(examine(&path, Thorough::Indexes, Some(monotonic())).unwrap(), Found::Unfinished);
}

#[test]
fn what_is_not_ours_or_of_a_later_version_is_told_as_at_a_start() {
    let (_files, path) = filled();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let refused = examine(&path, Thorough::Structure, None);
    assert!(matches!(refused, Err(StoreError::Foreign { .. })), "{refused:?}");
}

#[test]
fn sizes_are_those_of_the_files() {
    let (files, path) = filled();
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    assert_eq!((sizes(&path).file, sizes(&path).log), (length(&path), 0));
    let mut h = files.harness_at(after(start(), Duration::from_secs(1))).0;
    let task = h.task();
    h.submit(task);
    let log = PathBuf::from(format!("{}-wal", path.display()));
    let found = h.store.sizes().unwrap();
    assert_eq!((found.file, found.log), (length(&path), length(&log)));
    assert!(found.log > 0);
}
