//! The JSON Schema of `tasks.toml`, for editors: the keys of this version, and what the plugins take as params and config.
//!
//! It says of a file what [`Draft::read`](super::Draft::read) and [`misfits`](super::misfits()) say, as far as a schema can:
//! no schema knows a cron line or which queues a file declares. It is draft 7, which every editor reads. Not here: the
//! sections and their keys (`keys`), making schemas of plugins a part of it (`embed`). Start at [`schema`].

mod embed;
mod keys;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value as Json, json};

use self::embed::embed;
use crate::ids::{KindName, PluginName};

/// What a plugin says of itself.
#[derive(Debug, Clone)]
pub struct PluginSchema<'a> {
    /// Its name.
    pub name: &'a PluginName,
    /// The JSON Schema of its config; none: it takes no config.
    pub config: Option<&'a Json>,
    /// Its kinds.
    pub kinds: Vec<KindSchema<'a>>,
}

/// What a plugin says of a kind.
#[derive(Debug, Clone)]
pub struct KindSchema<'a> {
    /// Its name.
    pub name: &'a KindName,
    /// What it does, in a line.
    pub title: &'a str,
    /// The JSON Schema of its params.
    pub params: &'a Json,
}

/// The schema of a `tasks.toml` for these plugins. Without any, each kind and each config is taken.
pub fn schema(plugins: &[PluginSchema<'_>]) -> Json {
    let mut parts = Map::new();
    for plugin in plugins {
        if let Some(config) = plugin.config {
            parts.insert(config_part(plugin), part(config, &config_part(plugin)));
        }
        for kind in &plugin.kinds {
            parts.insert(params_part(kind), part(kind.params, &params_part(kind)));
        }
    }
    parts.extend(keys::parts());
    let kinds: Vec<_> = plugins.iter().flat_map(|plugin| &plugin.kinds).collect();
    parts.insert("job".to_owned(), job(&kinds, &parts));
    let sections = plugins.iter().map(|plugin| (plugin.name.to_string(), plugin_section(plugin, &parts)));
    let sections: Map<String, Json> = sections.collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "tasks.toml",
        "description": "What a taskhost daemon runs. Made by `taskhost schema` for the plugins in its folders.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "host": { "$ref": "#/$defs/host" },
            "plugins": {
                "type": "object",
                "description": "A section for each plugin that is to be configured, by the plugin's own name.",
                "propertyNames": { "$ref": "#/$defs/name" },
                "properties": sections,
                "additionalProperties": keys::plugin(&json!({ "type": "object", "description": keys::CONFIG })),
            },
            "queues": {
                "type": "object",
                "description": "The queues where tasks wait. `default` is always there.",
                "propertyNames": { "$ref": "#/$defs/name" },
                "additionalProperties": { "$ref": "#/$defs/queue" },
            },
            "jobs": {
                "type": "object",
                "description": "What makes tasks, and when.",
                "propertyNames": { "$ref": "#/$defs/name" },
                "additionalProperties": { "$ref": "#/$defs/job" },
            },
        },
        "$defs": parts,
    })
}

fn config_part(plugin: &PluginSchema<'_>) -> String {
    format!("config:{}", plugin.name)
}

fn params_part(kind: &KindSchema<'_>) -> String {
    format!("params:{}", kind.name)
}

/// A document that the file holds as a table.
fn part(schema: &Json, name: &str) -> Json {
    match schema {
        Json::Object(_) => embed(schema, &pointer(name)),
        _ => json!({ "type": "object" }),
    }
}

fn pointer(part: &str) -> String {
    format!("#/$defs/{part}")
}

fn reference(part: &str) -> Json {
    json!({ "$ref": pointer(part) })
}

/// Whether nothing at all, which stands for `{}`, does not fit.
fn asks_for_keys(schema: Option<&Json>) -> bool {
    let required = schema.and_then(|schema| schema.get("required")?.as_array());
    required.is_some_and(|required| !required.is_empty())
}

fn plugin_section(plugin: &PluginSchema<'_>, parts: &Map<String, Json>) -> Json {
    let part = config_part(plugin);
    if plugin.config.is_none() {
        return keys::plugin(
            &json!({ "type": "object", "description": "The plugin takes no config.", "maxProperties": 0 }),
        );
    }
    let mut section = keys::plugin(&reference(&part));
    if asks_for_keys(parts.get(&part)) {
        section["required"] = json!(["config"]);
    }
    section
}

/// A job: its `kind` decides about its `params`.
fn job(kinds: &[&KindSchema<'_>], parts: &Map<String, Json>) -> Json {
    let mut job = keys::job();
    if kinds.is_empty() {
        return job;
    }
    let (names, titles): (Vec<_>, Vec<_>) = kinds.iter().map(|kind| (kind.name.as_str(), kind.title)).unzip();
    let kind = &mut job["properties"]["kind"];
    kind["enum"] = json!(names);
    // What a word means, where an editor knows this extension.
    kind["x-taplo"] = json!({ "docs": { "enumValues": titles } });
    // For completion alone, as editors do not look behind `if`: the last one takes whatever there is.
    let mut any: Vec<Json> = kinds.iter().map(|kind| reference(&params_part(kind))).collect();
    any.push(json!({ "type": "object" }));
    job["properties"]["params"]["anyOf"] = Json::Array(any);
    let rules = kinds.iter().map(|kind| {
        let part = params_part(kind);
        let mut then = json!({ "properties": { "params": reference(&part) } });
        if asks_for_keys(parts.get(&part)) {
            then["required"] = json!(["params"]);
        }
        json!({ "if": { "properties": { "kind": { "const": kind.name } } }, "then": then })
    });
    // Below `dependencies`, not beside the keys: editors show no keys of a schema that has an `allOf`.
    job["dependencies"] = json!({ "kind": { "allOf": rules.collect::<Vec<_>>() } });
    job
}
