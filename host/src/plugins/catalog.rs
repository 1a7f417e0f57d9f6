//! What the libraries in the plugin folders say of themselves, without loading any of them into this process.
//!
//! For what needs no daemon: a file is checked against it, a schema is made of it. Not here: the plugins that serve
//! (`registry`). Start at [`Catalog::read`].

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use serde_json::Value;
use taskhost_core::config::{Config, Diagnostic, KindSchema, Misfit, Places, PluginSchema, Schemas, schema};
use taskhost_core::ids::{KindName, PluginName, QueueName};

use super::config_schema::ConfigSchema;
use super::describe::{DescribeOptions, Describer, KindManifest, Manifest};
use super::error::{LoadError, ScanError};
use super::kind::{KindMeta, Schema};
use super::stage;

const UNREADABLE_HINT: &str =
    "create it, or correct the path, which begins in the folder of the file; kinds and params are checked then";
const EMPTY_HINT: &str = "plugins are shared libraries, lib<name>.so, in the folder itself";

/// Says of findings in a text whether they are about the list of folders.
pub fn in_plugins(text: &str) -> impl Fn(&Diagnostic) -> bool + use<> {
    let span = Places::read(text).span_of("/host/plugins");
    move |found| span.as_ref().is_some_and(|span| span.start <= found.span.start && found.span.end <= span.end)
}

/// Where to look, and what to keep.
#[derive(Debug, Clone)]
pub struct CatalogOptions {
    /// Each library in them (not below) may be a plugin.
    pub folders: Vec<PathBuf>,
    /// The state folder of a daemon that may have described the same libraries; nothing is written there.
    pub state: PathBuf,
    /// A folder of the caller, where what libraries say is kept for the next time.
    pub scratch: PathBuf,
    /// How a library is asked.
    pub describe: DescribeOptions,
}

/// The libraries of some folders.
#[derive(Debug)]
pub struct Catalog {
    libraries: Vec<Library>,
    /// What each kind takes, once it was asked for.
    params: BTreeMap<KindName, OnceLock<Option<Schema>>>,
    /// Folders that cannot be read, by their place in the list.
    unreadable: Vec<(usize, io::Error)>,
    /// Folders without a plugin, by their place in the list.
    empty: Vec<usize>,
}

/// A library that is a plugin, or should be one.
#[derive(Debug)]
pub struct Library {
    /// Its file.
    pub path: PathBuf,
    /// What it says of itself, or why it is refused.
    pub described: Result<Manifest, LoadError>,
}

impl Catalog {
    /// Asks every library of the folders, those that were not asked before in a child process each.
    /// # Errors
    /// [`ScanError`] if the scratch folder cannot be used. What is wrong with a folder or a library is an answer.
    pub fn read(options: &CatalogOptions) -> Result<Self, ScanError> {
        let describer = Describer::open(&options.scratch, options.describe.clone())?.knowing(&options.state);
        let (mut unreadable, mut empty, mut paths) = (Vec::new(), Vec::new(), Vec::new());
        for (place, folder) in options.folders.iter().enumerate() {
            match stage::candidates(folder) {
                Ok(found) if found.is_empty() => empty.push(place),
                Ok(found) => paths.extend(found),
                Err(error) => unreadable.push((place, error)),
            }
        }
        let mut libraries = describe_all(&describer, stage::distinct(paths));
        refuse_doubles(&mut libraries);
        let manifests = libraries.iter().filter_map(|library| library.described.as_ref().ok());
        let kinds = manifests.flat_map(|manifest| &manifest.kinds);
        let params = kinds.map(|kind| (kind.name.clone(), OnceLock::new())).collect();
        Ok(Self { libraries, params, unreadable, empty })
    }

    /// Every library, also those that are refused, in the order in which the daemon takes them.
    pub fn libraries(&self) -> &[Library] {
        &self.libraries
    }

    /// The folders that cannot be read, by their place in the list, with what the system said.
    pub fn unreadable(&self) -> &[(usize, io::Error)] {
        &self.unreadable
    }

    /// The folders in which there is no library, by their place in the list.
    pub fn empty(&self) -> &[usize] {
        &self.empty
    }

    /// What there is to say of the folders that `config`, which was read from `text`, names: those that cannot be read, with
    /// which no daemon runs, and those in which there is nothing.
    pub fn findings(&self, text: &str, config: &Config) -> Vec<Diagnostic> {
        let places = Places::read(text);
        let at = |place: usize, problem: String, hint: &str| {
            let span = places.span_of(&format!("/host/plugins/{place}")).unwrap_or_default();
            let folder = config.host.plugins[place].display();
            let message = format!("`plugins` in [host]: folder `{folder}` {problem}");
            Diagnostic::new(text, span, message, Some(hint.to_owned()))
        };
        let unreadable = self
            .unreadable
            .iter()
            .map(|(place, error)| at(*place, format!("cannot be read: {error}"), UNREADABLE_HINT));
        let empty = self.empty.iter().map(|place| at(*place, "has no plugin in it".to_owned(), EMPTY_HINT).warning());
        unreadable.chain(empty).collect()
    }

    /// The plugins that a daemon would load.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.libraries.iter().filter_map(|library| library.described.as_ref().ok())
    }

    /// The JSON Schema of a `tasks.toml` for these plugins.
    pub fn schema(&self) -> Value {
        schema(&self.manifests().map(plugin_schema).collect::<Vec<_>>())
    }

    fn kind(&self, name: &KindName) -> Option<&KindManifest> {
        self.manifests().flat_map(|manifest| &manifest.kinds).find(|kind| kind.name == *name)
    }
}

/// The schema of what says nothing of itself.
const ANYTHING: &Value = &Value::Bool(true);

fn plugin_schema(manifest: &Manifest) -> PluginSchema<'_> {
    let config = manifest.config_schema.as_ref().unwrap_or(ANYTHING);
    PluginSchema {
        name: &manifest.name,
        config: manifest.takes_config.then_some(config),
        kinds: manifest.kinds.iter().map(kind_schema).collect(),
    }
}

fn kind_schema(kind: &KindManifest) -> KindSchema<'_> {
    KindSchema {
        name: &kind.name,
        title: kind.meta.get("title").and_then(Value::as_str).unwrap_or_default(),
        params: kind.meta.get("params_schema").unwrap_or(ANYTHING),
    }
}

/// Asks all at the same time.
fn describe_all(describer: &Describer, paths: Vec<PathBuf>) -> Vec<Library> {
    let answers: Vec<_> = thread::scope(|scope| {
        let ask = |path| thread::Builder::new().spawn_scoped(scope, move || describe(describer, path));
        let threads: Vec<_> = paths.iter().map(PathBuf::as_path).map(ask).collect();
        let end = |asked: io::Result<thread::ScopedJoinHandle<'_, _>>| match asked {
            Ok(thread) => thread.join().expect("describing does not panic"),
            Err(error) => Err(LoadError::NoChild(error)),
        };
        threads.into_iter().map(end).collect()
    });
    let libraries = paths.into_iter().zip(answers);
    // One without our entry is not a plugin, and none of our business.
    let known = libraries.filter_map(|(path, described)| Some(Library { path, described: described.transpose()? }));
    known.collect()
}

fn describe(describer: &Describer, path: &Path) -> Result<Option<Manifest>, LoadError> {
    let Some(library) = stage::read(path)? else { return Ok(None) };
    describer.describe(&library.sha256, path).map(Some)
}

/// The first file that claims a name keeps it, as in the daemon.
fn refuse_doubles(libraries: &mut [Library]) {
    let mut plugins: BTreeMap<PluginName, PathBuf> = BTreeMap::new();
    let mut kinds: BTreeMap<KindName, (PluginName, PathBuf)> = BTreeMap::new();
    for library in libraries {
        let Ok(manifest) = &library.described else { continue };
        if let Some(first) = plugins.get(&manifest.name) {
            let (name, first) = (manifest.name.to_string(), first.clone());
            library.described = Err(LoadError::PluginTaken { name, first });
            continue;
        }
        let taken = manifest.kinds.iter().find_map(|kind| Some((kind, kinds.get(&kind.name)?)));
        if let Some((kind, (plugin, first))) = taken {
            let (kind, plugin, first) = (kind.name.to_string(), plugin.to_string(), first.clone());
            library.described = Err(LoadError::KindTaken { kind, plugin, first });
            continue;
        }
        plugins.insert(manifest.name.clone(), library.path.clone());
        let of_kind = |kind: &KindManifest| (kind.name.clone(), (manifest.name.clone(), library.path.clone()));
        kinds.extend(manifest.kinds.iter().map(of_kind));
    }
}

impl Schemas for Catalog {
    fn kinds(&self) -> Vec<KindName> {
        let kinds = self.manifests().flat_map(|manifest| &manifest.kinds);
        let mut names: Vec<_> = kinds.map(|kind| kind.name.clone()).collect();
        names.sort();
        names
    }

    fn plugins(&self) -> Vec<PluginName> {
        self.manifests().map(|manifest| manifest.name.clone()).collect()
    }

    fn params(&self, kind: &KindName, params: &Value) -> Option<Vec<Misfit>> {
        let schema = self.kind(kind)?.meta.get("params_schema").unwrap_or(ANYTHING);
        // The child that described the library has compiled it already.
        let compiled = self.params.get(kind)?.get_or_init(|| Schema::compile(schema).ok());
        Some(compiled.as_ref().map(|compiled| compiled.misfits(schema, params)).unwrap_or_default())
    }

    fn config(&self, plugin: &PluginName, config: &Value) -> Option<Vec<Misfit>> {
        let manifest = self.manifests().find(|manifest| manifest.name == *plugin)?;
        Some(ConfigSchema::of(manifest).map(|takes| takes.misfits(config)).unwrap_or_default())
    }

    fn queue(&self, kind: &KindName) -> Option<QueueName> {
        serde_json::from_value::<KindMeta>(self.kind(kind)?.meta.clone()).ok()?.queue
    }
}
