//! What a plugin is given as its config: that of `tasks.toml`, with its secrets.
//!
//! Start at [`Given::resolve`].

use std::cmp::Reverse;
use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use taskhost_core::ids::PluginName;

use crate::plugins::config_schema::ConfigSchema;
use crate::plugins::error::LoadError;
use crate::plugins::registry::PluginSettings;
use crate::plugins::secrets::HIDDEN;
use crate::secrets;

/// A config in which every reference is resolved. Never shown: there may be secrets in it.
pub(super) struct Given {
    config: Value,
    secrets: Vec<String>,
}

/// Of a shorter one hiding would show more than it hides: where in the text it stands.
const HIDDEN_MIN: usize = 4;

/// Tells whether a plugin would be given something else now, without keeping what it was given.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::plugins) struct GivenDigest([u8; 32]);

/// Of a short secret also a digest says too much.
impl fmt::Debug for GivenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenDigest([hidden])")
    }
}

impl Given {
    /// Reads what the settings refer to. Blocks on the disk, 10 s at most.
    pub(super) fn resolve(name: &PluginName, settings: &PluginSettings) -> Result<Self, LoadError> {
        let unresolved = |reason: String| LoadError::Secret { name: name.to_string(), reason };
        let config = settings.config.clone().unwrap_or_else(|| json!({}));
        let mut secrets = Vec::new();
        let told = |value: &[u8]| secrets.push(String::from_utf8_lossy(value).into_owned());
        let json = secrets::system().resolve_blocking(&config.to_string(), told);
        let json = json.map_err(|error| unresolved(error.to_string()))?;
        let config = serde_json::from_str(&json).map_err(|error| unresolved(error.to_string()))?;
        Ok(Self { config, secrets })
    }

    pub(super) fn check(&self, name: &PluginName, takes: &ConfigSchema) -> Result<(), LoadError> {
        let misfits: Vec<String> = takes.misfits(&self.config).iter().map(ToString::to_string).collect();
        if misfits.is_empty() {
            return Ok(());
        }
        Err(self.refused(name, &misfits.join("; ")))
    }

    /// That the plugin does not take it. A plugin may quote what it was given: the secrets of `reason` are hidden.
    pub(super) fn refused(&self, name: &PluginName, reason: &str) -> LoadError {
        LoadError::Config { name: name.to_string(), reason: hide(&self.secrets, reason) }
    }

    pub(super) fn json(&self) -> String {
        self.config.to_string()
    }

    pub(super) fn digest(&self) -> GivenDigest {
        GivenDigest(Sha256::digest(self.json()).into())
    }
}

/// Hides each secret in a text, also one of its lines, as it is and as it is quoted.
fn hide(secrets: &[String], text: &str) -> String {
    let parts = secrets.iter().flat_map(|secret| secret.lines().chain([secret.trim_end_matches(['\r', '\n'])]));
    let mut written: Vec<String> = parts.flat_map(spellings).filter(|part| part.len() >= HIDDEN_MIN).collect();
    // The longest first: a shorter one may be a part of it.
    written.sort_unstable_by_key(|part| Reverse(part.len()));
    written.iter().fold(text.to_owned(), |text, part| text.replace(part, HIDDEN))
}

/// A text as it is, in JSON, and in Rust's quotes.
fn spellings(text: &str) -> [String; 3] {
    let inside = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
    [text.to_owned(), inside(Value::from(text).to_string()), inside(format!("{text:?}"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_is_quoted() {
        let secrets =
            ["pa\"ss\u{e9}\n", "pa\"ss\u{e9} and more", "one line\nanother line\n", "abc", ""].map(str::to_owned);
        let quoted = format!("{:?}", secrets[0].trim_end());
        let text = format!(
            "`pa\"ss\u{e9}`, {quoted}, {}, pa\"ss\u{e9} and more, another line, abc",
            Value::from(&*secrets[2])
        );
        let hidden = r#"`[hidden]`, "[hidden]", "[hidden]\n", [hidden], [hidden], abc"#;
        assert_eq!(hide(&secrets, &text), hidden);
    }
}
