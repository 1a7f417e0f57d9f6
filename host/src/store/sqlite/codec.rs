//! A task's state as the integers of a row, and back.

use taskhost_core::ids::LeaseId;
use taskhost_core::task::{CancelReason, DeadReason, Status, Task, TaskState, WaitReason};
use taskhost_core::time::UnixMicros;

/// The codes of the column `state`.
pub(super) mod state {
    pub(in super::super) const QUEUED: i64 = 2;
    pub(in super::super) const RUNNING: i64 = 3;
    pub(in super::super) const BLOCKED: i64 = 4;
    pub(in super::super) const WAITING: i64 = 5;
    pub(in super::super) const COMPLETED: i64 = 8;
    pub(in super::super) const CANCELLED: i64 = 9;
    pub(in super::super) const DEAD: i64 = 10;
}

/// The columns that `step` governs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StateColumns {
    pub(super) state: i64,
    pub(super) reason: i64,
    pub(super) ready_at: Option<i64>,
    /// Kept over the end of the attempt, so it comes from the row before where the state does not say.
    pub(super) started_at: Option<i64>,
    pub(super) finished_at: Option<i64>,
}

/// The columns of a state; `started_at` only where the state says it.
pub(super) fn encode(state: &TaskState) -> StateColumns {
    let (code, reason) = match state {
        TaskState::Queued { .. } => (state::QUEUED, 0),
        TaskState::Running { cancelling, .. } => (state::RUNNING, i64::from(*cancelling)),
        TaskState::Blocked { parent_dead, .. } => (state::BLOCKED, i64::from(*parent_dead)),
        TaskState::Scheduled { reason: WaitReason::Delayed, .. } => (state::WAITING, 0),
        TaskState::Scheduled { reason: WaitReason::Suspended, .. } => (state::WAITING, 1),
        TaskState::Scheduled { reason: WaitReason::RateLimited, .. } => (state::WAITING, 2),
        TaskState::Retrying { .. } => (state::WAITING, 3),
        TaskState::Completed { .. } => (state::COMPLETED, 0),
        TaskState::Cancelled { reason: CancelReason::Asked, .. } => (state::CANCELLED, 0),
        TaskState::Cancelled { reason: CancelReason::Expired, .. } => (state::CANCELLED, 1),
        TaskState::Cancelled { reason: CancelReason::ParentFailed, .. } => (state::CANCELLED, 2),
        TaskState::Dead { reason: DeadReason::Fatal, .. } => (state::DEAD, 0),
        TaskState::Dead { reason: DeadReason::AttemptsSpent, .. } => (state::DEAD, 1),
    };
    let ready_at = match state {
        TaskState::Queued { ready_at } => Some(*ready_at),
        other => other.due_at(),
    };
    let started_at = match state {
        TaskState::Running { started_at, .. } => Some(started_at.as_micros()),
        _ended_or_waiting => None,
    };
    StateColumns {
        state: code,
        reason,
        ready_at: ready_at.map(UnixMicros::as_micros),
        started_at,
        finished_at: state.finished_at().map(UnixMicros::as_micros),
    }
}

/// The state of columns; none if no state has them.
pub(super) fn decode(columns: &StateColumns) -> Option<TaskState> {
    let time = |micros: Option<i64>| micros.map(UnixMicros::from_micros);
    let due_at = time(columns.ready_at);
    let at = time(columns.finished_at);
    Some(match (columns.state, columns.reason) {
        (state::QUEUED, 0) => TaskState::Queued { ready_at: due_at? },
        (state::RUNNING, reason @ 0..=1) => {
            TaskState::Running { started_at: time(columns.started_at)?, cancelling: reason == 1 }
        }
        (state::BLOCKED, reason @ 0..=1) => TaskState::Blocked { due_at, parent_dead: reason == 1 },
        (state::WAITING, 0) => TaskState::Scheduled { due_at: due_at?, reason: WaitReason::Delayed },
        (state::WAITING, 1) => TaskState::Scheduled { due_at: due_at?, reason: WaitReason::Suspended },
        (state::WAITING, 2) => TaskState::Scheduled { due_at: due_at?, reason: WaitReason::RateLimited },
        (state::WAITING, 3) => TaskState::Retrying { due_at: due_at? },
        (state::COMPLETED, 0) => TaskState::Completed { at: at? },
        (state::CANCELLED, 0) => TaskState::Cancelled { at: at?, reason: CancelReason::Asked },
        (state::CANCELLED, 1) => TaskState::Cancelled { at: at?, reason: CancelReason::Expired },
        (state::CANCELLED, 2) => TaskState::Cancelled { at: at?, reason: CancelReason::ParentFailed },
        (state::DEAD, 0) => TaskState::Dead { at: at?, reason: DeadReason::Fatal },
        (state::DEAD, 1) => TaskState::Dead { at: at?, reason: DeadReason::AttemptsSpent },
        _unknown => return None,
    })
}

/// The status of these columns; none if no state has them.
pub(super) fn status(state: i64, reason: i64) -> Option<Status> {
    // Which times there are is all that a state adds to its columns.
    let some = Some(0);
    let columns = StateColumns { state, reason, ready_at: some, started_at: some, finished_at: some };
    decode(&columns).map(|state| state.status())
}

/// The integer of a lease; SQLite's are signed.
pub(super) fn lease(lease: LeaseId) -> i64 {
    i64::try_from(lease.as_u64()).expect("a task is not claimed 2^63 times")
}

/// Whether the end of the attempt that this state stands for is the end of the task.
pub(super) fn is_running(task: &Task) -> bool {
    matches!(task.state, TaskState::Running { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_comes_back_from_its_columns() {
        let at = UnixMicros::from_micros(1_700_000_000_000_001);
        let waits = [WaitReason::Delayed, WaitReason::Suspended, WaitReason::RateLimited];
        let mut states: Vec<TaskState> = waits.map(|reason| TaskState::Scheduled { due_at: at, reason }).into();
        let cancels = [CancelReason::Asked, CancelReason::Expired, CancelReason::ParentFailed];
        states.extend(cancels.map(|reason| TaskState::Cancelled { at, reason }));
        states.extend([DeadReason::Fatal, DeadReason::AttemptsSpent].map(|reason| TaskState::Dead { at, reason }));
        states.extend([true, false].map(|cancelling| TaskState::Running { started_at: at, cancelling }));
        states.extend([true, false].map(|parent_dead| TaskState::Blocked { due_at: Some(at), parent_dead }));
        states.push(TaskState::Blocked { due_at: None, parent_dead: false });
        states.extend([
            TaskState::Queued { ready_at: at },
            TaskState::Retrying { due_at: at },
            TaskState::Completed { at },
        ]);
        for state in states {
            let columns = encode(&state);
            assert_eq!(decode(&columns), Some(state));
            assert_eq!(status(columns.state, columns.reason), Some(state.status()));
        }
    }

    #[test]
    fn columns_that_no_state_has_are_refused() {
        let columns = StateColumns { state: 7, reason: 0, ready_at: None, started_at: None, finished_at: None };
        assert_eq!(decode(&columns), None);
        assert_eq!(decode(&StateColumns { state: state::QUEUED, ..columns }), None);
    }
}
