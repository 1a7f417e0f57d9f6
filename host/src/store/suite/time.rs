//! What comes by time: expiry, the next time that something is due, retention. And the end of a store.

use std::time::Duration;

use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};
use taskhost_core::time::UnixMicros;

use super::{Case, Harness, KIND, after, cases, ended, failed, failure};
use crate::store::{Ending, StoreError};

pub(super) const CASES: &[Case] = cases![
    a_task_that_starts_too_late_is_cancelled_by_time,
    a_scheduled_task_may_expire,
    a_task_that_starts_too_late_is_cancelled_at_its_claim,
    a_task_that_is_submitted_too_late_never_starts,
    a_started_task_no_longer_expires,
    a_clock_that_is_set_back_expires_nothing,
    the_earliest_time_is_told,
    a_call_does_all_that_is_due,
    ended_tasks_are_kept_for_their_time,
    a_closed_store_says_so,
];

fn expiring(h: &mut Harness, seconds: u64) -> NewTask {
    NewTask { expires_at: Some(after(h.now, Duration::from_secs(seconds))), ..h.task() }
}

fn a_task_that_starts_too_late_is_cancelled_by_time(h: &mut Harness) {
    let task = expiring(h, 60);
    let task = h.submit(task);
    h.pass(Duration::from_micros(59_999_999));
    assert_eq!(h.status(task), Status::Queued);
    h.pass(Duration::from_micros(1));
    let state = h.view(task).task.state;
    assert_eq!((state.status(), state.reason()), (Status::Cancelled, Some("expired")));
}

fn a_scheduled_task_may_expire(h: &mut Harness) {
    let run_at = Some(after(h.now, Duration::from_secs(30)));
    let both = NewTask { run_at, ..expiring(h, 40) };
    let before = NewTask { run_at, ..expiring(h, 20) };
    let (both, before) = (h.submit(both), h.submit(before));
    h.pass(Duration::from_secs(20));
    assert_eq!((h.status(both), h.status(before)), (Status::Scheduled, Status::Cancelled));
    h.serve(1);
    h.pass(Duration::from_secs(30));
    assert_eq!((h.status(both), h.claims()), (Status::Cancelled, Vec::new()), "it became due and expired in one call");
}

fn a_task_that_starts_too_late_is_cancelled_at_its_claim(h: &mut Harness) {
    let task = expiring(h, 60);
    let task = h.submit(task);
    h.now = after(h.now, Duration::from_mins(1));
    h.serve(1);
    assert_eq!(h.claims(), []);
    let state = h.view(task).task.state;
    assert_eq!((state.reason(), state.finished_at()), (Some("expired"), Some(h.now)));
}

fn a_task_that_is_submitted_too_late_never_starts(h: &mut Harness) {
    h.serve(1);
    let task = expiring(h, 0);
    let task = h.submit(task);
    assert_eq!(h.claims(), []);
    assert_eq!(h.view(task).task.state.reason(), Some("expired"));
}

fn a_started_task_no_longer_expires(h: &mut Harness) {
    let task = expiring(h, 60);
    let attempt = h.start(task);
    h.end(&attempt, failed("no"));
    h.pass(Duration::from_hours(1));
    assert_eq!(h.started().attempt, 2);
}

fn a_clock_that_is_set_back_expires_nothing(h: &mut Harness) {
    let right = h.now;
    h.now = after(right, Duration::from_hours(1));
    h.serve(1);
    h.now = right;
    let running = h.task();
    h.submit(running);
    let running = h.started();
    let task = expiring(h, 60);
    let task = h.submit(task);
    h.end(&running, ended(End::Done));
    assert_eq!(h.claimed_ids(), [task]);
    assert_eq!(h.view(task).started_at, Some(right));
}

fn the_earliest_time_is_told(h: &mut Harness) {
    assert_eq!(h.next_due(), None);
    let start = h.now;
    let at = |seconds| Some(after(start, Duration::from_secs(seconds)));
    let later = NewTask { run_at: at(60), ..h.task() };
    let later = h.submit(later);
    assert_eq!(h.next_due(), at(60));
    let expiring = expiring(h, 50);
    h.submit(expiring);
    assert_eq!(h.next_due(), at(50));
    let sooner = NewTask { run_at: at(40), ..h.task() };
    h.submit(sooner);
    assert_eq!(h.next_due(), at(40));
    h.pass(Duration::from_secs(55));
    assert_eq!(h.next_due(), at(60));
    h.offer(&[("default", 9)], &[KIND]);
    let attempt = h.started();
    h.end(&attempt, failed("no"));
    assert_eq!(h.next_due(), at(60), "the retry comes after it");
    h.cancel(later).unwrap();
    h.pass(Duration::from_secs(5));
    assert_eq!(h.next_due(), at(65), "the retry");
}

fn a_call_does_all_that_is_due(h: &mut Harness) {
    let run_at = Some(after(h.now, Duration::from_secs(1)));
    let tasks: Vec<_> = (0..2_500).map(|_| NewTask { run_at, ..h.task() }).collect();
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    h.submit_all(tasks);
    h.now = after(h.now, Duration::from_secs(1));
    // A call may do a part: then it says that more is due, now.
    while h.next_due().is_some_and(|due| due <= h.now) {
        h.pass(Duration::ZERO);
    }
    h.serve(2_500);
    assert_eq!(h.claimed_ids(), ids);
}

fn ended_tasks_are_kept_for_their_time(h: &mut Harness) {
    let large = vec![b'1'; 1_000];
    let task = NewTask { params: large.clone(), ..h.task() };
    let completed = h.start(task);
    h.checkpoint(&completed, b"1").unwrap();
    h.end(&completed, Ending { result: Some(large), ..ended(End::Done) });
    let prunes_at = after(h.now, Duration::from_hours(24));
    assert!(h.next_due().is_some_and(|due| due >= prunes_at), "pruning is something to do");
    let task = h.task();
    let dead = h.start(task);
    h.end(&dead, Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) });
    h.serve(0);
    let task = h.task();
    let cancelled = h.submit(task);
    h.cancel(cancelled).unwrap();
    h.now = after(h.now, Duration::from_hours(24));
    h.now = UnixMicros::from_micros(h.now.as_micros() - 1);
    h.pass(Duration::ZERO);
    assert!([completed.id, dead.id, cancelled].into_iter().all(|task| h.find(task).is_some()));
    h.pass(Duration::from_micros(1));
    assert_eq!([completed.id, dead.id, cancelled].map(|task| h.find(task).is_some()), [false, true, false]);
    h.pass(Duration::from_hours(6 * 24));
    assert_eq!((h.find(dead.id), h.next_due()), (None, None));
}

fn a_closed_store_says_so(h: &mut Harness) {
    let task = h.task();
    let submitted = h.store.submit(vec![task.clone()], h.now);
    let closed = h.store.close();
    assert_eq!(h.answer(submitted), [Status::Queued], "what was given before is done");
    h.answer(closed);
    let next = h.task();
    assert!(matches!(h.outcome(h.store.submit(vec![next], h.now)), Err(StoreError::Closed)));
    assert!(matches!(h.outcome(h.store.close()), Err(StoreError::Closed)));
    assert!(h.store.failure().borrow().is_none(), "closing is no failure");
}
