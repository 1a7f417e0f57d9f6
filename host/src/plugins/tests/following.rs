//! The tasks that attempts make: with which report they go, and under which ids.

use taskhost_core::ids::TaskId;
use taskhost_core::submit::NewTask;

use super::super::{Attempt, Executor as _, Outcome, Report};
use super::bench::{Bench, LONG, done};

/// Starts an attempt and answers the follow-ups of its save, those of its end, and how it ended.
fn followed(bench: &mut Bench, attempt: Attempt) -> (Vec<NewTask>, Vec<NewTask>, Outcome) {
    bench.executor.start(vec![attempt]);
    let mut saved = Vec::new();
    loop {
        for report in bench.reports.blocking_recv().expect("an executor") {
            match report {
                Report::Saved { follow_ups, .. } => saved.extend(follow_ups),
                Report::Logged { .. } => {}
                Report::Ended { follow_ups, outcome, .. } => return (saved, follow_ups, outcome),
            }
        }
    }
}

fn ids(follow_ups: &[NewTask]) -> Vec<TaskId> {
    follow_ups.iter().map(|new| new.id).collect()
}

#[test]
fn follow_ups_go_with_the_save_or_the_end_that_comes_next() {
    let mut bench = Bench::new(LONG);
    for outcome in [0, 1, 5] {
        let attempt = bench.attempt("act.make", outcome);
        let derived = |ordinal| TaskId::derived(attempt.task, ordinal);
        let expected = (vec![derived(0), derived(1)], vec![derived(2)]);
        let (saved, ended, _) = followed(&mut bench, attempt.clone());
        assert_eq!((ids(&saved), ids(&ended)), expected, "outcome {outcome}");
        let params: Vec<&[u8]> = saved.iter().chain(&ended).map(|new| &*new.params).collect();
        assert_eq!(params, [b"[0]", b"[1]", b"[2]"]);
        assert_eq!(saved[0].tags, ["{\"queue\":\"mail\"}"], "the options are handed on");
    }
}

#[test]
fn a_state_that_is_saved_at_the_end_takes_the_follow_ups_with_it() {
    let mut bench = Bench::new(LONG);
    let attempt = bench.attempt("act.make-told", 0);
    let made = TaskId::derived(attempt.task, 0);
    bench.executor.start(vec![attempt]);
    // When this one has ended the other waits.
    assert_eq!(bench.run("act.noop", 0), done("{}"));
    bench.executor.drain();
    let reports = bench.reports.blocking_recv().expect("an executor");
    let [Report::Saved { follow_ups, .. }, Report::Ended { outcome: Outcome::Interrupted, follow_ups: none, .. }] =
        &reports[..]
    else {
        panic!("a save and an interruption: {reports:?}")
    };
    assert_eq!((ids(follow_ups), ids(none)), (vec![made], Vec::new()));
}

#[test]
fn an_attempt_counts_from_where_the_ones_before_it_stopped() {
    let mut bench = Bench::new(LONG);
    let attempt = bench.attempt("act.make", 0);
    let task = attempt.task;
    let (saved, ended, _) = followed(&mut bench, Attempt { follow_ups: 7, ..attempt });
    let expected: Vec<TaskId> = (7..10).map(|ordinal| TaskId::derived(task, ordinal)).collect();
    assert_eq!([ids(&saved), ids(&ended)].concat(), expected);
}

#[test]
fn the_plugin_gets_the_id() {
    let mut bench = Bench::new(LONG);
    let attempt = bench.attempt("act.id", 0);
    let last = TaskId::derived(attempt.task, 0).as_bytes()[15];
    let (_, _, outcome) = followed(&mut bench, attempt);
    assert_eq!(outcome, done(&last.to_string()));
}

#[test]
fn a_thousand_follow_ups_wait_for_a_commit_and_no_more() {
    let mut bench = Bench::new(LONG);
    let attempt = bench.attempt("act.many", 1_003);
    let (_, ended, outcome) = followed(&mut bench, attempt);
    assert_eq!((ended.len(), outcome), (1_000, done("3")));
}

#[test]
fn what_is_asked_for_wrongly_is_refused() {
    let mut bench = Bench::new(LONG);
    let attempt = bench.attempt("act.ask", 0);
    let (_, ended, outcome) = followed(&mut bench, attempt);
    assert_eq!((ended, outcome), (Vec::new(), done("5")));
}
