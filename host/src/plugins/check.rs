//! Looks into one library for its author: what it offers, whether a host can use it, and what could be better.
//!
//! None of its code runs in this process. Not here: how that is shown (`cli`), the checks that every load makes
//! (`stage`, `loader`). Start at [`check`].

use std::fs;
use std::path::Path;
use std::time::Duration;

use object::{NameOrOrdinal, Object as _};
use serde::Serialize;
use serde_json::Value;

use super::describe::{DescribeOptions, Describer, KindManifest, Manifest};
use super::error::{LoadError, ScanError};
use super::stage::{self, Generations};
use crate::clock::monotonic;

/// An `init` that takes longer is worth a word, long before its limit.
const SLOW: Duration = Duration::from_secs(1);
/// A library with debug sections that is larger is worth a word, in bytes.
const LARGE: u64 = 2 << 20;
/// So many foreign symbols are named.
const NAMES_MAX: usize = 5;
/// Symbols that linkers export by themselves.
const OF_LINKERS: [&str; 7] =
    ["_init", "_fini", "_edata", "_end", "__bss_start", "__data_start", "rust_eh_personality"];

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No host can use the library.
    Error,
    /// It works, and could be better.
    Note,
}

/// Something that the author should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What there is to say of a library.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Whether a host can use it.
    pub usable: bool,
    /// What it says of itself; none if it could not.
    pub manifest: Option<Manifest>,
    /// Errors first.
    pub findings: Vec<Finding>,
}

impl Checked {
    fn new(manifest: Option<Manifest>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.severity == Severity::Note);
        let usable = findings.iter().all(|finding| finding.severity == Severity::Note);
        Self { usable, manifest, findings }
    }
}

/// Checks the library at `file`. Its copy goes into the folder `scratch`, which is nobody else's.
/// # Errors
/// [`ScanError`] if the scratch folder cannot be used.
pub fn check(file: &Path, scratch: &Path, describe: DescribeOptions) -> Result<Checked, ScanError> {
    let generations = Generations::open(scratch)?;
    let staged = stage::read(file).and_then(|library| {
        let library = library.ok_or(LoadError::NoEntry)?;
        Ok((generations.stage(&library)?, library.sha256))
    });
    let (copy, sha256) = match staged {
        Ok(staged) => staged,
        Err(error) => return Ok(Checked::new(None, vec![failed(&error)])),
    };
    let began = monotonic();
    let describer = Describer::open(scratch, describe.clone())?;
    let manifest = match describer.describe(&sha256, &copy) {
        Ok(manifest) => manifest,
        Err(error) => return Ok(Checked::new(None, vec![failed(&error)])),
    };
    let mut findings = Vec::new();
    findings.extend(slow(began.elapsed(), describe.limit));
    let older = Describer::open(&scratch.join("truncated-host"), describe.with_truncated_host())?;
    findings.extend(older.describe(&sha256, &copy).err().and_then(|error| met_older_host(&error)));
    findings.extend(outside(&copy));
    findings.extend(manifest.kinds.iter().flat_map(of_kind));
    findings.extend(isolated(&manifest.kinds));
    Ok(Checked::new(Some(manifest), findings))
}

/// What the library at `file` says of itself, asked in a child and kept below `state`, where a scan finds it.
/// # Errors
/// [`LoadError`] if no host can use the library.
pub(crate) fn manifest_of(file: &Path, state: &Path, describe: DescribeOptions) -> Result<Manifest, LoadError> {
    let library = stage::read(file)?.ok_or(LoadError::NoEntry)?;
    let unusable = |error: ScanError| LoadError::NoChild(std::io::Error::other(error));
    Describer::open(state, describe).map_err(unusable)?.describe(&library.sha256, file)
}

fn note(message: String, hint: &str) -> Finding {
    Finding { severity: Severity::Note, message, hint: Some(hint.to_owned()) }
}

/// What the author of a library can do about it, who has put it into no plugin folder.
pub(crate) fn hint(error: &LoadError) -> Option<&str> {
    match error {
        LoadError::NoEntry => Some("in Rust, `plugin_api::plugin!` exports it, and `crate-type` must be `cdylib`"),
        LoadError::NotALibrary(_) => {
            Some("name the shared library that the build has made, such as target/debug/lib<name>.so")
        }
        error => error.hint(),
    }
}

fn failed(error: &LoadError) -> Finding {
    let hint = hint(error).map(str::to_owned);
    Finding { severity: Severity::Error, message: error.to_string(), hint }
}

fn slow(took: Duration, limit: Duration) -> Option<Finding> {
    (took > SLOW).then(|| {
        let message = format!("it took {} ms to describe it; the limit is {} s", took.as_millis(), limit.as_secs());
        note(message, "its `init` must only list the kinds; do the rest in `configure` or with the first task")
    })
}

/// What it means that the library did not come up with a host table that ends early: a refusal is what is asked for.
fn met_older_host(error: &LoadError) -> Option<Finding> {
    if !matches!(error, LoadError::EndedChild { .. } | LoadError::Silent(_)) {
        return None;
    }
    Some(Finding {
        severity: Severity::Error,
        message: format!("given the shorter table of another host, {error}"),
        hint: Some(
            "look at `struct_size` of the host table before you read it, and answer null if it is too short".to_owned(),
        ),
    })
}

/// What can be seen of the file from outside.
fn outside(copy: &Path) -> Vec<Finding> {
    // It was read before: what fails now has nothing to do with the library.
    let Ok(bytes) = fs::read(copy) else { return Vec::new() };
    let Ok(file) = object::File::parse(&*bytes) else { return Vec::new() };
    let mut findings = Vec::new();
    let exports = file.exports().map(|exports| exports.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let names = exports.iter().filter_map(|export| match export.name() {
        NameOrOrdinal::Name(name) => str::from_utf8(name).ok(),
        NameOrOrdinal::Ordinal(_) => None,
    });
    findings.extend(foreign(names));
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > LARGE && file.has_debug_symbols() {
        let message = "it is large because it carries debug information".to_owned();
        findings.push(note(message, "for use, build with `cargo build --release` and `strip = true` in its profile"));
    }
    findings
}

fn foreign<'a>(names: impl Iterator<Item = &'a str>) -> Option<Finding> {
    let is_foreign = |name: &&str| {
        let plain = name.strip_prefix('_').unwrap_or(name);
        ![*name, plain].contains(&"taskhost_plugin_v1") && !OF_LINKERS.contains(name)
    };
    let names: Vec<&str> = names.filter(is_foreign).collect();
    if names.is_empty() {
        return None;
    }
    let shown: Vec<String> = names.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = names.len() - shown.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!("it exports more than `taskhost_plugin_v1`: {}{more}", shown.join(", "));
    Some(note(message, "harmless, but nobody calls them; in C, build with -fvisibility=hidden"))
}

fn isolated(kinds: &[KindManifest]) -> Option<Finding> {
    let isolated = kinds.iter().filter(|kind| kind.is_isolated());
    let names: Vec<String> = isolated.map(|kind| format!("`{}`", kind.name)).collect();
    (!names.is_empty()).then(|| {
        let message = format!(
            "kinds that ask for a process of their own, which is not supported by this version: {}",
            names.join(", ")
        );
        note(message, "their tasks are held unless `[plugins.<name>] allow_in_process = true` stands in tasks.toml")
    })
}

fn of_kind(kind: &KindManifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = &kind.name;
    if kind.meta.get("title").and_then(Value::as_str).unwrap_or_default().is_empty() {
        findings.push(note(
            format!("kind `{name}` has no title"),
            "say in one line what it does, for those who look at a list of kinds",
        ));
    }
    let Some(schema) = kind.meta.get("params_schema").filter(|schema| !is_anything(schema)) else {
        let message = format!("kind `{name}` has no params_schema and so takes any params");
        findings.push(note(message, "with a schema, mistakes in params are told when a task is submitted"));
        return findings;
    };
    if is_open(schema) {
        let message =
            format!("kind `{name}` takes params that its schema does not name, so a mistyped one goes unseen");
        findings.push(note(message, "unless that is meant, set `additionalProperties` to false; `#[params]` does"));
    }
    let bare: Vec<String> =
        params(schema).filter(|param| param.description.is_empty()).map(|param| format!("`{}`", param.name)).collect();
    if !bare.is_empty() {
        let message = format!("kind `{name}` has params without a description: {}", bare.join(", "));
        findings.push(note(message, "in Rust, a doc comment on the field is its description"));
    }
    findings
}

fn is_anything(schema: &Value) -> bool {
    schema == &Value::Bool(true) || schema.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Whether an object with a property that nobody has named fits. Schemas of several forms are not looked into.
fn is_open(schema: &Value) -> bool {
    let has = |key| schema.get(key).is_some();
    let closed = |key| schema.get(key).is_some_and(|value| !is_anything(value));
    let is_composed = ["$ref", "oneOf", "anyOf", "allOf", "not"].into_iter().any(has);
    !is_composed && !closed("additionalProperties") && !closed("unevaluatedProperties")
}

/// A param as its schema tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Param {
    /// Its key.
    pub name: String,
    /// The JSON types that it may have, as words.
    pub kind: String,
    /// What it means; may be empty.
    pub description: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is if it is not given.
    pub default: Option<Value>,
}

/// The params that a schema names, sorted by name.
pub fn params(schema: &Value) -> impl Iterator<Item = Param> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = move |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    let param = move |(name, property): (&String, &Value)| {
        let said = |key| property.get(key).or_else(|| referred(schema, property)?.get(key));
        Param {
            name: name.clone(),
            kind: kind(schema, property),
            description: said("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
            required: is_required(name),
            default: said("default").cloned(),
        }
    };
    properties.into_iter().flatten().map(param)
}

/// What the `$ref` of a property leads to, within the schema.
fn referred<'a>(schema: &'a Value, property: &'a Value) -> Option<&'a Value> {
    schema.pointer(property.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// `string`, `integer or null`, `any`.
fn kind(schema: &Value, property: &Value) -> String {
    let target = referred(schema, property).unwrap_or(property);
    let words = |types: &[Value]| types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ");
    match target.get("type") {
        Some(Value::String(one)) => one.clone(),
        Some(Value::Array(several)) => words(several),
        _ => match target.get("enum").and_then(Value::as_array) {
            Some(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
            None => "any".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskhost_core::ids::KindName;

    use super::*;

    fn found(meta: Value) -> Vec<String> {
        let kind = KindManifest { name: KindName::new("demo.work").unwrap(), flags: 0, meta };
        of_kind(&kind).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_kind_that_explains_itself_has_no_notes() {
        let schema = json!({
            "type": "object", "additionalProperties": false,
            "properties": { "a": { "description": "one" }, "b": { "$ref": "#/$defs/B" } },
            "$defs": { "B": { "description": "two" } },
        });
        assert_eq!(found(json!({ "title": "Work", "params_schema": schema })), Vec::<String>::new());
    }

    #[test]
    fn what_a_kind_leaves_open_is_noted() {
        assert_eq!(
            found(json!({})),
            ["kind `demo.work` has no title", "kind `demo.work` has no params_schema and so takes any params"]
        );
        let schema = json!({ "properties": { "a": {}, "b": {} } });
        assert_eq!(
            found(json!({ "title": "Work", "params_schema": schema })),
            [
                "kind `demo.work` takes params that its schema does not name, so a mistyped one goes unseen",
                "kind `demo.work` has params without a description: `a`, `b`"
            ]
        );
    }

    #[test]
    fn params_are_read_from_the_schema() {
        let schema = json!({
            "required": ["path"],
            "properties": {
                "level": { "type": ["integer", "null"], "default": 3 },
                "mode": { "$ref": "#/$defs/Mode", "description": "how" },
                "path": { "type": "string", "description": "the file" },
                "rest": true,
            },
            "$defs": { "Mode": { "enum": ["a", "b"] } },
        });
        let shown = |param: Param| {
            format!("{}|{}|{}|{}|{:?}", param.name, param.kind, param.description, param.required, param.default)
        };
        let params: Vec<String> = params(&schema).map(shown).collect();
        assert_eq!(
            params,
            [
                "level|integer or null||false|Some(Number(3))",
                "mode|\"a\" or \"b\"|how|false|None",
                "path|string|the file|true|None",
                "rest|any||false|None"
            ]
        );
    }

    #[test]
    fn foreign_symbols_are_counted_and_five_are_named() {
        assert_eq!(foreign(["taskhost_plugin_v1", "_init", "_fini"].into_iter()), None);
        let names = ["a", "b", "c", "d", "e", "f", "g", "_taskhost_plugin_v1"];
        let finding = foreign(names.into_iter()).unwrap();
        assert_eq!(finding.message, "it exports more than `taskhost_plugin_v1`: `a`, `b`, `c`, `d`, `e` and 2 more");
    }

    #[test]
    fn a_clean_refusal_of_an_older_host_is_well() {
        assert_eq!(met_older_host(&LoadError::Described { message: "null".to_owned(), hint: None }), None);
        let crashed = LoadError::EndedChild { how: "by signal 11".to_owned(), stderr: String::new() };
        let finding = met_older_host(&crashed).unwrap();
        assert_eq!(
            finding.message,
            "given the shorter table of another host, it ended its process by signal 11 when it was described"
        );
    }
}
