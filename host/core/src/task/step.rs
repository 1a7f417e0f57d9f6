//! The one place where a task's status changes.

use std::time::Duration;

use super::event::{End, Event, OnFailed};
use super::state::{CancelReason, DeadReason, Status, Task, TaskState, WaitReason};
use crate::ids::LeaseId;
use crate::time::UnixMicros;

/// A task may be suspended or rate-limited this often without spending an attempt; the next time is a failure.
pub const SUSPENSIONS_MAX: u32 = 1_000;
/// A task may be interrupted this often with no newer checkpoint between; the next time is a failure.
pub const INTERRUPTIONS_MAX: u32 = 20;

/// What an event makes of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// The task as it is from now on; it may be as it was.
    Kept(Task),
    /// The task is deleted.
    Deleted,
}

/// Why an event changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The attempt that reports no longer holds the task.
    #[error("lease {carried} is stale: the task is under lease {held}")]
    StaleLease {
        /// What the report carried.
        carried: LeaseId,
        /// The latest lease given.
        held: LeaseId,
    },
    /// The event has no meaning in this state.
    #[error("a {0} task does not allow this")]
    NotNow(Status),
    /// The time has not come.
    #[error("its time comes at {0}")]
    TooEarly(UnixMicros),
}

/// What `event`, happening at `now`, makes of `task`. Pure: the same arguments give the same answer.
///
/// # Errors
/// [`Rejected`] if the event is stale, premature or has no meaning in the task's state; nothing changes then.
pub fn step(task: &Task, event: Event, now: UnixMicros) -> Result<Step, Rejected> {
    let next = match event {
        Event::Due => due(task, now)?,
        Event::ParentsEnded | Event::ParentFailed(OnFailed::Run) => at(task, TaskState::ready(blocked(task)?, now)),
        Event::ParentFailed(OnFailed::Wait) => waits_for_parents(task, true)?,
        Event::ParentReopened => waits_for_parents(task, false)?,
        Event::ParentFailed(OnFailed::Cancel) => {
            let _due_at = blocked(task)?;
            cancelled(task, CancelReason::ParentFailed, now)
        }
        Event::Claimed(lease) => claimed(task, lease, now)?,
        Event::Checkpointed(lease) => {
            let _cancelling = running(task, lease)?;
            Task { interruptions: 0, ..*task }
        }
        Event::Ended(lease, end) => {
            let cancelling = running(task, lease)?;
            if cancelling { ended_cancelling(task, end, now) } else { ended(task, end, now) }
        }
        Event::CancelAsked => cancel_asked(task, now)?,
        Event::Expired => expired(task, now)?,
        Event::RetryAsked => retry_asked(task, now)?,
        Event::DiscardAsked => {
            return if task.status() == Status::Dead { Ok(Step::Deleted) } else { Err(not_now(task)) };
        }
    };
    Ok(Step::Kept(next))
}

fn not_now(task: &Task) -> Rejected {
    Rejected::NotNow(task.status())
}

fn due(task: &Task, now: UnixMicros) -> Result<Task, Rejected> {
    match task.state {
        TaskState::Scheduled { due_at, .. } | TaskState::Retrying { due_at } if due_at > now => {
            Err(Rejected::TooEarly(due_at))
        }
        // Ready since it was due, not since somebody looked: a late look does not cost its place in the queue.
        TaskState::Scheduled { due_at, .. } | TaskState::Retrying { due_at } => {
            Ok(at(task, TaskState::Queued { ready_at: due_at }))
        }
        TaskState::Blocked { .. }
        | TaskState::Queued { .. }
        | TaskState::Running { .. }
        | TaskState::Completed { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Dead { .. } => Err(not_now(task)),
    }
}

/// When a blocked task may start at the earliest; an error if it is not blocked.
fn blocked(task: &Task) -> Result<Option<UnixMicros>, Rejected> {
    match task.state {
        TaskState::Blocked { due_at, .. } => Ok(due_at),
        TaskState::Scheduled { .. }
        | TaskState::Queued { .. }
        | TaskState::Running { .. }
        | TaskState::Retrying { .. }
        | TaskState::Completed { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Dead { .. } => Err(not_now(task)),
    }
}

fn waits_for_parents(task: &Task, parent_dead: bool) -> Result<Task, Rejected> {
    Ok(at(task, TaskState::Blocked { due_at: blocked(task)?, parent_dead }))
}

fn claimed(task: &Task, lease: LeaseId, now: UnixMicros) -> Result<Task, Rejected> {
    let TaskState::Queued { .. } = task.state else { return Err(not_now(task)) };
    if lease <= task.lease {
        return Err(Rejected::StaleLease { carried: lease, held: task.lease });
    }
    let state = TaskState::Running { started_at: now, cancelling: false };
    Ok(Task { state, lease, attempt: task.attempt + 1, expires_at: None, ..*task })
}

/// Whether the running task is being cancelled; an error if it does not run under this lease.
fn running(task: &Task, lease: LeaseId) -> Result<bool, Rejected> {
    if lease != task.lease {
        return Err(Rejected::StaleLease { carried: lease, held: task.lease });
    }
    match task.state {
        TaskState::Running { cancelling, .. } => Ok(cancelling),
        TaskState::Scheduled { .. }
        | TaskState::Blocked { .. }
        | TaskState::Queued { .. }
        | TaskState::Retrying { .. }
        | TaskState::Completed { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Dead { .. } => Err(not_now(task)),
    }
}

fn ended(task: &Task, end: End, now: UnixMicros) -> Task {
    match end {
        End::Done => done(task, now),
        End::Failed { delay, chance } => failed(task, delay, chance, now),
        End::FailedFatally => at(task, TaskState::Dead { at: now, reason: DeadReason::Fatal }),
        End::Suspended(until) => waits(task, until, WaitReason::Suspended, now),
        End::RateLimited(until) => waits(task, until, WaitReason::RateLimited, now),
        End::Interrupted => given_back(task, now),
        End::TimedOut { chance } => failed(task, None, chance, now),
        End::LeaseLost => Task { suspect: true, ..given_back(task, now) },
    }
}

fn ended_cancelling(task: &Task, end: End, now: UnixMicros) -> Task {
    match end {
        End::Done => done(task, now),
        End::Failed { .. }
        | End::FailedFatally
        | End::Suspended(_)
        | End::RateLimited(_)
        | End::Interrupted
        | End::TimedOut { .. }
        | End::LeaseLost => cancelled(task, CancelReason::Asked, now),
    }
}

fn done(task: &Task, now: UnixMicros) -> Task {
    Task { suspect: false, ..at(task, TaskState::Completed { at: now }) }
}

fn failed(task: &Task, delay: Option<Duration>, chance: f64, now: UnixMicros) -> Task {
    if task.attempt >= task.attempts_max {
        return at(task, TaskState::Dead { at: now, reason: DeadReason::AttemptsSpent });
    }
    let delay = delay.unwrap_or_else(|| task.retry.delay(task.attempt, chance));
    at(task, TaskState::Retrying { due_at: now.saturating_add(delay) })
}

/// The plugin's own wish to go on later costs no attempt, so it must not be free for ever.
fn waits(task: &Task, until: UnixMicros, reason: WaitReason, now: UnixMicros) -> Task {
    if task.suspensions >= SUSPENSIONS_MAX {
        return failed(task, None, 0.5, now);
    }
    let state = TaskState::Scheduled { due_at: until.max(now), reason };
    Task { suspensions: task.suspensions + 1, attempt: task.attempt - 1, interruptions: 0, ..at(task, state) }
}

/// An interruption costs no attempt; a task that never gets further between interruptions must still end some day.
fn given_back(task: &Task, now: UnixMicros) -> Task {
    if task.interruptions >= INTERRUPTIONS_MAX {
        return Task { interruptions: 0, ..failed(task, None, 0.5, now) };
    }
    let state = TaskState::Queued { ready_at: now };
    Task { interruptions: task.interruptions + 1, attempt: task.attempt - 1, ..at(task, state) }
}

fn cancel_asked(task: &Task, now: UnixMicros) -> Result<Task, Rejected> {
    match task.state {
        TaskState::Scheduled { .. }
        | TaskState::Blocked { .. }
        | TaskState::Queued { .. }
        | TaskState::Retrying { .. } => Ok(cancelled(task, CancelReason::Asked, now)),
        TaskState::Running { started_at, .. } => Ok(at(task, TaskState::Running { started_at, cancelling: true })),
        TaskState::Completed { .. } | TaskState::Cancelled { .. } | TaskState::Dead { .. } => Err(not_now(task)),
    }
}

fn expired(task: &Task, now: UnixMicros) -> Result<Task, Rejected> {
    match task.state {
        TaskState::Scheduled { .. } | TaskState::Blocked { .. } | TaskState::Queued { .. } => match task.expires_at {
            Some(expires_at) if expires_at <= now => Ok(cancelled(task, CancelReason::Expired, now)),
            Some(expires_at) => Err(Rejected::TooEarly(expires_at)),
            None => Err(not_now(task)),
        },
        TaskState::Running { .. }
        | TaskState::Retrying { .. }
        | TaskState::Completed { .. }
        | TaskState::Cancelled { .. }
        | TaskState::Dead { .. } => Err(not_now(task)),
    }
}

fn retry_asked(task: &Task, now: UnixMicros) -> Result<Task, Rejected> {
    match task.state {
        TaskState::Completed { .. } | TaskState::Cancelled { .. } | TaskState::Dead { .. } => {
            let attempts_max = task.attempts_max.max(task.attempt + 1);
            let again = at(task, TaskState::Queued { ready_at: now });
            Ok(Task { attempts_max, suspensions: 0, interruptions: 0, ..again })
        }
        TaskState::Scheduled { .. }
        | TaskState::Blocked { .. }
        | TaskState::Queued { .. }
        | TaskState::Running { .. }
        | TaskState::Retrying { .. } => Err(not_now(task)),
    }
}

fn cancelled(task: &Task, reason: CancelReason, now: UnixMicros) -> Task {
    Task { expires_at: None, ..at(task, TaskState::Cancelled { at: now, reason }) }
}

fn at(task: &Task, state: TaskState) -> Task {
    Task { state, ..*task }
}
