//! What can be wrong with a cron line or a zone, in the words of the person who wrote it.
//!
//! Not here: where the line stands in a file (`config`). Start at [`CronError::span`].

use std::fmt;
use std::ops::Range;

/// Why a text is not a cron line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// Not 5 or 6 fields.
    #[error("a cron line has 5 fields, or 6 with the seconds first; this one has {count}")]
    FieldCount {
        /// How many there are.
        count: usize,
        /// Bytes of the line.
        length: usize,
    },
    /// A word with `@` that is no nickname.
    #[error("unknown nickname `{text}`; there are {NICKNAMES}")]
    UnknownNickname {
        /// The word.
        text: String,
        /// Where in the line it stands, in bytes.
        span: Range<usize>,
    },
    /// One field is wrong.
    #[error("{field} field \"{text}\": {problem}")]
    Field {
        /// Which one: `minute`, `day-of-week`, …
        field: &'static str,
        /// The field as written.
        text: String,
        /// Where in the line the offending part stands, in bytes.
        span: Range<usize>,
        /// What is wrong with that part.
        problem: FieldProblem,
    },
}

/// The nicknames, for messages.
pub(super) const NICKNAMES: &str = "@hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually";

/// What is wrong with a part of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldProblem {
    /// Nothing before or behind a comma or a hyphen.
    Empty,
    /// A number that the field does not have.
    OutOfRange {
        /// The number as written.
        value: String,
        /// What the field has.
        allowed: &'static str,
    },
    /// Neither a number nor a name of this field.
    NotAValue {
        /// The text.
        value: String,
        /// What the field has.
        allowed: &'static str,
    },
    /// A range whose end lies before its start; the field runs from `min` to `max`.
    Backwards {
        /// The number it starts with.
        start: u32,
        /// The number it ends with.
        end: u32,
        /// The smallest number of the field.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// A step that is no number from 1 to the size of the field.
    Step {
        /// The step as written.
        step: String,
        /// The largest step.
        largest: u32,
    },
    /// A step behind a single value, like `5/15`; crontab has steps behind `*` and ranges only.
    StepOfValue {
        /// The value as written.
        value: String,
        /// The step as written.
        step: String,
        /// The largest number of the field.
        max: u32,
    },
    /// `L` or `#`, which crontab does not have.
    NotSupported {
        /// The part as written.
        part: String,
    },
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("a value is missing"),
            Self::OutOfRange { value, allowed } => write!(formatter, "{value} is outside {allowed}"),
            Self::NotAValue { value, allowed } => {
                write!(formatter, "`{value}` is no value here; allowed are {allowed}")
            }
            Self::Backwards { start, end, .. } => write!(formatter, "{start}-{end} runs backwards"),
            Self::Step { step, largest } => write!(formatter, "step `{step}` is not a number of 1-{largest}"),
            Self::StepOfValue { value, step, .. } => {
                write!(formatter, "`{value}/{step}` steps from a single value, which crontab does not know")
            }
            Self::NotSupported { part } => write!(formatter, "`{part}` is not supported by this version"),
        }
    }
}

impl CronError {
    /// Where in the line the offending part stands, in bytes.
    pub fn span(&self) -> Range<usize> {
        match self {
            Self::FieldCount { length, .. } => 0..*length,
            Self::UnknownNickname { span, .. } | Self::Field { span, .. } => span.clone(),
        }
    }

    /// What to write instead, where that can be told.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::FieldCount { .. } => {
                Some("the fields are minute, hour, day-of-month, month, day-of-week, like `30 2 * * *`".to_owned())
            }
            Self::UnknownNickname { .. } => None,
            Self::Field { problem, .. } => problem.hint(),
        }
    }
}

impl FieldProblem {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Backwards { start, end, min, max } => {
                Some(format!("write it as two ranges: `{start}-{max},{min}-{end}`"))
            }
            Self::StepOfValue { value, step, max } => Some(format!("write `{value}-{max}/{step}`")),
            Self::NotAValue { value, .. } if value == "?" => Some("write `*` for any value".to_owned()),
            Self::Empty
            | Self::OutOfRange { .. }
            | Self::NotAValue { .. }
            | Self::Step { .. }
            | Self::NotSupported { .. } => None,
        }
    }
}

/// The text names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone `{text}`")]
pub struct ZoneError {
    pub(super) text: String,
    pub(super) suggestion: Option<&'static str>,
}

impl ZoneError {
    /// What was probably meant, or what a zone looks like.
    pub fn hint(&self) -> String {
        match self.suggestion {
            Some(zone) => format!("did you mean `{zone}`?"),
            None => "zones have IANA names, like `Europe/Berlin` or `UTC`".to_owned(),
        }
    }
}
