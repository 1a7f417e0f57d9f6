//! The life of a task as a picture, printed by trying every event on every state.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::event::{End, Event, OnFailed};
use super::state::{CancelReason, DeadReason, Status, Task, TaskState, WaitReason};
use super::step::{Step, step};
use crate::ids::LeaseId;
use crate::retry::RetryPolicy;
use crate::time::UnixMicros;

/// The instant at which the walk happens; what is due was due by then.
pub(super) const NOW: UnixMicros = UnixMicros::MIDDLE;
const LEASE: LeaseId = LeaseId::FIRST;

/// One task for each state that [`step`] tells apart, with a name; the running ones hold the lease of [`events`].
pub(super) fn states() -> Vec<(&'static str, Task)> {
    let retry = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
    let base = Task { lease: LEASE, attempt: 1, ..Task::submitted(retry, None, None, NOW) };
    let last = Task { attempt: 3, ..base };
    let at = |task: Task, state: TaskState| Task { state, ..task };
    let running = |cancelling| TaskState::Running { started_at: NOW, cancelling };
    vec![
        ("scheduled", at(base, TaskState::Scheduled { due_at: NOW, reason: WaitReason::Delayed })),
        ("blocked", at(base, TaskState::Blocked { due_at: None, parent_dead: false })),
        ("blocked (parent dead)", at(base, TaskState::Blocked { due_at: None, parent_dead: true })),
        ("queued", at(base, TaskState::Queued { ready_at: NOW })),
        ("running", at(base, running(false))),
        ("running (last attempt)", at(last, running(false))),
        ("running (cancelling)", at(base, running(true))),
        ("retrying", at(base, TaskState::Retrying { due_at: NOW })),
        ("completed", at(base, TaskState::Completed { at: NOW })),
        ("cancelled", at(base, TaskState::Cancelled { at: NOW, reason: CancelReason::Asked })),
        ("dead", at(base, TaskState::Dead { at: NOW, reason: DeadReason::Fatal })),
    ]
}

/// Every event that can succeed, with a name; reports carry the lease of [`states`], a claim the next one.
pub(super) fn events() -> Vec<(&'static str, Event)> {
    let ended = |end| Event::Ended(LEASE, end);
    let later = NOW.saturating_add(Duration::from_mins(1));
    vec![
        ("due", Event::Due),
        ("parents ended", Event::ParentsEnded),
        ("parent failed, wait", Event::ParentFailed(OnFailed::Wait)),
        ("parent failed, cancel", Event::ParentFailed(OnFailed::Cancel)),
        ("parent failed, run", Event::ParentFailed(OnFailed::Run)),
        ("parent reopened", Event::ParentReopened),
        ("claimed", Event::Claimed(LEASE.next())),
        ("checkpointed", Event::Checkpointed(LEASE)),
        ("done", ended(End::Done)),
        ("failed", ended(End::Failed { delay: None, chance: 0.5 })),
        ("failed fatally", ended(End::FailedFatally)),
        ("suspended", ended(End::Suspended(later))),
        ("rate limited", ended(End::RateLimited(later))),
        ("interrupted", ended(End::Interrupted)),
        ("timed out", ended(End::TimedOut { chance: 0.5 })),
        ("lease lost", ended(End::LeaseLost)),
        ("cancel asked", Event::CancelAsked),
        ("expired", Event::Expired),
        ("retry asked", Event::RetryAsked),
        ("discard asked", Event::DiscardAsked),
    ]
}

/// The states and what leads from one to the other, as a Mermaid state diagram.
pub fn diagram() -> String {
    let mut edges: BTreeMap<(Status, Option<Status>), Vec<&'static str>> = BTreeMap::new();
    for (_, task) in states() {
        for (name, event) in events() {
            // Expiry only concerns what has one.
            let task = Task { expires_at: Some(NOW), ..task };
            let to = match step(&task, event, NOW) {
                Ok(Step::Kept(next)) if next.status() == task.status() => continue,
                Ok(Step::Kept(next)) => Some(next.status()),
                Ok(Step::Deleted) => None,
                Err(_) => continue,
            };
            let names = edges.entry((task.status(), to)).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut text = String::from("stateDiagram-v2\n");
    for status in [Status::Scheduled, Status::Blocked, Status::Queued] {
        writeln!(text, "    [*] --> {status}: submitted").expect("a String takes all text");
    }
    for ((from, to), names) in edges {
        let to = to.map_or("[*]", Status::as_str);
        writeln!(text, "    {from} --> {to}: {}", names.join(" / ")).expect("a String takes all text");
    }
    text
}
