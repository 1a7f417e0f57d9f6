//! What a daemon finds when the one before has ended without saying so.

use std::time::Duration;

use taskhost_core::ids::QueueName;
use taskhost_core::once::{IdempotencyKey, Once};
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, INTERRUPTIONS_MAX, Status};

use super::{Case, Harness, after, cases, ended, failed, failure, start};
use crate::store::{Ending, QueueState};

pub(super) const CASES: &[Case] = cases![
    a_crash_gives_running_tasks_back_and_suspects_them,
    a_crash_cancels_what_was_cancelling,
    a_crash_leaves_all_that_does_not_run,
    a_task_that_is_always_there_when_the_host_crashes_fails_at_last,
    what_was_given_back_before_a_crash_is_not_reclaimed,
    the_log_says_that_the_daemon_ended,
    pauses_and_counts_outlive_a_crash,
    a_key_outlives_a_crash_until_it_is_old,
    what_a_crash_left_running_is_counted_by_its_end_alone,
];

/// A crash and a start, a second later.
fn crash(h: &mut Harness) -> usize {
    h.now = after(h.now, Duration::from_secs(1));
    h.crash(&Retentions::default())
}

fn a_crash_gives_running_tasks_back_and_suspects_them(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    h.checkpoint(&attempt, b"41").unwrap();
    assert_eq!(crash(h), 1);
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

fn a_crash_cancels_what_was_cancelling(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    h.cancel(attempt.id).unwrap();
    assert_eq!((crash(h), h.status(attempt.id)), (1, Status::Cancelled));
}

fn a_crash_leaves_all_that_does_not_run(h: &mut Harness) {
    h.serve(3);
    let run_at = Some(after(h.now, Duration::from_mins(1)));
    let tasks = vec![h.task(), h.task(), h.task(), NewTask { run_at, ..h.task() }, h.task()];
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    h.submit_all(tasks);
    h.serve(0);
    let attempts = h.claims();
    h.end(&attempts[0], ended(End::Done));
    h.end(&attempts[1], failed("no"));
    let before: Vec<_> = ids.iter().map(|id| h.view(*id)).collect();
    let due = h.next_due();
    assert_eq!(crash(h), 1, "all three started in one commit, two have landed");
    let after: Vec<_> = ids.iter().map(|id| h.view(*id)).collect();
    for which in [0, 1, 3, 4] {
        assert_eq!(after[which], before[which]);
    }
    assert_eq!(after[2].task.status(), Status::Queued);
    assert_eq!((h.next_due(), *h.store.running().borrow()), (due, 0), "what is due next is known before any call");
}

fn a_task_that_is_always_there_when_the_host_crashes_fails_at_last(h: &mut Harness) {
    let task = h.task();
    let task = h.submit(task);
    for crashes in 0..=INTERRUPTIONS_MAX {
        h.serve(1);
        assert_eq!(h.started().attempt, 1, "after {crashes} crashes");
        assert_eq!(crash(h), 1);
    }
    let view = h.view(task);
    assert_eq!((view.task.status(), view.task.attempt), (Status::Retrying, 1));
    assert_eq!((&*view.errors[0].code, &*view.errors[0].host), ("no-headway", &*view.attempted_by[0]));
}

fn what_was_given_back_before_a_crash_is_not_reclaimed(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    h.offer(&[], &[]);
    h.end(&attempt, ended(End::Interrupted));
    assert_eq!(crash(h), 0);
    let task = h.view(attempt.id).task;
    assert_eq!((task.suspect, task.status()), (false, Status::Queued));
}

fn the_log_says_that_the_daemon_ended(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    crash(h);
    let log = h.log(attempt.id, 0);
    let lines: Vec<_> = log.pieces.iter().flat_map(|piece| piece.chunk.lines()).map(|line| line.message).collect();
    assert_eq!(lines, ["The daemon ended while this attempt ran."]);
    assert_eq!(log.end.map(|end| (end.n, end.lease)), Some((1, attempt.lease)));
}

fn pauses_and_counts_outlive_a_crash(h: &mut Harness) {
    let task = h.task();
    let dead = h.start(task);
    h.end(&dead, Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) });
    let task = h.task();
    h.start(task);
    let task = h.task();
    h.submit(task);
    h.answer(h.store.pause_queue(QueueName::default(), true, h.now));
    crash(h);
    h.serve(5);
    assert_eq!(h.claims(), []);
    let queues = h.store.queues();
    let [QueueState { paused_since, counts, .. }] = &queues[..] else { panic!("{queues:?}") };
    assert_eq!(*paused_since, Some(start()));
    let counted = [Status::Queued, Status::Running, Status::Dead].map(|status| counts.get(status));
    assert_eq!((counted, counts.total()), ([2, 0, 1], 3));
}

fn a_key_outlives_a_crash_until_it_is_old(h: &mut Harness) {
    let once = Once { key: IdempotencyKey::new("a").unwrap(), fingerprint: [1; 32] };
    let task = h.task();
    let first = h.answer(h.store.submit_once(vec![task], once.clone(), h.now));
    crash(h);
    let again = h.task();
    assert_eq!(h.answer(h.store.submit_once(vec![again.clone()], once.clone(), h.now)), first);
    assert_eq!(h.find(again.id), None);
    h.pass(Duration::from_hours(24));
    assert_eq!(h.store.submitted_once(&once, h.now).unwrap(), None);
}

fn what_a_crash_left_running_is_counted_by_its_end_alone(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    assert_eq!(h.cancel(attempt.id), Ok(Status::Running));
    crash(h);
    assert_eq!(h.told().counted, ["work of default cancelled"], "it is no attempt of this daemon");
}
