//! What a plugin says of its own config, and the check of a config against that.
//!
//! Not here: params of kinds (`kind`), handing the config over (`loader`). Start at [`ConfigSchema::of`].

use serde_json::{Value, json};
use taskhost_core::config::{Fault, Misfit};

use super::describe::Manifest;
use super::error::LoadError;
use super::kind::Schema;
use super::secrets;

/// What a plugin takes as its config.
#[derive(Debug)]
pub(super) struct ConfigSchema {
    takes_config: bool,
    schema: Option<(Value, Schema)>,
}

impl ConfigSchema {
    /// As the library has said when it was described.
    pub(super) fn of(manifest: &Manifest) -> Result<Self, LoadError> {
        let invalid = |reason| LoadError::Schema { which: "config_schema", whose: "the plugin".to_owned(), reason };
        let compile = |schema: &Value| Ok((schema.clone(), Schema::compile(schema).map_err(invalid)?));
        let schema = manifest.config_schema.as_ref().map(compile).transpose()?;
        Ok(Self { takes_config: manifest.takes_config, schema })
    }

    /// What keeps `config` from fitting, for people who write it by hand.
    pub(super) fn misfits(&self, config: &Value) -> Vec<Misfit> {
        if !self.takes_config {
            let fault = Fault::Value("it takes no config".to_owned());
            let misfit = Misfit { pointer: String::new(), fault, hint: None };
            return Some(misfit).filter(|_| *config != json!({})).into_iter().collect();
        }
        self.schema.as_ref().map(|(schema, compiled)| compiled.misfits(schema, config)).unwrap_or_default()
    }

    /// The config as people may see it. One that could not have been meant for this schema is hidden whole if there are secrets in
    /// that, and so is what a plugin takes that does not say.
    pub(super) fn shown(&self, mut config: Value) -> Value {
        match &self.schema {
            None => Value::from(secrets::HIDDEN),
            Some((schema, compiled)) if secrets::any_in(schema) && !compiled.misfits(schema, &config).is_empty() => {
                Value::from(secrets::HIDDEN)
            }
            Some((schema, _)) => {
                secrets::hide(schema, &mut config);
                config
            }
        }
    }
}
