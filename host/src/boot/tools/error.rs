//! Why a task of a library did not begin, or was not waited for.

use std::fmt::Write as _;

use taskhost_core::ids::KindName;

use crate::boot::BootError;
use crate::plugins::{LoadError, check};

/// Why a task of a library did not begin, or was not waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The system does not give what is needed.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// No host can use the library, or not with this config.
    #[error("{message}")]
    Refused {
        /// Why.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The library has no such kind.
    #[error("the library has no kind `{kind}`")]
    UnknownKind {
        /// What was asked for.
        kind: KindName,
        /// A kind of nearly this name.
        closest: Option<KindName>,
        /// Those that it has.
        all: Vec<KindName>,
    },
    /// The params do not fit the schema of the kind.
    #[error("the params do not fit the kind `{kind}`:{}", places(errors))]
    Params {
        /// The kind.
        kind: KindName,
        /// JSON pointers, and what is wrong there.
        errors: Vec<(String, String)>,
    },
    /// A second signal came.
    #[error("stopped at once")]
    StoppedAtOnce,
}

impl RunError {
    pub(super) fn from_load(error: &LoadError) -> Self {
        Self::Refused { message: error.to_string(), hint: check::hint(error).map(str::to_owned) }
    }

    /// What to do about it, where that is not plain.
    pub fn hint(&self) -> Option<String> {
        let names = |all: &[KindName]| all.iter().map(KindName::as_str).collect::<Vec<_>>().join(", ");
        match self {
            Self::Boot(error) => Some(error.hint()),
            Self::Refused { hint, .. } => hint.clone(),
            Self::UnknownKind { closest: Some(closest), .. } => Some(format!("did you mean `{closest}`?")),
            Self::UnknownKind { all, .. } => Some(format!("it has {}", names(all))),
            Self::Params { .. } => Some("`taskhost plugins check FILE` shows the params of each kind".to_owned()),
            Self::StoppedAtOnce => None,
        }
    }
}

fn places(errors: &[(String, String)]) -> String {
    errors.iter().fold(String::new(), |mut text, (pointer, message)| {
        let place = if pointer.is_empty() { "the params" } else { pointer };
        write!(text, "\n  at {place}: {message}").expect("a String takes all text");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_that_do_not_fit_are_told_place_by_place() {
        let errors = vec![(String::new(), "a is missing".to_owned()), ("/b".to_owned(), "no number".to_owned())];
        let error = RunError::Params { kind: KindName::new("demo.work").expect("a name"), errors };
        let expected = "the params do not fit the kind `demo.work`:\n  at the params: a is missing\n  at /b: no number";
        assert_eq!(error.to_string(), expected);
    }
}
