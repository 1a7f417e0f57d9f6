//! What is claimed, when, and in which order.

use std::time::Duration;

use taskhost_core::ids::{JobName, LeaseId};
use taskhost_core::priority::Priority;
use taskhost_core::submit::{NewTask, Origin};
use taskhost_core::task::{End, Status};

use super::{Case, Harness, KIND, cases, ended, in_queue, of_kind};
use crate::store::StoreError;

pub(super) const CASES: &[Case] = cases![
    a_submitted_task_is_shown_as_it_was_submitted,
    a_free_slot_is_met_in_the_commit_of_the_submit,
    a_batch_starts_as_far_as_slots_go,
    a_task_whose_id_exists_is_refused_and_disturbs_nobody,
    a_batch_with_an_id_that_exists_leaves_nothing,
    a_claim_carries_what_the_attempt_needs,
    strict_priority_then_ready_time_then_insertion,
    nothing_overtakes_what_waits,
    slots_are_never_exceeded,
    a_flood_in_one_queue_starves_no_other,
    an_offer_of_nothing_stops_claims,
    a_smaller_offer_waits_until_enough_have_ended,
    a_kind_that_is_not_offered_is_held_until_it_is,
    held_tasks_stand_in_nobodys_way,
    a_kind_that_leaves_is_held_when_its_turn_comes,
    only_queued_tasks_are_held,
    the_number_of_running_tasks_is_told,
];

fn a_submitted_task_is_shown_as_it_was_submitted(h: &mut Harness) {
    let origin = Some(Origin { job: JobName::new("nightly").unwrap(), nominal_at: Some(h.now) });
    let task = NewTask {
        priority: Priority::High,
        params: br#"{"to":"a@example.org"}"#.to_vec(),
        run_at: Some(h.now.saturating_add(Duration::from_secs(5))),
        expires_at: Some(h.now.saturating_add(Duration::from_secs(9))),
        timeout: Some(Duration::from_millis(300)),
        tags: vec!["a".to_owned(), "b".to_owned()],
        refers: true,
        origin,
        ..h.task()
    };
    assert_eq!(h.submit_all(vec![task.clone()]), [Status::Scheduled]);
    let view = h.view(task.id);
    assert_eq!(view.submitted, task);
    assert_eq!((view.created_at, view.started_at, view.held), (h.now, None, false));
    let large = NewTask { params: format!("\"{}\"", "x".repeat(100_000)).into_bytes(), ..h.task() };
    h.submit(large.clone());
    assert_eq!(h.view(large.id).submitted, large);
}

fn a_free_slot_is_met_in_the_commit_of_the_submit(h: &mut Harness) {
    h.serve(1);
    let task = h.task();
    assert_eq!(h.submit_all(vec![task.clone()]), [Status::Queued], "the status at insertion is answered");
    let view = h.view(task.id);
    assert_eq!((view.task.status(), view.task.attempt, view.task.lease), (Status::Running, 1, LeaseId::FIRST));
    assert_eq!((view.started_at, view.attempted_by.len()), (Some(h.now), 1));
    assert_eq!(h.started().id, task.id);
}

fn a_batch_starts_as_far_as_slots_go(h: &mut Harness) {
    h.serve(2);
    let tasks: Vec<_> = (0..4).map(|_| h.task()).collect();
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    assert_eq!(h.submit_all(tasks), [Status::Queued; 4]);
    assert_eq!(h.claimed_ids(), ids[..2]);
}

fn a_task_whose_id_exists_is_refused_and_disturbs_nobody(h: &mut Harness) {
    for slots in [0, 5] {
        h.serve(slots);
        h.claims();
        let first = h.task();
        let again = NewTask { params: b"[1]".to_vec(), ..first.clone() };
        // One after the other without a wait: they may share a turn.
        let first_reply = h.store.submit(vec![first.clone()], h.now);
        let refused = h.store.submit(vec![again], h.now);
        let other = h.task();
        let other_reply = h.store.submit(vec![other.clone()], h.now);
        assert_eq!(h.answer(first_reply), [Status::Queued]);
        let refused = h.outcome(refused);
        assert!(matches!(refused, Err(StoreError::TaskExists { task }) if task == first.id), "{refused:?}");
        assert_eq!(h.answer(other_reply), [Status::Queued]);
        assert_eq!(h.view(first.id).submitted, first, "it stays as it is");
        let expected = if slots > 0 { vec![first.id, other.id] } else { Vec::new() };
        assert_eq!(h.claimed_ids(), expected);
    }
}

fn a_batch_with_an_id_that_exists_leaves_nothing(h: &mut Harness) {
    h.serve(3);
    let (first, second) = (h.task(), h.task());
    let large = NewTask { params: vec![b'1'; 1_000], ..h.task() };
    let refused = h.outcome(h.store.submit(vec![first.clone(), large.clone(), second, first.clone()], h.now));
    assert!(matches!(refused, Err(StoreError::TaskExists { .. })), "{refused:?}");
    assert_eq!((h.find(first.id), h.find(large.id)), (None, None));
    assert_eq!((h.claims(), *h.store.running().borrow()), (Vec::new(), 0));
    // Its slots are free, and its ids too.
    assert_eq!(h.submit_all(vec![large.clone(), first.clone()]), [Status::Queued; 2]);
    assert_eq!(h.claimed_ids(), [large.id, first.id]);
    let third = h.task();
    let third = h.submit(third);
    assert_eq!(h.claimed_ids(), [third]);
}

fn a_claim_carries_what_the_attempt_needs(h: &mut Harness) {
    let origin = Origin { job: JobName::new("nightly").unwrap(), nominal_at: Some(h.now) };
    for (params, at_once) in [(100, true), (512, false), (513, true), (100_000, false)] {
        let params = format!("\"{}\"", "x".repeat(params - 2)).into_bytes();
        let timeout = Some(Duration::from_millis(1500));
        let refers = timeout.is_some() == at_once;
        let task = NewTask { params, refers, timeout, origin: Some(origin.clone()), ..h.task() };
        h.serve(if at_once { 9 } else { 0 });
        h.submit(task.clone());
        h.serve(9);
        let claimed = h.started();
        assert_eq!((claimed.id, &claimed.kind, &claimed.queue), (task.id, &task.kind, &task.queue));
        assert_eq!((claimed.lease, claimed.attempt, claimed.attempts_max), (LeaseId::FIRST, 1, 3));
        assert_eq!((&claimed.params, claimed.refers, claimed.timeout), (&task.params, refers, timeout));
        assert_eq!((claimed.job, claimed.nominal_at), (Some(origin.job.clone()), origin.nominal_at));
        assert!(claimed.state.is_empty(), "it has no checkpoint");
    }
}

fn strict_priority_then_ready_time_then_insertion(h: &mut Harness) {
    use Priority::{Critical, High, Low, Normal};
    let at = |h: &mut Harness, priority, seconds| {
        let task = NewTask { priority, ..h.task() };
        let run_at = (seconds > 0).then(|| h.now.saturating_add(Duration::from_secs(seconds)));
        h.submit(NewTask { run_at, ..task })
    };
    let late = at(h, Normal, 3);
    let early = at(h, Normal, 2);
    let low = at(h, Low, 0);
    let first = at(h, Normal, 0);
    let second = at(h, Normal, 0);
    let high = at(h, High, 0);
    h.pass(Duration::from_secs(5));
    let last = at(h, Normal, 0);
    let critical = at(h, Critical, 0);
    h.serve(100);
    assert_eq!(h.claimed_ids(), [critical, high, first, second, early, late, last, low]);
}

fn nothing_overtakes_what_waits(h: &mut Harness) {
    let running = {
        let task = h.task();
        h.start(task)
    };
    let waiting = h.task();
    let waiting = h.submit(waiting);
    let reply = h.store.report(Vec::new(), h.now);
    assert!(h.answer(reply).is_empty());
    h.end(&running, ended(End::Done));
    let later = h.task();
    h.submit(later);
    assert_eq!(h.claimed_ids(), [waiting]);
}

fn slots_are_never_exceeded(h: &mut Harness) {
    h.serve(3);
    let tasks = (0..10).map(|_| h.task()).collect();
    h.submit_all(tasks);
    let mut running = h.claims();
    let mut claimed = running.len();
    assert_eq!(claimed, 3);
    while let Some(attempt) = running.pop() {
        h.end(&attempt, ended(End::Done));
        let next = h.claims();
        claimed += next.len();
        running.extend(next);
        assert!(running.len() <= 3, "{} run in 3 slots", running.len());
        assert!(running.len() == 3 || claimed == 10, "a slot stays empty while tasks wait");
    }
    assert_eq!(claimed, 10);
}

fn a_flood_in_one_queue_starves_no_other(h: &mut Harness) {
    h.offer(&[("flood", 1), ("mail", 1)], &[KIND]);
    let flood =
        (0..50).map(|_| h.task()).map(|task| NewTask { priority: Priority::Critical, ..in_queue(task, "flood") });
    let flood = flood.collect();
    h.submit_all(flood);
    assert_eq!(h.claims().len(), 1);
    let mail = in_queue(h.task(), "mail");
    let mail = h.submit(NewTask { priority: Priority::Low, ..mail });
    assert_eq!(h.claimed_ids(), [mail]);
}

fn an_offer_of_nothing_stops_claims(h: &mut Harness) {
    let task = h.task();
    let running = h.start(task);
    let waiting = h.task();
    let waiting = h.submit(waiting);
    h.offer(&[], &[]);
    let later = h.task();
    h.submit(later);
    assert_eq!(h.end(&running, ended(End::Done)), Status::Completed);
    assert_eq!(h.claims(), []);
    assert_eq!(h.status(waiting), Status::Queued);
}

fn a_smaller_offer_waits_until_enough_have_ended(h: &mut Harness) {
    h.serve(3);
    let tasks = (0..5).map(|_| h.task()).collect();
    h.submit_all(tasks);
    let running = h.claims();
    h.serve(2);
    h.end(&running[0], ended(End::Done));
    assert_eq!(h.claims(), [], "two still run");
    h.end(&running[1], ended(End::Done));
    assert_eq!(h.claims().len(), 1);
}

fn a_kind_that_is_not_offered_is_held_until_it_is(h: &mut Harness) {
    h.serve(1);
    let task = of_kind(h.task(), "away");
    let id = h.submit(task);
    assert_eq!((h.status(id), h.view(id).held), (Status::Queued, true));
    assert_eq!(h.claims(), []);
    h.offer(&[("other", 1)], &["away"]);
    assert_eq!((h.claims().len(), h.view(id).held), (0, false), "its queue has no slot, but its kind can run");
    h.offer(&[("default", 1)], &["away"]);
    assert_eq!(h.claimed_ids(), [id]);
}

fn held_tasks_stand_in_nobodys_way(h: &mut Harness) {
    let held: Vec<_> = (0..20).map(|_| of_kind(h.task(), "away")).collect();
    h.submit_all(held);
    let runs = h.task();
    let runs = h.submit(runs);
    h.serve(2);
    assert_eq!(h.claimed_ids(), [runs]);
}

fn a_kind_that_leaves_is_held_when_its_turn_comes(h: &mut Harness) {
    h.offer(&[("default", 1)], &[KIND, "leaving"]);
    let running = h.task();
    h.submit(running);
    let running = h.started();
    let leaving = of_kind(h.task(), "leaving");
    let leaving = h.submit(leaving);
    let stays = h.task();
    let stays = h.submit(stays);
    h.serve(1);
    h.end(&running, ended(End::Done));
    assert_eq!(h.claimed_ids(), [stays]);
    assert!(h.view(leaving).held);
}

fn only_queued_tasks_are_held(h: &mut Harness) {
    h.serve(1);
    let held = of_kind(h.task(), "away");
    let held = h.submit(held);
    assert_eq!(h.cancel(held), Ok(Status::Cancelled));
    assert!(!h.view(held).held, "a cancelled task waits for no kind");
}

fn the_number_of_running_tasks_is_told(h: &mut Harness) {
    let running = h.store.running();
    assert_eq!(*running.borrow(), 0);
    h.serve(5);
    let tasks = (0..3).map(|_| h.task()).collect();
    h.submit_all(tasks);
    assert_eq!(*running.borrow(), 3);
    for (left, attempt) in h.claims().iter().enumerate().map(|(ended, attempt)| (2 - ended, attempt)) {
        h.end(attempt, ended(End::Done));
        assert_eq!(*running.borrow(), left);
    }
}
