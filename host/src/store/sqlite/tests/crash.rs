//! What stands in the file while tasks run, when they go, and after a crash.
//!
//! Not here: what every store does after a crash (`store::suite`).

use std::time::Duration;

use taskhost_core::once::{IdempotencyKey, Once};
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};

use super::Files;
use crate::store::Ending;
use crate::store::suite::{Harness, ended, failed};

/// A store that works, and where its file is.
fn working() -> (Harness, std::path::PathBuf) {
    let files = Files::default();
    let path = files.path();
    (files.harness(), path)
}

/// A crash and a start, a second later.
fn crashed(h: &Harness, path: &std::path::Path) -> (Harness, std::path::PathBuf) {
    let files = Files::as_after_a_crash(path);
    let path = files.path();
    (files.harness_at(h.now.saturating_add(Duration::from_secs(1))).0, path)
}

fn count(path: &std::path::Path, from: &str) -> i64 {
    let file = rusqlite::Connection::open(path).unwrap();
    file.query_row(&format!("SELECT count(*) FROM {from}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn the_row_of_a_turn_goes_with_its_last_task() {
    let (mut h, path) = working();
    h.serve(2);
    let tasks = vec![h.task(), h.task()];
    h.submit_all(tasks);
    for (attempt, left) in h.claims().iter().zip([1, 0]) {
        assert_eq!(count(&path, "flight"), 1);
        h.end(attempt, ended(End::Done));
        assert_eq!(count(&path, "flight"), left);
    }
}

#[test]
fn no_turn_is_left_after_a_crash() {
    let (mut h, path) = working();
    let task = h.task();
    h.start(task);
    let (_h, path) = crashed(&h, &path);
    assert_eq!(count(&path, "flight"), 0);
}

#[test]
fn an_old_key_leaves_nothing_behind() {
    let (mut h, path) = working();
    let once = Once { key: IdempotencyKey::new("a").unwrap(), fingerprint: [1; 32] };
    let task = h.task();
    h.answer(h.store.submit_once(vec![task], once, h.now)).unwrap();
    assert_eq!(count(&path, "idempotency_key"), 1);
    h.pass(Duration::from_hours(24));
    assert_eq!(count(&path, "idempotency_key"), 0);
}

#[test]
fn pruned_tasks_leave_nothing_behind() {
    let (mut h, path) = working();
    let large = format!("\"{}\"", "x".repeat(1_000)).into_bytes();
    let task = NewTask { params: large.clone(), ..h.task() };
    let attempt = h.start(task);
    h.checkpoint(&attempt, b"1").unwrap();
    h.end(&attempt, failed("no"));
    h.pass(Duration::from_secs(10));
    let attempt = h.started();
    h.end(&attempt, Ending { result: Some(large), ..ended(End::Done) });
    let beside = ["task_params", "task_result", "task_error", "task"];
    assert_eq!(beside.map(|table| count(&path, table)), [1; 4]);
    assert_eq!(count(&path, "task_state"), 0, "a completed task never goes on from its checkpoint");
    h.pass(Duration::from_hours(24));
    assert_eq!(beside.map(|table| count(&path, table)), [0; 4]);
}

#[test]
fn a_retention_that_was_not_applied_to_the_end_is_applied_by_the_next_start() {
    let (mut h, path) = working();
    let task = h.task();
    let task = h.submit(task);
    h.cancel(task).unwrap();
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("INSERT OR REPLACE INTO retention VALUES (0, ''); UPDATE task SET prune_at = 1").unwrap();
    drop(file);
    let (h, path) = crashed(&h, &path);
    // Answered after what is done at a start.
    h.answer(h.store.retain(Retentions::default(), h.now));
    assert_eq!((count(&path, "task WHERE prune_at = 1"), count(&path, "retention WHERE policy = ''")), (0, 0));
    assert_eq!(h.status(task), Status::Cancelled);
}
