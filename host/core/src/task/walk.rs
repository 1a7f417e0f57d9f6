//! Every event on every state, held against the table of the design.

use std::time::Duration;

use proptest::prelude::*;

use super::diagram::{NOW, diagram, events, states};
use super::*;
use crate::ids::LeaseId;
use crate::time::UnixMicros;

/// What each event makes of each state; a pair that is not listed is rejected.
const TABLE: &[(&str, &[(&str, &str)])] = &[
    ("scheduled", &[("due", "queued"), ("cancel asked", "cancelled"), ("expired", "cancelled")]),
    ("blocked", BLOCKED),
    ("blocked (parent dead)", BLOCKED),
    ("queued", &[("claimed", "running"), ("cancel asked", "cancelled"), ("expired", "cancelled")]),
    (
        "running",
        &[
            ("failed", "retrying"),
            ("timed out", "retrying"),
            RUNNING[0],
            RUNNING[1],
            RUNNING[2],
            RUNNING[3],
            RUNNING[4],
            RUNNING[5],
            RUNNING[6],
            RUNNING[7],
        ],
    ),
    (
        "running (last attempt)",
        &[
            ("failed", "dead"),
            ("timed out", "dead"),
            RUNNING[0],
            RUNNING[1],
            RUNNING[2],
            RUNNING[3],
            RUNNING[4],
            RUNNING[5],
            RUNNING[6],
            RUNNING[7],
        ],
    ),
    (
        "running (cancelling)",
        &[
            ("checkpointed", "running"),
            ("done", "completed"),
            ("failed", "cancelled"),
            ("failed fatally", "cancelled"),
            ("suspended", "cancelled"),
            ("rate limited", "cancelled"),
            ("interrupted", "cancelled"),
            ("timed out", "cancelled"),
            ("lease lost", "cancelled"),
            ("cancel asked", "running"),
        ],
    ),
    ("retrying", &[("due", "queued"), ("cancel asked", "cancelled")]),
    ("completed", &[("retry asked", "queued")]),
    ("cancelled", &[("retry asked", "queued")]),
    ("dead", &[("retry asked", "queued"), ("discard asked", "deleted")]),
];

const BLOCKED: &[(&str, &str)] = &[
    ("parents ended", "queued"),
    ("parent failed, wait", "blocked"),
    ("parent failed, cancel", "cancelled"),
    ("parent failed, run", "queued"),
    ("parent reopened", "blocked"),
    ("cancel asked", "cancelled"),
    ("expired", "cancelled"),
];

const RUNNING: [(&str, &str); 8] = [
    ("checkpointed", "running"),
    ("done", "completed"),
    ("failed fatally", "dead"),
    ("suspended", "scheduled"),
    ("rate limited", "scheduled"),
    ("interrupted", "queued"),
    ("lease lost", "queued"),
    ("cancel asked", "running"),
];

#[test]
fn every_event_on_every_state_does_what_the_table_says() {
    let mut walked = 0;
    for (state, task) in states() {
        let row = TABLE.iter().find(|(name, _)| *name == state).expect("a row for each state").1;
        for (name, event) in events() {
            let task = Task { expires_at: Some(NOW), ..task };
            let becomes = match step(&task, event, NOW) {
                Ok(Step::Kept(next)) => next.status().as_str(),
                Ok(Step::Deleted) => "deleted",
                Err(_) => "rejected",
            };
            let expected = row.iter().find(|(event, _)| *event == name).map_or("rejected", |(_, status)| status);
            assert_eq!(becomes, expected, "{state} | {name}");
            walked += 1;
        }
    }
    assert_eq!(walked, 11 * 20);
    assert!(Status::ALL.iter().all(|status| states().iter().any(|(_, task)| task.status() == *status)));
}

#[test]
fn a_stale_lease_changes_nothing_in_any_state() {
    let stale = [
        Event::Checkpointed(LeaseId::from_u64(9)),
        Event::Ended(LeaseId::from_u64(9), End::Done),
        Event::Claimed(LeaseId::FIRST),
    ];
    for (state, task) in states() {
        for event in stale {
            assert!(step(&task, event, NOW).is_err(), "{state} | {event:?}");
        }
    }
}

/// Reads `queued#1/3`: a status, attempts spent, budget.
fn check(before: &str, events: &[Event], after: &str) {
    let (status, budget) = before.split_once('#').expect("status#attempt/budget");
    let (attempt, attempts_max) = budget.split_once('/').expect("attempt/budget");
    let sample = states().into_iter().find(|(name, _)| *name == status).expect("a state of the walk").1;
    let number = |text: &str| text.parse().expect("a number");
    let mut task = Task { attempt: number(attempt), attempts_max: number(attempts_max), ..sample };
    for event in events {
        let Ok(Step::Kept(next)) = step(&task, *event, NOW) else { panic!("{event:?} was rejected by {task:?}") };
        task = next;
    }
    assert_eq!(format!("{}#{}/{}", task.status(), task.attempt, task.attempts_max), after);
}

fn ended(end: End) -> Event {
    Event::Ended(LeaseId::FIRST, end)
}

#[test]
fn a_lost_lease_spends_no_attempt() {
    check("running#1/3", &[ended(End::LeaseLost)], "queued#0/3");
}

#[test]
fn an_interruption_spends_no_attempt() {
    check("running#3/3", &[ended(End::Interrupted)], "queued#2/3");
}

#[test]
fn a_rate_limit_spends_no_attempt() {
    check("running#1/1", &[ended(End::RateLimited(NOW))], "scheduled#0/1");
}

#[test]
fn a_failure_spends_its_attempt() {
    check("running#1/3", &[ended(End::Failed { delay: None, chance: 0.0 })], "retrying#1/3");
}

#[test]
fn a_retry_allows_one_more_attempt() {
    check("dead#3/3", &[Event::RetryAsked, Event::Claimed(LeaseId::from_u64(2))], "running#4/4");
}

#[test]
fn a_task_that_never_gets_further_between_interruptions_fails_in_the_end() {
    let running = states().into_iter().find(|(name, _)| *name == "running").expect("running").1;
    let mut task = running;
    for round in 0.. {
        let Ok(Step::Kept(next)) = step(&task, Event::Ended(task.lease, End::Interrupted), NOW) else {
            panic!("rejected")
        };
        if next.status() == Status::Retrying {
            assert_eq!((round, next.attempt), (INTERRUPTIONS_MAX, 1));
            break;
        }
        let Ok(Step::Kept(next)) = step(&next, Event::Claimed(next.lease.next()), NOW) else { panic!("rejected") };
        task = next;
    }
    let checkpointed = Task { interruptions: INTERRUPTIONS_MAX, ..running };
    let Ok(Step::Kept(next)) = step(&checkpointed, Event::Checkpointed(running.lease), NOW) else { panic!("rejected") };
    assert_eq!(next.interruptions, 0, "a newer checkpoint starts the count anew");
}

#[test]
fn the_thousand_and_first_suspension_is_a_failure() {
    let running = states().into_iter().find(|(name, _)| *name == "running").expect("running").1;
    let tired = Task { suspensions: SUSPENSIONS_MAX, ..running };
    let Ok(Step::Kept(next)) = step(&tired, ended(End::Suspended(NOW)), NOW) else { panic!("rejected") };
    assert_eq!((next.status(), next.attempt), (Status::Retrying, 1));
}

#[test]
fn what_is_due_keeps_its_place_however_late_somebody_looks() {
    let due_at = UnixMicros::from_micros(5);
    let retry = crate::retry::RetryPolicy::default();
    let task = Task::submitted(retry, Some(due_at), None, UnixMicros::from_micros(0));
    assert_eq!(step(&task, Event::Due, UnixMicros::from_micros(4)), Err(Rejected::TooEarly(due_at)));
    let Ok(Step::Kept(next)) = step(&task, Event::Due, NOW) else { panic!("rejected") };
    assert_eq!(next.state, TaskState::Queued { ready_at: due_at });
}

#[test]
fn what_has_started_no_longer_expires() {
    let queued = states().into_iter().find(|(name, _)| *name == "queued").expect("queued").1;
    let expiring = Task { expires_at: Some(NOW), ..queued };
    let Ok(Step::Kept(running)) = step(&expiring, Event::Claimed(queued.lease.next()), NOW) else { panic!("rejected") };
    let Ok(Step::Kept(back)) = step(&running, Event::Ended(running.lease, End::Interrupted), NOW) else {
        panic!("rejected")
    };
    assert!(step(&back, Event::Expired, NOW.saturating_add(Duration::from_secs(1))).is_err());
}

#[test]
fn the_diagram_in_the_documentation_is_the_one_that_step_prints() {
    // Not `std::fs`: the core has no I/O, not even in its tests.
    let page = include_str!("../../../../docs/task-states.md");
    assert!(page.contains(&diagram()), "docs/task-states.md should hold this:\n{}", diagram());
}

prop_compose! {
    fn any_event()(pick in 0..20_usize, stale in 0..3_u8, delay in prop::option::of(0..1_000_000_u64), chance in 0.0..1.0_f64) -> (usize, u8, Option<u64>, f64) {
        (pick, stale, delay, chance)
    }
}

proptest! {
    /// Whatever happens, in whatever order: budgets hold, leases only grow, an ended task stays so unless it is retried.
    #[test]
    fn no_history_breaks_an_invariant(history in prop::collection::vec(any_event(), 1..200)) {
        let mut task = Task::submitted(crate::retry::RetryPolicy::default(), None, None, NOW);
        let mut now = NOW;
        for (pick, stale, delay, chance) in history {
            now = now.saturating_add(Duration::from_secs(30));
            let lease = if stale == 0 { LeaseId::FIRST } else { task.lease };
            let event = match events()[pick].1 {
                Event::Claimed(_) => Event::Claimed(lease.next()),
                Event::Checkpointed(_) => Event::Checkpointed(lease),
                Event::Ended(_, End::Failed { .. }) => Event::Ended(lease, End::Failed { delay: delay.map(Duration::from_millis), chance }),
                Event::Ended(_, end) => Event::Ended(lease, end),
                other => other,
            };
            let Ok(Step::Kept(next)) = step(&task, event, now) else { continue };
            prop_assert!(next.attempt <= next.attempts_max);
            prop_assert!(next.lease >= task.lease);
            prop_assert!(next.lease == task.lease || matches!(event, Event::Claimed(_)));
            prop_assert!(!task.status().is_ended() || event == Event::RetryAsked);
            prop_assert!(task.status() != Status::Running || next.status() == Status::Running || matches!(event, Event::Ended(..)));
            prop_assert!(next.suspensions <= SUSPENSIONS_MAX && next.interruptions <= INTERRUPTIONS_MAX);
            task = next;
        }
    }
}
