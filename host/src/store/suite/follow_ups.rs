//! What becomes of the tasks that an attempt makes.

use std::time::Duration;

use taskhost_core::ids::{QueueName, TaskId};
use taskhost_core::priority::Priority;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};

use super::{Case, Harness, cases, ended, failed, failure};
use crate::store::{Change, Claimed, Ending};

pub(super) const CASES: &[Case] = cases![
    a_checkpoint_commits_what_was_made_before_it,
    a_good_end_commits_what_was_made_before_it,
    any_other_end_drops_what_was_made_since_the_last_save,
    a_cancelled_task_drops_what_it_made,
    a_stale_lease_makes_nothing,
    a_replay_makes_nothing_twice,
    the_next_attempt_goes_on_counting,
    the_count_survives_a_restart_of_the_attempt_and_other_writes,
    a_follow_up_starts_in_the_slot_that_its_parent_frees,
    the_first_by_priority_starts_not_the_first_that_was_made,
    a_follow_up_waits_for_its_own_time,
];

/// A running task of a queue with one slot.
fn parent(h: &mut Harness) -> Claimed {
    let task = h.task();
    h.start(task)
}

/// A follow-up with this number; it waits, in a queue without slots.
fn follow_up(h: &mut Harness, parent: TaskId, ordinal: u64) -> NewTask {
    let queue = QueueName::new("later").unwrap();
    NewTask { id: TaskId::derived(parent, ordinal), queue, ..h.task() }
}

fn save(h: &Harness, attempt: &Claimed, follow_ups: Vec<NewTask>) {
    let change = Change::Checkpoint { state: b"1".to_vec(), follow_ups };
    assert_eq!(h.report(attempt.id, attempt.lease, change), Ok(Status::Running));
}

fn exist(h: &Harness, parent: &Claimed, ordinals: u64) -> Vec<bool> {
    (0..ordinals).map(|ordinal| h.find(TaskId::derived(parent.id, ordinal)).is_some()).collect()
}

fn a_checkpoint_commits_what_was_made_before_it(h: &mut Harness) {
    let attempt = parent(h);
    let made = vec![follow_up(h, attempt.id, 0), follow_up(h, attempt.id, 1)];
    save(h, &attempt, made.clone());
    for new in made {
        let view = h.view(new.id);
        assert_eq!((view.task.status(), view.created_at), (Status::Queued, h.now));
        assert_eq!(view.submitted, new);
    }
    assert_eq!(h.end(&attempt, failed("no")), Status::Retrying);
    assert_eq!(exist(h, &attempt, 2), [true, true], "a failure later on takes nothing back");
}

fn a_good_end_commits_what_was_made_before_it(h: &mut Harness) {
    let until = h.now.saturating_add(Duration::from_mins(1));
    for (end, status) in [(End::Done, Status::Completed), (End::Suspended(until), Status::Scheduled)] {
        let attempt = parent(h);
        let follow_ups = vec![follow_up(h, attempt.id, 0)];
        assert_eq!(h.end(&attempt, Ending { follow_ups, state: Some(b"1".to_vec()), ..ended(end) }), status);
        assert_eq!(exist(h, &attempt, 1), [true], "{end:?}");
    }
}

fn any_other_end_drops_what_was_made_since_the_last_save(h: &mut Harness) {
    let until = h.now.saturating_add(Duration::from_mins(1));
    let ends = [
        End::Failed { delay: None, chance: 0.5 },
        End::FailedFatally,
        End::RateLimited(until),
        End::Interrupted,
        End::TimedOut { chance: 0.5 },
        End::LeaseLost,
    ];
    for end in ends {
        let attempt = parent(h);
        let first = follow_up(h, attempt.id, 0);
        save(h, &attempt, vec![first]);
        let follow_ups = vec![follow_up(h, attempt.id, 1)];
        h.serve(0);
        h.end(&attempt, Ending { follow_ups, failure: Some(failure("no")), ..ended(end) });
        assert_eq!(exist(h, &attempt, 2), [true, false], "{end:?}");
        h.cancel(attempt.id).ok();
    }
}

fn a_cancelled_task_drops_what_it_made(h: &mut Harness) {
    let until = h.now.saturating_add(Duration::from_mins(1));
    for end in [End::Suspended(until), End::Interrupted] {
        let attempt = parent(h);
        h.cancel(attempt.id).unwrap();
        h.assigned();
        let follow_ups = vec![follow_up(h, attempt.id, 0)];
        assert_eq!(h.end(&attempt, Ending { follow_ups, ..ended(end) }), Status::Cancelled);
        assert_eq!(exist(h, &attempt, 1), [false], "{end:?}");
    }
}

fn a_stale_lease_makes_nothing(h: &mut Harness) {
    let first = parent(h);
    assert_eq!(h.end(&first, ended(End::Interrupted)), Status::Queued);
    h.started();
    let follow_ups = vec![follow_up(h, first.id, 0)];
    let save = Change::Checkpoint { state: b"1".to_vec(), follow_ups: follow_ups.clone() };
    let end = Change::Ended(Box::new(Ending { follow_ups, ..ended(End::Done) }));
    for change in [save, end] {
        assert!(h.report(first.id, first.lease, change).is_err());
    }
    assert_eq!(exist(h, &first, 1), [false]);
}

fn a_replay_makes_nothing_twice(h: &mut Harness) {
    let attempt = parent(h);
    let made = follow_up(h, attempt.id, 0);
    save(h, &attempt, vec![made.clone()]);
    let again = NewTask { params: b"[\"again\"]".to_vec(), ..made.clone() };
    let second = follow_up(h, attempt.id, 1);
    save(h, &attempt, vec![again, second]);
    assert_eq!(h.view(made.id).submitted, made, "it is left as it is");
    assert_eq!(exist(h, &attempt, 2), [true, true], "and stops none that is new");
}

fn the_next_attempt_goes_on_counting(h: &mut Harness) {
    let first = parent(h);
    assert_eq!(first.follow_ups, 0);
    let made = vec![follow_up(h, first.id, 0), follow_up(h, first.id, 1)];
    save(h, &first, made);
    let dropped = vec![follow_up(h, first.id, 2)];
    h.end(&first, Ending { follow_ups: dropped, ..failed("no") });
    h.pass(Duration::from_secs(10));
    let second = h.started();
    assert_eq!(second.follow_ups, 2, "what was dropped does not count");
    let made = vec![follow_up(h, first.id, 2)];
    h.end(&second, Ending { follow_ups: made, state: Some(b"1".to_vec()), ..ended(End::Suspended(h.now)) });
    h.pass(Duration::ZERO);
    assert_eq!(h.started().follow_ups, 3);
    assert_eq!(exist(h, &first, 3), [true; 3]);
}

fn the_count_survives_a_restart_of_the_attempt_and_other_writes(h: &mut Harness) {
    let first = parent(h);
    let made = vec![follow_up(h, first.id, 0)];
    save(h, &first, made);
    save(h, &first, Vec::new());
    let made = vec![follow_up(h, first.id, 1)];
    save(h, &first, made);
    h.end(&first, ended(End::Interrupted));
    assert_eq!(h.started().follow_ups, 2);
}

fn a_follow_up_starts_in_the_slot_that_its_parent_frees(h: &mut Harness) {
    let attempt = parent(h);
    let follow_up = NewTask { id: TaskId::derived(attempt.id, 0), ..h.task() };
    h.end(&attempt, Ending { follow_ups: vec![follow_up.clone()], ..ended(End::Done) });
    let started = h.started();
    assert_eq!((started.id, started.params), (follow_up.id, follow_up.params));
}

fn the_first_by_priority_starts_not_the_first_that_was_made(h: &mut Harness) {
    let attempt = parent(h);
    let of =
        |h: &mut Harness, ordinal, priority| NewTask { id: TaskId::derived(attempt.id, ordinal), priority, ..h.task() };
    let follow_ups = vec![of(h, 0, Priority::Low), of(h, 1, Priority::Critical), of(h, 2, Priority::High)];
    h.end(&attempt, Ending { follow_ups, ..ended(End::Done) });
    assert_eq!(h.claimed_ids(), [TaskId::derived(attempt.id, 1)]);
}

fn a_follow_up_waits_for_its_own_time(h: &mut Harness) {
    let attempt = parent(h);
    let run_at = Some(h.now.saturating_add(Duration::from_mins(1)));
    let follow_up = NewTask { id: TaskId::derived(attempt.id, 0), run_at, ..h.task() };
    let id = follow_up.id;
    h.end(&attempt, Ending { follow_ups: vec![follow_up], ..ended(End::Done) });
    assert_eq!((h.status(id), h.next_due()), (Status::Scheduled, run_at));
    h.pass(Duration::from_mins(1));
    assert_eq!(h.started().id, id);
}
