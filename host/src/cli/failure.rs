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

    /// Adds the next step.
    pub(super) fn hint(self, hint: impl std::fmt::Display) -> Self {
        Self { report: format!("{}\nhint: {hint}\n", self.report), ..self }
    }
}
