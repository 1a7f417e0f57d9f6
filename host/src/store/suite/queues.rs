//! What is told of queues, and pauses.

use std::time::Duration;

use taskhost_core::ids::QueueName;
use taskhost_core::priority::Priority;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};
use taskhost_core::time::UnixMicros;

use super::{Case, Harness, KIND, after, cases, ended, failed, failure, in_queue, of_kind};
use crate::store::{Ending, QueueState};

pub(super) const CASES: &[Case] = cases![
    queues_that_were_used_are_named,
    slots_are_told_as_they_were_offered,
    a_paused_queue_starts_nothing_that_comes_or_waits,
    what_runs_goes_on_in_a_paused_queue,
    a_resumed_queue_starts_what_waits,
    a_pause_touches_no_other_queue,
    a_pause_that_was_asked_twice_counts_from_the_first,
    a_queue_is_paused_before_anything_is_put_into_it,
    tasks_are_counted_in_every_status,
    each_queue_is_counted_by_itself,
    what_is_deleted_is_not_counted,
    since_when_the_oldest_queued_task_waits_is_told,
    a_held_task_is_queued_and_waits_too,
];

fn queue(h: &Harness, name: &str) -> QueueState {
    let mut queues = h.store.queues().into_iter();
    queues.find(|queue| queue.name.as_str() == name).expect("a queue of this name")
}

fn counts(h: &Harness, name: &str) -> Vec<(Status, u64)> {
    let counts = queue(h, name).counts;
    Status::ALL.map(|status| (status, counts.get(status))).into_iter().filter(|(_, tasks)| *tasks > 0).collect()
}

fn pause(h: &Harness, name: &str, paused: bool) {
    h.answer(h.store.pause_queue(QueueName::new(name).unwrap(), paused, h.now));
}

fn oldest(h: &Harness, name: &str) -> Option<UnixMicros> {
    let oldest = h.store.oldest_queued().expect("the store can be read");
    oldest.into_iter().find(|(queue, _)| queue.as_str() == name).map(|(_, since)| since)
}

fn queues_that_were_used_are_named(h: &mut Harness) {
    let task = in_queue(h.task(), "mail");
    h.submit(task);
    h.serve(1);
    let queues = h.store.queues().into_iter().map(|queue| queue.name).collect::<Vec<_>>();
    assert_eq!(queues, [QueueName::default(), QueueName::new("mail").unwrap()]);
}

fn slots_are_told_as_they_were_offered(h: &mut Harness) {
    h.offer(&[("default", 2), ("mail", 3)], &[]);
    assert_eq!((queue(h, "default").slots, queue(h, "mail").slots), (2, 3));
    h.offer(&[("mail", 4)], &[]);
    assert_eq!((queue(h, "default").slots, queue(h, "mail").slots), (0, 4));
}

fn a_paused_queue_starts_nothing_that_comes_or_waits(h: &mut Harness) {
    let task = h.task();
    let waiting = h.submit(task);
    pause(h, "default", true);
    h.serve(5);
    let task = h.task();
    let coming = h.submit(task);
    h.serve(6);
    h.pass(Duration::from_hours(1));
    assert_eq!((h.claims(), h.status(waiting), h.status(coming)), (Vec::new(), Status::Queued, Status::Queued));
}

fn what_runs_goes_on_in_a_paused_queue(h: &mut Harness) {
    let task = h.task();
    let running = h.start(task);
    let task = h.task();
    let waiting = h.submit(task);
    pause(h, "default", true);
    h.checkpoint(&running, b"1").unwrap();
    assert_eq!(h.end(&running, ended(End::Done)), Status::Completed);
    assert_eq!((h.claims(), h.status(waiting)), (Vec::new(), Status::Queued));
}

fn a_resumed_queue_starts_what_waits(h: &mut Harness) {
    h.serve(2);
    pause(h, "default", true);
    let tasks: Vec<_> = (0..3).map(|_| h.task()).collect();
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    h.submit_all(tasks);
    pause(h, "default", false);
    assert_eq!((h.claimed_ids(), queue(h, "default").paused_since), (ids[..2].to_vec(), None));
    h.serve(4);
    assert_eq!(h.claimed_ids(), ids[2..]);
    let task = h.task();
    let at_once = h.submit(task);
    assert_eq!(h.claimed_ids(), [at_once]);
}

fn a_pause_touches_no_other_queue(h: &mut Harness) {
    h.offer(&[("default", 1), ("mail", 1)], &[KIND]);
    pause(h, "mail", true);
    let (paused, other) = (in_queue(h.task(), "mail"), h.task());
    let ids = [paused.id, other.id];
    h.submit_all(vec![paused, other]);
    assert_eq!(h.claimed_ids(), ids[1..]);
    assert_eq!((queue(h, "default").paused_since, queue(h, "mail").paused_since), (None, Some(h.now)));
}

fn a_pause_that_was_asked_twice_counts_from_the_first(h: &mut Harness) {
    pause(h, "default", true);
    let since = h.now;
    h.now = after(h.now, Duration::from_secs(9));
    pause(h, "default", true);
    assert_eq!(queue(h, "default").paused_since, Some(since));
    pause(h, "default", false);
    pause(h, "default", false);
    assert_eq!(queue(h, "default").paused_since, None);
}

fn a_queue_is_paused_before_anything_is_put_into_it(h: &mut Harness) {
    pause(h, "later", true);
    assert_eq!((queue(h, "later").paused_since, queue(h, "later").counts.total()), (Some(h.now), 0));
    h.offer(&[("later", 1)], &[KIND]);
    let task = in_queue(h.task(), "later");
    h.submit(task);
    assert_eq!(h.claims(), []);
}

fn tasks_are_counted_in_every_status(h: &mut Harness) {
    h.serve(4);
    let tasks: Vec<_> = (0..4).map(|_| h.task()).collect();
    h.submit_all(tasks);
    let running = h.claims();
    let (waiting, later, cancelled) = (h.task(), h.task(), h.task());
    let cancelled_id = cancelled.id;
    let later = NewTask { run_at: Some(after(h.now, Duration::from_hours(1))), ..later };
    h.submit_all(vec![waiting, later, cancelled]);
    assert_eq!(counts(h, "default"), [(Status::Scheduled, 1), (Status::Queued, 2), (Status::Running, 4)]);
    h.serve(0);
    h.cancel(cancelled_id).unwrap();
    h.end(&running[0], ended(End::Done));
    h.end(&running[1], failed("no"));
    h.end(&running[2], Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) });
    let all = [
        (Status::Scheduled, 1),
        (Status::Queued, 1),
        (Status::Running, 1),
        (Status::Retrying, 1),
        (Status::Completed, 1),
        (Status::Cancelled, 1),
        (Status::Dead, 1),
    ];
    assert_eq!(counts(h, "default"), all);
    h.pass(Duration::from_hours(1));
    h.end(&running[3], ended(End::Interrupted));
    h.retry(running[2].id).unwrap();
    assert_eq!(counts(h, "default"), [(Status::Queued, 5), (Status::Completed, 1), (Status::Cancelled, 1)]);
}

fn each_queue_is_counted_by_itself(h: &mut Harness) {
    let tasks = vec![h.task(), in_queue(h.task(), "mail"), in_queue(h.task(), "mail")];
    h.submit_all(tasks);
    assert_eq!(counts(h, "default"), [(Status::Queued, 1)]);
    assert_eq!(counts(h, "mail"), [(Status::Queued, 2)]);
}

fn what_is_deleted_is_not_counted(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    h.end(&attempt, Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) });
    let task = h.task();
    let attempt_of_other = h.start(task);
    h.end(&attempt_of_other, ended(End::Done));
    assert_eq!(counts(h, "default"), [(Status::Completed, 1), (Status::Dead, 1)]);
    h.discard(attempt.id).unwrap();
    assert_eq!(counts(h, "default"), [(Status::Completed, 1)]);
    h.pass(Duration::from_hours(25));
    assert_eq!(counts(h, "default"), []);
}

fn since_when_the_oldest_queued_task_waits_is_told(h: &mut Harness) {
    assert_eq!(h.store.oldest_queued().unwrap(), []);
    let first = h.now;
    let low = NewTask { priority: Priority::Low, ..h.task() };
    let low = h.submit(low);
    h.now = after(h.now, Duration::from_secs(5));
    let second = h.now;
    let critical = NewTask { priority: Priority::Critical, ..h.task() };
    let due_in = Duration::from_secs(3);
    let scheduled = NewTask { run_at: Some(after(h.now, due_in)), ..in_queue(h.task(), "mail") };
    h.submit_all(vec![critical, scheduled]);
    assert_eq!((oldest(h, "default"), oldest(h, "mail")), (Some(first), None));
    h.cancel(low).unwrap();
    assert_eq!(oldest(h, "default"), Some(second));
    h.pass(Duration::from_secs(10));
    assert_eq!(oldest(h, "mail"), Some(after(second, due_in)), "since it was due, not since somebody looked");
    h.serve(1);
    assert_eq!(oldest(h, "default"), None, "it runs");
}

fn a_held_task_is_queued_and_waits_too(h: &mut Harness) {
    h.serve(1);
    let task = of_kind(h.task(), "away");
    h.submit(task);
    assert_eq!((counts(h, "default"), oldest(h, "default")), (vec![(Status::Queued, 1)], Some(h.now)));
}
