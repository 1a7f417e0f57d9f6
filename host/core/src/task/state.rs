//! The states of a task; each holds exactly its own data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::LeaseId;
use crate::retry::RetryPolicy;
use crate::time::UnixMicros;

/// The part of a task that [`super::step`] reads and writes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    /// Where it stands.
    pub state: TaskState,
    /// The lease of the latest claim; [`LeaseId::NONE`] before the first.
    pub lease: LeaseId,
    /// Attempts spent. Counted at the claim and given back when the attempt is interrupted or waits by its own wish.
    pub attempt: u32,
    /// Attempts that may be spent in all.
    pub attempts_max: u32,
    /// How long to wait after a failed attempt.
    pub retry: RetryPolicy,
    /// If it has not started by then, it is cancelled. None once it has started or ended.
    pub expires_at: Option<UnixMicros>,
    /// How often it was suspended or rate-limited; see [`super::SUSPENSIONS_MAX`].
    pub suspensions: u32,
    /// How often it was interrupted since its latest checkpoint; see [`super::INTERRUPTIONS_MAX`].
    pub interruptions: u32,
    /// Its host died while it ran, and it has not ended well since: it may be what killed the host.
    pub suspect: bool,
}

/// Where a task stands, with the data of that place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Its time has not come.
    Scheduled {
        /// When it becomes queued.
        due_at: UnixMicros,
        /// Why it waits.
        reason: WaitReason,
    },
    /// Waits for other tasks.
    Blocked {
        /// Not before this time, even if the others end earlier.
        due_at: Option<UnixMicros>,
        /// A parent ended so that the wait cannot end; it goes on until somebody retries or discards the parent.
        parent_dead: bool,
    },
    /// Ready, waits for a slot.
    Queued {
        /// When it became ready.
        ready_at: UnixMicros,
    },
    /// A host runs it.
    Running {
        /// When this attempt was claimed.
        started_at: UnixMicros,
        /// It was asked to cancel.
        cancelling: bool,
    },
    /// Failed, waits for its next attempt.
    Retrying {
        /// When it becomes queued.
        due_at: UnixMicros,
    },
    /// Ended well.
    Completed {
        /// When.
        at: UnixMicros,
    },
    /// Ended because somebody asked, or by a rule.
    Cancelled {
        /// When.
        at: UnixMicros,
        /// Why.
        reason: CancelReason,
    },
    /// In the dead-letter queue.
    Dead {
        /// When.
        at: UnixMicros,
        /// Why.
        reason: DeadReason,
    },
}

/// Why a task waits for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// Submitted for later.
    Delayed,
    /// The plugin asked to go on later.
    Suspended,
    /// What the plugin works with asked to slow down.
    RateLimited,
}

/// Why a task was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// Somebody asked.
    Asked,
    /// It had not started when its expiry passed.
    Expired,
    /// A parent ended otherwise than its edge asks, and the edge says `cancel`.
    ParentFailed,
}

/// Why a task is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadReason {
    /// The plugin said that trying again is of no use.
    Fatal,
    /// The last allowed attempt failed.
    AttemptsSpent,
}

/// A state without its data: the word that people and programs see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is described at the variant of `TaskState` of the same name")]
pub enum Status {
    Scheduled,
    Blocked,
    Queued,
    Running,
    Retrying,
    Completed,
    Cancelled,
    Dead,
}

impl Status {
    /// Every status, in the order of a task's life.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Blocked,
        Self::Queued,
        Self::Running,
        Self::Retrying,
        Self::Completed,
        Self::Cancelled,
        Self::Dead,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Blocked => "blocked",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    /// Nothing more happens by itself.
    pub fn is_ended(self) -> bool {
        match self {
            Self::Scheduled | Self::Blocked | Self::Queued | Self::Running | Self::Retrying => false,
            Self::Completed | Self::Cancelled | Self::Dead => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status: it should be one of {all}", all = Status::ALL.map(Status::as_str).join(", "))]
pub struct StatusError(String);

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        let status = Self::ALL.into_iter().find(|status| status.as_str() == text);
        status.ok_or_else(|| StatusError(text.to_owned()))
    }
}

impl TaskState {
    /// The state without its data.
    pub fn status(&self) -> Status {
        match self {
            Self::Scheduled { .. } => Status::Scheduled,
            Self::Blocked { .. } => Status::Blocked,
            Self::Queued { .. } => Status::Queued,
            Self::Running { .. } => Status::Running,
            Self::Retrying { .. } => Status::Retrying,
            Self::Completed { .. } => Status::Completed,
            Self::Cancelled { .. } => Status::Cancelled,
            Self::Dead { .. } => Status::Dead,
        }
    }

    /// Why it stands there, where the status alone does not say.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Scheduled { reason: WaitReason::Suspended, .. } => Some("suspended"),
            Self::Scheduled { reason: WaitReason::RateLimited, .. } => Some("rate limited"),
            Self::Blocked { parent_dead: true, .. } => Some("parent dead"),
            Self::Running { cancelling: true, .. } => Some("cancelling"),
            Self::Cancelled { reason: CancelReason::Expired, .. } => Some("expired"),
            Self::Cancelled { reason: CancelReason::ParentFailed, .. } => Some("parent failed"),
            Self::Dead { reason: DeadReason::Fatal, .. } => Some("fatal"),
            Self::Dead { reason: DeadReason::AttemptsSpent, .. } => Some("attempts spent"),
            Self::Scheduled { reason: WaitReason::Delayed, .. }
            | Self::Blocked { parent_dead: false, .. }
            | Self::Queued { .. }
            | Self::Running { cancelling: false, .. }
            | Self::Retrying { .. }
            | Self::Completed { .. }
            | Self::Cancelled { reason: CancelReason::Asked, .. } => None,
        }
    }

    /// When it becomes queued by itself, if it waits for a time.
    pub fn due_at(&self) -> Option<UnixMicros> {
        match self {
            Self::Scheduled { due_at, .. } | Self::Retrying { due_at } => Some(*due_at),
            Self::Blocked { due_at, .. } => *due_at,
            Self::Queued { .. }
            | Self::Running { .. }
            | Self::Completed { .. }
            | Self::Cancelled { .. }
            | Self::Dead { .. } => None,
        }
    }

    /// When it ended.
    pub fn finished_at(&self) -> Option<UnixMicros> {
        match self {
            Self::Completed { at } | Self::Cancelled { at, .. } | Self::Dead { at, .. } => Some(*at),
            Self::Scheduled { .. }
            | Self::Blocked { .. }
            | Self::Queued { .. }
            | Self::Running { .. }
            | Self::Retrying { .. } => None,
        }
    }
}

impl Task {
    /// A new task: scheduled if its time is still to come, else queued.
    ///
    /// `retry.attempts` becomes its budget.
    pub fn submitted(
        retry: RetryPolicy,
        run_at: Option<UnixMicros>,
        expires_at: Option<UnixMicros>,
        now: UnixMicros,
    ) -> Self {
        Self {
            state: TaskState::ready(run_at, now),
            lease: LeaseId::NONE,
            attempt: 0,
            attempts_max: retry.attempts,
            retry,
            expires_at,
            suspensions: 0,
            interruptions: 0,
            suspect: false,
        }
    }

    /// A new task that waits for others.
    pub fn blocked(
        retry: RetryPolicy,
        run_at: Option<UnixMicros>,
        expires_at: Option<UnixMicros>,
        now: UnixMicros,
    ) -> Self {
        let state = TaskState::Blocked { due_at: run_at, parent_dead: false };
        Self { state, ..Self::submitted(retry, None, expires_at, now) }
    }

    /// Its status.
    pub fn status(&self) -> Status {
        self.state.status()
    }
}

impl TaskState {
    pub(super) fn ready(due_at: Option<UnixMicros>, now: UnixMicros) -> Self {
        match due_at {
            Some(due_at) if due_at > now => Self::Scheduled { due_at, reason: WaitReason::Delayed },
            Some(_) | None => Self::Queued { ready_at: now },
        }
    }
}
