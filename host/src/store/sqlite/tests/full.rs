//! A disk that is full: whoever submits is told, what attempts report waits, and all goes on once there is room. A disk that
//! fails a sync ends the store.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use taskhost_core::ids::TaskId;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};

use super::disk::Disk;
use super::{Files, open_with, options, start};
use crate::store::suite::{Harness, ended, in_queue};
use crate::store::{AttemptReport, Change, Ending, Reply, StoreError};

/// A store on a disk of its own.
fn on_disk() -> (Harness, Arc<Disk>, std::path::PathBuf) {
    let files = Files::default();
    let path = files.path();
    let disk = Disk::under(&path);
    let options = super::SqliteOptions { durable: true, ..options(&path) };
    let (store, assignments) = open_with(&options, start()).unwrap();
    (Harness::new(Arc::new(store), assignments, start(), files), disk, path)
}

/// Tasks that need room.
fn many(h: &mut Harness) -> (Vec<NewTask>, Vec<TaskId>) {
    let params = format!("\"{}\"", "x".repeat(2_000)).into_bytes();
    let tasks: Vec<_> = (0..20).map(|_| NewTask { params: params.clone(), ..h.task() }).collect();
    let ids = tasks.iter().map(|task| task.id).collect();
    (tasks, ids)
}

/// Submits until there is no room; answers what was acknowledged.
fn fill_up(h: &mut Harness) -> Vec<TaskId> {
    let mut acknowledged = Vec::new();
    loop {
        let (tasks, ids) = many(h);
        match h.outcome(h.store.submit(tasks, h.now)) {
            Ok(_) => acknowledged.extend(ids),
            Err(error) => {
                assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
                return acknowledged;
            }
        }
    }
}

/// Whether there is no answer yet.
fn not_yet<T>(reply: &mut Reply<T>) -> bool {
    Pin::new(reply).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

fn refuses(h: &Harness) -> bool {
    h.store.refusing().borrow().is_some()
}

#[test]
fn a_full_disk_loses_nothing_and_all_goes_on_when_there_is_room() {
    let (mut h, disk, path) = on_disk();
    let task = h.task();
    let attempt = h.start(task);
    disk.leave_room(Some(1_000_000));
    let mut acknowledged = fill_up(&mut h);
    assert!(!acknowledged.is_empty());
    disk.leave_room(Some(0));
    assert!(refuses(&h));

    let result = format!("\"{}\"", "r".repeat(5_000)).into_bytes();
    let ending = Ending { result: Some(result.clone()), ..ended(End::Done) };
    let change = Change::Ended(Box::new(ending));
    let report = AttemptReport { task: attempt.id, lease: attempt.lease, change, log: Vec::new() };
    let mut reported = h.store.report(vec![report], h.now);
    // Behind the report.
    let (tasks, _) = many(&mut h);
    assert!(matches!(h.outcome(h.store.submit(tasks, h.now)), Err(StoreError::Full { .. })));
    assert!(not_yet(&mut reported), "it is held");
    assert_eq!(h.status(attempt.id), Status::Running, "reads go on");
    assert_eq!(h.next_due(), Some(h.now.saturating_add(Duration::from_secs(1))), "the clock brings the next try");

    h.now = h.now.saturating_add(Duration::from_secs(1));
    assert!(matches!(h.outcome(h.store.advance(h.now)), Err(StoreError::Full { .. })));
    assert!(not_yet(&mut reported));
    assert_eq!(h.next_due(), Some(h.now.saturating_add(Duration::from_secs(1))));

    disk.leave_room(None);
    h.pass(Duration::from_secs(1));
    assert_eq!(h.answer(reported), [Ok(Status::Completed)]);
    assert_eq!(h.view(attempt.id).result, Some(result));
    assert!(!refuses(&h));
    let (tasks, ids) = many(&mut h);
    h.submit_all(tasks);
    acknowledged.extend(ids);
    assert_eq!(h.claims().len(), 1, "the slot that was freed");
    assert!(acknowledged.iter().all(|id| h.find(*id).is_some()));
    assert_sound(&path);
}

#[test]
fn reports_that_found_no_room_are_written_by_the_next_commit_that_finds_some() {
    let (mut h, disk, _) = on_disk();
    let task = h.task();
    let attempt = h.start(task);
    disk.leave_room(Some(300_000));
    fill_up(&mut h);
    disk.leave_room(Some(0));
    let checkpoint = |state: u8| {
        let change = Change::Checkpoint { state: vec![state; 9_000], follow_ups: Vec::new() };
        AttemptReport { task: attempt.id, lease: attempt.lease, change, log: Vec::new() }
    };
    let mut held: Vec<_> = [1, 2].map(|state| h.store.report(vec![checkpoint(state)], h.now)).into();
    let end = Change::Ended(Box::new(ended(End::Interrupted)));
    let end = AttemptReport { task: attempt.id, lease: attempt.lease, change: end, log: Vec::new() };
    held.push(h.store.report(vec![end], h.now));
    let (tasks, _) = many(&mut h);
    h.outcome(h.store.submit(tasks, h.now)).unwrap_err();
    assert!(held.iter_mut().all(not_yet));
    disk.leave_room(None);
    let small = in_queue(h.task(), "other");
    h.submit(small);
    let statuses: Vec<_> = held.into_iter().map(|reply| h.answer(reply)).collect();
    assert_eq!(statuses, [[Ok(Status::Running)], [Ok(Status::Running)], [Ok(Status::Queued)]]);
    let again = h.started();
    assert_eq!((again.id, again.state), (attempt.id, vec![2; 9_000]), "in the order in which they came");
}

#[test]
fn a_store_on_a_full_disk_closes_and_the_next_gives_back_what_ran() {
    let (mut h, disk, path) = on_disk();
    let task = h.task();
    let attempt = h.start(task);
    disk.leave_room(Some(300_000));
    let acknowledged = fill_up(&mut h);
    disk.leave_room(Some(0));
    let change = Change::Checkpoint { state: vec![1; 9_000], follow_ups: Vec::new() };
    let report = AttemptReport { task: attempt.id, lease: attempt.lease, change, log: Vec::new() };
    let held = h.store.report(vec![report], h.now);
    h.answer(h.store.close());
    assert!(matches!(h.outcome(held), Err(StoreError::Full { .. })));
    disk.leave_room(None);
    let copy = Files::as_after_a_crash(&path);
    let (next, reclaimed) = copy.harness_at(start());
    assert_eq!(reclaimed, 1);
    assert!(acknowledged.iter().all(|id| next.status(*id) == Status::Queued));
}

#[test]
fn a_sync_that_fails_ends_the_store_and_nothing_of_it_is_acknowledged() {
    for number in 1..6 {
        let (mut h, disk, path) = on_disk();
        let mut acknowledged = Vec::new();
        disk.fail_sync(number);
        let failed = loop {
            let (tasks, ids) = many(&mut h);
            match h.outcome(h.store.submit(tasks, h.now)) {
                Ok(_) => acknowledged.extend(ids),
                Err(error) => break error,
            }
        };
        assert!(matches!(failed, StoreError::Closed), "{failed:?}");
        let failure = h.failure();
        assert!(matches!(&*failure, StoreError::Failed { .. }), "{failure:?}");
        let copy = Files::as_after_a_crash(&path);
        let (next, _) = copy.harness_at(start());
        assert!(acknowledged.iter().all(|id| next.status(*id) == Status::Queued));
    }
}

fn assert_sound(path: &std::path::Path) {
    let file = rusqlite::Connection::open(path).unwrap();
    let checked: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(checked, "ok");
}
