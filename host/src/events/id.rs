//! The ids of events.

use std::fmt;
use std::str::FromStr;

/// Names an event: which run of the daemon told it, and its number there. As text `<epoch>-<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    pub(super) epoch: u64,
    pub(super) number: u64,
}

impl EventId {
    /// No event of any run: what came after it is not known.
    pub const UNKNOWN: Self = Self { epoch: u64::MAX, number: 0 };

    /// The id of another event of the same run.
    #[must_use]
    pub fn at(self, number: u64) -> Self {
        Self { number, ..self }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

/// The text is not the id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the id of an event")]
pub struct EventIdError;

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let (epoch, number) = text.split_once('-').ok_or(EventIdError)?;
        let read = |digits: &str| digits.parse().map_err(|_| EventIdError);
        Ok(Self { epoch: read(epoch)?, number: read(number)? })
    }
}
