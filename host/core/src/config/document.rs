//! A file as a JSON document, and the places in which two of them differ.
//!
//! Not here: what a change means (`diff`), which values are secret (the host). Start at [`document`] and [`differences`].

use serde_json::{Map, Value as Json};
use toml::de::{DeTable, DeValue};

use super::lines::Lines;
use super::section::{Reader, Value};
use super::value;

/// What a text says, whatever keys are in it; dates are texts. None if it is no TOML.
pub fn document(text: &str) -> Option<Json> {
    let table = DeTable::parse(text).ok()?;
    let mut reader = Reader { lines: Lines::of(text), diagnostics: Vec::new() };
    let entries = table.get_ref().iter().map(|(key, value)| (key.get_ref().to_string(), json(&mut reader, value)));
    Some(Json::Object(entries.collect()))
}

fn json(reader: &mut Reader<'_>, value: &Value<'_>) -> Json {
    match value.get_ref() {
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), json(reader, value)));
            Json::Object(entries.collect())
        }
        _ => value::json(reader, "", value),
    }
}

/// A place in which two documents differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// JSON pointer to it.
    pub pointer: String,
    /// What stood there; none if nothing did.
    pub before: Option<Json>,
    /// What stands there; none if nothing does.
    pub after: Option<Json>,
}

/// Every place in which the documents differ, in the order of their keys. A section that is in one of them only is one place,
/// and so is a table in it, or a list.
pub fn differences(before: &Json, after: &Json) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(pointer: String, before: Option<&Json>, after: Option<&Json>, found: &mut Vec<Difference>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Json::Object(before)), Some(Json::Object(after))) => {
            for key in keys(before, after) {
                let below = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                compare(below, before.get(key), after.get(key), found);
            }
        }
        // `[jobs]` as a whole says nothing: each job does.
        (None, Some(Json::Object(_))) | (Some(Json::Object(_)), None) if pointer.matches('/').count() == 1 => {
            let nothing = Json::Object(Map::new());
            compare(pointer, before.or(Some(&nothing)), after.or(Some(&nothing)), found);
        }
        (before, after) => {
            found.push(Difference { pointer, before: before.cloned(), after: after.cloned() });
        }
    }
}

fn keys<'a>(before: &'a Map<String, Json>, after: &'a Map<String, Json>) -> Vec<&'a String> {
    let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<String> {
        let shown = |side: Option<Json>| side.map_or("-".to_owned(), |value| value.to_string());
        let found = differences(&document(before).unwrap(), &document(after).unwrap());
        let found = found.into_iter();
        found
            .map(|Difference { pointer, before, after }| format!("{pointer} {} {}", shown(before), shown(after)))
            .collect()
    }

    #[test]
    fn what_differs_is_told_at_its_place_however_it_is_written() {
        let before =
            "[jobs.a]\nkind = \"k\"\nschedule = { cron = \"0 0 * * *\" }\ntags = [\"x\"]\n[jobs.b]\nkind = \"k\"\n";
        let after = "jobs.a.kind = \"k\"\njobs.a.schedule.cron = \"0 1 * * *\"\njobs.a.tags = [\"x\", \"y\"]\n[queues.\"a/b\"]\nat = 2026-12-24\n";
        assert_eq!(
            told(before, after),
            [
                r#"/jobs/a/schedule/cron "0 0 * * *" "0 1 * * *""#,
                r#"/jobs/a/tags ["x"] ["x","y"]"#,
                r#"/jobs/b {"kind":"k"} -"#,
                r#"/queues/a~1b - {"at":"2026-12-24"}"#,
            ]
        );
        assert!(told(before, &format!("# a comment\n{before}")).is_empty());
        assert_eq!(document("[a"), None);
    }
}
