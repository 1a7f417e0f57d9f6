//! What the plugin folders provide: loads every library at start, and answers by name of kind.
//!
//! One bad library never stops the others; it is kept with its reason. Not here: running attempts (`in_process`).
//! Start at [`Registry::scan`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use taskhost_core::ids::{KindName, PluginName};
use taskhost_core::suggest;

use super::error::{LoadError, ScanError};
use super::loader::{self, Loaded, LoadedKind};
use super::stage::{self, Generations, Library};
use super::{Kind, Kinds, PluginView};

/// What `tasks.toml` says of one plugin.
#[derive(Debug, Clone, Default)]
pub struct PluginSettings {
    /// Its config, secrets resolved; none is the empty object.
    pub config: Option<Value>,
    /// Kinds that ask for a process of their own may run in this one.
    pub allow_in_process: bool,
}

/// The plugins that were found at start.
#[derive(Debug, Default)]
pub struct Registry {
    kinds: BTreeMap<KindName, Arc<Kind>>,
    plugins: Vec<PluginView>,
}

impl Registry {
    /// Loads every plugin library in `folders` (not below them), from private copies in `state`.
    ///
    /// A library that is refused is in [`Kinds::plugins`] with the reason, and logged.
    /// # Errors
    /// [`ScanError`] if a folder cannot be read or the copies have no place.
    pub fn scan(
        folders: &[PathBuf],
        state: &Path,
        settings: &BTreeMap<PluginName, PluginSettings>,
    ) -> Result<Self, ScanError> {
        let candidates = stage::candidates(folders)?;
        let mut generations = Generations::open(state)?;
        let mut registry = Self::default();
        for path in candidates {
            match stage::read(&path) {
                Ok(Some(library)) => registry.add(&path, &library, &mut generations, settings),
                Ok(None) => {
                    tracing::debug!(path = %path.display(), "A library without `taskhost_plugin_v1` is not a plugin; ignored.");
                }
                Err(error) => registry.refuse(&path, None, &error),
            }
        }
        registry.plugins.sort_by(|a, b| a.name.cmp(&b.name));
        registry.warn_of_unknown(settings);
        Ok(registry)
    }

    fn add(
        &mut self,
        path: &Path,
        library: &Library,
        generations: &mut Generations,
        settings: &BTreeMap<PluginName, PluginSettings>,
    ) {
        let mut view = PluginView {
            name: file_name(path),
            version: String::new(),
            generation: 1,
            path: path.to_path_buf(),
            sha256: library.sha256.clone(),
            kinds: Vec::new(),
            error: None,
        };
        let loaded = generations.stage(library).and_then(|copy| loader::load(&copy));
        let checked = loaded.and_then(|loaded| {
            view.name = loaded.meta.name.to_string();
            view.version.clone_from(&loaded.meta.version);
            self.check_names(&loaded)?;
            let settings = settings.get(&loaded.meta.name).cloned().unwrap_or_default();
            configure(&loaded, settings.config.as_ref())?;
            Ok((loaded, settings.allow_in_process))
        });
        match checked {
            Err(error) => self.refuse(path, Some(view), &error),
            Ok((loaded, allow_in_process)) => {
                let plugin = loaded.meta.name;
                for kind in loaded.kinds {
                    view.kinds.push(kind.name.clone());
                    let kind = self::kind(&plugin, view.generation, kind, allow_in_process);
                    self.kinds.insert(kind.name.clone(), Arc::new(kind));
                }
                view.kinds.sort();
                tracing::info!(plugin = %plugin, version = view.version, path = %path.display(), kinds = view.kinds.len(), "Plugin loaded.");
                self.plugins.push(view);
            }
        }
    }

    /// The first file that claims a name keeps it.
    fn check_names(&self, loaded: &Loaded) -> Result<(), LoadError> {
        let name = loaded.meta.name.as_str();
        if let Some(first) = self.loaded().find(|view| view.name == name) {
            return Err(LoadError::PluginTaken { name: name.to_owned(), first: first.path.clone() });
        }
        for kind in &loaded.kinds {
            if let Some(first) = self.loaded().find(|view| view.kinds.contains(&kind.name)) {
                return Err(LoadError::KindTaken {
                    kind: kind.name.to_string(),
                    plugin: first.name.clone(),
                    first: first.path.clone(),
                });
            }
        }
        Ok(())
    }

    fn loaded(&self) -> impl Iterator<Item = &PluginView> {
        self.plugins.iter().filter(|view| view.error.is_none())
    }

    fn refuse(&mut self, path: &Path, view: Option<PluginView>, error: &LoadError) {
        let hint = error.hint();
        tracing::warn!(path = %path.display(), %error, hint, "A plugin library was refused.");
        let text = hint.map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"));
        let view = view.unwrap_or_else(|| PluginView {
            name: file_name(path),
            version: String::new(),
            generation: 1,
            path: path.to_path_buf(),
            sha256: String::new(),
            kinds: Vec::new(),
            error: None,
        });
        self.plugins.push(PluginView { error: Some(text), ..view });
    }

    fn warn_of_unknown(&self, settings: &BTreeMap<PluginName, PluginSettings>) {
        for name in settings.keys().map(PluginName::as_str) {
            if !self.plugins.iter().any(|view| view.name == name) {
                let closest = suggest::closest(name, self.plugins.iter().map(|view| view.name.as_str()));
                tracing::warn!(plugin = name, did_you_mean = closest, "`[plugins]` names a plugin that was not found.");
            }
        }
    }
}

impl Kinds for Registry {
    fn find(&self, name: &KindName) -> Option<Arc<Kind>> {
        self.kinds.get(name).cloned()
    }

    fn all(&self) -> Vec<Arc<Kind>> {
        self.kinds.values().cloned().collect()
    }

    fn plugins(&self) -> Vec<PluginView> {
        self.plugins.clone()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn configure(loaded: &Loaded, config: Option<&Value>) -> Result<(), LoadError> {
    let refused = |reason: String| LoadError::Config { name: loaded.meta.name.to_string(), reason };
    let empty = json!({});
    let config = config.unwrap_or(&empty);
    if !loaded.takes_config() && *config != empty {
        return Err(refused("it takes no config".to_owned()));
    }
    if let Some(schema) = &loaded.config_schema {
        let errors = schema.check(config);
        if !errors.is_empty() {
            let errors: Vec<String> =
                errors.into_iter().map(|error| format!("`{}`: {}", error.pointer, error.message)).collect();
            return Err(refused(errors.join("; ")));
        }
    }
    loaded.configure(config.to_string().as_bytes()).map_err(refused)
}

fn kind(plugin: &PluginName, generation: u32, kind: LoadedKind, allow_in_process: bool) -> Kind {
    let LoadedKind { name, meta, retry, schema, code } = kind;
    let held = (code.is_isolated() && !allow_in_process)
        .then(|| format!("kind `{name}` runs only isolated, which is not supported by this version"));
    Kind {
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
