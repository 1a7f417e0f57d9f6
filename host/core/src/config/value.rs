//! Reads single values: durations, numbers, names, JSON.
//!
//! Not here: which value a key takes (`host`, `plugins`, `queues`, `jobs`). Start at [`parsed`].

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use std::time::Duration;

use toml::de::{DeFloat, DeInteger, DeValue};

use super::section::{Reader, Value, narrow};
use crate::duration::DurationText;
use crate::secret;
use crate::suggest::closest;

/// Why a value cannot be read.
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The offending part of a string, in bytes.
    pub(super) within: Option<Range<usize>>,
}

impl Problem {
    pub(super) fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), hint: None, within: None }
    }

    pub(super) fn with_hint(message: impl Display, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::new(message) }
    }

    pub(super) fn expected(what: &str, found: &DeValue<'_>) -> Self {
        Self::new(format!("expected {what}, found {}", with_article(found)))
    }
}

/// What a reference to a secret begins with: outside params and configs a text with it is not taken as it stands.
const REFERENCES: [&str; 2] = ["${env:", "${file:"];

/// The type of a value in words: `an integer`.
pub(super) fn with_article(value: &DeValue<'_>) -> String {
    let name = value.type_str();
    let article = if name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {name}")
}

pub(super) fn string<'t>(value: &'t DeValue<'t>) -> Result<&'t str, Problem> {
    let text = value.as_str().ok_or_else(|| Problem::expected("a string in quotes", value))?;
    match REFERENCES.into_iter().find(|reference| text.contains(reference)) {
        Some(reference) => {
            Err(Problem::new(format!("`{reference}…}}` may stand in params and in the config of plugins alone")))
        }
        None => Ok(text),
    }
}

/// A string with something in it.
pub(super) fn filled<'t>(value: &'t DeValue<'t>) -> Result<&'t str, Problem> {
    string(value).and_then(|text| if text.is_empty() { Err(Problem::new("it is empty")) } else { Ok(text) })
}

/// A string that is the text of a `T`.
pub(super) fn parsed<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Result<T, Problem> {
    string(value)?.parse().map_err(Problem::new)
}

/// One of a few words.
pub(super) fn word<T: Copy>(value: &DeValue<'_>, words: &[(&str, T)]) -> Result<T, Problem> {
    let text = string(value)?;
    if let Some(&(_, found)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(found);
    }
    let names = || words.iter().map(|&(word, _)| word);
    let message = format!("`{text}` is not one of {}", names().collect::<Vec<_>>().join(", "));
    let hint = closest(text, names()).map(|word| format!("did you mean `{word}`?"));
    Err(Problem { hint, ..Problem::new(message) })
}

pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, Problem> {
    match value {
        DeValue::String(text) => text.parse::<DurationText>().map(DurationText::get).map_err(Problem::new),
        _ => Err(Problem::expected("a duration in quotes, like \"30s\"", value)),
    }
}

pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| Problem::expected("true or false", value))
}

/// A whole number of a range.
pub(super) fn integer(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Result<u32, Problem> {
    let integer = value.as_integer().ok_or_else(|| Problem::expected("a whole number", value))?;
    let number = from_radix::<u32>(integer).filter(|number| range.contains(number));
    number.ok_or_else(|| Problem::new(format!("{integer} is outside {}-{}", range.start(), range.end())))
}

/// A number of 0 to 1.
pub(super) fn share(value: &DeValue<'_>) -> Result<f64, Problem> {
    let (number, text) = match value {
        DeValue::Float(float) => (finite(float), float.to_string()),
        DeValue::Integer(integer) => (from_radix::<u32>(integer).map(f64::from), integer.to_string()),
        _ => return Err(Problem::expected("a number of 0 to 1", value)),
    };
    number.filter(|number| (0.0..=1.0).contains(number)).ok_or_else(|| Problem::new(format!("{text} is outside 0-1")))
}

fn from_radix<T: TryFrom<i128>>(integer: &DeInteger<'_>) -> Option<T> {
    i128::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|number| T::try_from(number).ok())
}

fn finite(float: &DeFloat<'_>) -> Option<f64> {
    float.as_str().parse().ok().filter(|number: &f64| number.is_finite())
}

/// RFC 3339 if the value has an offset; TOML lets the seconds be left out, RFC 3339 does not.
pub(super) fn datetime_text(datetime: &toml::value::Datetime) -> String {
    let mut datetime = *datetime;
    if let Some(time) = &mut datetime.time {
        time.second.get_or_insert(0);
    }
    datetime.to_string()
}

/// The value as JSON, a datetime as RFC 3339 text; notes an error for each part that cannot be.
///
/// `place` names the whole in messages: `` `params` in [jobs.nightly] ``.
pub(super) fn json(reader: &mut Reader<'_>, place: &str, value: &Value<'_>) -> serde_json::Value {
    let mut wrong = |problem: String| {
        reader.error(value.span(), format!("{place}: {problem}"), None);
        serde_json::Value::Null
    };
    match value.get_ref() {
        DeValue::String(text) => {
            if let Err(error) = secret::references(text) {
                let span = narrow(reader.lines.text(), value, error.span.clone()).unwrap_or(value.span());
                reader.error(span, format!("{place}: {error}"), Some(error.hint));
            }
            serde_json::Value::from(text.as_ref())
        }
        DeValue::Integer(integer) => match (from_radix::<i64>(integer), from_radix::<u64>(integer)) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => wrong(format!("{integer} does not fit 64 bits")),
        },
        DeValue::Float(float) => match finite(float) {
            Some(number) => number.into(),
            None => wrong(format!("{float} is no number in JSON")),
        },
        DeValue::Boolean(boolean) => (*boolean).into(),
        DeValue::Datetime(datetime) => datetime_text(datetime).into(),
        DeValue::Array(values) => values.iter().map(|value| json(reader, place, value)).collect(),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), json(reader, place, value)));
            serde_json::Value::Object(entries.collect())
        }
    }
}
