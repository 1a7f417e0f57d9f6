//! Durations as people write them: `250ms`, `15m`, `1h30m`, `7d`.
//!
//! Not here: instants (`time`). Start at [`DurationText`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The units, largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest duration in milliseconds: what is left of it in microseconds fits an instant (about 292,000 years).
const LONGEST_MS: u64 = i64::MAX as u64 / 1_000;

/// A duration that is written as text, in `tasks.toml`, in the API and on the command line.
///
/// The text is one or more positive whole numbers, each with its unit (`d`, `h`, `m`, `s`, `ms`), the larger unit
/// first, each unit at most once, without spaces or fractions. [`Display`](fmt::Display) writes the largest units
/// possible and no zero parts, so `90m` comes back as `1h30m`; what is below a millisecond is not written.
///
/// ```
/// use std::time::Duration;
/// use taskhost_core::duration::DurationText;
///
/// let duration: DurationText = "90m".parse()?;
/// assert_eq!(duration.get(), Duration::from_secs(5_400));
/// assert_eq!(duration.to_string(), "1h30m");
/// # Ok::<(), taskhost_core::duration::DurationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationText(Duration);

impl DurationText {
    /// The duration itself.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// For sentences: the text with room between number and unit, `1 h 30 m`.
    pub fn in_words(self) -> String {
        let mut words = String::new();
        let mut before = '0';
        for letter in self.to_string().chars() {
            if letter.is_ascii_digit() != before.is_ascii_digit() {
                words.push(' ');
            }
            words.push(letter);
            before = letter;
        }
        words
    }
}

impl From<Duration> for DurationText {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<DurationText> for Duration {
    fn from(text: DurationText) -> Self {
        text.0
    }
}

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// The text is empty.
    #[error("a duration is empty; write a number and a unit, like `30s` or `1h30m`")]
    Empty,
    /// A number was expected at `rest`: a sign, a space, a unit alone.
    #[error("duration `{text}`: expected a whole number at `{rest}`")]
    NoNumber {
        /// The whole text.
        text: String,
        /// From the offending place on.
        rest: String,
    },
    /// A number with a fraction, like `1.5h`.
    #[error("duration `{text}`: fractions are not allowed, join units instead, like `1h30m`")]
    Fraction {
        /// The whole text.
        text: String,
    },
    /// A number without a unit.
    #[error("duration `{text}`: `{number}` has no unit; the units are d, h, m, s and ms")]
    NoUnit {
        /// The whole text.
        text: String,
        /// The number.
        number: String,
    },
    /// A unit that is none of `d h m s ms`.
    #[error("duration `{text}`: unknown unit `{unit}`; the units are d, h, m, s and ms")]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// The unit as written.
        unit: String,
    },
    /// A number that is zero.
    #[error("duration `{text}`: a number must be at least 1")]
    Zero {
        /// The whole text.
        text: String,
    },
    /// A unit after a smaller one, or twice.
    #[error("duration `{text}`: units go from large to small, each once, like `1h30m`")]
    Order {
        /// The whole text.
        text: String,
    },
    /// Longer than an instant can be moved, about 292,000 years.
    #[error("duration `{text}` is too long")]
    TooLong {
        /// The whole text.
        text: String,
    },
}

impl FromStr for DurationText {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        if text.is_empty() {
            return Err(DurationError::Empty);
        }
        let whole = || text.to_owned();
        let (mut rest, mut smaller_units, mut total_ms) = (text, &UNITS[..], 0_u64);
        while !rest.is_empty() {
            let (number, unit, tail) = split_part(text, rest)?;
            let place = UNITS
                .iter()
                .position(|&(name, _)| name == unit)
                .ok_or_else(|| DurationError::UnknownUnit { text: whole(), unit: unit.to_owned() })?;
            // The units that may still follow are the tail of the list behind the last one used.
            let used = UNITS.len() - smaller_units.len();
            if place < used {
                return Err(DurationError::Order { text: whole() });
            }
            smaller_units = &UNITS[place + 1..];
            let part_ms = number.checked_mul(UNITS[place].1);
            total_ms = part_ms
                .and_then(|part_ms| total_ms.checked_add(part_ms))
                .filter(|&total_ms| total_ms <= LONGEST_MS)
                .ok_or_else(|| DurationError::TooLong { text: whole() })?;
            rest = tail;
        }
        Ok(Self(Duration::from_millis(total_ms)))
    }
}

/// Splits `rest` of `text` into a positive number, the letters behind it, and what follows.
fn split_part<'a>(text: &str, rest: &'a str) -> Result<(u64, &'a str, &'a str), DurationError> {
    let whole = || text.to_owned();
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, behind) = rest.split_at(digits);
    if number.is_empty() {
        return Err(DurationError::NoNumber { text: whole(), rest: rest.to_owned() });
    }
    if behind.starts_with(['.', ',']) {
        return Err(DurationError::Fraction { text: whole() });
    }
    let letters = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
    let (unit, tail) = behind.split_at(letters);
    if unit.is_empty() {
        return Err(DurationError::NoUnit { text: whole(), number: number.to_owned() });
    }
    match number.parse::<u64>() {
        Ok(0) => Err(DurationError::Zero { text: whole() }),
        Ok(number) => Ok((number, unit, tail)),
        // Only digits are left, so the one thing that can be wrong is their count.
        Err(_) => Err(DurationError::TooLong { text: whole() }),
    }
}

impl fmt::Display for DurationText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left_ms = self.0.as_millis();
        if left_ms == 0 {
            return formatter.write_str("0ms");
        }
        for (unit, unit_ms) in UNITS {
            let count = left_ms / u128::from(unit_ms);
            left_ms %= u128::from(unit_ms);
            if count > 0 {
                write!(formatter, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for DurationText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Writes a [`Duration`] field as text: `#[serde(with = "taskhost_core::duration")]`.
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    DurationText(*duration).serialize(serializer)
}

/// Reads a [`Duration`] field from text: `#[serde(with = "taskhost_core::duration")]`.
/// # Errors
/// If the text is no duration ([`DurationError`]).
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    DurationText::deserialize(deserializer).map(DurationText::get)
}

/// Writes and reads an `Option<Duration>` field as text or nothing: `#[serde(with = "taskhost_core::duration::optional")]`.
pub mod optional {
    use super::{Deserialize, Deserializer, Duration, DurationText, Serialize, Serializer};

    /// The field as text, or nothing.
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(DurationText).serialize(serializer)
    }

    /// The field from text, or nothing.
    /// # Errors
    /// If it is a text that is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<DurationText>::deserialize(deserializer)?.map(DurationText::get))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed_ms(text: &str) -> u128 {
        text.parse::<DurationText>().unwrap().get().as_millis()
    }

    fn refusal(text: &str) -> String {
        text.parse::<DurationText>().unwrap_err().to_string()
    }

    #[test]
    fn every_unit_is_read_alone_and_joined() {
        assert_eq!(parsed_ms("250ms"), 250);
        assert_eq!(parsed_ms("1s"), 1_000);
        assert_eq!(parsed_ms("15m"), 900_000);
        assert_eq!(parsed_ms("1h30m"), 5_400_000);
        assert_eq!(parsed_ms("7d"), 604_800_000);
        assert_eq!(parsed_ms("1d2h3m4s5ms"), 93_784_005);
    }

    #[test]
    fn the_text_uses_the_largest_units_and_no_zero_parts() {
        for (given, written) in [("90m", "1h30m"), ("24h", "1d"), ("1500ms", "1s500ms"), ("1d5ms", "1d5ms")] {
            assert_eq!(given.parse::<DurationText>().unwrap().to_string(), written);
        }
        assert_eq!(DurationText::from(Duration::ZERO).to_string(), "0ms");
    }

    #[test]
    fn each_refusal_says_what_is_wrong() {
        for (text, message) in [
            ("", "a duration is empty; write a number and a unit, like `30s` or `1h30m`"),
            ("-5s", "duration `-5s`: expected a whole number at `-5s`"),
            ("1h 30m", "duration `1h 30m`: expected a whole number at ` 30m`"),
            ("m", "duration `m`: expected a whole number at `m`"),
            ("1.5h", "duration `1.5h`: fractions are not allowed, join units instead, like `1h30m`"),
            ("30", "duration `30`: `30` has no unit; the units are d, h, m, s and ms"),
            ("5 m", "duration `5 m`: `5` has no unit; the units are d, h, m, s and ms"),
            ("10min", "duration `10min`: unknown unit `min`; the units are d, h, m, s and ms"),
            ("1H", "duration `1H`: unknown unit `H`; the units are d, h, m, s and ms"),
            ("0s", "duration `0s`: a number must be at least 1"),
            ("30m1h", "duration `30m1h`: units go from large to small, each once, like `1h30m`"),
            ("1s1s", "duration `1s1s`: units go from large to small, each once, like `1h30m`"),
        ] {
            assert_eq!(refusal(text), message);
        }
    }

    #[test]
    fn what_no_instant_could_be_moved_by_is_too_long() {
        for text in ["106751992d", "99999999999999999999s", "18446744073709551615d", "106751991d23h"] {
            assert_eq!(refusal(text), format!("duration `{text}` is too long"));
        }
        assert_eq!(parsed_ms("106751991d"), 106_751_991 * 86_400_000);
    }

    #[test]
    fn json_carries_the_text() {
        let duration: DurationText = serde_json::from_str("\"1h30m\"").unwrap();
        assert_eq!(serde_json::to_string(&duration).unwrap(), "\"1h30m\"");
        let refused = serde_json::from_str::<DurationText>("\"1x\"").unwrap_err();
        assert!(refused.to_string().contains("unknown unit `x`"), "{refused}");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(ms in 1..=LONGEST_MS) {
            let duration = DurationText::from(Duration::from_millis(ms));
            prop_assert_eq!(duration.to_string().parse::<DurationText>(), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            drop(text.parse::<DurationText>());
        }
    }

    #[test]
    fn in_a_sentence_there_is_room_between_number_and_unit() {
        let words = [300, 5_400_000].map(|millis| DurationText::from(Duration::from_millis(millis)).in_words());
        assert_eq!(words, ["300 ms", "1 h 30 m"]);
    }
}
