//! Why a call got no answer, and what may have become of it.
//!
//! Start at [`Unanswered`].

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::cli::failure::{Exit, Failure};

/// Why a call got no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nobody was there: nothing was sent.
    Unreachable(String),
    /// The daemon has the call, and is at it, or stuck.
    Silent(Duration),
    /// The daemon was there, and is no more: it was killed, or has crashed.
    Lost,
}

impl Unanswered {
    pub(super) fn unreachable(reason: impl fmt::Display) -> Self {
        Self::Unreachable(reason.to_string())
    }

    /// Whether the daemon may have done what it was asked for.
    pub(super) fn may_be_done(&self) -> bool {
        !matches!(self, Self::Unreachable(_))
    }

    /// As the end of a command, without a next step.
    pub(super) fn failure(&self, socket: &Path) -> Failure {
        let socket = socket.display();
        match self {
            Self::Unreachable(reason) => {
                Failure::new(Exit::NotFound, format!("no daemon answers on {socket}: {reason}"))
            }
            Self::Silent(patience) => Failure::new(
                Exit::Failed,
                format!("the daemon on {socket} gave no answer within {} s", patience.as_secs()),
            ),
            Self::Lost => Failure::new(Exit::Failed, format!("the daemon on {socket} has gone away without a word")),
        }
    }

    /// What helps if the call has changed nothing.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "start it with `taskhost run`",
            Self::Silent(_) => "its log says what it is at, if anything does",
            Self::Lost => "its log says why, if anything does; start it with `taskhost run`",
        }
    }
}
