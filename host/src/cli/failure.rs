//! What a command ends with when it does not do what it was asked for.

use std::process::ExitCode;

/// The exit codes beside 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// It was tried and did not work.
    Failed = 1,
    /// What was asked for makes no sense.
    Usage = 2,
    /// It is not there, or nobody answers.
    NotFound = 3,
    /// Ctrl-C: what was begun goes on elsewhere, or is left.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ends, ready to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) report: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self { exit, report: format!("error: {message}\n") }
    }

    /// The report is written already.
    pub(super) fn reported(exit: Exit, report: String) -> Self {
        Self { exit, report }
    }

    /// Somebody has pressed Ctrl-C; `note` tells what becomes of what was begun.
    pub(super) fn interrupted(note: String) -> Self {
        Self { exit: Exit::Interrupted, report: note }
    }

    /// What has failed, without the next step: for a command that goes on.
    pub(super) fn message(&self) -> &str {
        let message = self.report.strip_prefix("error: ").unwrap_or(&self.report);
        message.split("\n\nhint: ").next().unwrap_or(message).trim_end()
    }

    /// Adds the next step.
    pub(super) fn hint(self, hint: impl std::fmt::Display) -> Self {
        Self { report: format!("{}\nhint: {hint}\n", self.report), ..self }
    }
}

/// Ends when somebody presses Ctrl-C. From the first call on, Ctrl-C does not end the process by itself.
pub(super) async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // The system gives no handler: Ctrl-C ends the process as it always does.
        std::future::pending::<()>().await;
    }
}
