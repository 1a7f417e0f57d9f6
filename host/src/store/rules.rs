//! What every store does alike beside `step`: which follow-ups an end keeps, which failure is nobody's, what the host adds to a log.
//!
//! Not here: which state follows which (`taskhost_core::task::step`).

use std::time::Duration;

use taskhost_core::log::{LogLevel, LogLine};
use taskhost_core::task::{End, Status, Task};
use taskhost_core::time::UnixMicros;

use super::Failure;

/// Deleting is never urgent: old tasks are gathered for this long, so that an idle daemon does not wake for each.
pub(super) const PRUNE_TOGETHER: Duration = Duration::from_mins(1);

/// Whether the tasks that an attempt made are kept with its end. With any other end it may run again, and makes them again.
pub(super) fn keeps_follow_ups(status: Status, end: End) -> bool {
    match status {
        Status::Completed => true,
        Status::Scheduled => matches!(end, End::Suspended(_)),
        Status::Blocked | Status::Queued | Status::Running | Status::Retrying | Status::Cancelled | Status::Dead => {
            false
        }
    }
}

/// An end that spends no attempt is a failure when it comes too often: that has no message of the plugin's. `status`: that
/// of the task after the end.
pub(super) fn failure_by_rule(status: Status) -> Option<Failure> {
    matches!(status, Status::Retrying | Status::Dead).then(|| Failure {
        generation: 0,
        code: "no-headway".to_owned(),
        message: "it was interrupted, suspended or rate-limited too often without getting further".to_owned(),
    })
}

/// What the log says after the lines of an attempt that has not done its work: what becomes of its task.
pub(super) fn line_after(task: &Task, now: UnixMicros) -> Option<LogLine> {
    let (level, message) = match task.status() {
        Status::Retrying => (LogLevel::Info, format!("The next attempt is at {}.", task.state.due_at()?)),
        Status::Dead => {
            let reason = task.state.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
            (LogLevel::Error, format!("The task is dead{reason}."))
        }
        Status::Scheduled
        | Status::Blocked
        | Status::Queued
        | Status::Running
        | Status::Completed
        | Status::Cancelled => return None,
    };
    Some(LogLine::of_host(now, level, message))
}

/// What the log says of an attempt whose daemon has gone.
pub(super) fn line_of_lost(now: UnixMicros) -> LogLine {
    LogLine::of_host(now, LogLevel::Warn, "The daemon ended while this attempt ran.")
}
