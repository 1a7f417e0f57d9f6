//! What is told beside the answers: events, what is counted, and that all is well.

use std::time::Duration;

use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};

use super::{Case, Harness, after, cases, ended, failed, in_queue};
use crate::store::Ending;

pub(super) const CASES: &[Case] = cases![
    what_becomes_of_a_task_is_told_in_order,
    what_changes_no_status_and_no_reason_is_not_told,
    a_discarded_task_is_told_and_a_pruned_one_is_not,
    a_refused_batch_tells_nothing,
    a_name_is_told_before_what_it_names,
    each_attempt_and_each_end_is_counted_before_it_is_answered,
    a_call_is_done_though_nobody_waits_for_its_answer,
    a_store_that_works_has_not_failed,
];

/// The statuses that were told since the last look.
fn statuses(h: &mut Harness) -> Vec<String> {
    let events = h.told().events.into_values().flatten();
    events.filter_map(|words| Some(words.split_once(':')?.0.to_owned())).collect()
}

fn what_becomes_of_a_task_is_told_in_order(h: &mut Harness) {
    h.serve(1);
    let task = NewTask { run_at: Some(after(h.now, Duration::from_secs(1))), ..h.task() };
    h.submit(task);
    assert_eq!(statuses(h), ["scheduled"]);
    h.pass(Duration::from_secs(1));
    assert_eq!(statuses(h), ["queued", "running"]);
    let attempt = h.started();
    h.end(&attempt, failed("no"));
    h.pass(Duration::from_secs(10));
    let attempt = h.started();
    h.cancel(attempt.id).unwrap();
    h.end(&attempt, ended(End::Interrupted));
    assert_eq!(statuses(h), ["retrying", "queued", "running", "running", "cancelled"]);
    let task = h.task();
    h.submit(task);
    assert_eq!(statuses(h), ["queued", "running"], "what starts at once was queued first");
}

fn what_changes_no_status_and_no_reason_is_not_told(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    h.told();
    h.checkpoint(&attempt, b"1").unwrap();
    assert_eq!(statuses(h), [""; 0]);
    h.cancel(attempt.id).unwrap();
    h.cancel(attempt.id).unwrap();
    assert_eq!(statuses(h), ["running"], "it is told to stop once");
}

fn a_discarded_task_is_told_and_a_pruned_one_is_not(h: &mut Harness) {
    for discards in [true, false] {
        let task = h.task();
        let attempt = h.start(task);
        h.end(&attempt, Ending { failure: None, ..ended(End::FailedFatally) });
        h.told();
        if discards {
            h.discard(attempt.id).unwrap();
            assert_eq!(statuses(h), ["gone"]);
        } else {
            h.pass(Duration::from_hours(7 * 24));
            assert_eq!((h.find(attempt.id), statuses(h)), (None, Vec::new()));
        }
    }
}

fn a_refused_batch_tells_nothing(h: &mut Harness) {
    h.serve(3);
    let (first, second) = (h.task(), h.task());
    h.submit(first.clone());
    h.told();
    h.outcome(h.store.submit(vec![second, first], h.now)).unwrap_err();
    let told = h.told();
    assert!(told.events.is_empty() && told.counted.is_empty(), "{told:?}");
}

fn a_name_is_told_before_what_it_names(h: &mut Harness) {
    h.serve(1);
    h.told();
    let task = in_queue(h.task(), "mail");
    let task = h.submit(task);
    h.cancel(task).unwrap();
    assert_eq!(h.told().counted, ["work of mail cancelled"]);
}

fn each_attempt_and_each_end_is_counted_before_it_is_answered(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    assert_eq!(h.told().counted, ["claimed work of default"]);
    h.now = after(h.now, Duration::from_millis(1_500));
    h.end(&attempt, failed("no"));
    assert_eq!(h.told().counted, ["work of default failed after 1.5s"]);
    h.pass(Duration::from_secs(10));
    let attempt = h.started();
    h.end(&attempt, ended(End::Done));
    let done = ["claimed work of default", "work of default completed", "work of default completed after 0ns"];
    assert_eq!(h.told().counted, done);

    // Nothing runs in it: it ends without an attempt.
    h.serve(0);
    let waiting = h.task();
    let waiting = h.submit(waiting);
    assert_eq!(h.cancel(waiting), Ok(Status::Cancelled));
    assert_eq!(h.told().counted, ["work of default cancelled"]);
}

fn a_call_is_done_though_nobody_waits_for_its_answer(h: &mut Harness) {
    let task = h.task();
    drop(h.store.submit(vec![task.clone()], h.now));
    // Answered after it.
    h.serve(0);
    assert_eq!(h.status(task.id), Status::Queued);
}

fn a_store_that_works_has_not_failed(h: &mut Harness) {
    let failure = h.store.failure();
    assert!(failure.borrow().is_none() && failure.has_changed().is_ok(), "it is told by the store alone");
}
