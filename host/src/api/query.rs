//! Reads the query of a call; a parameter that the call does not know is refused, not ignored.

use std::str::FromStr;

use axum::extract::Query as Pairs;
use axum::http::Uri;
use taskhost_core::suggest::closest;

use super::problem::{Problem, ProblemType};

/// The parameters of a call.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query; only the parameters `known` may stand in it.
    pub(super) fn read(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let pairs = Pairs::<Vec<(String, String)>>::try_from_uri(uri);
        let Pairs(pairs) = pairs.map_err(|error| Problem::new(ProblemType::InvalidQuery, error.body_text()))?;
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            let hint = closest(name, known.iter().copied()).map_or_else(
                || format!("the parameters are {}", known.join(", ")),
                |known| format!("did you mean `{known}`?"),
            );
            return Err(Problem::new(ProblemType::InvalidQuery, format!("unknown parameter `{name}`")).hint(hint));
        }
        Ok(Self(pairs))
    }

    /// Whether the parameter is there, with a value or without.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| given == name)
    }

    /// The parameter, if it is there.
    pub(super) fn get<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some((_, value)) = self.0.iter().find(|(given, _)| given == name) else { return Ok(None) };
        let read = value.parse().map(Some);
        read.map_err(|error: T::Err| Problem::new(ProblemType::InvalidQuery, format!("`{name}`: {error}")))
    }
}
