//! Hides what a JSON Schema calls secret (`writeOnly: true`) in a document that it describes.
//!
//! Rather too much than too little: of several branches each counts, whether or not the document took it; a pattern of
//! names counts for every name; what cannot be followed is hidden. Not here: the check of params (`kind`).
//! Start at [`hide`].

use std::collections::HashSet;
use std::ptr;

use serde_json::{Map, Value};

/// What stands for a secret.
pub(super) const HIDDEN: &str = "[hidden]";

/// Keywords with a schema for the very value that theirs describes.
const ONE_BESIDE: [&str; 4] = ["if", "then", "else", "not"];
/// Keywords with a list of such schemas.
const LISTS_BESIDE: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords with such schemas by name.
const NAMED_BESIDE: [&str; 2] = ["dependentSchemas", "dependencies"];
/// Keywords that name such a schema.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// Whether anything in the schema is called secret.
pub(super) fn any_in(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => is_secret(object) || object.values().any(any_in),
        Value::Array(list) => list.iter().any(any_in),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Puts [`HIDDEN`] in the place of each value that `schema` calls secret.
pub(super) fn hide(schema: &Value, document: &mut Value) {
    hide_by(schema, vec![schema], document);
}

fn is_secret(schema: &Map<String, Value>) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
}

/// `all` is the whole schema, `schemas` those parts of it that describe `value`.
fn hide_by(all: &Value, schemas: Vec<&Value>, value: &mut Value) {
    let schemas = with_those_beside(all, schemas);
    let Some(schemas) = schemas.filter(|schemas| !schemas.iter().any(|schema| is_secret(schema))) else {
        *value = Value::from(HIDDEN);
        return;
    };
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let below = schemas.iter().flat_map(|schema| of_property(schema, name));
                hide_by(all, below.collect(), value);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter_mut().enumerate() {
                let below = schemas.iter().flat_map(|schema| of_item(schema, index));
                hide_by(all, below.collect(), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The schemas, and all that describe the same value beside them; none if one of them cannot be found.
fn with_those_beside<'a>(all: &'a Value, mut found: Vec<&'a Value>) -> Option<Vec<&'a Map<String, Value>>> {
    let mut seen = HashSet::new();
    let mut schemas = Vec::new();
    while let Some(schema) = found.pop() {
        // `true` and `false` describe nothing; a schema that refers to itself is looked at once.
        let Value::Object(schema) = schema else { continue };
        if !seen.insert(ptr::from_ref(schema)) {
            continue;
        }
        schemas.push(schema);
        found.extend(ONE_BESIDE.iter().filter_map(|key| schema.get(*key)));
        found.extend(LISTS_BESIDE.iter().filter_map(|key| schema.get(*key)?.as_array()).flatten());
        found.extend(NAMED_BESIDE.iter().filter_map(|key| schema.get(*key)?.as_object()).flat_map(Map::values));
        for reference in REFERENCES.iter().filter_map(|key| schema.get(*key)) {
            found.push(all.pointer(reference.as_str()?.strip_prefix('#')?)?);
        }
    }
    Some(schemas)
}

fn of_property<'a>(schema: &'a Map<String, Value>, name: &str) -> Vec<&'a Value> {
    let named = |key| schema.get(key).and_then(Value::as_object);
    let own = named("properties").and_then(|properties| properties.get(name));
    let patterns = named("patternProperties").into_iter().flat_map(Map::values);
    let others = ["additionalProperties", "unevaluatedProperties"].iter().filter_map(|key| schema.get(*key));
    own.into_iter().chain(patterns).chain(others.filter(|_| own.is_none())).collect()
}

fn of_item(schema: &Map<String, Value>, index: usize) -> Vec<&Value> {
    let at = |key| schema.get(key).and_then(Value::as_array).and_then(|list| list.get(index));
    // `items` may be a list: in older drafts that is what `prefixItems` is now.
    let own = at("prefixItems").or_else(|| at("items"));
    let others = ["items", "additionalItems", "unevaluatedItems"].iter().filter_map(|key| schema.get(*key));
    own.into_iter().chain(others.filter(|_| own.is_none())).chain(schema.get("contains")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: &Value, document: Value, shown: &Value) {
        let mut document = document;
        assert!(any_in(schema));
        hide(schema, &mut document);
        assert_eq!(document, *shown);
    }

    fn secret() -> Value {
        json!({ "type": "string", "writeOnly": true })
    }

    #[test]
    fn a_secret_property_is_hidden_and_the_others_are_shown() {
        let schema = json!({ "properties": { "key": secret(), "to": { "writeOnly": false } } });
        check(
            &schema,
            json!({ "key": "s", "to": "a", "more": [1] }),
            &json!({ "key": "[hidden]", "to": "a", "more": [1] }),
        );
        check(&schema, json!({ "key": { "a": ["s"] } }), &json!({ "key": "[hidden]" }));
        check(&schema, json!({ "key": null }), &json!({ "key": "[hidden]" }));
        check(&schema, json!({ "to": "a" }), &json!({ "to": "a" }));
        check(&secret(), json!("s"), &json!("[hidden]"));
    }

    #[test]
    fn secrets_are_found_in_objects_and_lists_at_any_depth() {
        let account = json!({ "properties": { "key": secret() } });
        let schema =
            json!({ "properties": { "accounts": { "items": account }, "owner": { "properties": { "is": account } } } });
        check(
            &schema,
            json!({ "accounts": [{ "key": "s", "n": 1 }, { "key": "t" }], "owner": { "is": { "key": "u" } } }),
            &json!({ "accounts": [{ "key": "[hidden]", "n": 1 }, { "key": "[hidden]" }], "owner": { "is": { "key": "[hidden]" } } }),
        );
        for key in ["prefixItems", "items"] {
            let schema = json!({ key: [true, secret()], "additionalItems": false });
            check(&schema, json!(["a", "s"]), &json!(["a", "[hidden]"]));
        }
    }

    #[test]
    fn references_are_followed_also_in_circles() {
        let schema = json!({
            "$ref": "#/$defs/Node",
            "$defs": { "Node": { "properties": { "key": { "$ref": "#/$defs/Key" }, "next": { "$ref": "#" } } }, "Key": secret() },
        });
        let document = json!({ "key": "s", "next": { "key": "t", "next": { "name": "n" } } });
        check(&schema, document, &json!({ "key": "[hidden]", "next": { "key": "[hidden]", "next": { "name": "n" } } }));
        let circle = json!({ "$ref": "#", "properties": { "key": secret() } });
        check(&circle, json!({ "key": "s", "a": 1 }), &json!({ "key": "[hidden]", "a": 1 }));
    }

    #[test]
    fn each_branch_counts_whichever_was_taken() {
        let beside = json!({ "properties": { "key": secret() } });
        for key in LISTS_BESIDE {
            let schema = json!({ key: [{ "properties": { "key": { "type": "string" } } }, beside] });
            check(&schema, json!({ "key": "s", "a": 1 }), &json!({ "key": "[hidden]", "a": 1 }));
        }
        for key in ONE_BESIDE {
            check(&json!({ key: beside }), json!({ "key": "s", "a": 1 }), &json!({ "key": "[hidden]", "a": 1 }));
        }
        for key in NAMED_BESIDE {
            check(&json!({ key: { "b": beside, "c": ["d"] } }), json!({ "key": "s" }), &json!({ "key": "[hidden]" }));
        }
        let optional = json!({ "properties": { "key": { "anyOf": [secret(), { "type": "null" }] } } });
        check(&optional, json!({ "key": "s" }), &json!({ "key": "[hidden]" }));
    }

    #[test]
    fn names_that_are_not_listed_are_hidden_if_the_rest_is_secret() {
        let shown = json!({ "a": 1, "b": "[hidden]" });
        for key in ["additionalProperties", "unevaluatedProperties"] {
            check(&json!({ "properties": { "a": true }, key: secret() }), json!({ "a": 1, "b": "s" }), &shown);
        }
        let patterns = json!({ "patternProperties": { "^x-": secret() } });
        check(&patterns, json!({ "a": 1 }), &json!({ "a": "[hidden]" }));
    }

    #[test]
    fn what_cannot_be_followed_is_hidden() {
        for reference in ["#anchor", "https://example.org/schema", "#/$defs/None"] {
            let schema = json!({ "properties": { "a": { "$ref": reference }, "key": secret() } });
            check(&schema, json!({ "a": 1, "b": 2 }), &json!({ "a": "[hidden]", "b": 2 }));
        }
    }

    #[test]
    fn a_schema_without_secrets_has_none() {
        assert!(!any_in(
            &json!({ "properties": { "writeOnly": { "type": "boolean" } }, "items": [true, { "writeOnly": false }] })
        ));
    }
}
