//! What attempts log, and with which report it goes.

use taskhost_core::ids::{LeaseId, TaskId};
use taskhost_core::log::{LogChunk, LogLevel, LogLine};

use super::super::{Attempt, Executor as _, Outcome, Report};
use super::bench::{Bench, LONG, NO_GRACE, done};

const LEASE: LeaseId = LeaseId::FIRST;

/// Starts a first attempt under [`LEASE`].
fn start(bench: &mut Bench, kind: &str, number: usize) -> TaskId {
    let attempt = Attempt { lease: LEASE, ..bench.attempt(kind, number) };
    let task = attempt.task;
    bench.executor.start(vec![attempt]);
    task
}

/// The reports that come next.
fn reports(bench: &mut Bench) -> Vec<Report> {
    bench.reports.blocking_recv().expect("an executor")
}

/// The lines of a flush that comes next.
fn flushed(bench: &mut Bench) -> Vec<LogChunk> {
    let mut next = reports(bench);
    let Some(Report::Logged { lease: LEASE, log, .. }) = next.pop() else { panic!("lines: {next:?}") };
    log
}

/// The log and the outcome of an end that comes next.
fn ended(bench: &mut Bench) -> (Vec<LogChunk>, Outcome) {
    let mut next = reports(bench);
    let Some(Report::Ended { outcome, log, .. }) = next.pop() else { panic!("an end: {next:?}") };
    (log, outcome)
}

fn lines(log: &[LogChunk]) -> Vec<LogLine> {
    log.iter().flat_map(LogChunk::lines).collect()
}

fn messages(log: &[LogChunk]) -> Vec<String> {
    lines(log).into_iter().map(|line| line.message).collect()
}

const STARTED: &str = "Attempt 1 started, on generation 1 of the plugin actor.";

#[test]
fn lines_go_with_the_end_of_the_attempt_and_begin_with_its_start() {
    let mut bench = Bench::new(LONG);
    let task = start(&mut bench, "act.log", 2);
    let (log, outcome) = ended(&mut bench);
    assert_eq!((messages(&log), outcome), (vec![STARTED.into(), "line 0".into(), "line 1".into()], done("{}")));
    assert_eq!((log[0].attempt, log[0].first, log[0].count), (1, 0, 3), "what was traced is not kept");
    let line = lines(&log).pop().unwrap();
    assert_eq!((line.level, line.target.as_str(), line.at.as_micros()), (LogLevel::Info, "actor", 2_000_000));
    assert_eq!(line.fields.unwrap().get(), "{\"a\": 1}");
    assert_eq!(bench.executor.log(task), None);
}

#[test]
fn an_attempt_that_says_nothing_and_does_its_work_has_no_log() {
    let mut bench = Bench::new(LONG);
    start(&mut bench, "act.noop", 0);
    assert_eq!(ended(&mut bench), (Vec::new(), done("{}")));
}

#[test]
fn a_later_claim_that_does_its_work_says_so_also_if_no_attempt_was_spent() {
    let mut bench = Bench::new(LONG);
    for attempt in [1, 2] {
        let attempt = Attempt { lease: LeaseId::from_u64(2), attempt, ..bench.attempt("act.noop", 0) };
        bench.executor.start(vec![attempt]);
        assert_eq!(messages(&ended(&mut bench).0).last().unwrap(), "The attempt succeeded.");
    }
}

#[test]
fn an_attempt_that_goes_wrong_says_so_whatever_else_it_says() {
    let mut bench = Bench::new(NO_GRACE);
    start(&mut bench, "act.end", 1);
    assert_eq!(messages(&ended(&mut bench).0), [STARTED, "The attempt failed: {\"said\":\"it\"}"]);
    start(&mut bench, "act.end", 4);
    let said = "The attempt was rate-limited until 1970-01-01T00:00:05.000000Z: {\"said\":\"it\"}";
    assert_eq!(messages(&ended(&mut bench).0), [STARTED, said]);
    let task = start(&mut bench, "act.hang", 0);
    bench.executor.cancel(task, LEASE);
    assert_eq!(messages(&ended(&mut bench).0), [STARTED, "The attempt was cancelled."]);
}

#[test]
fn lines_of_an_attempt_that_goes_on_are_seen_at_once_and_handed_over_soon() {
    let mut bench = Bench::new(NO_GRACE);
    for kind in ["act.log-hang", "act.block-log"] {
        let mut follower = bench.executor.follow_log(TaskId::from_bytes([0; 16]));
        let task = start(&mut bench, kind, 1);
        let log = flushed(&mut bench);
        assert_eq!(messages(&log), [STARTED, "it takes time"], "{kind}");
        let live = bench.executor.log(task).expect("it runs");
        assert_eq!((live.lease, &live.chunk), (LEASE, &log[0]), "{kind}: the store may not have them yet");
        bench.executor.logged(task, LEASE, log[0].end());
        assert_eq!(bench.executor.log(task).expect("it runs").chunk.count, 0, "{kind}");
        bench.executor.cancel(task, LEASE);
        let (log, _) = ended(&mut bench);
        assert_eq!(log[0].first, 2, "{kind}: what was handed over is not handed over again");
        drop(follower.changed());
    }
}

#[test]
fn many_lines_are_handed_over_before_their_time_one_flush_after_the_other() {
    let mut bench = Bench::new(LONG);
    let task = start(&mut bench, "act.log", 3_000);
    let flushed = flushed(&mut bench);
    assert!(flushed[0].body.len() > 15_000, "{}", flushed[0].body.len());
    bench.executor.logged(task, LEASE, flushed[0].end());
    let mut rest = Vec::new();
    loop {
        match reports(&mut bench).pop() {
            Some(Report::Logged { log, .. }) => rest.extend(log),
            Some(Report::Ended { log, .. }) => {
                rest.extend(log);
                break;
            }
            other => panic!("lines or the end: {other:?}"),
        }
    }
    assert_eq!(rest.last().unwrap().end(), 3_001, "the latest are never lost");
    assert!(rest.iter().zip(&rest[1..]).all(|(one, next)| one.end() <= next.first), "in their order");
}

#[test]
fn why_the_host_refuses_something_stands_in_the_log() {
    let mut bench = Bench::new(LONG);
    let task = start(&mut bench, "act.save", 0);
    let [Report::Saved { log, ticket, .. }] = &reports(&mut bench)[..] else { panic!("a save") };
    assert_eq!(messages(log), [STARTED, "A state was not saved. Reason: it is not JSON"]);
    assert_eq!(lines(log)[1].target, "taskhost");
    bench.executor.saved(task, LEASE, *ticket);
    assert_eq!(ended(&mut bench), (Vec::new(), done("\"saved\"")));
}
