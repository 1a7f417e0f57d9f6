//! How long ended tasks are kept.

use std::time::Duration;

use taskhost_core::ids::{QueueName, TaskId};
use taskhost_core::retention::{Retention, Retentions};
use taskhost_core::task::{End, Status};

use super::{Case, Harness, KIND, after, cases, ended, failure, in_queue};
use crate::store::Ending;

pub(super) const CASES: &[Case] = cases![
    each_end_is_kept_as_long_as_it_says,
    a_queue_that_says_nothing_keeps_as_is_usual,
    a_shorter_retention_counts_for_what_has_ended_before,
    a_longer_retention_counts_for_what_has_ended_before,
    a_retention_that_is_said_again_changes_nothing,
    many_ended_tasks_are_brought_up_to_a_new_retention,
    what_has_not_ended_is_not_touched,
];

const HOUR: Duration = Duration::from_hours(1);

fn usual(completed: Duration, cancelled: Duration, dead: Duration) -> Retentions {
    Retentions { usual: Retention { completed, cancelled, dead }, ..Retentions::default() }
}

fn retain(h: &Harness, retentions: Retentions) {
    h.answer(h.store.retain(retentions, h.now));
}

/// A completed, a cancelled and a dead task of a queue.
fn end_three(h: &mut Harness, queue: &str) -> [TaskId; 3] {
    h.offer(&[(queue, 2)], &[KIND]);
    let tasks = [0; 3].map(|_| in_queue(h.task(), queue));
    let ids = tasks.each_ref().map(|task| task.id);
    h.submit_all(tasks.into());
    let [first, second] = <[_; 2]>::try_from(h.claims()).expect("two slots");
    h.cancel(ids[2]).unwrap();
    h.end(&first, ended(End::Done));
    h.end(&second, Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) });
    [ids[0], ids[2], ids[1]]
}

fn kept(h: &Harness, tasks: [TaskId; 3]) -> [bool; 3] {
    tasks.map(|task| h.find(task).is_some())
}

fn each_end_is_kept_as_long_as_it_says(h: &mut Harness) {
    retain(h, usual(HOUR, 2 * HOUR, 3 * HOUR));
    let tasks = end_three(h, "default");
    for expected in [[false, true, true], [false, false, true], [false; 3]] {
        h.pass(Duration::from_mins(59));
        let before = kept(h, tasks);
        h.pass(Duration::from_mins(1));
        assert_ne!(before, expected);
        assert_eq!(kept(h, tasks), expected);
    }
}

fn a_queue_that_says_nothing_keeps_as_is_usual(h: &mut Harness) {
    let of_mail = Retention { dead: HOUR, ..Retention::default() };
    let of_queues = [(QueueName::new("mail").unwrap(), of_mail)].into();
    retain(h, Retentions { of_queues, ..usual(2 * HOUR, 2 * HOUR, 2 * HOUR) });
    let (mail, other) = (end_three(h, "mail"), end_three(h, "other"));
    h.pass(HOUR);
    assert_eq!((kept(h, mail), kept(h, other)), ([true, true, false], [true; 3]));
    h.pass(HOUR);
    assert_eq!((kept(h, mail), kept(h, other)), ([true, true, false], [false; 3]));
}

fn a_shorter_retention_counts_for_what_has_ended_before(h: &mut Harness) {
    let tasks = end_three(h, "default");
    h.pass(2 * HOUR);
    retain(h, usual(HOUR, 3 * HOUR, 3 * HOUR));
    let due = h.next_due().expect("something is old enough");
    assert!(due <= after(h.now, Duration::from_mins(1)), "{due}");
    h.pass(Duration::ZERO);
    assert_eq!(kept(h, tasks), [false, true, true]);
    h.pass(HOUR);
    assert_eq!(kept(h, tasks), [false; 3]);
}

fn a_longer_retention_counts_for_what_has_ended_before(h: &mut Harness) {
    let tasks = end_three(h, "default");
    retain(h, usual(100 * HOUR, 100 * HOUR, 100 * HOUR));
    h.pass(99 * HOUR);
    assert_eq!(kept(h, tasks), [true; 3]);
    h.pass(HOUR);
    assert_eq!(kept(h, tasks), [false; 3]);
}

fn a_retention_that_is_said_again_changes_nothing(h: &mut Harness) {
    for _ in 0..3 {
        retain(h, usual(HOUR, HOUR, HOUR));
    }
    let tasks = end_three(h, "default");
    retain(h, usual(HOUR, HOUR, HOUR));
    h.pass(HOUR);
    assert_eq!(kept(h, tasks), [false; 3]);
    retain(h, Retentions::default());
    let tasks = end_three(h, "default");
    h.pass(HOUR);
    assert_eq!(kept(h, tasks), [true; 3]);
}

fn many_ended_tasks_are_brought_up_to_a_new_retention(h: &mut Harness) {
    let tasks: Vec<_> = (0..1_200).map(|_| h.task()).collect();
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    h.submit_all(tasks);
    for id in &ids[..1_100] {
        h.cancel(*id).unwrap();
    }
    // Between its steps others are served; the last of these counts.
    let first = h.store.retain(usual(HOUR, 9 * HOUR, HOUR), h.now);
    let last = h.store.retain(usual(HOUR, HOUR, HOUR), h.now);
    assert_eq!(h.cancel(ids[1_100]), Ok(Status::Cancelled));
    h.answer(first);
    h.answer(last);
    h.pass(HOUR);
    // What is deleted at once is bounded.
    h.pass(Duration::ZERO);
    let left = ids.iter().filter(|id| h.find(**id).is_some());
    assert_eq!(left.count(), 99);
}

fn what_has_not_ended_is_not_touched(h: &mut Harness) {
    let task = h.task();
    let running = h.start(task);
    let task = h.task();
    let waiting = h.submit(task);
    retain(h, usual(HOUR, HOUR, HOUR));
    h.pass(50 * HOUR);
    assert_eq!((h.status(running.id), h.status(waiting)), (Status::Running, Status::Queued));
    h.retry(running.id).unwrap_err();
}
