//! Sizes as people write them: `512MiB`.
//!
//! Start at [`SizeText`].

use std::fmt;
use std::str::FromStr;

/// The units, largest first, with their length in bytes.
const UNITS: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A number of bytes that is written as text: a whole number of at least 1 and one of `B`, `KiB`, `MiB`, `GiB`, `TiB`, at
/// most 8,388,607 TiB. [`Display`](fmt::Display) writes the largest unit that leaves no fraction.
///
/// ```
/// use taskhost_core::size::SizeText;
///
/// let size: SizeText = "512MiB".parse()?;
/// assert_eq!(size.bytes(), 512 * 1024 * 1024);
/// assert_eq!(SizeText::from_bytes(2048).to_string(), "2KiB");
/// # Ok::<(), taskhost_core::size::SizeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SizeText(u64);

/// Why a text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// It does not begin with a whole number.
    #[error("size `{0}`: expected a whole number and a unit, like `512MiB`")]
    NoNumber(String),
    /// What follows the number is no unit.
    #[error("size `{text}`: unknown unit `{unit}`; the units are B, KiB, MiB, GiB and TiB")]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// The unit as written.
        unit: String,
    },
    /// It is nothing.
    #[error("size `{0}`: it must be at least 1")]
    Zero(String),
    /// More than any file has.
    #[error("size `{0}` is too large")]
    TooLarge(String),
}

impl SizeText {
    /// Wraps a number of bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for SizeText {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        if number.is_empty() || unit.is_empty() {
            return Err(SizeError::NoNumber(text.to_owned()));
        }
        let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(SizeError::UnknownUnit { text: text.to_owned(), unit: unit.to_owned() });
        };
        let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*bytes));
        match size.filter(|size| i64::try_from(*size).is_ok()) {
            None => Err(SizeError::TooLarge(text.to_owned())),
            Some(0) => Err(SizeError::Zero(text.to_owned())),
            Some(size) => Ok(Self(size)),
        }
    }
}

impl fmt::Display for SizeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = UNITS.iter().find(|(_, bytes)| self.0 > 0 && self.0.is_multiple_of(*bytes));
        let (unit, bytes) = fits.copied().unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_size_is_told_why() {
        for (text, message) in [
            ("", "size ``: expected a whole number and a unit, like `512MiB`"),
            ("512", "size `512`: expected a whole number and a unit, like `512MiB`"),
            ("-1B", "size `-1B`: expected a whole number and a unit, like `512MiB`"),
            ("1.5GiB", "size `1.5GiB`: unknown unit `.5GiB`; the units are B, KiB, MiB, GiB and TiB"),
            ("5MB", "size `5MB`: unknown unit `MB`; the units are B, KiB, MiB, GiB and TiB"),
            ("0B", "size `0B`: it must be at least 1"),
            ("9999999TiB", "size `9999999TiB` is too large"),
            ("99999999999999999999999B", "size `99999999999999999999999B` is too large"),
        ] {
            assert_eq!(text.parse::<SizeText>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_size_is_written_in_its_largest_whole_unit() {
        for text in ["1B", "1023B", "1KiB", "1GiB", "1025MiB", "8388607TiB"] {
            assert_eq!(text.parse::<SizeText>().unwrap().to_string(), text);
        }
    }
}
