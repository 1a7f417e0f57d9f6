//! Reads a JSON object key by key and notes everything that is wrong on the way.
//!
//! Not here: which keys there are (`submit`). Start at [`Fields::take`].

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};
use taskhost_core::suggest::closest;

use super::problem::{Place, Problem, ProblemType};

/// An object of a body that is read.
#[derive(Debug)]
pub(super) struct Fields {
    object: Map<String, Value>,
    errors: Vec<Place>,
    hint: Option<String>,
    beyond_this_version: bool,
    class: ProblemType,
}

impl Fields {
    /// The object, an error of which is of this class, its keys checked: one of `later` is not supported yet, others that are not `known` are unknown.
    pub(super) fn new(class: ProblemType, body: Value, known: &[&str], later: &[&str]) -> Result<Self, Problem> {
        let Value::Object(object) = body else {
            return Err(Problem::new(class, format!("the body is {}, it should be an object", shape(&body))));
        };
        let mut fields = Self { object, errors: Vec::new(), hint: None, beyond_this_version: false, class };
        let is_fine = |key: &String| known.contains(&key.as_str()) && !later.contains(&key.as_str());
        let others: Vec<String> = fields.object.keys().filter(|key| !is_fine(key)).cloned().collect();
        for key in others {
            if later.contains(&key.as_str()) {
                fields.beyond_this_version = true;
                fields.error(&key, format!("`{key}` is not supported by this version"));
            } else {
                fields.error(&key, format!("unknown key `{key}`"));
                let hint = closest(&key, known.iter().copied()).map_or_else(
                    || format!("the keys are {}", known.join(", ")),
                    |known| format!("did you mean `{known}`?"),
                );
                fields.hint.get_or_insert(hint);
            }
        }
        Ok(fields)
    }

    /// Notes an error at a key.
    pub(super) fn error(&mut self, key: &str, detail: impl Into<String>) {
        self.errors.push(Place { pointer: format!("/{}", escaped(key)), detail: detail.into() });
    }

    /// Whether the key is there; `null` says the same as nothing.
    pub(super) fn has(&self, key: &str) -> bool {
        self.object.get(key).is_some_and(|value| !value.is_null())
    }

    /// Notes an error of a key below a key, and what to do about it.
    pub(super) fn error_below(&mut self, key: &str, below: &str, detail: impl Into<String>, hint: Option<String>) {
        self.errors.push(Place { pointer: format!("/{key}/{}", escaped(below)), detail: detail.into() });
        self.hint = self.hint.take().or(hint);
    }

    /// The value at the key, even if it is `null`.
    pub(super) fn take_value(&mut self, key: &str) -> Option<Value> {
        self.object.remove(key)
    }

    /// Reads the value at the key; notes an error if it cannot be read.
    pub(super) fn take<T>(&mut self, key: &str, read: impl FnOnce(Value) -> Result<T, String>) -> Option<T> {
        let value = self.object.remove(key).filter(|value| !value.is_null())?;
        read(value).map_err(|detail| self.error(key, detail)).ok()
    }

    /// Reads the text at the key.
    pub(super) fn take_text<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        self.take(key, |value| match value {
            Value::String(text) => text.parse().map_err(|error: T::Err| error.to_string()),
            _ => Err(format!("it is {}, it should be a string", shape(&value))),
        })
    }

    /// Every error that was noted, as one problem.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let Some(first) = self.errors.first() else { return Ok(()) };
        let class = if self.beyond_this_version { ProblemType::NotSupported } else { self.class };
        let problem = Problem::new(class, format!("at {}: {}", first.pointer, first.detail));
        Err(problem.hint(self.hint.unwrap_or_default()).errors(self.errors))
    }
}

/// A key as a part of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What the value is, for messages.
pub(super) fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
