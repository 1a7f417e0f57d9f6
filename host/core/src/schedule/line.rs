//! Reads a cron line by crontab's rules into the values that each field names.
//!
//! Not here: which times these values give (`cron`). Start at [`Line::parse`].

use std::ops::Range;

use super::error::{CronError, FieldProblem};

/// The values of one field: bit `n` is set if the field names `n`.
pub(super) type Values = u64;

/// A line, field by field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its minute or hour field begins with `*`: it goes by the time that passes, not by what the clocks show.
    pub(super) is_elapsed: bool,
    pub(super) seconds: Values,
    pub(super) minutes: Values,
    pub(super) hours: Values,
    /// `None` if the field is exactly `*`: only then the days are left to the other day field.
    pub(super) month_days: Option<Values>,
    pub(super) months: Values,
    /// Sunday is bit 0. `None` if the field is exactly `*`.
    pub(super) weekdays: Option<Values>,
}

/// What a field may hold.
struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    /// How many values it has: the largest step.
    size: u32,
    /// Names of the values from `min` on.
    names: &'static [&'static str],
    allowed: &'static str,
}

const SECOND: Field = Field { name: "second", min: 0, max: 59, size: 60, names: &[], allowed: "0-59" };
const MINUTE: Field = Field { name: "minute", ..SECOND };
const HOUR: Field = Field { name: "hour", min: 0, max: 23, size: 24, names: &[], allowed: "0-23" };
const MONTH_DAY: Field = Field { name: "day-of-month", min: 1, max: 31, size: 31, names: &[], allowed: "1-31" };
const MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    size: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    allowed: "1-12 and JAN-DEC",
};
const WEEKDAY: Field = Field {
    name: "day-of-week",
    min: 0,
    max: 7,
    size: 7,
    names: &WEEKDAY_NAMES,
    allowed: "0-7 (0 and 7 are Sunday) and SUN-SAT",
};

/// The names of the weekdays, from 0 on.
pub(super) const WEEKDAY_NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The seconds of a line that has no field for them.
const AT_SECOND_ZERO: Values = 1;

/// The other name of Sunday, and where a range that ends on Sunday ends.
const SUNDAY_AS_SEVEN: u32 = 7;

impl Line {
    /// Reads 5 fields, 6 fields with the seconds first, or a nickname.
    pub(super) fn parse(text: &str) -> Result<Self, CronError> {
        let word = text.trim_ascii();
        let text = if word.starts_with('@') { expand(text, word)? } else { text };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let (seconds, rest) = match fields.as_slice() {
            rest @ [_, _, _, _, _] => (AT_SECOND_ZERO, rest),
            [seconds, rest @ ..] if rest.len() == 5 => (SECOND.values(text, seconds)?, rest),
            _ => return Err(CronError::FieldCount { count: fields.len(), length: text.len() }),
        };
        let days_of = |field: &Field, part: &str| match part {
            "*" => Ok(None),
            _ => field.values(text, part).map(Some),
        };
        Ok(Self {
            is_elapsed: rest[..2].iter().any(|field| field.starts_with('*')),
            seconds,
            minutes: MINUTE.values(text, rest[0])?,
            hours: HOUR.values(text, rest[1])?,
            month_days: days_of(&MONTH_DAY, rest[2])?,
            months: MONTH.values(text, rest[3])?,
            weekdays: days_of(&WEEKDAY, rest[4])?.map(sunday_once),
        })
    }
}

/// The five fields of the nickname that `line` consists of.
fn expand(line: &str, nickname: &str) -> Result<&'static str, CronError> {
    match nickname.to_ascii_lowercase().as_str() {
        "@hourly" => Ok("0 * * * *"),
        "@daily" | "@midnight" => Ok("0 0 * * *"),
        "@weekly" => Ok("0 0 * * 0"),
        "@monthly" => Ok("0 0 1 * *"),
        "@yearly" | "@annually" => Ok("0 0 1 1 *"),
        _ => Err(CronError::UnknownNickname { text: nickname.to_owned(), span: span_in(line, nickname) }),
    }
}

/// Moves 7 to 0: both are Sunday.
fn sunday_once(weekdays: Values) -> Values {
    let seventh = weekdays >> SUNDAY_AS_SEVEN & 1;
    weekdays & !(1 << SUNDAY_AS_SEVEN) | seventh
}

/// Where `part`, a slice of `line`, stands in it.
fn span_in(line: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - line.as_ptr() as usize;
    start..start + part.len()
}

/// A problem, and the part of the field that has it.
type Wrong<'a> = (FieldProblem, &'a str);

impl Field {
    /// The values that the field `text` of `line` names.
    fn values(&self, line: &str, text: &str) -> Result<Values, CronError> {
        let mut values = 0;
        for item in text.split(',') {
            values |= self.item(item).map_err(|(problem, part)| CronError::Field {
                field: self.name,
                text: text.to_owned(),
                // An empty part is an empty slice at its comma; one byte of the line makes it visible.
                span: if part.is_empty() { span_in(line, text) } else { span_in(line, part) },
                problem,
            })?;
        }
        Ok(values)
    }

    /// One item of the list: `*`, a value or a range, with or without a step.
    fn item<'a>(&self, item: &'a str) -> Result<Values, Wrong<'a>> {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, Some(step)),
            None => (item, None),
        };
        let (start, end) = match base.split_once('-') {
            _ if base == "*" => (self.min, self.last()),
            Some((start, end)) => self.range(base, start, end)?,
            None => {
                let value = self.value(base)?;
                if let Some(step) = step {
                    let (value, step) = (base.to_owned(), step.to_owned());
                    return Err((FieldProblem::StepOfValue { value, step, max: self.last() }, item));
                }
                (value, value)
            }
        };
        let step = step.map_or(Ok(1), |step| self.step(step))?;
        Ok((start..=end).step_by(step as usize).fold(0, |values, value| values | 1 << value))
    }

    /// The last value that `*` reaches: Sunday is counted once.
    const fn last(&self) -> u32 {
        self.min + self.size - 1
    }

    fn range<'a>(&self, base: &'a str, start: &'a str, end: &'a str) -> Result<(u32, u32), Wrong<'a>> {
        let (from, mut to) = (self.value(start)?, self.value(end)?);
        // `FRI-SUN`: by name a week ends on Sunday as well as it begins there.
        let ends_on_sunday = end.eq_ignore_ascii_case(WEEKDAY_NAMES[0]);
        if ends_on_sunday && from > to {
            to = SUNDAY_AS_SEVEN;
        }
        if from > to {
            let min = if self.max == SUNDAY_AS_SEVEN { 1 } else { self.min };
            return Err((FieldProblem::Backwards { start: from, end: to, min, max: self.max }, base));
        }
        Ok((from, to))
    }

    /// A number or a name.
    fn value<'a>(&self, text: &'a str) -> Result<u32, Wrong<'a>> {
        let named = self.names.iter().zip(self.min..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        if let Some((_, value)) = named {
            return Ok(value);
        }
        if text.is_empty() {
            return Err((FieldProblem::Empty, text));
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err((self.not_a_value(text), text));
        }
        // A number of too many digits is out of range too.
        text.parse().ok().filter(|value| (self.min..=self.max).contains(value)).ok_or_else(|| {
            let problem = FieldProblem::OutOfRange { value: text.to_owned(), allowed: self.allowed };
            (problem, text)
        })
    }

    fn not_a_value(&self, text: &str) -> FieldProblem {
        let is_day = self.name == MONTH_DAY.name || self.name == WEEKDAY.name;
        let value = text.to_owned();
        if is_day && (value.contains('#') || value.to_ascii_uppercase().split('W').any(|part| part.ends_with('L'))) {
            return FieldProblem::NotSupported { part: value };
        }
        FieldProblem::NotAValue { value, allowed: self.allowed }
    }

    fn step<'a>(&self, text: &'a str) -> Result<u32, Wrong<'a>> {
        let step = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        step.and_then(|text| text.parse().ok()).filter(|step| (1..=self.size).contains(step)).ok_or_else(|| {
            let problem = FieldProblem::Step { step: text.to_owned(), largest: self.size };
            (problem, text)
        })
    }
}
