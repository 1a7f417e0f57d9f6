//! What can happen to a task.

use std::time::Duration;

use crate::ids::LeaseId;
use crate::time::UnixMicros;

/// Something that happened, or that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// The time it waits for has come.
    Due,
    /// Every parent ended as its edge asks.
    ParentsEnded,
    /// A parent ended so that its edge can no longer be met.
    ParentFailed(OnFailed),
    /// A parent that had ended badly was given another chance.
    ParentReopened,
    /// A host took it, under a lease higher than any before.
    Claimed(LeaseId),
    /// An attempt saved its progress.
    Checkpointed(LeaseId),
    /// An attempt ended.
    Ended(LeaseId, End),
    /// Somebody wants it stopped.
    CancelAsked,
    /// The time by which it had to start has passed.
    Expired,
    /// Somebody wants it to run again.
    RetryAsked,
    /// Somebody wants it deleted.
    DiscardAsked,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// It did its work.
    Done,
    /// It failed, and trying again may help.
    Failed {
        /// The wait that the failure itself asks for, instead of the policy's.
        delay: Option<Duration>,
        /// From 0 up to but not including 1: spreads retries of many tasks.
        chance: f64,
    },
    /// It failed for good.
    FailedFatally,
    /// It asks to go on at a later time, from the state that it gave.
    Suspended(UnixMicros),
    /// What it works with asks it to slow down until a time.
    RateLimited(UnixMicros),
    /// The host stopped it for reasons of its own: shutdown, drain, plugin swap, a sibling's end.
    Interrupted,
    /// It was told to stop when its time was over, and did not finish within the grace.
    TimedOut {
        /// As in [`End::Failed`].
        chance: f64,
    },
    /// Its host died or went silent.
    LeaseLost,
}

/// What a child does when a parent cannot end as the edge asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailed {
    /// Waits until the parent is retried or discarded.
    Wait,
    /// Is cancelled.
    Cancel,
    /// Runs all the same.
    Run,
}
