//! What the plugin folders provide now: answers by name of kind, and takes in what has changed there.
//!
//! Who has found a kind keeps its generation, so a swap never touches an attempt that runs. Not here: which file serves
//! (`shelf`), running attempts (`in_process`), noticing that something has changed (`services::watcher`).
//! Start at [`Registry::scan`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use serde_json::Value;
use taskhost_core::config::{Config, Misfit, PluginConfig, Schemas};
use taskhost_core::ids::{KindName, PluginName, QueueName};
use taskhost_core::secret::refers;
use taskhost_core::suggest;
use tokio::sync::watch;

use super::config_schema::ConfigSchema;
use super::describe::DescribeOptions;
use super::error::{LoadError, ScanError};
use super::mailbox::HOLDS;
use super::secrets::HIDDEN;
use super::shelf::{Shelf, Trial};
use super::source::Refusal;
use super::stage::{self, Fingerprint};
use super::{Kind, Kinds, PluginView};

/// What `tasks.toml` says of one plugin.
#[derive(Debug, Clone, Default)]
pub struct PluginSettings {
    /// Its config as `tasks.toml` writes it: references to secrets are resolved when the plugin starts. None is the empty
    /// object.
    pub config: Option<Value>,
    /// Kinds that ask for a process of their own may run in this one.
    pub allow_in_process: bool,
}

impl PluginSettings {
    /// Those of each plugin that has a section.
    pub fn of(config: &Config) -> BTreeMap<PluginName, Self> {
        let of_plugin = |(name, plugin): (&PluginName, &PluginConfig)| {
            let config = Some(plugin.config.get_ref().clone());
            (name.clone(), Self { config, allow_in_process: plugin.allow_in_process })
        };
        config.plugins.iter().map(of_plugin).collect()
    }

    /// Whether secrets stand in the config.
    pub(super) fn refers(&self) -> bool {
        self.config.as_ref().is_some_and(refers)
    }
}

/// Where plugins are, and what is made of them.
#[derive(Debug, Clone)]
pub struct Search {
    /// Each library in them (not below) may be a plugin.
    pub folders: Vec<PathBuf>,
    /// The daemon's own folder: takes the private copies and what libraries say of themselves.
    pub state: PathBuf,
    /// By the plugins' own names.
    pub settings: BTreeMap<PluginName, PluginSettings>,
    /// How a library is looked at before it is loaded.
    pub describe: DescribeOptions,
}

/// What keeps a plugin from coming up with its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin `{plugin}` does not come up with its new settings: {reason}")]
pub struct SettingsError {
    /// The plugin; it serves on with those that it has.
    pub plugin: PluginName,
    reason: String,
    hint: Option<String>,
}

impl SettingsError {
    pub(super) fn new(plugin: PluginName, error: &LoadError) -> Self {
        Self { plugin, reason: error.to_string(), hint: error.hint().map(str::to_owned) }
    }

    pub(super) fn of_refused(plugin: PluginName, refusal: &Refusal) -> Self {
        Self { plugin, reason: refusal.message.clone(), hint: refusal.hint.clone() }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// What a look at the folders has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Plugins that were not there before.
    pub loaded: usize,
    /// Plugins that have a new generation.
    pub swapped: usize,
    /// Plugins whose file is gone.
    pub left: usize,
    /// Libraries that did not come up; what served before still does.
    pub refused: usize,
}

impl Changes {
    /// Whether kinds have come, gone or changed.
    pub fn concern_kinds(&self) -> bool {
        self.loaded + self.swapped + self.left > 0
    }
}

/// How the libraries in the folders look from outside. Two equal ones in a row: nobody is writing.
#[derive(Debug, PartialEq, Eq)]
pub struct Glance(Vec<(PathBuf, Option<Fingerprint>)>);

/// The plugins of the folders.
#[derive(Debug)]
pub struct Registry {
    /// Where something may come or change; those that are searched, and perhaps others.
    watched: watch::Sender<Vec<PathBuf>>,
    /// Held by one look at the folders at a time.
    shelf: Mutex<Shelf>,
    table: RwLock<Arc<Table>>,
}

/// What is served at one moment.
#[derive(Debug, Default)]
struct Table {
    kinds: BTreeMap<KindName, Arc<Kind>>,
    plugins: Vec<PluginView>,
    configs: BTreeMap<PluginName, Arc<ConfigSchema>>,
}

impl Registry {
    /// Loads every plugin library of the folders, from private copies.
    ///
    /// A library that is refused is in [`Kinds::plugins`] with the reason, and logged.
    /// # Errors
    /// [`ScanError`] if a folder cannot be read or the copies have no place.
    pub fn scan(search: Search) -> Result<Self, ScanError> {
        let (settings, watched) = (search.settings.clone(), watch::Sender::new(search.folders.clone()));
        let registry = Self { watched, shelf: Mutex::new(Shelf::open(search)?), table: RwLock::default() };
        registry.refresh();
        registry.shelf().forget_old_manifests();
        registry.warn_of_unknown(settings.keys());
        Ok(registry)
    }

    /// Looks at the folders again: loads what is new, swaps what has changed, lets go what is gone. What comes up broken is
    /// refused, and what served before goes on. New attempts get the new code from the moment this returns.
    ///
    /// Blocks: it reads files, and waits up to `describe.limit` for the child that looks at a library first.
    pub fn refresh(&self) -> Changes {
        let mut files = self.shelf();
        let changes = files.refresh();
        self.publish(&files);
        // Only now: who reads of it can rely on it.
        files.tell();
        changes
    }

    /// Takes other folders and settings in one step: a plugin whose settings change comes up anew, in its next generation,
    /// before any of them serves; then the folders are looked at as in [`Self::refresh`]. Blocks as that does.
    /// # Errors
    /// Each plugin that serves and does not come up with its new settings; nothing has changed then.
    pub fn reconfigure(
        &self,
        folders: Vec<PathBuf>,
        settings: BTreeMap<PluginName, PluginSettings>,
    ) -> Result<Changes, Vec<SettingsError>> {
        self.take(folders, settings, Trial::Asked)
    }

    /// As [`Self::reconfigure`], after that has failed with these very settings and something else has changed since: a library
    /// that would be given the same config as when it refused that is not loaded again, as no copy is ever unloaded.
    /// # Errors
    /// As those of [`Self::reconfigure`].
    pub fn reconfigure_again(
        &self,
        folders: Vec<PathBuf>,
        settings: BTreeMap<PluginName, PluginSettings>,
    ) -> Result<Changes, Vec<SettingsError>> {
        self.take(folders, settings, Trial::Again)
    }

    fn take(
        &self,
        folders: Vec<PathBuf>,
        settings: BTreeMap<PluginName, PluginSettings>,
        trial: Trial,
    ) -> Result<Changes, Vec<SettingsError>> {
        let mut files = self.shelf();
        let changes = files.reconfigure(folders.clone(), settings, trial)?;
        self.publish(&files);
        files.tell();
        drop(files);
        self.watch(folders);
        Ok(changes)
    }

    /// Each plugin that does not come up at all for its settings, which are others than these were.
    pub fn unsettled_since(&self, before: &BTreeMap<PluginName, PluginSettings>) -> Vec<SettingsError> {
        self.shelf().unsettled_since(before)
    }

    /// Brings up anew each plugin in whose config a secret has another value now. Blocks as [`Self::refresh`] does.
    ///
    /// With the changes come the plugins that do not come up so, and go on with the secrets that they have.
    pub fn follow_secrets(&self) -> (Changes, Vec<SettingsError>) {
        let mut files = self.shelf();
        let outcome = files.follow_secrets();
        self.publish(&files);
        files.tell();
        outcome
    }

    /// The folders in which something may come or change.
    pub fn watched(&self) -> watch::Receiver<Vec<PathBuf>> {
        self.watched.subscribe()
    }

    /// Watches these folders. Those that are not searched too: something may come there that makes somebody search them.
    pub fn watch(&self, folders: Vec<PathBuf>) {
        self.watched.send_if_modified(|watched| {
            let is_other = *watched != folders;
            *watched = folders;
            is_other
        });
    }

    /// Looks at the files in the folders without reading them.
    pub fn glance(&self) -> Glance {
        let folders = self.watched.borrow().clone();
        let paths = folders.iter().filter_map(|folder| stage::candidates(folder).ok()).flatten();
        Glance(paths.map(|path| (path.clone(), Fingerprint::of(&path))).collect())
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().expect(HOLDS)
    }

    fn publish(&self, files: &Shelf) {
        let kinds = files.kinds().map(|kind| (kind.name.clone(), Arc::clone(kind))).collect();
        let table = Table { kinds, plugins: files.views(), configs: files.configs().cloned().collect() };
        *self.table.write().expect(HOLDS) = Arc::new(table);
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().expect(HOLDS))
    }

    fn warn_of_unknown<'a>(&self, named: impl Iterator<Item = &'a PluginName>) {
        let table = self.table();
        for name in named.map(PluginName::as_str) {
            if !table.plugins.iter().any(|view| view.name == name) {
                let closest = suggest::closest(name, table.plugins.iter().map(|view| view.name.as_str()));
                tracing::warn!(plugin = name, did_you_mean = closest, "`[plugins]` names a plugin that was not found.");
            }
        }
    }
}

impl Kinds for Registry {
    fn find(&self, name: &KindName) -> Option<Arc<Kind>> {
        self.table.read().expect(HOLDS).kinds.get(name).cloned()
    }

    fn all(&self) -> Vec<Arc<Kind>> {
        self.table().kinds.values().cloned().collect()
    }

    fn plugins(&self) -> Vec<PluginView> {
        self.table().plugins.clone()
    }

    fn shown_config(&self, plugin: &str, config: Value) -> Value {
        let table = self.table();
        let takes = PluginName::new(plugin).ok().and_then(|name| table.configs.get(&name));
        takes.map_or_else(|| Value::from(HIDDEN), |takes| takes.shown(config))
    }
}

/// What is served at this moment: a file that is checked against it is right or wrong for the plugins that run.
impl Schemas for Registry {
    fn kinds(&self) -> Vec<KindName> {
        self.table().kinds.keys().cloned().collect()
    }

    fn plugins(&self) -> Vec<PluginName> {
        self.table().configs.keys().cloned().collect()
    }

    fn params(&self, kind: &KindName, params: &Value) -> Option<Vec<Misfit>> {
        self.find(kind).map(|kind| kind.misfits(params))
    }

    fn config(&self, plugin: &PluginName, config: &Value) -> Option<Vec<Misfit>> {
        self.table().configs.get(plugin).map(|takes| takes.misfits(config))
    }

    fn queue(&self, kind: &KindName) -> Option<QueueName> {
        self.find(kind)?.queue.clone()
    }
}
