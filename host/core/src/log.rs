//! The log of a task: its lines, and how they are packed for the store.
//!
//! Not here: gathering them (the host's `plugins`), numbering and keeping them (its `store`). Start at [`LogLine`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::time::UnixMicros;

/// How many lines of a task are kept: the latest.
pub const LINES_KEPT: u64 = 1_000;
/// How many bytes of lines of a task are kept, as they are packed: the latest.
pub const BYTES_KEPT: usize = 256 * 1024;
/// The longest line: what is longer is cut. Bytes of its message and its fields together.
pub const LINE_MAX: usize = 8 * 1024;
/// The target of the lines that the host itself writes.
pub const HOST_TARGET: &str = "taskhost";

/// How much a line matters, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// What was done.
    Info,
    /// Something went wrong and was got over.
    Warn,
    /// Something went wrong.
    Error,
}

impl LogLevel {
    /// All levels, the least first.
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The word in JSON and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a level: it should be one of trace, debug, info, warn, error")]
pub struct LogLevelError(String);

impl FromStr for LogLevel {
    type Err = LogLevelError;

    fn from_str(text: &str) -> Result<Self, LogLevelError> {
        let level = Self::ALL.into_iter().find(|level| level.as_str() == text);
        level.ok_or_else(|| LogLevelError(text.to_owned()))
    }
}

/// A line of the log of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was said.
    pub at: UnixMicros,
    /// How much it matters.
    pub level: LogLevel,
    /// Who said it: the plugin, or [`HOST_TARGET`].
    pub target: String,
    /// What people read.
    pub message: String,
    /// A JSON object with what belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Box<RawValue>>,
}

impl LogLine {
    /// A line of the host itself.
    pub fn of_host(at: UnixMicros, level: LogLevel, message: impl Into<String>) -> Self {
        Self { at, level, target: HOST_TARGET.to_owned(), message: message.into(), fields: None }
    }

    /// As it is packed: JSON that ends with a line break.
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub fn packed(&self) -> String {
        serde_json::to_string(self).expect("texts and JSON are JSON") + "\n"
    }
}

/// Some lines of an attempt, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// Which attempt said them.
    pub attempt: u32,
    /// The place of the first of them among all lines of this attempt, from 0.
    pub first: u64,
    /// How many there are.
    pub count: u64,
    /// The lines, packed.
    pub body: String,
}

impl LogChunk {
    /// The place after its last line.
    pub fn end(&self) -> u64 {
        self.first + self.count
    }

    /// Adds a line at the end.
    pub fn push(&mut self, packed: &str) {
        self.body.push_str(packed);
        self.count += 1;
    }

    /// The lines, as far as they are readable.
    pub fn lines(&self) -> impl Iterator<Item = LogLine> {
        // A line break in the fields of a plugin separates nothing: whole documents are read, one after the other.
        serde_json::Deserializer::from_str(&self.body).into_iter().map_while(Result::ok)
    }
}

/// The fields of a line as they are kept: an object of at most `room` bytes; what does not fit in is left out.
///
/// What is no object is kept as text, under the name `fields`.
pub fn kept_fields(json: &str, room: usize) -> Option<Box<RawValue>> {
    if json.trim().is_empty() {
        return None;
    }
    let object: Option<&RawValue> =
        serde_json::from_str(json).ok().filter(|raw: &&RawValue| raw.get().starts_with('{'));
    if let Some(object) = object.filter(|object| object.get().len() <= room) {
        return Some(object.to_owned());
    }
    let parsed: Map<String, Value> = match object.and_then(|object| serde_json::from_str(object.get()).ok()) {
        Some(parsed) => parsed,
        None => Map::from_iter([("fields".to_owned(), Value::from(json))]),
    };
    let mut left = room.saturating_sub("{\"cut\":true}".len());
    let mut kept = Map::new();
    let mut is_cut = false;
    for (name, value) in parsed {
        let length = Value::from(name.as_str()).to_string().len() + value.to_string().len() + 2;
        if length <= left {
            left -= length;
            kept.insert(name, value);
        } else {
            is_cut = true;
        }
    }
    if is_cut {
        kept.insert("cut".to_owned(), Value::Bool(true));
    }
    serde_json::value::to_raw_value(&kept).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, fields: Option<Box<RawValue>>) -> LogLine {
        LogLine { fields, ..LogLine::of_host(UnixMicros::MIDDLE, LogLevel::Warn, message) }
    }

    fn kept(json: &str, room: usize) -> String {
        kept_fields(json, room).map(|fields| fields.get().to_owned()).unwrap_or_default()
    }

    #[test]
    fn what_is_packed_is_read_again_whatever_stands_in_it() {
        let mut chunk = LogChunk { attempt: 1, first: 0, count: 0, body: String::new() };
        chunk.push(&line("two\nlines \u{1b}[2J", None).packed());
        chunk.push(&line("ü", kept_fields("{\"a\":\n[1,\n\"}\"]}", 100)).packed());
        let lines: Vec<LogLine> = chunk.lines().collect();
        assert_eq!((chunk.end(), lines.len()), (2, 2));
        assert_eq!((lines[0].message.as_str(), lines[0].level), ("two\nlines \u{1b}[2J", LogLevel::Warn));
        assert_eq!(lines[1].fields.as_ref().unwrap().get(), "{\"a\":\n[1,\n\"}\"]}");
        assert_eq!((lines[1].at, lines[1].target.as_str()), (UnixMicros::MIDDLE, "taskhost"));
    }

    #[test]
    fn fields_are_an_object_that_fits() {
        assert_eq!(kept("", 100), "");
        assert_eq!(kept("{\"b\": 1,\"a\":2}", 100), "{\"b\": 1,\"a\":2}", "as it was written");
        assert_eq!(kept("[1]", 100), "{\"fields\":\"[1]\"}");
        assert_eq!(kept("{\"a\":", 100), "{\"fields\":\"{\\\"a\\\":\"}");
        let long = "x".repeat(50);
        assert_eq!(kept(&format!("{{\"a\":1,\"b\":\"{long}\",\"c\":2}}"), 40), "{\"a\":1,\"c\":2,\"cut\":true}");
        assert_eq!(kept(&long, 40), "{\"cut\":true}");
    }

    #[test]
    fn levels_have_an_order_and_words() {
        assert!(LogLevel::Trace < LogLevel::Info && LogLevel::Warn < LogLevel::Error);
        assert_eq!("warn".parse(), Ok(LogLevel::Warn));
        assert_eq!(
            "WARN".parse::<LogLevel>().unwrap_err().to_string(),
            "`WARN` is not a level: it should be one of trace, debug, info, warn, error"
        );
    }
}
