//! Says in words, for people who write `tasks.toml`, where a document does not fit a JSON Schema.
//!
//! Not here: where that stands in the file (`taskhost_core::config::misfits`), what HTTP answers (`kind`).
//! Start at [`misfits`].

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;
use taskhost_core::config::{Fault, Misfit};
use taskhost_core::suggest::closest;

/// What an error of the library means to somebody who can change the document; `schema` is the whole of it.
pub(super) fn misfits(schema: &Value, error: &ValidationError<'_>) -> Vec<Misfit> {
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let known = known_keys(above(schema, error));
            let fault = |key: &String| Fault::UnknownKey { key: key.clone(), known: known.clone() };
            unexpected.iter().map(|key| at(error, fault(key), None)).collect()
        }
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let hint = about(above(schema, error), key);
            vec![at(error, Fault::MissingKey { key: key.to_owned() }, hint)]
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => of_branches(schema, error, context),
        _ => vec![at(error, Fault::Value(words(error)), suggestion(error))],
    }
}

fn at(error: &ValidationError<'_>, fault: Fault, hint: Option<String>) -> Misfit {
    Misfit { pointer: error.instance_path().to_string(), fault, hint }
}

/// The schema whose keyword has failed.
fn above<'s>(schema: &'s Value, error: &ValidationError<'_>) -> Option<&'s Value> {
    let (above, _keyword) = error.schema_path().as_str().rsplit_once('/')?;
    schema.pointer(above)
}

fn known_keys(schema: Option<&Value>) -> Vec<String> {
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

/// What the schema says of a key: `` `source`: the folder to back up``.
fn about(schema: Option<&Value>, key: &str) -> Option<String> {
    let text = schema?.get("properties")?.get(key)?.get("description")?.as_str()?;
    let line = text.lines().next().filter(|line| !line.is_empty())?;
    Some(format!("`{key}`: {line}"))
}

/// An enum of a plugin has a schema for each of its variants: what is said is about the one that was meant.
fn of_branches(schema: &Value, error: &ValidationError<'_>, branches: &[Vec<ValidationError<'static>>]) -> Vec<Misfit> {
    if let Some(fault) = common(error, branches) {
        return vec![fault];
    }
    let rank =
        |branch: &&Vec<ValidationError<'static>>| branch.iter().filter(|found| is_other_form(error, found)).count();
    let best = branches.iter().map(|branch| rank(&branch)).min();
    let mut meant = branches.iter().filter(|branch| Some(rank(branch)) == best);
    match (meant.next(), meant.next()) {
        (Some(branch), None) => branch.iter().flat_map(|found| misfits(schema, found)).collect(),
        _ => vec![at(error, Fault::Value("it has none of the forms that are allowed here".to_owned()), None)],
    }
}

/// Whether the error says that another variant was meant: the value has another type, or the tag another word.
fn is_other_form(whole: &ValidationError<'_>, found: &ValidationError<'_>) -> bool {
    match found.kind() {
        Kind::Type { .. } => found.instance_path().as_str() == whole.instance_path().as_str(),
        Kind::Constant { .. } | Kind::Enum { .. } => true,
        _ => false,
    }
}

/// What every branch misses: one of several types, one of several words, the same key.
fn common(error: &ValidationError<'_>, branches: &[Vec<ValidationError<'static>>]) -> Option<Misfit> {
    let mut types = Vec::new();
    let mut words: Vec<(String, &Value)> = Vec::new();
    let mut missing = Vec::new();
    for found in branches.iter().flatten() {
        match found.kind() {
            Kind::Type { kind } if found.instance_path().as_str() == error.instance_path().as_str() => {
                types.extend(of_type(kind));
            }
            Kind::Constant { expected_value } => words.push((found.instance_path().to_string(), expected_value)),
            Kind::Required { property } => missing.push(property.as_str().unwrap_or_default()),
            _ => {}
        }
    }
    let all = branches.len();
    if branches.iter().all(|branch| branch.iter().any(|found| is_type(error, found))) {
        return Some(at(error, Fault::Value(wrong_type(&types, error.instance())), None));
    }
    if words.len() == all && words.iter().all(|(pointer, _)| *pointer == words[0].0) {
        let pointer = words[0].0.clone();
        let words: Vec<&Value> = words.iter().map(|(_, word)| *word).collect();
        return Some(Misfit { pointer, fault: Fault::Value(one_of(&words)), hint: None });
    }
    let key = missing.iter().find(|key| missing.iter().filter(|other| other == key).count() == all)?;
    Some(at(error, Fault::MissingKey { key: (*key).to_owned() }, None))
}

fn is_type(whole: &ValidationError<'_>, found: &ValidationError<'_>) -> bool {
    matches!(found.kind(), Kind::Type { .. }) && is_other_form(whole, found)
}

/// `expected an integer, found a string`.
fn words(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Type { kind } => wrong_type(&of_type(kind), error.instance()),
        Kind::Enum { options } => {
            one_of(&options.as_array().map(|options| options.iter().collect::<Vec<_>>()).unwrap_or_default())
        }
        Kind::Constant { expected_value } => format!("expected {expected_value}"),
        Kind::Minimum { limit } => format!("expected at least {limit}"),
        Kind::Maximum { limit } => format!("expected at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("expected more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("expected less than {limit}"),
        Kind::MinLength { limit: 1 } => "it is empty".to_owned(),
        Kind::MinLength { limit } => format!("expected at least {limit} characters"),
        Kind::MaxLength { limit } => format!("expected at most {limit} characters"),
        Kind::MinItems { limit: 1 } => "the list is empty".to_owned(),
        Kind::MinItems { limit } => format!("expected at least {limit} items"),
        Kind::MaxItems { limit } => format!("expected at most {limit} items"),
        Kind::UniqueItems => "an item stands there twice".to_owned(),
        Kind::Pattern { pattern } => format!("expected a text that matches `{pattern}`"),
        Kind::Format { format } => format!("expected a text of the format `{format}`"),
        Kind::FalseSchema => "nothing may stand here".to_owned(),
        // Masked: the value may be a secret.
        _ => error.masked().to_string(),
    }
}

fn suggestion(error: &ValidationError<'_>) -> Option<String> {
    let Kind::Enum { options } = error.kind() else { return None };
    let options = options.as_array()?.iter().filter_map(Value::as_str);
    closest(error.instance().as_str()?, options).map(|option| format!("did you mean {option:?}?"))
}

fn one_of(options: &[&Value]) -> String {
    let options: Vec<String> = options.iter().filter(|option| !option.is_null()).map(ToString::to_string).collect();
    format!("expected one of {}", options.join(", "))
}

fn of_type(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(several) => several.iter().collect(),
    }
}

fn wrong_type(expected: &[JsonType], found: &Value) -> String {
    // TOML has no null, so nobody can write it.
    let mut names: Vec<&str> = Vec::new();
    for name in expected.iter().filter(|one| **one != JsonType::Null).map(|one| in_toml(*one)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let found = if found.is_i64() || found.is_u64() { JsonType::Integer } else { JsonType::from(found) };
    format!("expected {}, found {}", names.join(" or "), in_toml(found))
}

/// The type as people call it who write TOML.
fn in_toml(json: JsonType) -> &'static str {
    match json {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "a list",
        JsonType::Object => "a table",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::kind::Schema;
    use super::*;

    /// Each misfit as `pointer: what is wrong | hint`.
    #[track_caller]
    fn check(schema: &Value, document: &Value, expected: &[&str]) {
        let shown = |misfit: Misfit| {
            let fault = match misfit.fault {
                Fault::Value(problem) => problem,
                Fault::UnknownKey { key, known } => format!("unknown {key}, known {}", known.join(" ")),
                Fault::MissingKey { key } => format!("missing {key}"),
            };
            let hint = misfit.hint.map(|hint| format!(" | {hint}")).unwrap_or_default();
            format!("{}: {fault}{hint}", misfit.pointer)
        };
        let found: Vec<_> = Schema::compile(schema).unwrap().misfits(schema, document).into_iter().map(shown).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_value_is_told_what_it_should_be() {
        let schema = json!({ "properties": {
            "width": { "type": "integer", "minimum": 1 }, "name": { "type": ["string", "null"], "minLength": 1 },
            "colour": { "enum": ["red", "green", null] }, "list": { "type": "array", "items": { "type": "boolean" } },
        }});
        check(&schema, &json!({ "width": "3" }), &["/width: expected an integer, found a string"]);
        check(&schema, &json!({ "width": 0 }), &["/width: expected at least 1"]);
        check(&schema, &json!({ "name": {} }), &["/name: expected a string, found a table"]);
        check(&schema, &json!({ "name": "" }), &["/name: it is empty"]);
        check(
            &schema,
            &json!({ "colour": "gren" }),
            &["/colour: expected one of \"red\", \"green\" | did you mean \"green\"?"],
        );
        check(&schema, &json!({ "list": [true, 1] }), &["/list/1: expected true or false, found an integer"]);
    }

    #[test]
    fn keys_are_told_by_name_also_behind_a_reference() {
        let place = json!({ "type": "object", "required": ["path"], "additionalProperties": false, "properties": {
            "path": { "description": "where it is\nand more" }, "mode": true,
        }});
        let schema = json!({ "$defs": { "place": place }, "properties": { "to": { "$ref": "#/$defs/place" } } });
        check(
            &schema,
            &json!({ "to": { "pth": 1, "x": 2 } }),
            &[
                "/to: unknown pth, known mode path",
                "/to: unknown x, known mode path",
                "/to: missing path | `path`: where it is",
            ],
        );
    }

    #[test]
    fn of_several_forms_the_one_that_was_meant_is_told() {
        let transport = |name: &str, key: &str| {
            json!({ "type": "object", "required": ["transport", key], "additionalProperties": false,
                "properties": { "transport": { "const": name }, key: { "type": "string" } } })
        };
        let schema = json!({ "oneOf": [transport("file", "path"), transport("smtp", "url")] });
        check(
            &schema,
            &json!({ "transport": "smtp", "path": "x" }),
            &[": missing url", ": unknown path, known transport url"],
        );
        check(&schema, &json!({ "transport": "smpt" }), &["/transport: expected one of \"file\", \"smtp\""]);
        check(&schema, &json!({}), &[": missing transport"]);
        let text_or_list =
            json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] });
        check(&text_or_list, &json!(3), &[": expected a string or a list, found an integer"]);
        check(&text_or_list, &json!(["a", 3]), &["/1: expected a string, found an integer"]);
        let two = json!({ "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] });
        check(&two, &json!({}), &[": it has none of the forms that are allowed here"]);
    }
}
