//! Cancelling, in every status.

use std::time::Duration;

use taskhost_core::ids::TaskId;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Rejected, Status};

use super::{Case, Harness, cases, ended, failed, failure};
use crate::store::{Assignment, CancelRefused, Claimed, Ending};

pub(super) const CASES: &[Case] = cases![
    a_scheduled_task_is_cancelled_at_once,
    a_queued_task_is_cancelled_at_once,
    a_retrying_task_is_cancelled_at_once,
    a_running_task_is_told,
    a_start_comes_before_its_cancel_in_one_turn,
    an_ended_task_is_not_cancelled,
    an_unknown_task_is_not_cancelled,
    a_cancelling_task_that_finishes_is_completed,
    a_cancelling_task_that_ends_otherwise_is_cancelled,
    a_cancelling_task_may_still_save,
    a_cancelled_task_frees_its_slot,
];

/// A task that was told to cancel.
fn cancelling(h: &mut Harness) -> Claimed {
    let task = h.task();
    let attempt = h.start(task);
    assert_eq!(h.cancel(attempt.id), Ok(Status::Running));
    assert_eq!(h.assigned().len(), 1);
    attempt
}

fn is_cancelled(h: &mut Harness, task: TaskId) {
    assert_eq!(h.cancel(task), Ok(Status::Cancelled));
    let state = h.view(task).task.state;
    assert_eq!((state.status(), state.reason(), state.finished_at()), (Status::Cancelled, None, Some(h.now)));
    h.serve(10);
    h.pass(Duration::from_hours(1));
    assert_eq!(h.claims(), [], "it never starts");
}

fn a_scheduled_task_is_cancelled_at_once(h: &mut Harness) {
    let run_at = Some(h.now.saturating_add(Duration::from_mins(1)));
    let task = NewTask { run_at, expires_at: run_at, ..h.task() };
    let task = h.submit(task);
    is_cancelled(h, task);
}

fn a_queued_task_is_cancelled_at_once(h: &mut Harness) {
    let task = h.task();
    let task = h.submit(task);
    is_cancelled(h, task);
}

fn a_retrying_task_is_cancelled_at_once(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    h.end(&attempt, failed("no"));
    is_cancelled(h, attempt.id);
}

fn a_running_task_is_told(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    for _ in 0..2 {
        assert_eq!(h.cancel(attempt.id), Ok(Status::Running));
        let [Assignment::Cancel(task, lease)] = h.assigned()[..] else { panic!("a cancel is to come") };
        assert_eq!((task, lease), (attempt.id, attempt.lease));
        assert_eq!(h.view(attempt.id).task.state.reason(), Some("cancelling"));
    }
}

fn a_start_comes_before_its_cancel_in_one_turn(h: &mut Harness) {
    h.serve(1);
    let task = h.task();
    // Not awaited one by one: all may meet in one turn.
    let submitted = h.store.submit(vec![task.clone()], h.now);
    let cancelled = h.store.cancel(task.id, h.now);
    assert_eq!(h.answer(submitted), [Status::Queued]);
    assert_eq!(h.answer(cancelled), Ok(Status::Running));
    let assigned = h.assigned();
    let [Assignment::Start(claimed), Assignment::Cancel(id, lease)] = &assigned[..] else { panic!("{assigned:?}") };
    assert_eq!((claimed.id, *id, *lease), (task.id, task.id, claimed.lease));
    assert_eq!(h.end(claimed, ended(End::Interrupted)), Status::Cancelled, "the attempt is known to be cancelling");
}

fn an_ended_task_is_not_cancelled(h: &mut Harness) {
    let fatally = Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) };
    for (ending, status) in [(ended(End::Done), Status::Completed), (fatally, Status::Dead)] {
        let task = h.task();
        let attempt = h.start(task);
        h.end(&attempt, ending);
        assert_eq!(h.cancel(attempt.id), Err(CancelRefused::Rejected(Rejected::NotNow(status))));
        assert_eq!(h.status(attempt.id), status);
    }
    let task = h.task();
    h.serve(0);
    let task = h.submit(task);
    h.cancel(task).unwrap();
    assert_eq!(h.cancel(task), Err(CancelRefused::Rejected(Rejected::NotNow(Status::Cancelled))));
    assert_eq!(h.claims(), []);
}

fn an_unknown_task_is_not_cancelled(h: &mut Harness) {
    assert_eq!(h.cancel(TaskId::from_bytes([7; 16])), Err(CancelRefused::Unknown));
}

fn a_cancelling_task_that_finishes_is_completed(h: &mut Harness) {
    let attempt = cancelling(h);
    let ending = Ending { result: Some(b"1".to_vec()), ..ended(End::Done) };
    assert_eq!(h.end(&attempt, ending), Status::Completed);
    assert_eq!(h.view(attempt.id).result, Some(b"1".to_vec()));
}

fn a_cancelling_task_that_ends_otherwise_is_cancelled(h: &mut Harness) {
    let until = h.now.saturating_add(Duration::from_mins(1));
    let ends = [
        End::Failed { delay: None, chance: 0.5 },
        End::FailedFatally,
        End::Suspended(until),
        End::RateLimited(until),
        End::Interrupted,
        End::TimedOut { chance: 0.5 },
        End::LeaseLost,
    ];
    for end in ends {
        let attempt = cancelling(h);
        assert_eq!(h.end(&attempt, ended(end)), Status::Cancelled, "{end:?}");
        assert_eq!(h.view(attempt.id).errors, [], "{end:?}");
    }
}

fn a_cancelling_task_may_still_save(h: &mut Harness) {
    let attempt = cancelling(h);
    assert_eq!(h.checkpoint(&attempt, b"1"), Ok(Status::Running));
    assert_eq!(h.end(&attempt, ended(End::Interrupted)), Status::Cancelled);
}

fn a_cancelled_task_frees_its_slot(h: &mut Harness) {
    let attempt = cancelling(h);
    let next = h.task();
    let next = h.submit(next);
    assert_eq!(h.claims(), []);
    h.end(&attempt, ended(End::Interrupted));
    assert_eq!(h.claimed_ids(), [next]);
}
