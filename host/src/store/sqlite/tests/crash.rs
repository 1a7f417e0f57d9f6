//! What the next daemon finds when one has ended without saying so.

use std::time::Duration;

use taskhost_core::ids::QueueName;
use taskhost_core::once::{IdempotencyKey, Once};
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, INTERRUPTIONS_MAX, Status};

use super::{Files, start};
use crate::store::suite::{Harness, ended, failed, failure};
use crate::store::{Ending, QueueState};

/// A store that works, and where its file is.
fn working() -> (Harness, std::path::PathBuf) {
    let files = Files::default();
    let path = files.path();
    (files.harness(), path)
}

/// A crash and a start, a second later.
fn crashed(h: &Harness, path: &std::path::Path) -> (Harness, usize, std::path::PathBuf) {
    let files = Files::as_after_a_crash(path);
    let path = files.path();
    let (harness, reclaimed) = files.harness_at(h.now.saturating_add(Duration::from_secs(1)));
    (harness, reclaimed, path)
}

fn count(path: &std::path::Path, from: &str) -> i64 {
    let file = rusqlite::Connection::open(path).unwrap();
    file.query_row(&format!("SELECT count(*) FROM {from}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_crash_gives_running_tasks_back_and_suspects_them() {
    let (mut h, path) = working();
    let task = h.task();
    let attempt = h.start(task);
    h.checkpoint(&attempt, b"41").unwrap();
    let (mut h, reclaimed, path) = crashed(&h, &path);
    assert_eq!((reclaimed, count(&path, "flight")), (1, 0));
    let view = h.view(attempt.id);
    assert_eq!((view.task.status(), view.task.attempt, view.task.suspect), (Status::Queued, 0, true));
    assert_eq!((view.started_at, view.errors), (Some(start()), Vec::new()));
    h.serve(1);
    let again = h.started();
    assert_eq!((again.id, again.attempt, again.lease), (attempt.id, 1, attempt.lease.next()));
    assert_eq!(again.state, b"41");
    assert!(h.checkpoint(&attempt, b"0").is_err(), "the attempt of the dead daemon holds nothing");
    assert_eq!(h.end(&again, ended(End::Done)), Status::Completed);
    assert!(!h.view(attempt.id).task.suspect, "a good end clears it");
}

#[test]
fn a_crash_cancels_what_was_cancelling() {
    let (mut h, path) = working();
    let task = h.task();
    let attempt = h.start(task);
    h.cancel(attempt.id).unwrap();
    let (h, reclaimed, _) = crashed(&h, &path);
    assert_eq!((reclaimed, h.status(attempt.id)), (1, Status::Cancelled));
}

#[test]
fn a_crash_leaves_all_that_does_not_run() {
    let (mut h, path) = working();
    h.serve(3);
    let run_at = Some(h.now.saturating_add(Duration::from_mins(1)));
    let tasks = vec![h.task(), h.task(), h.task(), NewTask { run_at, ..h.task() }, h.task()];
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    h.submit_all(tasks);
    h.serve(0);
    let attempts = h.claims();
    h.end(&attempts[0], ended(End::Done));
    h.end(&attempts[1], failed("no"));
    let before: Vec<_> = ids.iter().map(|id| h.view(*id)).collect();
    let due = h.next_due();
    let (h, reclaimed, _) = crashed(&h, &path);
    assert_eq!(reclaimed, 1, "all three started in one commit, two have landed");
    let after: Vec<_> = ids.iter().map(|id| h.view(*id)).collect();
    for which in [0, 1, 3, 4] {
        assert_eq!(after[which], before[which]);
    }
    assert_eq!(after[2].task.status(), Status::Queued);
    assert_eq!((h.next_due(), *h.store.running().borrow()), (due, 0), "what is due next is known before any call");
}

#[test]
fn a_task_that_is_always_there_when_the_host_crashes_fails_at_last() {
    let (mut h, mut path) = working();
    let task = h.task();
    let task = h.submit(task);
    for crash in 0..=INTERRUPTIONS_MAX {
        h.serve(1);
        assert_eq!(h.started().attempt, 1, "after {crash} crashes");
        let (after, reclaimed, its_path) = crashed(&h, &path);
        assert_eq!(reclaimed, 1);
        (h, path) = (after, its_path);
    }
    let view = h.view(task);
    assert_eq!((view.task.status(), view.task.attempt), (Status::Retrying, 1));
    assert_eq!((&*view.errors[0].code, &*view.errors[0].host), ("no-headway", "here"));
}

#[test]
fn an_orderly_end_leaves_nothing_to_reclaim() {
    let (mut h, path) = working();
    let task = h.task();
    let attempt = h.start(task);
    h.offer(&[], &[]);
    h.end(&attempt, ended(End::Interrupted));
    let (h, reclaimed, _) = crashed(&h, &path);
    let task = h.view(attempt.id).task;
    assert_eq!((reclaimed, task.suspect, task.status()), (0, false, Status::Queued));
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
fn pruned_tasks_leave_nothing_behind() {
    let (mut h, path) = working();
    let large = format!("\"{}\"", "x".repeat(1_000)).into_bytes();
    let task = NewTask { params: large.clone(), ..h.task() };
    let attempt = h.start(task);
    h.checkpoint(&attempt, b"1").unwrap();
    h.end(&attempt, failed("no"));
    h.pass(Duration::from_secs(10));
    let attempt = h.started();
    h.end(&attempt, crate::store::Ending { result: Some(large), ..ended(End::Done) });
    let beside = ["task_params", "task_result", "task_error", "task"];
    assert_eq!(beside.map(|table| count(&path, table)), [1; 4]);
    assert_eq!(count(&path, "task_state"), 0, "a completed task never goes on from its checkpoint");
    h.pass(Duration::from_hours(24));
    assert_eq!(beside.map(|table| count(&path, table)), [0; 4]);
}

#[test]
fn pauses_and_counts_outlive_a_crash() {
    let (mut h, path) = working();
    let task = h.task();
    let dead = h.start(task);
    h.end(&dead, Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) });
    let task = h.task();
    h.start(task);
    let task = h.task();
    h.submit(task);
    h.answer(h.store.pause_queue(QueueName::default(), true, h.now));
    let (mut h, _, _) = crashed(&h, &path);
    h.serve(5);
    assert_eq!(h.claims(), []);
    let queues = h.store.queues();
    let [QueueState { paused_since, counts, .. }] = &queues[..] else { panic!("{queues:?}") };
    assert_eq!(*paused_since, Some(start()));
    let counted = [Status::Queued, Status::Running, Status::Dead].map(|status| counts.get(status));
    assert_eq!((counted, counts.total()), ([2, 0, 1], 3));
}

#[test]
fn a_key_outlives_a_crash_with_its_tasks_until_it_is_old() {
    let (mut h, path) = working();
    let once = Once { key: IdempotencyKey::new("a").unwrap(), fingerprint: [1; 32] };
    let task = h.task();
    let first = h.answer(h.store.submit_once(vec![task], once.clone(), h.now));
    let (mut h, _, path) = crashed(&h, &path);
    let again = h.task();
    assert_eq!(h.answer(h.store.submit_once(vec![again], once, h.now)), first);
    assert_eq!((count(&path, "task"), count(&path, "idempotency_key")), (1, 1));
    h.pass(Duration::from_hours(24));
    assert_eq!(count(&path, "idempotency_key"), 0);
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
    let (h, _, path) = crashed(&h, &path);
    // Answered after what is done at a start.
    h.answer(h.store.retain(Retentions::default(), h.now));
    assert_eq!((count(&path, "task WHERE prune_at = 1"), count(&path, "retention WHERE policy = ''")), (0, 0));
    assert_eq!(h.status(task), Status::Cancelled);
}
