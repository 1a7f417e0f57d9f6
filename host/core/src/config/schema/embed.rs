//! Makes the schema of a plugin a part of another document: what it refers to in itself is found there, and what nobody can
//! write in TOML (`null`) is left out.
//!
//! Plugins write draft 2020-12, the whole is draft 7; where these differ, the part is written anew. Start at [`embed`].

use serde_json::{Map, Value as Json, json};

/// Keywords whose value is a schema.
const ONE: [&str; 10] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "items", "oneOf"];
/// Keywords whose value has a schema for each name.
const NAMED: [&str; 5] = ["$defs", "definitions", "dependencies", "patternProperties", "properties"];
/// Keywords that only say something of a value.
const REMARKS: [&str; 6] = ["default", "deprecated", "description", "examples", "title", "writeOnly"];

/// A text with a reference in it.
const REFERENCE: &str = r"\$\{(env|file):[^}]+\}";

/// The schema as it stands at `place`, a reference like `#/$defs/mail`.
pub(super) fn embed(schema: &Json, place: &str) -> Json {
    Embedding { root: schema, place }.part(schema)
}

struct Embedding<'a> {
    root: &'a Json,
    place: &'a str,
}

impl Embedding<'_> {
    fn part(&self, schema: &Json) -> Json {
        let Json::Object(schema) = schema else { return schema.clone() };
        let (mut part, reference) = self.resolved(schema);
        for key in ["$schema", "$id", "$anchor", "$comment"] {
            part.remove(key);
        }
        without_null(&mut part);
        in_draft_7(&mut part);
        for (key, value) in &mut part {
            let key = key.as_str();
            match value {
                Json::Object(_) if ONE.contains(&key) => *value = self.part(value),
                Json::Object(named) if NAMED.contains(&key) => {
                    named.values_mut().for_each(|value| *value = self.part(value));
                }
                Json::Array(list) if LISTS.contains(&key) => list.iter_mut().for_each(|item| *item = self.part(item)),
                _ => {}
            }
        }
        match reference {
            Some(reference) if part.is_empty() => reference,
            Some(reference) => {
                let all = part.entry("allOf").or_insert_with(|| json!([]));
                all.as_array_mut().into_iter().for_each(|all| all.push(reference.clone()));
                Json::Object(part)
            }
            None => or_reference(part),
        }
    }

    /// What stands beside a reference, and the reference as one into the whole document. In draft 7 nothing counts beside a
    /// reference, so remarks alone are written over those of what is referred to.
    fn resolved(&self, schema: &Map<String, Json>) -> (Map<String, Json>, Option<Json>) {
        let mut part = schema.clone();
        let Some(reference) = part.remove("$ref") else { return (part, None) };
        let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        // What is not found here takes anything: an editor should fetch nothing.
        let found = pointer.and_then(|pointer| Some((pointer, self.root.pointer(pointer)?)));
        let Some((pointer, target)) = found else { return (part, None) };
        let has_remarks = !part.is_empty() && part.keys().all(|key| REMARKS.contains(&&**key));
        match target.as_object().filter(|target| has_remarks && !target.contains_key("$ref")) {
            Some(target) => {
                let mut merged = target.clone();
                merged.extend(part);
                (merged, None)
            }
            None => (part, Some(json!({ "$ref": format!("{}{pointer}", self.place) }))),
        }
    }
}

/// A reference to a secret may stand where a text is, whatever that has to look like.
fn or_reference(part: Map<String, Json>) -> Json {
    let is_narrow = ["enum", "format", "maxLength", "minLength", "pattern"].iter().any(|key| part.contains_key(*key));
    if !is_narrow || part.get("type") != Some(&json!("string")) {
        return Json::Object(part);
    }
    let (mut remarks, mut text) = (Map::new(), Map::new());
    for (key, value) in part {
        if REMARKS.contains(&&*key) {
            remarks.insert(key, value)
        } else {
            text.insert(key, value)
        };
    }
    remarks.insert("anyOf".to_owned(), json!([text, { "type": "string", "pattern": REFERENCE }]));
    Json::Object(remarks)
}

/// TOML has no `null`: a value that may be null may be left out.
fn without_null(part: &mut Map<String, Json>) {
    let is_null_type = |schema: &Json| *schema == json!({ "type": "null" });
    part.retain(|key, value| !(value.is_null() && ["default", "const"].contains(&&**key)));
    for key in ["anyOf", "oneOf"] {
        if let Some(branches) = part.get_mut(key).and_then(Json::as_array_mut) {
            branches.retain(|branch| !is_null_type(branch));
        }
    }
    if let Some(words) = part.get_mut("enum").and_then(Json::as_array_mut) {
        words.retain(|word| !word.is_null());
    }
    if let Some(Json::Array(types)) = part.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            part.insert("type".to_owned(), one);
        }
    }
}

/// Keywords that draft 7 calls by another name.
fn in_draft_7(part: &mut Map<String, Json>) {
    if let Some(first) = part.remove("prefixItems")
        && let Some(rest) = part.insert("items".to_owned(), first)
    {
        part.insert("additionalItems".to_owned(), rest);
    }
    for key in ["dependentRequired", "dependentSchemas"] {
        if let Some(Json::Object(more)) = part.remove(key)
            && let Json::Object(all) = part.entry("dependencies").or_insert_with(|| json!({}))
        {
            all.extend(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: &Json, expected: &Json) {
        assert_eq!(embed(schema, "#/$defs/p"), *expected);
    }

    #[test]
    fn references_lead_to_the_new_place_with_their_remarks() {
        let address = json!({ "type": "string", "description": "an address" });
        check(
            &json!({ "$schema": "x", "$defs": { "a": address, "b": { "$ref": "#/$defs/a" } }, "properties": {
                "to": { "$ref": "#/$defs/a", "description": "who", "default": null },
                "cc": { "$ref": "#/$defs/a" },
                "bcc": { "$ref": "#/$defs/b", "description": "who else" },
                "list": { "items": { "$ref": "#" } },
                "far": { "$ref": "https://example.org/a", "title": "t" },
            } }),
            &json!({ "$defs": { "a": address, "b": { "$ref": "#/$defs/p/$defs/a" } }, "properties": {
                "to": { "type": "string", "description": "who" },
                "cc": { "$ref": "#/$defs/p/$defs/a" },
                "bcc": { "allOf": [{ "$ref": "#/$defs/p/$defs/b" }], "description": "who else" },
                "list": { "items": { "$ref": "#/$defs/p" } },
                "far": { "title": "t" },
            } }),
        );
    }

    #[test]
    fn a_reference_may_stand_for_a_text_of_any_form() {
        let reference = json!({ "type": "string", "pattern": REFERENCE });
        check(
            &json!({ "type": "string", "enum": ["a", "b"], "description": "a word" }),
            &json!({ "anyOf": [{ "type": "string", "enum": ["a", "b"] }, reference], "description": "a word" }),
        );
        for free in [json!({ "type": "string" }), json!({ "type": "integer", "enum": [1] }), json!({ "const": "a" })] {
            check(&free, &free);
        }
    }

    #[test]
    fn null_and_newer_words_are_not_shown() {
        check(&json!({ "type": ["string", "null"], "default": null }), &json!({ "type": "string" }));
        check(&json!({ "type": ["string", "integer", "null"] }), &json!({ "type": ["string", "integer"] }));
        check(
            &json!({ "anyOf": [{ "enum": ["a", null] }, { "type": "null" }] }),
            &json!({ "anyOf": [{ "enum": ["a"] }] }),
        );
        check(
            &json!({ "prefixItems": [{ "type": ["string", "null"] }], "items": false, "dependentRequired": { "a": ["b"] } }),
            &json!({ "items": [{ "type": "string" }], "additionalItems": false, "dependencies": { "a": ["b"] } }),
        );
        check(
            &json!({ "properties": { "default": { "default": null }, "$ref": { "type": "string" } } }),
            &json!({ "properties": { "default": {}, "$ref": { "type": "string" } } }),
        );
    }
}
