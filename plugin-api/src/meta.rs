//! The JSON that describes a plugin and its kinds to the host. What is not set is absent.
//!
//! Not here: who reads it. Start at [`kind`].

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::outcome::whole_ms;
use crate::task::{Backoff, Defaults, TaskOutput, TaskParams};

/// What a kind says about itself in words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
}

#[derive(Serialize)]
struct KindMeta<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    params_schema: &'a Schema,
    result_schema: Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    privileged: bool,
}

#[derive(Serialize, PartialEq, Default)]
struct Retry {
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff: Option<Backoff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<f64>,
}

#[derive(Serialize)]
struct PluginMeta<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_schema: Option<&'a Schema>,
}

/// `th_kind.meta`.
pub(crate) fn kind<P: TaskParams, O: TaskOutput>(words: Words, defaults: &Defaults) -> Vec<u8> {
    let params_schema = P::params_schema();
    let about_params = params_schema.get("description").and_then(|text| text.as_str()).unwrap_or_default();
    let about = plain(words.description);
    let retry = Retry {
        attempts: defaults.attempts,
        backoff: defaults.backoff,
        initial_ms: defaults.initial.map(whole_ms),
        max_ms: defaults.max.map(whole_ms),
        jitter: defaults.jitter,
    };
    json(&KindMeta {
        title: words.title,
        description: if words.description.is_empty() { about_params } else { &about },
        params_schema: &params_schema,
        result_schema: O::result_schema(),
        retry: (retry != Retry::default()).then_some(retry),
        timeout_ms: defaults.timeout.map(whole_ms),
        queue: defaults.queue,
        state_version: defaults.state_version,
        unit: defaults.unit,
        privileged: defaults.privileged,
    })
}

/// `th_plugin.meta`.
pub(crate) fn plugin(name: &str, version: &str, description: &str, config_schema: Option<&Schema>) -> Vec<u8> {
    json(&PluginMeta { name, version, description, config_schema })
}

/// The schema of what is read: params and config.
pub(crate) fn schema_of_input<T: JsonSchema>() -> Schema {
    schema::<T>(SchemaSettings::default().for_deserialize())
}

/// The schema of what is written: results.
pub(crate) fn schema_of_output<T: JsonSchema>() -> Schema {
    schema::<T>(SchemaSettings::default().for_serialize())
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Schema {
    let plain = RecursiveTransform(make_plain as fn(&mut Schema));
    settings.with_transform(plain).into_generator().into_root_schema_for::<T>()
}

/// The largest value of an integer type by the name that `schemars` gives it: without this the check of params would take what
/// the type cannot hold. The smallest follows for signed ones; unsigned ones have theirs.
const LARGEST: [(&str, u64); 8] = [
    ("uint8", u8::MAX as u64),
    ("uint16", u16::MAX as u64),
    ("uint32", u32::MAX as u64),
    ("uint64", u64::MAX),
    ("int8", i8::MAX as u64),
    ("int16", i16::MAX as u64),
    ("int32", i32::MAX as u64),
    ("int64", i64::MAX as u64),
];

fn make_bounded(schema: &mut Schema) {
    let format = schema.get("format").and_then(|format| format.as_str());
    let Some(&(name, largest)) = LARGEST.iter().find(|(name, _)| Some(*name) == format) else { return };
    if schema.get("maximum").is_none() {
        schema.insert("maximum".to_owned(), largest.into());
    }
    if name.starts_with("int") && schema.get("minimum").is_none() {
        let smallest = -1 - i64::try_from(largest).unwrap_or(i64::MAX);
        schema.insert("minimum".to_owned(), smallest.into());
    }
}

fn make_plain(schema: &mut Schema) {
    make_bounded(schema);
    if let Some(description) = schema.get("description").and_then(|text| text.as_str()) {
        let description = plain(description);
        schema.insert("description".to_owned(), description.into());
    }
}

/// A doc comment as it is read: lines that were only broken to fit are joined; paragraphs, lists and the like stay.
fn plain(doc: &str) -> String {
    let mut text = String::with_capacity(doc.len());
    for line in doc.lines() {
        let goes_on = line.starts_with(|c: char| c.is_alphanumeric() || "`\"'(“[".contains(c));
        if goes_on && !text.is_empty() && !text.ends_with('\n') {
            text.push(' ');
        } else if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line.trim_end());
    }
    text
}

fn json(meta: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(meta).expect("strings, numbers and schemas are JSON")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    /// Resize one image
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only the schema is of interest")]
    struct Params {
        width: u32,
    }

    fn meta(words: Words, defaults: &Defaults) -> Value {
        serde_json::from_slice(&kind::<Params, ()>(words, defaults)).unwrap()
    }

    const SILENT: Words = Words { title: "", description: "" };

    #[test]
    fn what_is_not_set_is_absent_and_the_description_is_that_of_the_params() {
        let meta = meta(SILENT, &Defaults::new());
        let keys: Vec<&String> = meta.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["description", "params_schema", "result_schema"]);
        assert_eq!(meta["description"], "Resize one image");
        assert_eq!(meta["params_schema"]["required"], json!(["width"]));
        assert_eq!(meta["result_schema"]["type"], "null");
    }

    #[test]
    fn what_is_set_is_there_in_milliseconds() {
        let second = Duration::from_secs(1);
        let defaults = Defaults::new().attempts(3).backoff(Backoff::Linear).initial(second).max(second * 2).jitter(0.5);
        let defaults = defaults.timeout(second * 3).queue("mail").unit("bytes").state_version(2).privileged();
        let meta = meta(Words { title: "T", description: "D" }, &defaults);
        assert_eq!((&meta["title"], &meta["description"]), (&json!("T"), &json!("D")));
        let retry = json!({"attempts": 3, "backoff": "linear", "initial_ms": 1000, "max_ms": 2000, "jitter": 0.5});
        assert_eq!(meta["retry"], retry);
        assert_eq!(meta["timeout_ms"], 3000);
        assert_eq!((&meta["queue"], &meta["unit"]), (&json!("mail"), &json!("bytes")));
        assert_eq!((&meta["state_version"], &meta["privileged"]), (&json!(2), &json!(true)));
    }
}
