//! What an attempt answered, and what that means in the host's words.
//!
//! Not here: when it is asked (`poller`), what it means for the task (`taskhost_core::task::step`).
//! Start at [`outcome`].

use std::time::Duration;

use plugin_api::abi;
use serde::de::IgnoredAny;
use taskhost_core::submit::{RESULT_MAX, STATE_MAX};
use taskhost_core::time::UnixMicros;

use super::Outcome;

/// The longest message that is kept of an error, in bytes.
pub(super) const MESSAGE_MAX: usize = 8 * 1024;
/// The longest error code, in bytes.
const CODE_MAX: usize = 100;
/// The code of a failure that is a breach of the ABI.
const CONTRACT: &str = "contract";

/// What `finish` was given, checked and copied.
#[derive(Debug, PartialEq)]
pub(super) enum Finish {
    /// The result as JSON.
    Done(Vec<u8>),
    /// `not_before`: Unix milliseconds, 0 for none.
    Failed {
        fatal: bool,
        not_before: u64,
        code: String,
        message: String,
    },
    RateLimited {
        not_before: u64,
        message: String,
    },
    /// The state as JSON, or empty.
    Suspended {
        not_before: u64,
        state: Vec<u8>,
    },
    Cancelled,
}

impl Finish {
    pub(super) fn new(outcome: u32, not_before: u64, body: &[u8], code: &[u8]) -> Self {
        let failed = |fatal, not_before, fallback: &str| Self::Failed {
            fatal,
            not_before,
            code: if code.is_empty() { fallback.to_owned() } else { text(code, CODE_MAX) },
            message: text(body, MESSAGE_MAX),
        };
        match outcome {
            abi::OK if body.len() > RESULT_MAX => too_large("result", body.len(), RESULT_MAX),
            abi::OK if is_json(body) => Self::Done(body.to_vec()),
            abi::OK => Self::broken("the plugin finished with a result that is not JSON"),
            abi::RETRY => failed(false, not_before, "error"),
            abi::CANCELLED => Self::Cancelled,
            abi::DELAY => Self::RateLimited { not_before, message: text(body, MESSAGE_MAX) },
            abi::SUSPEND if body.len() > STATE_MAX => too_large("state", body.len(), STATE_MAX),
            abi::SUSPEND if body.is_empty() || is_json(body) => Self::Suspended { not_before, state: body.to_vec() },
            abi::SUSPEND => Self::broken("the plugin suspended with a state that is not JSON"),
            abi::PANIC => {
                Self::Failed { fatal: false, not_before: 0, code: "panic".to_owned(), message: text(body, MESSAGE_MAX) }
            }
            // Also every outcome that a later minor may add.
            _ => failed(true, 0, "error"),
        }
    }

    /// The plugin broke the ABI.
    pub(super) fn broken(message: &str) -> Self {
        Self::Failed { fatal: true, not_before: 0, code: CONTRACT.to_owned(), message: message.to_owned() }
    }
}

fn too_large(what: &str, found: usize, most: usize) -> Finish {
    Finish::Failed {
        fatal: true,
        not_before: 0,
        code: format!("{what}-too-large"),
        message: format!("the {what} has {found} bytes, the most is {most}"),
    }
}

/// Whether these bytes are one JSON document.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    // Read as text first: skipped strings are not checked for UTF-8.
    str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Text of a plugin, cut to `most` bytes; what is not UTF-8 is replaced.
pub(super) fn text(bytes: &[u8], most: usize) -> String {
    let cut = &bytes[..bytes.len().min(most)];
    match str::from_utf8(cut) {
        // The cut went through a character.
        Err(error) if cut.len() < bytes.len() && error.error_len().is_none() => {
            String::from_utf8_lossy(&cut[..error.valid_up_to()]).into_owned()
        }
        _ => String::from_utf8_lossy(cut).into_owned(),
    }
}

/// Why the host told an attempt to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stop {
    Cancel,
    Timeout(Duration),
}

/// How the plugin's code came back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Answer {
    /// `poll` answered `READY`.
    Ready,
    /// `create` answered a negative number.
    Refused,
    /// A blocking kind answered `PENDING`.
    Pending,
    /// A number that means nothing.
    Unknown(i32),
}

/// How an attempt is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// The plugin ended it.
    Answered(Answer),
    /// It did not stop within its grace, and was dropped.
    Dropped,
    /// The host took it back.
    Interrupted,
}

/// What the attempt was told before it ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// `F_*`.
    pub(super) flags: u32,
    pub(super) stop: Option<Stop>,
}

/// What the end of an attempt means; beside it a state that is to be saved first.
pub(super) fn outcome(
    end: End,
    finish: Option<Finish>,
    told: Told,
    now: impl FnOnce() -> UnixMicros,
) -> (Option<Vec<u8>>, Outcome) {
    let answer = match end {
        End::Answered(answer) => answer,
        End::Dropped => return (None, stopped(told.stop)),
        End::Interrupted => return (None, Outcome::Interrupted),
    };
    if told.flags & abi::F_LEASE_LOST != 0 {
        return (None, Outcome::Interrupted);
    }
    let finish = match (answer, finish) {
        (Answer::Ready | Answer::Refused, Some(finish)) => finish,
        (Answer::Ready, None) => Finish::broken("the plugin returned READY without a result"),
        (Answer::Refused, None) => Finish::broken("the plugin refused the attempt without a result"),
        (Answer::Pending, _) => Finish::broken("a blocking kind returned PENDING"),
        (Answer::Unknown(number), _) => Finish::broken(&format!("the plugin's `poll` returned {number}")),
    };
    match (finish, told.stop) {
        (Finish::Done(result), _) => (None, Outcome::Done(result)),
        (_, Some(Stop::Timeout(limit))) => (None, Outcome::TimedOut(limit)),
        (finish, stop) => unfinished(finish, stop, told.flags & abi::F_DRAIN != 0, now),
    }
}

fn stopped(stop: Option<Stop>) -> Outcome {
    match stop {
        Some(Stop::Cancel) => Outcome::Cancelled,
        Some(Stop::Timeout(limit)) => Outcome::TimedOut(limit),
        None => Outcome::Interrupted,
    }
}

fn unfinished(
    finish: Finish,
    stop: Option<Stop>,
    draining: bool,
    now: impl FnOnce() -> UnixMicros,
) -> (Option<Vec<u8>>, Outcome) {
    let outcome = match finish {
        Finish::Done(result) => Outcome::Done(result),
        Finish::Failed { fatal, not_before, code, message } => {
            let delay = (not_before != 0).then(|| unix(not_before).saturating_since(now()));
            Outcome::Failed { fatal, delay, code, message }
        }
        Finish::RateLimited { not_before, message } => {
            Outcome::RateLimited { until: unix(not_before).max(now()), message }
        }
        Finish::Suspended { state, .. } if draining => {
            return ((!state.is_empty()).then_some(state), Outcome::Interrupted);
        }
        Finish::Suspended { state, .. } if state.is_empty() => Outcome::Failed {
            fatal: true,
            delay: None,
            code: CONTRACT.to_owned(),
            message: "the plugin suspended without a state".to_owned(),
        },
        Finish::Suspended { not_before, state } => Outcome::Suspended { until: unix(not_before).max(now()), state },
        Finish::Cancelled if stop.is_some() => stopped(stop),
        Finish::Cancelled if draining => Outcome::Interrupted,
        Finish::Cancelled => Outcome::Failed {
            fatal: true,
            delay: None,
            code: "cancelled".to_owned(),
            message: "cancelled by the plugin".to_owned(),
        },
    };
    (None, outcome)
}

fn unix(millis: u64) -> UnixMicros {
    UnixMicros::from_micros(i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::{is_json, text};

    #[test]
    fn text_is_cut_between_characters_and_mended_elsewhere() {
        assert_eq!(text("aäö".as_bytes(), 100), "aäö");
        assert_eq!(text("aäö".as_bytes(), 4), "aä");
        assert_eq!(text(b"a\xFFb", 100), "a\u{FFFD}b");
        assert_eq!(text(b"a\xFFbcd", 3), "a\u{FFFD}b");
    }

    #[test]
    fn json_is_one_document_of_utf8() {
        assert!(is_json(b"{\"a\": [1]}") && is_json(b"null"));
        assert!(!is_json(b"") && !is_json(b"1 2") && !is_json(b"\"\xFF\""));
    }
}
