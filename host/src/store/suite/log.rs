//! The logs of tasks: how lines are numbered, how many are kept, and when they go.

use std::time::Duration;

use taskhost_core::log::{LogChunk, LogLine};
use taskhost_core::task::{End, Rejected, Status};

use super::{Case, Harness, after, cases, ended, failed};
use crate::store::{Change, Claimed, StoredLog};

pub(super) const CASES: &[Case] = cases![
    lines_are_numbered_through_all_attempts,
    lines_are_kept_with_a_checkpoint_or_alone,
    a_stale_lease_logs_nothing,
    what_becomes_of_a_task_that_failed_stands_after_its_lines,
    an_end_without_a_log_says_nothing,
    only_the_latest_lines_are_kept,
    only_the_latest_bytes_are_kept,
    lines_that_an_attempt_left_out_are_counted,
    reading_begins_after_a_number,
    the_log_goes_with_its_task,
    an_unknown_task_has_no_log,
];

fn started(h: &mut Harness) -> Claimed {
    let task = h.task();
    h.start(task)
}

/// A piece of this attempt's log: lines that are their places.
fn chunk(attempt: &Claimed, first: u64, count: u64) -> LogChunk {
    let mut chunk = LogChunk { attempt: attempt.attempt, first, count: 0, body: String::new() };
    for place in first..first + count {
        chunk.push(&format!(
            "{{\"at\":\"2026-01-01T00:00:00Z\",\"level\":\"info\",\"target\":\"t\",\"message\":\"{place}\"}}\n"
        ));
    }
    chunk
}

fn logs(h: &Harness, attempt: &Claimed, log: Vec<LogChunk>) {
    assert_eq!(h.report_with_log(attempt, Change::Logged, log), Ok(Status::Running));
}

fn fails(h: &Harness, attempt: &Claimed, log: Vec<LogChunk>) -> Status {
    h.report_with_log(attempt, Change::Ended(Box::new(failed("no"))), log).expect("the attempt holds its task")
}

/// The next attempt, once the backoff is over.
fn next_attempt(h: &mut Harness) -> Claimed {
    h.pass(Duration::from_secs(10));
    h.started()
}

/// Number, attempt and message of each line.
fn lines(log: &StoredLog) -> Vec<(u64, u32, String)> {
    let of_piece = |piece: &crate::store::LogPiece| {
        let attempt = piece.chunk.attempt;
        let lines: Vec<LogLine> = piece.chunk.lines().collect();
        assert_eq!(lines.len() as u64, piece.chunk.count);
        (piece.n..).zip(lines).map(move |(n, line)| (n, attempt, line.message)).collect::<Vec<_>>()
    };
    log.pieces.iter().flat_map(of_piece).collect()
}

fn line(n: u64, attempt: u32, message: &(impl ToString + ?Sized)) -> (u64, u32, String) {
    (n, attempt, message.to_string())
}

fn lines_are_numbered_through_all_attempts(h: &mut Harness) {
    let first = started(h);
    assert_eq!(h.log(first.id, 0), StoredLog { status: Status::Running, first: 1, end: None, pieces: Vec::new() });
    logs(h, &first, vec![chunk(&first, 0, 1)]);
    logs(h, &first, vec![chunk(&first, 1, 1)]);
    let next_at = after(h.now, Duration::from_secs(10));
    assert_eq!(fails(h, &first, vec![chunk(&first, 2, 1)]), Status::Retrying);
    let second = next_attempt(h);
    logs(h, &second, vec![chunk(&second, 0, 2)]);
    let log = h.log(first.id, 0);
    let follows = format!("The next attempt is at {next_at}.");
    let expected =
        [line(1, 1, &0), line(2, 1, &1), line(3, 1, &2), line(4, 1, &follows), line(5, 2, &0), line(6, 2, &1)];
    assert_eq!(lines(&log), expected);
    let end = log.end.expect("a last line");
    assert_eq!((log.first, end.n, end.lease, end.places), (1, 6, second.lease, 2));
}

fn lines_are_kept_with_a_checkpoint_or_alone(h: &mut Harness) {
    let attempt = started(h);
    let save = Change::Checkpoint { state: b"1".to_vec(), follow_ups: Vec::new() };
    assert_eq!(
        h.report_with_log(&attempt, save, vec![chunk(&attempt, 0, 1), chunk(&attempt, 1, 1)]),
        Ok(Status::Running)
    );
    logs(h, &attempt, vec![chunk(&attempt, 2, 1)]);
    assert_eq!(lines(&h.log(attempt.id, 0)), [line(1, 1, &0), line(2, 1, &1), line(3, 1, &2)]);
}

fn a_stale_lease_logs_nothing(h: &mut Harness) {
    let attempt = started(h);
    let stale = Claimed { lease: attempt.lease.next(), ..attempt.clone() };
    let late = Change::Ended(Box::new(ended(End::Done)));
    for change in [Change::Logged, late] {
        let refused = h.report_with_log(&stale, change, vec![chunk(&stale, 0, 1)]);
        assert!(matches!(refused, Err(Rejected::StaleLease { .. })), "{refused:?}");
    }
    h.end(&attempt, ended(End::Done));
    assert!(h.report_with_log(&attempt, Change::Logged, vec![chunk(&attempt, 0, 1)]).is_err());
    assert_eq!(h.log(attempt.id, 0).end, None);
}

fn what_becomes_of_a_task_that_failed_stands_after_its_lines(h: &mut Harness) {
    let attempt = started(h);
    let end = Change::Ended(Box::new(ended(End::FailedFatally)));
    let ended = h.report_with_log(&attempt, end, vec![chunk(&attempt, 0, 1), chunk(&attempt, 1, 1)]);
    assert_eq!(ended, Ok(Status::Dead));
    let log = lines(&h.log(attempt.id, 0));
    assert_eq!((log.len(), log[2].0), (3, 3));
    assert!(log[2].2.starts_with("The task is dead"), "{log:?}");
}

fn an_end_without_a_log_says_nothing(h: &mut Harness) {
    let attempt = started(h);
    assert_eq!(h.end(&attempt, failed("no")), Status::Retrying);
    assert_eq!(h.log(attempt.id, 0).end, None);
}

fn only_the_latest_lines_are_kept(h: &mut Harness) {
    let attempt = started(h);
    for first in (0..1_500).step_by(100) {
        logs(h, &attempt, vec![chunk(&attempt, first, 100)]);
    }
    let log = h.log(attempt.id, 0);
    assert_eq!((log.first, log.end.unwrap().n, lines(&log).len()), (501, 1_500, 1_000));
    logs(h, &attempt, vec![chunk(&attempt, 1_500, 1)]);
    assert_eq!(h.log(attempt.id, 0).first, 501, "a piece goes when it is not needed at all");
    logs(h, &attempt, vec![chunk(&attempt, 1_501, 1_000), chunk(&attempt, 2_501, 1)]);
    assert_eq!(h.log(attempt.id, 0).first, 1_502);
}

fn only_the_latest_bytes_are_kept(h: &mut Harness) {
    let attempt = started(h);
    for first in 0..40 {
        let body = format!("\"{}\"\n", "x".repeat(10_000));
        logs(h, &attempt, vec![LogChunk { attempt: 1, first, count: 1, body }]);
    }
    let log = h.log(attempt.id, 0);
    // 27 × 10,003 bytes are the first to be 256 KiB.
    assert_eq!((log.first, log.pieces.len()), (14, 27));
}

fn lines_that_an_attempt_left_out_are_counted(h: &mut Harness) {
    let first = started(h);
    logs(h, &first, vec![chunk(&first, 5, 1)]);
    logs(h, &first, vec![chunk(&first, 20, 1)]);
    assert_eq!(lines(&h.log(first.id, 0)), [line(6, 1, &5), line(21, 1, &20)]);
    fails(h, &first, Vec::new());
    let second = next_attempt(h);
    logs(h, &second, vec![chunk(&second, 3, 1)]);
    assert_eq!(lines(&h.log(first.id, 21)), [line(25, 2, &3)]);
}

fn reading_begins_after_a_number(h: &mut Harness) {
    let attempt = started(h);
    logs(h, &attempt, vec![chunk(&attempt, 0, 2), chunk(&attempt, 2, 2)]);
    let numbers = |after| h.log(attempt.id, after).pieces.iter().map(|piece| piece.n).collect::<Vec<_>>();
    assert_eq!((numbers(0), numbers(1), numbers(2)), (vec![1, 3], vec![1, 3], vec![3]), "in whole pieces");
    assert_eq!((numbers(3), numbers(4), numbers(u64::MAX)), (vec![3], Vec::new(), Vec::new()));
    assert_eq!(h.log(attempt.id, 4).end.unwrap().n, 4);
}

fn the_log_goes_with_its_task(h: &mut Harness) {
    let attempt = started(h);
    let done = Change::Ended(Box::new(ended(End::Done)));
    h.report_with_log(&attempt, done, vec![chunk(&attempt, 0, 1)]).expect("the attempt holds its task");
    assert_eq!(h.log(attempt.id, 0).status, Status::Completed);
    h.pass(Duration::from_hours(25));
    assert_eq!(h.store.log(attempt.id, 0).expect("the store can be read"), None);
}

fn an_unknown_task_has_no_log(h: &mut Harness) {
    let unknown = h.task().id;
    assert_eq!(h.store.log(unknown, 0).expect("the store can be read"), None);
}
