//! What becomes of a task by what its attempts report.

use std::time::Duration;

use taskhost_core::ids::{LeaseId, TaskId};
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Rejected, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{AttemptError, ERRORS_KEPT, Progress};

use super::{Case, Harness, cases, ended, failed, failure};
use crate::store::{Change, Claimed, Ending};

pub(super) const CASES: &[Case] = cases![
    a_done_task_keeps_its_result_of_any_size,
    a_failed_task_runs_again_when_its_backoff_is_over,
    a_failure_may_ask_for_a_delay_of_its_own,
    a_spent_budget_is_the_end,
    a_fatal_failure_is_the_end,
    only_a_completed_task_has_a_result,
    a_stale_lease_changes_nothing,
    reports_of_unknown_tasks_are_rejected_one_by_one,
    a_checkpoint_is_handed_to_the_next_attempt,
    a_checkpoint_and_the_end_come_in_one_report,
    an_interruption_gives_the_attempt_back,
    too_many_interruptions_are_a_failure_with_a_reason,
    a_suspended_task_goes_on_with_its_state,
    a_rate_limited_task_waits_without_spending_an_attempt,
    a_timed_out_attempt_is_a_failure,
    progress_is_kept_until_there_is_newer,
    the_latest_errors_are_kept,
    an_old_error_is_not_pushed_out_by_attempts_without_one,
];

fn started(h: &mut Harness) -> Claimed {
    let task = h.task();
    h.start(task)
}

fn done(result: &[u8]) -> Ending {
    Ending { result: Some(result.to_vec()), ..ended(End::Done) }
}

/// Fails the attempt and waits for the next.
fn next_attempt(h: &mut Harness, attempt: &Claimed) -> Claimed {
    assert_eq!(h.end(attempt, failed("no")), Status::Retrying);
    h.pass(Duration::from_secs(10));
    h.started()
}

fn a_done_task_keeps_its_result_of_any_size(h: &mut Harness) {
    for size in [2, 512, 513, 100_000] {
        let attempt = started(h);
        let result = format!("\"{}\"", "r".repeat(size - 2)).into_bytes();
        assert_eq!(h.end(&attempt, done(&result)), Status::Completed);
        let view = h.view(attempt.id);
        assert_eq!((view.result, view.errors), (Some(result), Vec::new()));
        assert_eq!((view.task.state.finished_at(), view.task.attempt), (Some(h.now), 1));
    }
}

fn a_failed_task_runs_again_when_its_backoff_is_over(h: &mut Harness) {
    let first = started(h);
    let failed_at = h.now;
    assert_eq!(h.end(&first, failed("no route")), Status::Retrying);
    let view = h.view(first.id);
    let due_at = h.now.saturating_add(Duration::from_secs(10));
    assert_eq!((view.task.state.due_at(), view.task.attempt), (Some(due_at), 1));
    h.pass(Duration::from_micros(9_999_999));
    assert_eq!((h.status(first.id), h.claims()), (Status::Retrying, Vec::new()));
    h.pass(Duration::from_micros(1));
    let second = h.started();
    assert_eq!((second.id, second.attempt, second.lease), (first.id, 2, first.lease.next()));
    let view = h.view(first.id);
    assert_eq!(view.started_at, Some(h.now), "of the latest attempt");
    let host = view.attempted_by[0].clone();
    let (code, message) = ("broken".to_owned(), "no route".to_owned());
    assert_eq!(view.errors, [AttemptError { attempt: 1, at: failed_at, host, generation: 7, code, message }]);
}

fn a_failure_may_ask_for_a_delay_of_its_own(h: &mut Harness) {
    let attempt = started(h);
    let delay = Duration::from_hours(2);
    let end = End::Failed { delay: Some(delay), chance: 0.5 };
    h.end(&attempt, Ending { failure: Some(failure("busy")), ..ended(end) });
    assert_eq!(h.view(attempt.id).task.state.due_at(), Some(h.now.saturating_add(delay)));
}

fn a_spent_budget_is_the_end(h: &mut Harness) {
    let first = started(h);
    let second = next_attempt(h, &first);
    let third = next_attempt(h, &second);
    assert_eq!((third.attempt, third.attempts_max), (3, 3));
    assert_eq!(h.end(&third, failed("no")), Status::Dead);
    let view = h.view(first.id);
    assert_eq!((view.task.state.reason(), view.errors.len()), (Some("attempts spent"), 3));
    h.pass(Duration::from_hours(1));
    assert_eq!((h.claims(), h.status(first.id)), (Vec::new(), Status::Dead));
}

fn a_fatal_failure_is_the_end(h: &mut Harness) {
    let attempt = started(h);
    let ending = Ending { failure: Some(failure("bad address")), ..ended(End::FailedFatally) };
    assert_eq!(h.end(&attempt, ending), Status::Dead);
    let view = h.view(attempt.id);
    assert_eq!((view.task.state.reason(), &*view.errors[0].message), (Some("fatal"), "bad address"));
}

fn only_a_completed_task_has_a_result(h: &mut Harness) {
    let attempt = started(h);
    h.end(&attempt, Ending { result: Some(b"1".to_vec()), ..failed("no") });
    assert_eq!(h.view(attempt.id).result, None);
}

fn a_stale_lease_changes_nothing(h: &mut Harness) {
    let first = started(h);
    assert_eq!(h.checkpoint(&first, b"1"), Ok(Status::Running));
    let second = next_attempt(h, &first);
    let before = h.view(first.id);
    let stale = Err(Rejected::StaleLease { carried: first.lease, held: second.lease });
    let late = Ending { progress: Some(Progress::default()), state: Some(b"9".to_vec()), ..done(b"9") };
    for change in
        [Change::Checkpoint { state: b"9".to_vec(), follow_ups: Vec::new() }, Change::Ended(Box::new(late.clone()))]
    {
        assert_eq!(h.report(first.id, first.lease, change), stale);
    }
    assert_eq!(h.view(first.id), before);
    assert_eq!(h.end(&second, ended(End::Interrupted)), Status::Queued);
    let third = h.started();
    assert_eq!(third.state, b"1", "the late checkpoint did not get through");
    h.end(&third, done(b"3"));
    let before = h.view(first.id);
    for attempt in [&second, &third] {
        let late = h.report(first.id, attempt.lease, Change::Ended(Box::new(late.clone())));
        assert!(late.is_err(), "{late:?}");
    }
    assert_eq!(h.view(first.id), before);
}

fn reports_of_unknown_tasks_are_rejected_one_by_one(h: &mut Harness) {
    let attempt = started(h);
    let unknown = TaskId::from_bytes([7; 16]);
    let report = |task, lease| crate::store::AttemptReport {
        task,
        lease,
        change: Change::Ended(Box::new(ended(End::Done))),
        log: Vec::new(),
    };
    let reports = vec![report(unknown, LeaseId::FIRST), report(attempt.id, attempt.lease)];
    let answers = h.answer(h.store.report(reports, h.now));
    assert!(answers[0].is_err());
    assert_eq!(answers[1], Ok(Status::Completed));
}

fn a_checkpoint_is_handed_to_the_next_attempt(h: &mut Harness) {
    let first = started(h);
    h.checkpoint(&first, b"1").unwrap();
    h.checkpoint(&first, b"[2]").unwrap();
    let second = next_attempt(h, &first);
    assert_eq!(second.state, b"[2]");
    let third = next_attempt(h, &second);
    assert_eq!(third.state, b"[2]", "it is kept while nothing newer comes");
}

fn a_checkpoint_and_the_end_come_in_one_report(h: &mut Harness) {
    let first = started(h);
    let report = |change| crate::store::AttemptReport { task: first.id, lease: first.lease, change, log: Vec::new() };
    let state = Change::Checkpoint { state: b"5".to_vec(), follow_ups: Vec::new() };
    let end = Change::Ended(Box::new(ended(End::Interrupted)));
    let answers = h.answer(h.store.report(vec![report(state), report(end)], h.now));
    assert_eq!(answers, [Ok(Status::Running), Ok(Status::Queued)]);
    assert_eq!(h.started().state, b"5");
}

fn an_interruption_gives_the_attempt_back(h: &mut Harness) {
    let first = started(h);
    h.checkpoint(&first, b"1").unwrap();
    assert_eq!(h.end(&first, ended(End::Interrupted)), Status::Queued);
    let second = h.started();
    assert_eq!((second.attempt, second.lease, &*second.state), (1, first.lease.next(), &b"1"[..]));
    assert_eq!(h.view(first.id).task.interruptions, 1);
    h.checkpoint(&second, b"2").unwrap();
    assert_eq!(h.view(first.id).task.interruptions, 0, "it got further");
}

fn too_many_interruptions_are_a_failure_with_a_reason(h: &mut Harness) {
    let mut attempt = started(h);
    for _ in 0..taskhost_core::task::INTERRUPTIONS_MAX {
        assert_eq!(h.end(&attempt, ended(End::Interrupted)), Status::Queued);
        attempt = h.started();
    }
    assert_eq!(h.end(&attempt, ended(End::Interrupted)), Status::Retrying);
    let view = h.view(attempt.id);
    assert_eq!((view.errors.len(), view.task.attempt), (1, 1));
}

fn a_suspended_task_goes_on_with_its_state(h: &mut Harness) {
    let first = started(h);
    h.checkpoint(&first, b"1").unwrap();
    let until = h.now.saturating_add(Duration::from_mins(1));
    let ending = Ending { state: Some(b"\"half\"".to_vec()), ..ended(End::Suspended(until)) };
    assert_eq!(h.end(&first, ending), Status::Scheduled);
    let task = h.view(first.id).task;
    assert_eq!((task.state.reason(), task.state.due_at(), task.attempt), (Some("suspended"), Some(until), 0));
    h.pass(Duration::from_mins(1));
    let second = h.started();
    assert_eq!((second.attempt, &*second.state), (1, &b"\"half\""[..]));
}

fn a_rate_limited_task_waits_without_spending_an_attempt(h: &mut Harness) {
    let first = started(h);
    h.checkpoint(&first, b"1").unwrap();
    let until = h.now.saturating_add(Duration::from_mins(1));
    assert_eq!(h.end(&first, ended(End::RateLimited(until))), Status::Scheduled);
    let view = h.view(first.id);
    assert_eq!((view.task.state.reason(), view.task.attempt), (Some("rate limited"), 0));
    assert_eq!(view.errors, []);
    h.pass(Duration::from_mins(1));
    let second = h.started();
    assert_eq!((second.attempt, &*second.state), (1, &b"1"[..]));
}

fn a_timed_out_attempt_is_a_failure(h: &mut Harness) {
    let attempt = started(h);
    let ending = Ending { failure: Some(failure("timed out after 300 ms")), ..ended(End::TimedOut { chance: 0.5 }) };
    assert_eq!(h.end(&attempt, ending), Status::Retrying);
    assert_eq!(h.view(attempt.id).errors[0].message, "timed out after 300 ms");
}

fn progress_is_kept_until_there_is_newer(h: &mut Harness) {
    let progress = |current| Progress {
        current,
        total: 10,
        message: "tile".to_owned(),
        elapsed: Duration::from_micros(1_234_567),
        first: 1,
    };
    let first = started(h);
    h.end(&first, Ending { progress: Some(progress(3)), ..failed("no") });
    assert_eq!(h.view(first.id).progress, Some(progress(3)));
    h.pass(Duration::from_secs(10));
    let second = h.started();
    h.end(&second, Ending { progress: Some(progress(8)), ..ended(End::Interrupted) });
    let third = h.started();
    h.end(&third, done(b"1"));
    assert_eq!(h.view(first.id).progress, Some(progress(8)), "an attempt that reports none hides no older one");
}

/// Lets a task with a large budget fail this often, and answers the attempt after.
fn fails(h: &mut Harness, times: u32) -> Claimed {
    let task = h.task();
    let retry = taskhost_core::retry::RetryPolicy { attempts: 1_000, ..task.retry };
    let mut attempt = h.start(NewTask { retry, ..task });
    for _ in 0..times {
        attempt = next_attempt(h, &attempt);
    }
    attempt
}

fn the_latest_errors_are_kept(h: &mut Harness) {
    let attempt = fails(h, ERRORS_KEPT + 5);
    let attempts: Vec<_> = h.view(attempt.id).errors.iter().map(|error| error.attempt).collect();
    assert_eq!(attempts, (6..=ERRORS_KEPT + 5).collect::<Vec<_>>());
}

fn an_old_error_is_not_pushed_out_by_attempts_without_one(h: &mut Harness) {
    let mut attempt = fails(h, 1);
    for _ in 0..ERRORS_KEPT + 5 {
        h.end(&attempt, ended(End::RateLimited(UnixMicros::default())));
        h.pass(Duration::ZERO);
        attempt = h.started();
    }
    h.end(&attempt, failed("again"));
    assert_eq!(h.view(attempt.id).errors.len(), 2);
}
