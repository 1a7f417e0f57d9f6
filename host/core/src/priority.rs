//! The four levels inside a queue.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which of two ready tasks of one queue starts first: strictly the higher level, then the one that became ready first.
///
/// The order of the variants is the order of starting: `Critical < High < Normal < Low`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before everything else.
    Critical,
    /// Before normal work.
    High,
    /// What a task has unless somebody says otherwise.
    #[default]
    Normal,
    /// When nothing else waits.
    Low,
}

impl Priority {
    /// All levels, the first to start first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The word in TOML, JSON and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a priority: it should be one of critical, high, normal, low")]
pub struct PriorityError(String);

impl FromStr for Priority {
    type Err = PriorityError;

    fn from_str(text: &str) -> Result<Self, PriorityError> {
        let level = Self::ALL.into_iter().find(|level| level.as_str() == text);
        level.ok_or_else(|| PriorityError(text.to_owned()))
    }
}
