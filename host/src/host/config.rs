//! The applied `tasks.toml`: which one, what it says, what an edit changed, and why the file as it is now is not applied.
//!
//! What is shown of a text is what it says, without comments and secrets. Start at [`Host::config_standing`].

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use taskhost_core::config::{Difference, differences, document};
use taskhost_core::ids::KindName;

use super::{Host, without_kind};
pub use crate::applied::{Generation, Refused, Standing};
use crate::plugins::Kinds;

/// Why nothing is told of a config.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is not kept, or there never was one of that number.
    #[error("config generation {0} is not kept")]
    NotKept(u64),
    /// It cannot be read.
    #[error("config generation {number} cannot be read: {source}")]
    Unreadable {
        /// Which one.
        number: u64,
        /// What the system said.
        source: io::Error,
    },
}

/// What an edit changed.
#[derive(Debug)]
pub struct ConfigChange {
    /// From which generation; none: from nothing.
    pub from: Option<Generation>,
    /// To which.
    pub to: Generation,
    /// Where both differ, secrets hidden.
    pub differences: Vec<Difference>,
}

impl Host {
    /// Which config is applied, and how the last edit went.
    pub fn config_standing(&self) -> Arc<Standing> {
        self.0.applied.standing()
    }

    /// The path of `tasks.toml`.
    pub fn config_file(&self) -> &Path {
        self.0.applied.file()
    }

    /// The last generations, the latest first.
    pub fn config_generations(&self) -> Vec<Generation> {
        self.0.applied.generations()
    }

    /// What a generation says, secrets hidden.
    /// # Errors
    /// [`ConfigError`] if it is not kept.
    pub async fn config_generation(&self, number: u64) -> Result<(Generation, Value), ConfigError> {
        let (generation, document) = self.kept(number).await?;
        Ok((generation, shown(&*self.0.kinds, document)))
    }

    /// What differs between a generation and an earlier or later one: the one before if none is said.
    /// # Errors
    /// [`ConfigError`] if one of them is not kept.
    pub async fn config_change(&self, from: Option<u64>, to: u64) -> Result<ConfigChange, ConfigError> {
        let (latest, after) = self.kept(to).await?;
        let before = || self.config_generations().into_iter().map(|kept| kept.generation).find(|&kept| kept < to);
        let (from, before) = match from.or_else(before) {
            Some(from) => self.kept(from).await.map(|(generation, document)| (Some(generation), document))?,
            None => (None, Value::Object(serde_json::Map::new())),
        };
        let kinds = Arc::clone(&self.0.kinds);
        let compared = tokio::task::spawn_blocking(move || compared(&*kinds, before, after)).await;
        // The join fails only while the runtime ends.
        Ok(ConfigChange { from, to: latest, differences: compared.unwrap_or_default() })
    }

    async fn kept(&self, number: u64) -> Result<(Generation, Value), ConfigError> {
        let applied = Arc::clone(&self.0.applied);
        let read = tokio::task::spawn_blocking(move || {
            let kept = applied.text(number)?;
            Ok(kept.map(|(generation, text)| (generation, document(&text).unwrap_or_default())))
        });
        // The join fails only while the runtime ends.
        let read = read.await.unwrap_or(Ok(None)).map_err(|source| ConfigError::Unreadable { number, source })?;
        read.ok_or(ConfigError::NotKept(number))
    }
}

/// Where two documents differ, as people may see it.
fn compared(kinds: &dyn Kinds, before: Value, after: Value) -> Vec<Difference> {
    let mut differences = differences(&before, &after);
    let (before, after) = (shown(kinds, before), shown(kinds, after));
    for difference in &mut differences {
        // Found by what they say, told by what is shown of it: also a secret that changed is a change.
        difference.before = difference.before.as_ref().map(|_| at(&before, &difference.pointer));
        difference.after = difference.after.as_ref().map(|_| at(&after, &difference.pointer));
    }
    differences
}

/// The document as people may see it: what the plugins call secret is hidden.
fn shown(kinds: &dyn Kinds, mut document: Value) -> Value {
    for (name, plugin) in entries(&mut document, "plugins") {
        if let Some(config) = plugin.get_mut("config") {
            *config = kinds.shown_config(name, config.take());
        }
    }
    for (_, job) in entries(&mut document, "jobs") {
        let kind = job.get("kind").and_then(Value::as_str).and_then(|kind| KindName::new(kind).ok());
        let Some(params) = job.get_mut("params") else { continue };
        let bytes = params.to_string().into_bytes();
        let shown = kind.and_then(|kind| kinds.find(&kind)).map_or_else(without_kind, |kind| kind.shown_params(bytes));
        *params = serde_json::from_slice(&shown).unwrap_or_default();
    }
    document
}

fn entries<'a>(document: &'a mut Value, table: &str) -> impl Iterator<Item = (&'a String, &'a mut Value)> {
    document.get_mut(table).and_then(Value::as_object_mut).into_iter().flatten()
}

/// What is shown at a place; what hides it all is shown in its stead.
fn at(document: &Value, pointer: &str) -> Value {
    let mut value = document;
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        match value.get(&key) {
            Some(below) => value = below,
            None => return value.clone(),
        }
    }
    value.clone()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_hides_a_whole_is_shown_in_the_place_of_its_parts() {
        let document = json!({ "plugins": { "a": { "config": "[hidden]" } } });
        assert_eq!(at(&document, "/plugins/a/config/url"), "[hidden]");
        assert_eq!(at(&document, "/plugins/a"), json!({ "config": "[hidden]" }));
    }
}
