//! Reads a table of the file key by key and notes everything that is wrong on the way.
//!
//! Not here: which keys there are (`host`, `plugins`, `queues`, `jobs`). Start at [`Section::read`].

use std::borrow::Cow;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Diagnostic;
use super::lines::Lines;
use super::value::{Problem, json, with_article};
use crate::ids::NameError;
use crate::suggest::closest;

/// What later versions know; the words stand in every such refusal.
pub(super) const NOT_SUPPORTED: &str = "not supported by this version";

/// The text that is read and the errors found so far.
pub(super) struct Reader<'t> {
    pub(super) lines: Lines<'t>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Notes an error.
    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>, hint: Option<String>) {
        self.diagnostics.push(Diagnostic::at(&self.lines, span, message, hint));
    }
}

type Key<'t> = Spanned<Cow<'t, str>>;
/// A value and where it stands.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// A table with its name, like `[jobs.nightly]`.
pub(super) struct Section<'t> {
    pub(super) name: String,
    /// The last part of the name.
    key: &'t str,
    /// Where its key stands.
    pub(super) span: Range<usize>,
    table: &'t DeTable<'t>,
}

impl<'t> Section<'t> {
    /// The whole file.
    pub(super) fn root(table: &'t DeTable<'t>) -> Self {
        Self { name: "the file".to_owned(), key: "", span: 0..0, table }
    }

    /// The table below `key`; notes an error if something else stands there.
    pub(super) fn section(&self, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        let (key, value) = self.table.get_key_value(key)?;
        self.open(reader, key, value)
    }

    /// Every table of this one; notes an error for each value that is none.
    pub(super) fn sections(&self, reader: &mut Reader<'_>) -> Vec<Self> {
        self.table.iter().filter_map(|(key, value)| self.open(reader, key, value)).collect()
    }

    fn open(&self, reader: &mut Reader<'_>, key: &'t Key<'t>, value: &'t Value<'t>) -> Option<Self> {
        let name = match self.name.strip_suffix(']') {
            Some(path) => format!("{path}.{}]", key.get_ref()),
            None => format!("[{}]", key.get_ref()),
        };
        if let Some(table) = value.get_ref().as_table() {
            return Some(Self { name, key: key.get_ref(), span: key.span(), table });
        }
        let found = with_article(value.get_ref());
        reader.error(value.span(), format!("{name} should be a table, not {found}"), None);
        None
    }

    /// Notes an error for each key that is not in `known`: one of `later` is not supported yet, others are unknown.
    /// Tells whether there was none.
    pub(super) fn check_keys(&self, reader: &mut Reader<'_>, known: &[&str], later: &[&str]) -> bool {
        let before = reader.diagnostics.len();
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if later.contains(&name) {
                reader.error(key.span(), format!("`{name}` in {} is {NOT_SUPPORTED}", self.name), None);
            } else if !known.contains(&name) {
                let hint = closest(name, known.iter().copied()).map_or_else(
                    || format!("the keys here are {}", known.join(", ")),
                    |known| format!("did you mean `{known}`?"),
                );
                reader.error(key.span(), format!("unknown key `{name}` in {}", self.name), Some(hint));
            }
        }
        reader.diagnostics.len() == before
    }

    /// Whether an unknown key stands where `key` was meant: that is one mistake, not two.
    pub(super) fn is_mistyped(&self, key: &str, known: &[&str]) -> bool {
        let unknown = self.table.keys().map(|key| key.get_ref().as_ref()).filter(|name| !known.contains(name));
        unknown.filter_map(|name| closest(name, known.iter().copied())).any(|meant| meant == key)
    }

    /// The value below `key`, if there is one.
    pub(super) fn get(&self, key: &str) -> Option<&'t Value<'t>> {
        self.table.get(key)
    }

    /// Reads the value below `key` with `read`; notes the problem if it cannot be read.
    pub(super) fn read<T>(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
        read: impl FnOnce(&'t DeValue<'t>) -> Result<T, Problem>,
    ) -> Option<T> {
        self.read_at(reader, key, read).map(Spanned::into_inner)
    }

    /// The same, and where the value stands.
    pub(super) fn read_at<T>(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
        read: impl FnOnce(&'t DeValue<'t>) -> Result<T, Problem>,
    ) -> Option<Spanned<T>> {
        let value = self.get(key)?;
        self.convert(reader, key, value, read).map(|read| Spanned::new(value.span(), read))
    }

    /// Reads each value of the list below `key`; no list is an empty one.
    pub(super) fn read_list<T>(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
        read: impl Fn(&'t DeValue<'t>) -> Result<T, Problem>,
    ) -> Vec<T> {
        let list = self.read(reader, key, |value| {
            value.as_array().ok_or_else(|| Problem::expected("a list in square brackets", value))
        });
        let values = list.into_iter().flat_map(|list| list.iter());
        values.filter_map(|value| self.convert(reader, key, value, &read)).collect()
    }

    /// The last part of the section's name as a checked name.
    pub(super) fn read_name<N: FromStr<Err = NameError>>(&self, reader: &mut Reader<'_>) -> Option<N> {
        self.key.parse().map_err(|error: NameError| reader.error(self.span.clone(), error.to_string(), None)).ok()
    }

    /// The table below `key` as a JSON object; an empty one, at the section's place, if there is none.
    pub(super) fn read_object(&self, reader: &mut Reader<'_>, key: &str) -> Spanned<serde_json::Value> {
        let table = self.read(reader, key, |value| match value {
            DeValue::Table(_) => Ok(()),
            _ => Err(Problem::expected("a table, like { key = \"value\" }", value)),
        });
        match self.get(key).filter(|_| table.is_some()) {
            Some(value) => Spanned::new(value.span(), json(reader, &format!("`{key}` in {}", self.name), value)),
            None => Spanned::new(self.span.clone(), serde_json::Value::Object(serde_json::Map::default())),
        }
    }

    fn convert<T>(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
        value: &'t Value<'t>,
        read: impl FnOnce(&'t DeValue<'t>) -> Result<T, Problem>,
    ) -> Option<T> {
        let problem = match read(value.get_ref()) {
            Ok(read) => return Some(read),
            Err(problem) => problem,
        };
        let span = problem.within.and_then(|within| narrow(reader.lines.text(), value, within)).unwrap_or(value.span());
        reader.error(span, format!("`{key}` in {}: {}", self.name, problem.message), problem.hint);
        None
    }
}

/// The place in the file of a part of a string; none if the string is written with escapes, or on several lines.
pub(super) fn narrow(text: &str, value: &Value<'_>, within: Range<usize>) -> Option<Range<usize>> {
    let start = value.span().start + 1;
    let end = value.span().end.checked_sub(1)?;
    let same = text.get(start..end) == value.get_ref().as_str() && !within.is_empty();
    same.then(|| start + within.start..start + within.end)
}
