//! Ended tasks that run again or are gone: one, or the dead ones that a filter finds.

use std::time::Duration;

use taskhost_core::ids::{KindName, QueueName, TaskId};
use taskhost_core::query::{SearchText, TaskFilter};
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Rejected, Status};
use taskhost_core::view::Progress;

use super::{Case, Harness, KIND, after, cases, ended, failed, failure};
use crate::store::{Action, ActionRefused, Claimed, Ending, Sweep};

pub(super) const CASES: &[Case] = cases![
    a_dead_task_is_queued_again_with_one_more_attempt,
    a_retried_task_goes_on_from_its_checkpoint,
    a_completed_task_begins_from_the_start,
    a_cancelled_task_is_queued_again,
    a_retried_task_starts_where_a_slot_is_free,
    a_task_that_was_held_when_it_was_cancelled_starts_again,
    a_retried_task_is_kept_as_long_as_any_other,
    what_has_not_ended_is_neither_retried_nor_discarded,
    an_unknown_task_is_neither_retried_nor_discarded,
    a_discarded_task_is_gone,
    only_a_dead_task_is_discarded,
    a_sweep_meets_the_dead_tasks_of_its_filter_and_no_others,
    a_sweep_without_a_filter_meets_every_dead_task,
    a_sweep_of_many_answers_with_how_many,
    a_sweep_finds_texts_as_a_list_does,
    swept_tasks_run_in_the_order_of_their_insertion,
];

/// The end of a task that is not to be tried again.
fn fatally() -> Ending {
    Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) }
}

/// Runs a task to this end; nothing else starts afterwards.
fn run(h: &mut Harness, task: NewTask, ending: Ending) -> Claimed {
    let attempt = h.start(task);
    h.offer(&[], &[]);
    h.end(&attempt, ending);
    attempt
}

fn dead(h: &mut Harness) -> TaskId {
    let task = h.task();
    run(h, task, fatally()).id
}

fn not_now(status: Status) -> Result<Status, ActionRefused> {
    Err(ActionRefused::Rejected(Rejected::NotNow(status)))
}

fn sweep(h: &Harness, action: Action, filter: TaskFilter) -> u64 {
    let kinds = vec![KindName::new(KIND).unwrap()];
    h.answer(h.store.sweep_dead(Sweep { action, filter, kinds }, h.now))
}

fn a_dead_task_is_queued_again_with_one_more_attempt(h: &mut Harness) {
    let task = h.task();
    let task = NewTask { retry: taskhost_core::retry::RetryPolicy { attempts: 1, ..task.retry }, ..task };
    let first = run(h, task, failed("no"));
    assert_eq!(h.status(first.id), Status::Dead);
    h.now = after(h.now, Duration::from_hours(1));
    assert_eq!(h.retry(first.id), Ok(Status::Queued));
    let view = h.view(first.id);
    assert_eq!((view.task.attempt, view.task.attempts_max, view.errors.len()), (1, 2, 1));
    assert_eq!((view.task.state.finished_at(), view.task.state.reason()), (None, None));
    h.serve(1);
    let second = h.started();
    assert_eq!((second.id, second.attempt, second.lease), (first.id, 2, first.lease.next()));
    assert!(h.checkpoint(&first, b"1").is_err(), "the attempt that failed holds nothing");
    h.end(&second, failed("no"));
    assert_eq!((h.status(first.id), h.view(first.id).errors.len()), (Status::Dead, 2));
}

fn a_retried_task_goes_on_from_its_checkpoint(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    h.checkpoint(&attempt, b"41").unwrap();
    let progress = Some(Progress { current: 41, total: 60, ..Progress::default() });
    h.end(&attempt, Ending { progress: progress.clone(), ..fatally() });
    h.retry(attempt.id).unwrap();
    assert_eq!((h.started().state, h.view(attempt.id).progress), (b"41".to_vec(), progress));
}

fn a_completed_task_begins_from_the_start(h: &mut Harness) {
    for size in [1, 1_000] {
        let task = h.task();
        let attempt = h.start(task);
        h.checkpoint(&attempt, b"41").unwrap();
        let progress = Some(Progress { current: 60, total: 60, ..Progress::default() });
        h.end(&attempt, Ending { result: Some(vec![b'1'; size]), progress, ..ended(End::Done) });
        assert_eq!(h.retry(attempt.id), Ok(Status::Queued));
        let view = h.view(attempt.id);
        assert_eq!((view.result, view.progress), (None, None));
        let again = h.started();
        assert_eq!((again.id, &*again.state), (attempt.id, &b""[..]));
        h.end(&again, ended(End::Done));
        assert_eq!((h.status(attempt.id), h.view(attempt.id).result), (Status::Completed, None));
    }
}

fn a_cancelled_task_is_queued_again(h: &mut Harness) {
    let expires_at = Some(after(h.now, Duration::from_mins(1)));
    let task = NewTask { expires_at, ..h.task() };
    let task = h.submit(task);
    h.cancel(task).unwrap();
    h.pass(Duration::from_hours(1));
    assert_eq!(h.retry(task), Ok(Status::Queued));
    h.pass(Duration::from_hours(1));
    assert_eq!(h.status(task), Status::Queued, "its expiry has gone with its end");
}

fn a_retried_task_starts_where_a_slot_is_free(h: &mut Harness) {
    let task = dead(h);
    h.serve(1);
    assert_eq!(h.claims(), []);
    assert_eq!(h.retry(task), Ok(Status::Queued));
    assert_eq!(h.started().id, task);
}

fn a_task_that_was_held_when_it_was_cancelled_starts_again(h: &mut Harness) {
    h.offer(&[("default", 1)], &[]);
    let task = h.task();
    let task = h.submit(task);
    assert!(h.view(task).held);
    h.cancel(task).unwrap();
    h.serve(1);
    h.retry(task).unwrap();
    assert_eq!(h.started().id, task);
}

fn a_retried_task_is_kept_as_long_as_any_other(h: &mut Harness) {
    let task = dead(h);
    h.pass(Duration::from_hours(24));
    h.retry(task).unwrap();
    h.pass(Duration::from_hours(24 * 30));
    assert_eq!(h.status(task), Status::Queued);
}

fn what_has_not_ended_is_neither_retried_nor_discarded(h: &mut Harness) {
    let task = h.task();
    let retrying = run(h, task, failed("no")).id;
    let run_at = Some(after(h.now, Duration::from_hours(1)));
    let task = NewTask { run_at, ..h.task() };
    let scheduled = h.submit(task);
    let task = h.task();
    let running = h.start(task).id;
    let task = h.task();
    let queued = h.submit(task);
    for (task, status) in [
        (retrying, Status::Retrying),
        (scheduled, Status::Scheduled),
        (running, Status::Running),
        (queued, Status::Queued),
    ] {
        assert_eq!((h.retry(task), h.discard(task)), (not_now(status), not_now(status)));
        assert_eq!(h.status(task), status);
    }
}

fn an_unknown_task_is_neither_retried_nor_discarded(h: &mut Harness) {
    let task = TaskId::from_bytes([7; 16]);
    assert_eq!((h.retry(task), h.discard(task)), (Err(ActionRefused::Unknown), Err(ActionRefused::Unknown)));
}

fn a_discarded_task_is_gone(h: &mut Harness) {
    let task = dead(h);
    assert_eq!(h.discard(task), Ok(Status::Dead));
    assert_eq!(h.find(task), None);
    assert_eq!((h.discard(task), h.retry(task)), (Err(ActionRefused::Unknown), Err(ActionRefused::Unknown)));
}

fn only_a_dead_task_is_discarded(h: &mut Harness) {
    let task = h.task();
    let completed = run(h, task, ended(End::Done)).id;
    let task = h.task();
    let cancelled = h.submit(task);
    h.cancel(cancelled).unwrap();
    for (task, status) in [(completed, Status::Completed), (cancelled, Status::Cancelled)] {
        assert_eq!(h.discard(task), not_now(status));
        assert_eq!(h.status(task), status);
    }
}

fn a_sweep_meets_the_dead_tasks_of_its_filter_and_no_others(h: &mut Harness) {
    let red = |h: &mut Harness| NewTask { tags: vec!["red".to_owned()], ..h.task() };
    let (tagged, completed) = (red(h), red(h));
    let tagged = run(h, tagged, fatally()).id;
    let completed = run(h, completed, ended(End::Done)).id;
    let plain = dead(h);
    let filter = TaskFilter { tag: Some("red".to_owned()), ..TaskFilter::default() };
    let elsewhere = TaskFilter { queue: Some(QueueName::new("mail").unwrap()), ..filter.clone() };
    assert_eq!(sweep(h, Action::Retry, elsewhere), 0);
    assert_eq!(sweep(h, Action::Retry, filter.clone()), 1);
    let statuses = [tagged, completed, plain].map(|task| h.status(task));
    assert_eq!(statuses, [Status::Queued, Status::Completed, Status::Dead]);
    assert_eq!(sweep(h, Action::Discard, filter), 0, "it is not dead any more");
}

fn a_sweep_without_a_filter_meets_every_dead_task(h: &mut Harness) {
    let (first, second) = (dead(h), dead(h));
    let task = h.task();
    let completed = run(h, task, ended(End::Done)).id;
    assert_eq!(sweep(h, Action::Discard, TaskFilter::default()), 2);
    assert_eq!((h.find(first), h.find(second), h.status(completed)), (None, None, Status::Completed));
    assert_eq!(sweep(h, Action::Discard, TaskFilter::default()), 0);
}

fn a_sweep_of_many_answers_with_how_many(h: &mut Harness) {
    let tasks: Vec<_> = (0..600).map(|_| h.task()).collect();
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    h.submit_all(tasks);
    h.serve(1_000);
    for attempt in h.claims() {
        h.end(&attempt, fatally());
    }
    h.serve(0);
    let swept =
        h.store.sweep_dead(Sweep { action: Action::Retry, filter: TaskFilter::default(), kinds: Vec::new() }, h.now);
    // Between the steps of a sweep others are served.
    let late = h.task();
    let late = h.submit(late);
    assert_eq!(h.answer(swept), 600);
    assert!(ids.iter().all(|id| h.status(*id) == Status::Queued));
    assert_eq!(h.status(late), Status::Queued);
}

fn a_sweep_finds_texts_as_a_list_does(h: &mut Harness) {
    let task = NewTask { params: b"{\"to\":\"ann@example.org\"}".to_vec(), ..h.task() };
    let ann = run(h, task, fatally()).id;
    let hidden =
        NewTask { kind: KindName::new("site.login").unwrap(), params: b"{\"password\":\"ann@\"}".to_vec(), ..h.task() };
    let hidden_id = hidden.id;
    h.offer(&[("default", 1)], &["site.login"]);
    h.submit(hidden);
    let attempt = h.started();
    h.end(&attempt, fatally());
    let with_text = |text: &str| TaskFilter { text: Some(SearchText::new(text).unwrap()), ..TaskFilter::default() };
    assert_eq!(sweep(h, Action::Discard, with_text("ann@")), 1);
    assert_eq!((h.find(ann), h.status(hidden_id)), (None, Status::Dead));
    assert_eq!(sweep(h, Action::Discard, with_text(&hidden_id.to_string())), 1);
}

fn swept_tasks_run_in_the_order_of_their_insertion(h: &mut Harness) {
    let first = h.task();
    let ids = [run(h, first, fatally()).id, dead(h), dead(h)];
    assert_eq!(sweep(h, Action::Retry, TaskFilter::default()), 3);
    h.serve(3);
    assert_eq!(h.claimed_ids(), ids);
}
