//! An instant on the wall clock, and its one text form.
//!
//! Not here: asking for the time (the host's `clock`), zones and calendars ([`crate::schedule`]).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z. Its text is RFC 3339 in UTC with six fraction digits, so text order is time order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnixMicros(i64);

/// The text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: it should be RFC 3339, such as 2026-12-24T18:00:00Z")]
pub struct TimeError(String);

impl UnixMicros {
    /// 2001-09-09T01:46:40Z: an instant for examples, far from both ends.
    pub(crate) const MIDDLE: Self = Self(1_000_000_000_000_000);
    /// The first instant that has a text: 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// The last instant that has a text: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Wraps a count of microseconds since 1970; times after the year 9999 become [`UnixMicros::MAX`].
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.min(Self::MAX.0))
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant and a duration later, at most [`UnixMicros::MAX`]. Parts of a microsecond are cut.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        self.checked_add(duration).unwrap_or(Self::MAX)
    }

    /// This instant and a duration later; none beyond [`UnixMicros::MAX`].
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let micros = i64::try_from(duration.as_micros()).ok()?;
        self.0.checked_add(micros).filter(|sum| *sum <= Self::MAX.0).map(Self)
    }

    /// How long after `earlier` this is; zero if it is before.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for UnixMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match chrono::DateTime::from_timestamp_micros(self.0) {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.6fZ")),
            None => write!(f, "{} µs before 1970", self.0.unsigned_abs()),
        }
    }
}

impl fmt::Debug for UnixMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UnixMicros {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let time = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| TimeError(text.to_owned()))?;
        let micros = time.timestamp_micros();
        // A year outside 0000-9999 would have a text that does not sort.
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) { Ok(Self(micros)) } else { Err(TimeError(text.to_owned())) }
    }
}

impl TryFrom<String> for UnixMicros {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<UnixMicros> for String {
    fn from(time: UnixMicros) -> String {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_utc_with_six_digits() {
        let time: UnixMicros = "2026-12-24T18:00:00.5+01:00".parse().expect("RFC 3339");
        assert_eq!(time.to_string(), "2026-12-24T17:00:00.500000Z");
    }

    #[test]
    fn a_time_whose_text_would_not_sort_is_refused() {
        assert!("0000-01-01T00:00:00+23:59".parse::<UnixMicros>().is_err());
        assert_eq!(UnixMicros::MIN.to_string(), "0000-01-01T00:00:00.000000Z");
    }

    #[test]
    fn adding_stops_at_the_last_instant() {
        assert_eq!(UnixMicros::MAX.saturating_add(Duration::MAX), UnixMicros::MAX);
        assert_eq!(UnixMicros::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(UnixMicros::from_micros(5).saturating_since(UnixMicros::from_micros(9)), Duration::ZERO);
    }
}
