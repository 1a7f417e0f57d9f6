//! The schema and the checker say the same of a file.

use std::collections::BTreeSet;

use super::*;
use crate::config::Config;
use crate::config::tests::EVERY_KEY;

/// Where a section stands in the schema, and how the file opens it.
const SECTIONS: [(&str, &str); 8] = [
    ("/properties", ""),
    ("/$defs/host/properties", "[host]\n"),
    ("/properties/plugins/additionalProperties/properties", "[plugins.p]\n"),
    ("/$defs/queue/properties", "[queues.q]\n"),
    ("/$defs/retention/properties", "[host.retention]\n"),
    ("/$defs/job/properties", "[queues.q]\n[jobs.j]\n"),
    ("/$defs/schedule/properties", "[jobs.j]\nkind = \"k\"\n[jobs.j.schedule]\n"),
    ("/$defs/retry/properties", "[jobs.j]\nkind = \"k\"\n[jobs.j.retry]\n"),
];

/// Values of every sort, some of them right for each key.
const VALUES: [&str; 44] = [
    "0",
    "1",
    "-1",
    "1000",
    "1001",
    "10000",
    "10001",
    "0.5",
    "1.5",
    "true",
    "[]",
    "{}",
    "[\"a\"]",
    "[\"a\", \"a\"]",
    "[\"\"]",
    "[1]",
    "{ a = 1 }",
    "\"\"",
    "\"k\"",
    "\"a b\"",
    "\"-a\"",
    "\"30s\"",
    "\"1h30m\"",
    "\"007ms\"",
    "\"1m5ms\"",
    "\"1m1h\"",
    "\"1m1m\"",
    "\"0s\"",
    "\"1.5h\"",
    "\"30\"",
    "\"512MiB\"",
    "\"0B\"",
    "\"5MB\"",
    "\"Europe/Berlin\"",
    "\"europe/berlin\"",
    "\"sqlite:var/x.db\"",
    "\"sqlite:/x.db\"",
    "\"sqlite://x.db\"",
    "\"sqlite:\"",
    "\"sqlite::memory:\"",
    "\"127.0.0.1:0\"",
    "\"[::1]:80\"",
    "\"0.0.0.0:80\"",
    "2026-12-24T18:00:00Z",
];

fn json(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(boolean) => boolean.into(),
        toml::Value::Datetime(datetime) => datetime.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => Json::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect()),
    }
}

/// Whether the schema, and whether the checker, takes a text.
fn verdicts(validator: &jsonschema::Validator, text: &str) -> (bool, bool) {
    let document = json(toml::Value::Table(text.parse().expect("TOML")));
    (validator.is_valid(&document), Config::parse(text).is_ok())
}

#[test]
fn the_schema_and_the_checker_know_the_same_keys() {
    let schema = schema(&[]);
    for (place, section) in SECTIONS {
        let keys: BTreeSet<_> = schema.pointer(place).and_then(Json::as_object).expect(place).keys().cloned().collect();
        let errors = Config::parse(&format!("{section}zzzzzzzzzz = 1\n")).unwrap_err();
        let known = errors.iter().find_map(|error| error.hint.as_ref()?.strip_prefix("the keys here are "));
        let known: BTreeSet<_> = known.expect(section).split(", ").map(str::to_owned).collect();
        assert_eq!(keys, known, "{section}");
    }
}

#[test]
fn the_schema_and_the_checker_take_the_same_values() {
    let schema = schema(&[]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut taken = 0;
    for (place, section) in &SECTIONS[1..] {
        let kind = if place.contains("/job/") { "kind = \"k\"\n" } else { "" };
        for key in schema.pointer(place).and_then(Json::as_object).unwrap().keys() {
            for value in VALUES {
                let text = format!("{section}{}{key} = {value}\n", if key == "kind" { "" } else { kind });
                let (by_schema, by_checker) = verdicts(&validator, &text);
                taken += usize::from(by_checker);
                // No schema knows the times of a cron line, which queues there are, and what is a date in TOML.
                let is_date = value.starts_with("2026");
                let is_beyond =
                    is_date || key == "cron" && value.starts_with('"') || key == "queue" && !value.contains(' ');
                assert!(by_schema == by_checker || (is_beyond && by_schema), "{text}: {by_schema} {by_checker}");
            }
        }
    }
    assert!(taken > 60, "{taken}");
}

#[test]
fn what_the_schema_shows_as_a_value_is_one() {
    let schema = schema(&[]);
    for (place, section) in &SECTIONS[1..] {
        for (key, part) in schema.pointer(place).and_then(Json::as_object).unwrap() {
            let shown = ["examples", "enum"].iter().filter_map(|key| part.get(*key)?.as_array()).flatten();
            for value in shown.chain(part.get("default")) {
                let kind = if place.contains("/job/") && key != "kind" { "kind = \"k\"\n" } else { "" };
                let text = format!("{section}{kind}{key} = {value}\n");
                assert_eq!(Config::parse(&text).err(), None, "{text}");
            }
            let is_described = part.get("description").is_some() || part.get("$ref").is_some();
            assert!(is_described || *place == "/properties", "{section}{key}");
        }
    }
}

#[test]
fn a_file_with_every_key_is_taken_by_both() {
    let validator = jsonschema::validator_for(&schema(&[])).unwrap();
    assert_eq!(verdicts(&validator, EVERY_KEY), (true, true));
}

#[test]
fn defaults_are_those_of_the_checker() {
    let schema = schema(&[]);
    let host = &schema["$defs"]["host"]["properties"];
    let defaults = host.as_object().unwrap().iter().filter_map(|(key, part)| Some((key, part.get("default")?)));
    let text = defaults.fold("[host]\n".to_owned(), |text, (key, default)| format!("{text}{key} = {default}\n"));
    assert_eq!(Config::parse(&text).unwrap().host, Config::default().host, "{text}");
}

#[test]
fn the_guide_has_a_row_for_each_key_with_its_default() {
    let guide = include_str!("../../../../../docs/guide/tasks-toml.md");
    let schema = schema(&[]);
    for (place, section) in &SECTIONS[1..] {
        for (key, part) in schema.pointer(place).and_then(Json::as_object).unwrap() {
            let rows = guide.lines().filter(|line| line.starts_with(&format!("| `{key}`")));
            let default = part.get("default").map(|default| format!("`{default}`"));
            let is_told = |row: &str| default.as_ref().is_none_or(|default| row.contains(default));
            assert!(rows.clone().any(is_told) || key == "timezone" && rows.count() > 0, "{section}{key}: {default:?}");
        }
    }
}

#[test]
fn the_guide_marks_what_needs_a_restart() {
    let guide = include_str!("../../../../../docs/guide/tasks-toml.md");
    let marked: BTreeSet<_> = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` ↻")).collect();
    let marked: BTreeSet<_> = marked.into_iter().map(|(key, _)| key).collect();
    assert_eq!(marked, crate::config::diff::NEED_RESTART.into_iter().collect());
}

/// Plugins `mail`, with a config and one kind, and `plain`, with a kind that takes anything.
fn with_plugins(check: impl FnOnce(&Json)) {
    let params = json!({
        "type": "object", "required": ["to"], "additionalProperties": false,
        "properties": { "to": { "type": "string" }, "cc": { "type": ["array", "null"], "items": { "type": "string" } } },
    });
    let config =
        json!({ "type": "object", "additionalProperties": false, "properties": { "from": { "type": "string" } } });
    let (mail, plain) = (PluginName::new("mail").unwrap(), PluginName::new("plain").unwrap());
    let (send, noop) = (KindName::new("mail.send").unwrap(), KindName::new("plain.noop").unwrap());
    let send = KindSchema { name: &send, title: "Send a mail", params: &params };
    let noop = KindSchema { name: &noop, title: "", params: &Json::Bool(true) };
    check(&schema(&[
        PluginSchema { name: &mail, config: Some(&config), kinds: vec![send] },
        PluginSchema { name: &plain, config: None, kinds: vec![noop] },
    ]));
}

#[test]
fn the_kind_decides_about_the_params_and_the_plugin_about_its_config() {
    with_plugins(|schema| {
        let validator = jsonschema::validator_for(schema).unwrap();
        let takes = |text: &str| verdicts(&validator, text).0;
        assert!(takes("[jobs.j]\nkind = \"mail.send\"\nparams = { to = \"a\", cc = [\"b\"] }\n"));
        assert!(takes("[jobs.j]\nkind = \"plain.noop\"\n[jobs.i]\nkind = \"plain.noop\"\nparams = { any = 1 }\n"));
        assert!(!takes("[jobs.j]\nkind = \"mail.send\"\n"), "`to` is missing");
        assert!(!takes("[jobs.j]\nkind = \"mail.send\"\nparams = { to = 1 }\n"));
        assert!(!takes("[jobs.j]\nkind = \"mail.send\"\nparams = { to = \"a\", bcc = \"b\" }\n"));
        assert!(!takes("[jobs.j]\nkind = \"mail.sned\"\n"));
        assert!(!takes("[jobs.j]\n"));
        assert!(takes("[plugins.mail]\nconfig = { from = \"a\" }\n[plugins.absent]\nconfig = { any = 1 }\n"));
        assert!(!takes("[plugins.mail]\nconfig = { form = \"a\" }\n"));
        assert!(!takes("[plugins.plain]\nconfig = { a = 1 }\n"));
    });
}
