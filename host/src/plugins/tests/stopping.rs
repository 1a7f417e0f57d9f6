//! How attempts are told to stop: cancel, timeout, drain, a lost lease.

use std::time::Duration;

use taskhost_core::ids::LeaseId;

use super::super::{Executor as _, Outcome};
use super::bench::{Bench, LONG, NO_GRACE, Said, done, failed, saved};

#[test]
fn what_an_attempt_says_after_it_lost_its_lease_does_not_count() {
    let mut bench = Bench::new(LONG);
    for kind in ["act.save", "act.block-save", "act.progress"] {
        let task = bench.start(kind, 0);
        assert!(matches!(bench.said(), Said::Saved(1, _)));
        bench.executor.lease_lost(task, LeaseId::from_u64(7));
        assert_eq!(bench.outcome(), Outcome::Interrupted);
    }
}

#[test]
fn a_task_that_ignores_a_cancel_is_dropped_after_the_grace() {
    let mut bench = Bench::new(NO_GRACE);
    let task = bench.start("act.hang", 0);
    bench.cancel(task);
    assert_eq!(bench.report(), (task, Said::Ended(Outcome::Cancelled)));
}

#[test]
fn a_task_that_heeds_a_cancel_ends_as_it_says() {
    let mut bench = Bench::new(LONG);
    for (number, outcome) in
        [(0, done("{\"at\":7}")), (2, failed(true, "error", "{\"at\":7}")), (3, Outcome::Cancelled)]
    {
        let task = bench.start("act.heed", number);
        bench.cancel(task);
        assert_eq!(bench.outcome(), outcome);
    }
}

#[test]
fn a_cancel_that_meets_no_attempt_is_ignored() {
    let mut bench = Bench::new(LONG);
    let attempt = bench.attempt("act.noop", 0);
    bench.cancel(attempt.task);
    let task = attempt.task;
    bench.executor.start(vec![attempt]);
    assert_eq!(bench.outcome(), done("{}"));
    bench.cancel(task);
    bench.executor.cancel(task, LeaseId::from_u64(6));
    assert_eq!(bench.run("act.noop", 0), done("{}"));
}

#[test]
fn after_the_timeout_only_a_result_within_the_grace_counts() {
    let limit = Duration::from_millis(5);
    let mut bench = Bench::new(LONG);
    for (number, outcome) in [
        (0, done("{\"at\":7}")),
        (1, Outcome::TimedOut(limit)),
        (3, Outcome::TimedOut(limit)),
        (5, Outcome::TimedOut(limit)),
    ] {
        bench.start_limited("act.heed", number, limit);
        assert_eq!(bench.outcome(), outcome, "outcome {number}");
    }
    let mut bench = Bench::new(NO_GRACE);
    bench.start_limited("act.hang", 0, limit);
    assert_eq!(bench.outcome(), Outcome::TimedOut(limit));
}

#[test]
fn a_task_hears_that_its_deadline_comes_up() {
    let mut bench = Bench::new(LONG);
    bench.start_limited("act.hurry", 0, Duration::from_millis(20));
    assert_eq!(bench.outcome(), done("{}"));
}

#[test]
fn a_blocking_attempt_that_ignores_a_cancel_is_stuck_until_it_returns() {
    let mut bench = Bench::new(NO_GRACE);
    let task = bench.start("act.block", 200);
    assert_eq!(bench.report(), (task, saved(1, "1")));
    assert!(!bench.executor.is_stuck(task));
    bench.cancel(task);
    // Its timer is later than the end of the grace, so when it ends that has passed.
    assert_eq!(bench.run("act.sleep", 1), done("{\"slept\":true}"));
    assert!(bench.executor.is_stuck(task));
    assert_eq!(bench.report(), (task, Said::Ended(done("\"late but done\""))));
    assert!(!bench.executor.is_stuck(task));
}

#[test]
fn a_blocking_attempt_sees_that_it_is_told_to_stop() {
    let mut bench = Bench::new(LONG);
    let task = bench.start("act.block-told", 3);
    bench.cancel(task);
    assert_eq!(bench.outcome(), Outcome::Cancelled);
    let limit = Duration::from_millis(5);
    bench.start_limited("act.block-told", 2, limit);
    assert_eq!(bench.outcome(), Outcome::TimedOut(limit));
}

#[test]
fn a_drain_interrupts_and_loses_no_state() {
    let mut bench = Bench::new(LONG);
    let suspends = bench.start("act.heed", 5);
    let cancels = bench.start("act.heed", 3);
    // When this one has ended the two wait.
    assert_eq!(bench.run("act.noop", 0), done("{}"));
    let attempt = bench.attempt("act.noop", 0);
    bench.executor.drain();
    let mut reports = [bench.report(), bench.report(), bench.report()];
    reports.sort_by_key(|(task, _)| *task);
    let expected = [
        (suspends, saved(1, "{\"at\":7}")),
        (suspends, Said::Ended(Outcome::Interrupted)),
        (cancels, Said::Ended(Outcome::Interrupted)),
    ];
    assert_eq!(reports, expected);
    bench.executor.start(vec![attempt]);
    assert_eq!(bench.outcome(), Outcome::Interrupted);
    assert_eq!(bench.executor.running(), 0);
}

#[test]
fn what_is_given_back_is_interrupted_once_whatever_it_says_later() {
    let mut bench = Bench::new(LONG);
    bench.start("act.hang", 0);
    bench.start("act.block", 250);
    assert_eq!(bench.said(), saved(1, "1"));
    bench.executor.give_back();
    assert_eq!([bench.outcome(), bench.outcome()], [Outcome::Interrupted, Outcome::Interrupted]);
    assert_eq!(bench.executor.running(), 0);
    // While this one blocks the first returns.
    let task = bench.start("act.block", 600);
    assert_eq!(bench.report(), (task, saved(1, "1")));
    assert_eq!(bench.report(), (task, Said::Ended(done("\"late but done\""))));
}

#[test]
fn a_plugin_is_shut_down_once_also_if_it_never_ran_anything() {
    let bench = Bench::new(LONG);
    assert_eq!(bench.shut_down(), "800\n");
    assert_eq!(bench.shut_down(), "800\n");
    let mut bench = Bench::new(LONG);
    assert_eq!(bench.run("act.noop", 0), done("{}"));
    bench.start("act.block", 0);
    assert_eq!([bench.said(), bench.said()], [saved(1, "1"), Said::Ended(done("\"late but done\""))]);
    assert_eq!(bench.shut_down(), "800\n");
}

#[test]
fn a_plugin_whose_code_still_runs_is_not_shut_down() {
    let mut bench = Bench::new(LONG);
    bench.start("act.hang", 0);
    assert_eq!(bench.run("act.noop", 0), done("{}"));
    assert_eq!(bench.shut_down(), "", "an attempt waits");
    bench.start("act.block", 600_000);
    assert_eq!(bench.said(), saved(1, "1"));
    bench.executor.give_back();
    assert_eq!([bench.outcome(), bench.outcome()], [Outcome::Interrupted, Outcome::Interrupted]);
    assert_eq!((bench.executor.running(), &*bench.shut_down()), (0, ""), "a thread is still inside");
}
