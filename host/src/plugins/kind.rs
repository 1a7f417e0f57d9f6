//! What is known of a kind, and the check of params against its schema.
//!
//! Not here: reading it out of a library (`loader`), entering its code (`ffi`). Start at [`Kind`].

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde::Deserialize;
use serde_json::Value;
use taskhost_core::config::Misfit;
use taskhost_core::ids::{KindName, PluginName, QueueName};
use taskhost_core::retry::{KindRetry, PartialRetry};
use taskhost_core::secret;

use super::ffi::KindCode;
use super::integers;
use super::loader::LoadedKind;
use super::misfit::misfits;
use super::secrets;

/// How many errors of one params document are reported.
const PARAM_ERRORS_MAX: usize = 20;

/// What is known of a kind that a loaded plugin provides.
#[derive(Debug)]
pub struct Kind {
    /// Its name.
    pub name: KindName,
    /// The plugin that provides it.
    pub plugin: PluginName,
    /// Which loaded copy of the plugin, from 1.
    pub generation: u32,
    /// From the kind's meta: its title, the one line that says what it does.
    pub title: String,
    /// The JSON Schema of its params.
    pub params_schema: Value,
    /// The kind's own retry defaults.
    pub retry: PartialRetry,
    /// The kind's own limit for one attempt.
    pub timeout: Option<Duration>,
    /// The queue that its tasks go to unless the submitter says otherwise.
    pub queue: Option<QueueName>,
    /// What its progress counts: `bytes`, `files`; may be empty.
    pub unit: String,
    /// It runs programs; needs more than a read or submit right.
    pub privileged: bool,
    /// Why its tasks cannot run now, if they cannot.
    pub held: Option<String>,
    pub(super) schema: Schema,
    pub(super) code: KindCode,
}

/// One place where params do not fit a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamError {
    /// JSON pointer to the value; empty for the whole document.
    pub pointer: String,
    /// What is wrong with it. Never shows the value, which may be a secret.
    pub message: String,
}

impl Kind {
    /// What keeps `params` from fitting the schema of this kind: nothing if it fits, at most 20 errors.
    pub fn check_params(&self, params: &Value) -> Vec<ParamError> {
        self.schema.check(params)
    }

    /// The same of params in which references to secrets stand: what these may turn out to be is not looked at.
    pub fn check_references(&self, params: &Value) -> Vec<ParamError> {
        self.schema.check_references(params)
    }

    /// The same in words for people who write `tasks.toml`.
    pub fn misfits(&self, params: &Value) -> Vec<Misfit> {
        self.schema.misfits(&self.params_schema, params)
    }

    /// Whether people may not see all of the params of its tasks: the schema marks some as secret (`writeOnly`).
    pub fn has_secrets(&self) -> bool {
        self.schema.has_secrets
    }

    /// Whether its schema names a param, at its top or in a part that it is put together from. A schema that names none at
    /// all takes any.
    pub fn takes_param(&self, name: &str) -> bool {
        let mut names = BTreeSet::new();
        names_of_params(&self.params_schema, &self.params_schema, NESTED_MAX, &mut names);
        names.is_empty() || names.contains(name)
    }

    /// Params of a task of this kind as people may see them: what its schema marks as secret (`writeOnly`) is hidden.
    ///
    /// A kind that has secrets hides the whole of params that it could not have meant: they do not fit its schema, which
    /// may have changed since.
    pub fn shown_params(&self, params: Vec<u8>) -> Vec<u8> {
        if !self.schema.has_secrets {
            return params;
        }
        let shown = match serde_json::from_slice::<Value>(&params) {
            Ok(mut params) if self.schema.fits(&params) => {
                secrets::hide(&self.params_schema, &mut params);
                params
            }
            Ok(_) | Err(_) => Value::from(secrets::HIDDEN),
        };
        shown.to_string().into_bytes()
    }

    /// A kind of a copy that was just loaded. `allow_in_process`: one that asks for a process of its own may run in this one.
    pub(super) fn loaded(plugin: &PluginName, generation: u32, kind: LoadedKind, allow_in_process: bool) -> Self {
        let LoadedKind { name, meta, retry, schema, code, .. } = kind;
        let held = (code.is_isolated() && !allow_in_process)
            .then(|| format!("kind `{name}` runs only isolated, which is not supported by this version"));
        Self {
            name,
            plugin: plugin.clone(),
            generation,
            title: meta.title,
            params_schema: meta.params_schema,
            retry,
            timeout: meta.timeout_ms.filter(|millis| *millis > 0).map(Duration::from_millis),
            queue: meta.queue,
            unit: meta.unit,
            privileged: meta.privileged,
            held,
            schema,
            code,
        }
    }

    /// A kind without a plugin, for tests of what uses kinds: takes any params; an attempt of it fails.
    #[cfg(test)]
    pub(crate) fn fake(name: &str) -> Self {
        Self::fake_with_schema(name, &Value::Bool(true))
    }

    /// As [`Kind::fake`], with this schema of its params.
    #[cfg(test)]
    pub(crate) fn fake_with_schema(name: &str, params_schema: &Value) -> Self {
        Self {
            name: KindName::new(name).expect("a name"),
            plugin: PluginName::new("fake").expect("a name"),
            generation: 1,
            title: String::new(),
            params_schema: params_schema.clone(),
            retry: PartialRetry::default(),
            timeout: None,
            queue: None,
            unit: String::new(),
            privileged: false,
            held: None,
            schema: Schema::compile(params_schema).expect("a good schema"),
            code: KindCode::fake(),
        }
    }
}

/// How deep schemas are followed into what they are put together from: one may name itself.
const NESTED_MAX: usize = 8;

fn names_of_params<'s>(schema: &'s Value, root: &'s Value, nested: usize, names: &mut BTreeSet<&'s str>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        names.extend(properties.keys().map(String::as_str));
    }
    let Some(nested) = nested.checked_sub(1) else { return };
    let listed = ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#'));
    for part in listed.chain(reference.and_then(|pointer| root.pointer(pointer))) {
        names_of_params(part, root, nested, names);
    }
}

/// A compiled JSON Schema.
pub(super) struct Schema {
    validator: jsonschema::Validator,
    has_secrets: bool,
}

impl Schema {
    /// Compiles it; nothing is fetched for a `$ref`. The error says what is wrong with the schema.
    pub(super) fn compile(schema: &Value) -> Result<Self, String> {
        let validator = integers::with_marks(jsonschema::options()).build(&integers::marked(schema));
        let validator = validator.map_err(|error| format!("{error} (at `{}`)", error.instance_path()))?;
        Ok(Self { validator, has_secrets: secrets::any_in(schema) })
    }

    /// As [`Schema::check_references`], in words for people who write the document by hand; `schema` is what this was
    /// compiled from.
    pub(super) fn misfits(&self, schema: &Value, value: &Value) -> Vec<Misfit> {
        let errors = self.validator.iter_errors(value).filter(|error| !is_secret(error)).take(PARAM_ERRORS_MAX);
        errors.flat_map(|error| misfits(schema, &error)).collect()
    }

    fn fits(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    pub(super) fn check(&self, value: &Value) -> Vec<ParamError> {
        self.validator.iter_errors(value).take(PARAM_ERRORS_MAX).map(ParamError::from).collect()
    }

    fn check_references(&self, value: &Value) -> Vec<ParamError> {
        let errors = self.validator.iter_errors(value).filter(|error| !is_secret(error));
        errors.take(PARAM_ERRORS_MAX).map(ParamError::from).collect()
    }
}

impl From<ValidationError<'_>> for ParamError {
    fn from(error: ValidationError<'_>) -> Self {
        Self { pointer: error.instance_path().to_string(), message: error.masked().to_string() }
    }
}

/// Whether the error is about what stands in a text for a secret, which is not known yet. That it is a text is known.
fn is_secret(error: &ValidationError<'_>) -> bool {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            context.iter().any(|branch| branch.iter().all(is_secret))
        }
        Kind::Enum { .. }
        | Kind::Pattern { .. }
        | Kind::Format { .. }
        | Kind::MinLength { .. }
        | Kind::MaxLength { .. }
        | Kind::OneOfMultipleValid { .. } => error.instance().as_str().is_some_and(secret::refers_text),
        _ => false,
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema(..)")
    }
}

/// The meta document of a kind. Keys that this host does not know are ignored: a plugin may be newer than its host.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct KindMeta {
    pub(super) title: String,
    pub(super) params_schema: Value,
    pub(super) retry: KindRetry,
    pub(super) timeout_ms: Option<u64>,
    pub(super) queue: Option<QueueName>,
    pub(super) unit: String,
    pub(super) privileged: bool,
}

impl Default for KindMeta {
    fn default() -> Self {
        Self {
            title: String::new(),
            params_schema: Value::Bool(true),
            retry: KindRetry::default(),
            timeout_ms: None,
            queue: None,
            unit: String::new(),
            privileged: false,
        }
    }
}

/// The meta document of a plugin.
#[derive(Debug, Deserialize)]
pub(super) struct PluginMeta {
    pub(super) name: PluginName,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) config_schema: Option<Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(schema: &Value, params: &str) -> String {
        let kind = Kind::fake_with_schema("mail.send", schema);
        String::from_utf8(kind.shown_params(params.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn params_are_shown_without_their_secrets() {
        let schema = json!({ "properties": { "key": { "type": "string", "writeOnly": true } } });
        assert_eq!(shown(&schema, r#"{"to":"a","key":"s"}"#), r#"{"key":"[hidden]","to":"a"}"#);
        assert_eq!(shown(&schema, r#"{"key":1}"#), r#""[hidden]""#, "written for another schema");
        assert_eq!(shown(&schema, "no json"), r#""[hidden]""#);
    }

    #[test]
    fn of_a_reference_it_is_known_that_it_is_a_text_and_nothing_else() {
        let word = json!({ "type": "string", "enum": ["a"] });
        let schema = json!({ "properties": {
            "word": word, "url": { "pattern": "^https:" }, "n": { "type": "integer" }, "tag": { "const": "t" },
            "list": { "anyOf": [word, { "type": "array", "items": word }] },
            "either": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
        }});
        let kind = Kind::fake_with_schema("mail.send", &schema);
        let check = |key: &str, value: Value| {
            let params = json!({ key: value });
            let wrong = !kind.check_references(&params).is_empty();
            assert_eq!(!kind.misfits(&params).is_empty(), wrong);
            (wrong, !kind.check_params(&params).is_empty())
        };
        let key = "${env:KEY}";
        for (name, value) in
            [("word", json!(key)), ("url", json!("x${file:u}")), ("list", json!(key)), ("list", json!([key]))]
        {
            assert_eq!(check(name, value), (false, true), "{name}");
        }
        for (name, value) in [
            ("n", json!(key)),
            ("tag", json!(key)),
            ("either", json!(key)),
            ("word", json!("b")),
            ("list", json!([key, "b"])),
        ] {
            assert_eq!(check(name, value), (true, true), "{name}");
        }
    }

    #[test]
    fn a_param_is_found_where_the_schema_names_it() {
        let takes = |schema: Value, name: &str| Kind::fake_with_schema("a.b", &schema).takes_param(name);
        assert!(takes(json!(true), "any"), "it names none");
        assert!(takes(json!({ "properties": { "path": {} } }), "path"));
        assert!(!takes(json!({ "properties": { "path": {} } }), "source"));
        let together =
            json!({ "$defs": { "a": { "properties": { "path": {} } } }, "oneOf": [{ "$ref": "#/$defs/a" }] });
        assert!(takes(together.clone(), "path") && !takes(together, "a"));
        assert!(!takes(json!({ "$ref": "#", "properties": { "a": {} } }), "b"), "it names itself");
    }

    #[test]
    fn params_of_a_kind_without_secrets_are_shown_as_they_are() {
        assert_eq!(shown(&json!({ "type": "object" }), r#"{"b":1.10,"a":2}"#), r#"{"b":1.10,"a":2}"#);
    }
}
