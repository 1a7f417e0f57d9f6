//! Submits that count once.

use std::time::Duration;

use taskhost_core::once::{IdempotencyKey, Once};
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};

use super::{Case, Harness, after, cases, ended};
use crate::store::{Inserted, KeyReused, Reply, StoreError};

pub(super) const CASES: &[Case] = cases![
    a_key_that_is_known_is_answered_as_the_first_time,
    two_of_a_key_that_meet_in_a_turn_are_one,
    a_key_of_another_call_is_refused,
    other_keys_are_other_calls,
    what_was_answered_is_known_without_a_submit,
    the_answer_stays_whatever_becomes_of_the_tasks,
    a_key_is_forgotten_after_a_day,
    a_key_whose_tasks_were_refused_is_free,
    a_submit_that_counts_once_starts_as_any_other,
];

fn once(key: &str, call: u8) -> Once {
    Once { key: IdempotencyKey::new(key).unwrap(), fingerprint: [call; 32] }
}

fn submit(h: &Harness, tasks: Vec<NewTask>, once: Once) -> Reply<Result<Vec<Inserted>, KeyReused>> {
    h.store.submit_once(tasks, once, h.now)
}

fn known(h: &Harness, once: &Once) -> Option<Result<Vec<Inserted>, KeyReused>> {
    h.store.submitted_once(once, h.now).expect("the store can be read")
}

fn a_key_that_is_known_is_answered_as_the_first_time(h: &mut Harness) {
    let later = NewTask { run_at: Some(after(h.now, Duration::from_secs(9))), ..h.task() };
    let tasks = vec![h.task(), later];
    let first = h.answer(submit(h, tasks.clone(), once("a", 1))).unwrap();
    let expected = [(tasks[0].id, Status::Queued), (tasks[1].id, Status::Scheduled)];
    assert_eq!(first, expected.map(|(task, status)| Inserted { task, status }));
    let again = vec![h.task(), h.task()];
    assert_eq!(h.answer(submit(h, again.clone(), once("a", 1))), Ok(first));
    assert_eq!((h.find(again[0].id), h.find(again[1].id)), (None, None));
}

fn two_of_a_key_that_meet_in_a_turn_are_one(h: &mut Harness) {
    let tasks: Vec<_> = (0..20).map(|_| h.task()).collect();
    let replies: Vec<_> = tasks.iter().map(|task| submit(h, vec![task.clone()], once("a", 1))).collect();
    for reply in replies {
        let expected = Inserted { task: tasks[0].id, status: Status::Queued };
        assert_eq!(h.answer(reply), Ok(vec![expected]));
    }
    assert!(tasks[1..].iter().all(|task| h.find(task.id).is_none()));
}

fn a_key_of_another_call_is_refused(h: &mut Harness) {
    let (first, other) = (h.task(), h.task());
    h.answer(submit(h, vec![first], once("a", 1))).unwrap();
    let other_id = other.id;
    assert_eq!(h.answer(submit(h, vec![other], once("a", 2))), Err(KeyReused));
    assert_eq!((h.find(other_id), known(h, &once("a", 2))), (None, Some(Err(KeyReused))));
}

fn other_keys_are_other_calls(h: &mut Harness) {
    for key in ["a", "A", "b"] {
        let task = h.task();
        let expected = Inserted { task: task.id, status: Status::Queued };
        assert_eq!(h.answer(submit(h, vec![task], once(key, 1))), Ok(vec![expected]));
    }
}

fn what_was_answered_is_known_without_a_submit(h: &mut Harness) {
    assert_eq!(known(h, &once("a", 1)), None);
    let task = h.task();
    let first = h.answer(submit(h, vec![task], once("a", 1)));
    assert_eq!(known(h, &once("a", 1)), Some(first));
}

fn the_answer_stays_whatever_becomes_of_the_tasks(h: &mut Harness) {
    h.serve(1);
    let task = h.task();
    let first = h.answer(submit(h, vec![task], once("a", 1)));
    let attempt = h.started();
    h.end(&attempt, ended(End::Done));
    let task = h.task();
    assert_eq!(h.answer(submit(h, vec![task], once("a", 1))), first);
}

fn a_key_is_forgotten_after_a_day(h: &mut Harness) {
    let task = h.task();
    h.answer(submit(h, vec![task], once("a", 1))).unwrap();
    let day = Duration::from_hours(24);
    let kept_until = after(h.now, day);
    let due = h.next_due().expect("the key is to be forgotten");
    assert!((kept_until..=after(kept_until, Duration::from_mins(2))).contains(&due), "{due}");
    h.now = after(h.now, Duration::from_secs(24 * 60 * 60 - 1));
    assert!(known(h, &once("a", 1)).is_some());
    // Nobody has looked at the clock since, and it is forgotten all the same.
    h.now = after(h.now, Duration::from_secs(1));
    let task = h.task();
    let expected = Inserted { task: task.id, status: Status::Queued };
    assert_eq!(h.answer(submit(h, vec![task], once("a", 2))), Ok(vec![expected]));
    h.pass(day);
    assert_eq!(known(h, &once("a", 2)), None);
}

fn a_key_whose_tasks_were_refused_is_free(h: &mut Harness) {
    let task = h.task();
    h.submit(task.clone());
    let refused = h.outcome(submit(h, vec![task], once("a", 1)));
    assert!(matches!(refused, Err(StoreError::TaskExists { .. })), "{refused:?}");
    let task = h.task();
    assert!(h.answer(submit(h, vec![task], once("a", 2))).is_ok());
}

fn a_submit_that_counts_once_starts_as_any_other(h: &mut Harness) {
    h.serve(1);
    let (first, second) = (h.task(), h.task());
    let id = first.id;
    h.answer(submit(h, vec![first, second], once("a", 1))).unwrap();
    assert_eq!(h.claimed_ids(), [id]);
}
