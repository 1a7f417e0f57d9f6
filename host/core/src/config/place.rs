//! Finds the place of a value in the file: by a JSON pointer, through each shape that TOML has for tables.
//!
//! Start at [`Places::span_of`].

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::section::Value;

/// A text, to find values in. It may have errors.
#[derive(Debug)]
pub struct Places<'t> {
    table: Spanned<DeTable<'t>>,
}

impl<'t> Places<'t> {
    /// Reads the text.
    pub fn read(text: &'t str) -> Self {
        let (table, _errors) = DeTable::parse_recoverable(text);
        Self { table }
    }

    /// Where the value at a JSON pointer stands, in bytes: `/jobs/nightly/params/keep`. Where the pointer leads on, the last
    /// value of the file on its way; none if nothing of it is there.
    pub fn span_of(&self, pointer: &str) -> Option<Range<usize>> {
        let pointer = pointer.strip_prefix('/')?;
        let (first, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        Some(follow(self.table.get_ref().get(first)?, rest).1.span())
    }

    /// The table at these keys.
    pub(super) fn table(&self, keys: &[&str]) -> Option<&DeTable<'t>> {
        keys.iter().try_fold(self.table.get_ref(), |table, key| table.get(*key)?.get_ref().as_table())
    }
}

/// The value at a JSON pointer below `value`, and the way to it as the file would write it: `.keep.daily`, `.list[0]`. As far
/// as it leads: a date of the file is text in JSON.
pub(super) fn follow<'t>(mut value: &'t Value<'t>, pointer: &str) -> (String, &'t Value<'t>) {
    let mut steps = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match value.get_ref() {
            DeValue::Table(table) => table.get(&*step).map(|value| (dotted(&step), value)),
            DeValue::Array(values) => {
                step.parse().ok().and_then(|index: usize| values.get(index)).map(|value| (format!("[{step}]"), value))
            }
            _ => None,
        };
        let Some((text, below)) = next else { break };
        steps.push_str(&text);
        value = below;
    }
    (steps, value)
}

/// `.key`, in quotes where TOML needs them.
fn dotted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));
    if is_bare { format!(".{key}") } else { format!(".{key:?}") }
}
