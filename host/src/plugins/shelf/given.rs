//! What a plugin is given as its config: that of `tasks.toml`, with its secrets.
//!
//! Start at [`Given::resolve`].

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use taskhost_core::ids::PluginName;

use crate::plugins::config_schema::ConfigSchema;
use crate::plugins::error::LoadError;
use crate::plugins::registry::PluginSettings;
use crate::secrets;

/// A config in which every reference is resolved. Never shown: there may be secrets in it.
pub(super) struct Given(Value);

/// Tells whether a plugin would be given something else now, without keeping what it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
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
        let json = secrets::system().resolve_blocking(&config.to_string());
        let json = json.map_err(|error| unresolved(error.to_string()))?;
        serde_json::from_str(&json).map(Self).map_err(|error| unresolved(error.to_string()))
    }

    pub(super) fn check(&self, name: &PluginName, takes: &ConfigSchema) -> Result<(), LoadError> {
        let misfits: Vec<String> = takes.misfits(&self.0).iter().map(ToString::to_string).collect();
        if misfits.is_empty() {
            return Ok(());
        }
        Err(LoadError::Config { name: name.to_string(), reason: misfits.join("; ") })
    }

    pub(super) fn json(&self) -> String {
        self.0.to_string()
    }

    pub(super) fn digest(&self) -> GivenDigest {
        GivenDigest(Sha256::digest(self.json()).into())
    }
}
