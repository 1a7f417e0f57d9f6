//! Every file of the plugin folders: which one serves, in which generation, and what stands in the way of the others.
//!
//! A file comes up in steps: seen, copied, described, its names found free, loaded, serving. Whatever goes wrong on the
//! way leaves in service what served before. Nothing that was loaded is ever unloaded: what is replaced is counted as
//! retired, and attempts in it go on. Not here: other settings for what serves (`renew`), who reads the outcome
//! (`registry`). Start at [`Shelf::refresh`].

mod given;
mod refusals;
mod renew;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use taskhost_core::ids::{KindName, PluginName};

use self::given::Given;
pub(super) use self::given::GivenDigest;
use self::refusals::Refusals;
pub(super) use self::renew::Trial;
use super::config_schema::ConfigSchema;
use super::describe::{Describer, Manifest};
use super::error::{LoadError, ScanError};
use super::loader::{self, Loaded};
use super::registry::{Changes, PluginSettings, Search, SettingsError};
use super::source::{END_TIME, Ready, Refusal, Serving, Source, Standing, discard};
use super::stage::{self, Fingerprint, Generations};
use super::{Kind, PluginView, ending};

/// The files and what is known of them.
#[derive(Debug)]
pub(super) struct Shelf {
    search: Search,
    generations: Generations,
    describer: Describer,
    /// In the order in which they may claim names.
    sources: Vec<Source>,
    /// Files that served and are not there any more, until that is told.
    gone: Vec<Source>,
    /// How many copies of each plugin were loaded, which is the number of its latest generation.
    loaded: BTreeMap<PluginName, u32>,
    refusals: Refusals,
}

/// A private copy that is to be described.
#[derive(Debug)]
struct Fresh {
    at: usize,
    copy: PathBuf,
    sha256: String,
}

impl Shelf {
    pub(super) fn open(search: Search) -> Result<Self, ScanError> {
        let generations = Generations::open(&search.state)?;
        let describer = Describer::open(&search.state, search.describe.clone())?;
        for folder in &search.folders {
            stage::candidates(folder).map_err(|source| ScanError::Folder { path: folder.clone(), source })?;
        }
        let (sources, gone, loaded, refusals) = Default::default();
        Ok(Self { search, generations, describer, sources, gone, loaded, refusals })
    }

    /// Looks at the folders, and brings up what is new.
    pub(super) fn refresh(&mut self) -> Changes {
        let mut changes = Changes::default();
        let paths = self.list();
        self.put_away_all_but(&paths, &mut changes);
        let mut fresh = Vec::new();
        for at in 0..self.sources.len() {
            match self.look(at) {
                Ok(found) => fresh.extend(found),
                Err(error) => {
                    self.sources[at].refuse(None, &error);
                    changes.refused += 1;
                }
            }
        }
        let described = describe_all(&self.describer, &fresh);
        for (Fresh { at, copy, sha256 }, described) in fresh.into_iter().zip(described) {
            match described {
                Ok(manifest) => self.sources[at].stand(Standing::Ready(Ready { manifest, copy, sha256, taken: None })),
                Err(error) => {
                    discard(&copy);
                    self.sources[at].refuse(None, &error);
                    changes.refused += 1;
                }
            }
        }
        // What is loaded may have given up a name that another waits for.
        while self.load_what_may(&mut changes) {}
        changes
    }

    /// What the files that are gone have said of themselves is of no use any more.
    pub(super) fn forget_old_manifests(&self) {
        let digests: Vec<&str> = self.sources.iter().map(|source| &*source.sha256).collect();
        self.describer.keep_only(&digests);
    }

    /// Tells in the log what the last look has changed.
    pub(super) fn tell(&mut self) {
        for Source { path, serving, .. } in std::mem::take(&mut self.gone) {
            // One whose name another file serves now is told of there.
            let is_replaced = |name: &PluginName| self.sources.iter().any(|source| source.is_serving(name));
            if let Some(Serving { name, generation, .. }) = serving.filter(|serving| !is_replaced(&serving.name)) {
                tracing::warn!(plugin = %name, generation, path = %path.display(), "The file of a plugin is gone; what waits for its kinds is held.");
            }
        }
        self.sources.iter_mut().for_each(Source::tell);
    }

    /// Every plugin, also those refused, sorted by name.
    pub(super) fn views(&self) -> Vec<PluginView> {
        let loaded = |name: &PluginName| self.loaded.get(name).copied().unwrap_or(0);
        let mut views: Vec<_> = self.sources.iter().filter_map(|source| source.view(loaded)).collect();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// Every kind that is served.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.sources.iter().filter_map(|source| source.serving.as_ref()).flat_map(|serving| &serving.kinds)
    }

    /// What each plugin takes as its config, also those that were refused for theirs.
    pub(super) fn configs(&self) -> impl Iterator<Item = &(PluginName, Arc<ConfigSchema>)> {
        self.sources.iter().filter_map(|source| source.takes.as_ref())
    }

    /// The files that may be plugins. A folder that cannot be read says nothing about its files, so those stay; one that is
    /// gone has none.
    fn list(&self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for folder in &self.search.folders {
            match stage::candidates(folder) {
                Ok(found) => paths.extend(found),
                Err(error) => {
                    tracing::warn!(path = %folder.display(), %error, "A plugin folder cannot be read.");
                    if error.kind() != io::ErrorKind::NotFound {
                        let known = self.sources.iter().map(|source| &source.path);
                        paths.extend(known.filter(|path| path.parent() == Some(folder)).cloned());
                    }
                }
            }
        }
        stage::distinct(paths)
    }

    fn put_away_all_but(&mut self, paths: &[PathBuf], changes: &mut Changes) {
        let before = std::mem::take(&mut self.sources);
        let (mut stay, mut leave): (Vec<_>, Vec<_>) =
            before.into_iter().partition(|source| paths.contains(&source.path));
        for path in paths {
            let known = stay.iter().position(|source| source.path == *path).map(|at| stay.swap_remove(at));
            // What serves from a file that now lies in another folder is not gone: it is replaced, or left if the bytes are the same.
            let moved = || {
                let moves = |source: &Source| source.serving.is_some() && source.path.file_name() == path.file_name();
                let at = leave.iter().position(moves)?;
                Some(Source { path: path.clone(), fingerprint: None, ..leave.swap_remove(at) })
            };
            self.sources.push(known.or_else(moved).unwrap_or_else(|| Source::new(path.clone())));
        }
        for mut gone in leave {
            gone.stand(Standing::NoPlugin);
            if let Some(serving) = &gone.serving {
                discard(&serving.copy);
                changes.left += 1;
                self.gone.push(gone);
            }
        }
    }

    /// Reads a file if it has changed, and copies it if it may be loaded.
    fn look(&mut self, at: usize) -> Result<Option<Fresh>, LoadError> {
        let source = &mut self.sources[at];
        let fingerprint = Fingerprint::of(&source.path);
        if fingerprint.is_some() && fingerprint == source.fingerprint {
            return Ok(None);
        }
        source.fingerprint = fingerprint;
        let before = std::mem::take(&mut source.sha256);
        let Some(library) = stage::read(&source.path)? else {
            if source.serving.is_some() {
                return Err(LoadError::NoEntry);
            }
            tracing::debug!(path = %source.path.display(), "A library without `taskhost_plugin_v1` is not a plugin; ignored.");
            source.stand(Standing::NoPlugin);
            return Ok(None);
        };
        let sha256 = library.sha256.clone();
        let is_serving = source.serving.as_ref().is_some_and(|serving| serving.sha256 == sha256);
        let copy = if sha256 == before || is_serving { None } else { Some(self.generations.stage(&library)?) };
        if is_serving {
            source.stand(Standing::Good);
        }
        source.sha256.clone_from(&sha256);
        Ok(copy.map(|copy| Fresh { at, copy, sha256 }))
    }

    /// Loads what nobody else has the names of; says whether there was anything.
    fn load_what_may(&mut self, changes: &mut Changes) -> bool {
        let mut any = false;
        for at in 0..self.sources.len() {
            let Some(mut ready) = self.sources[at].take_ready() else { continue };
            match self.bring_up(at, &ready) {
                Ok(serving) => {
                    self.serve(at, serving, changes);
                    any = true;
                }
                Err(error) if error.is_taken() => {
                    let source = &mut self.sources[at];
                    if ready.taken.is_none() {
                        source.is_news = true;
                        changes.refused += 1;
                    }
                    ready.taken = Some(Refusal::from(&error));
                    source.standing = Standing::Ready(ready);
                }
                Err(error) => {
                    discard(&ready.copy);
                    self.sources[at].refuse(Some(ready.manifest.name), &error);
                    changes.refused += 1;
                }
            }
        }
        any
    }

    fn bring_up(&mut self, at: usize, ready: &Ready) -> Result<Serving, LoadError> {
        let given = self.prepare(at, ready)?;
        self.load(at, ready, &given)
    }

    /// Finds whatever speaks against a library before it is loaded, and what it will be given.
    fn prepare(&mut self, at: usize, ready: &Ready) -> Result<Given, LoadError> {
        let manifest = &ready.manifest;
        self.check_names(at, &manifest.name, manifest.kinds.iter().map(|kind| &kind.name))?;
        let takes = Arc::new(ConfigSchema::of(manifest)?);
        self.sources[at].takes = Some((manifest.name.clone(), Arc::clone(&takes)));
        let given = Given::resolve(&manifest.name, &self.settings_of(&manifest.name))?;
        let checked = given.check(&manifest.name, &takes);
        checked.inspect_err(|error| self.remember(ready, &given, error))?;
        Ok(given)
    }

    fn load(&mut self, at: usize, ready: &Ready, given: &Given) -> Result<Serving, LoadError> {
        let loaded = loader::load(&ready.copy).inspect_err(|error| self.remember(ready, given, error))?;
        let (name, code) = (loaded.meta.name.clone(), loaded.code);
        let configured = self.configure(at, &loaded, given);
        let generation = self.loaded.get(&name).copied().unwrap_or(0);
        configured.inspect_err(|error| {
            self.remember(ready, given, error);
            ending::shut_down(format!("{name}#{generation}"), code, END_TIME, ());
        })?;
        self.refusals.forget(&ready.sha256, given.digest());
        let allow_in_process = self.settings_of(&name).allow_in_process;
        let kind = |kind| Arc::new(Kind::loaded(&name, generation, kind, allow_in_process));
        let mut kinds: Vec<_> = loaded.kinds.into_iter().map(kind).collect();
        kinds.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Serving {
            version: loaded.meta.version,
            generation,
            sha256: ready.sha256.clone(),
            copy: ready.copy.clone(),
            code,
            kinds,
            is_swap: self.sources[at].serving.is_some(),
            given: given.digest(),
            name,
        })
    }

    fn configure(&mut self, at: usize, loaded: &Loaded, given: &Given) -> Result<(), LoadError> {
        let name = &loaded.meta.name;
        // Once more: nothing keeps a library from saying something else the second time.
        self.check_names(at, name, loaded.kinds.iter().map(|kind| &kind.name))?;
        *self.loaded.entry(name.clone()).or_default() += 1;
        loaded.configure(given.json().as_bytes()).map_err(|reason| given.refused(name, &reason))
    }

    fn settings_of(&self, name: &PluginName) -> PluginSettings {
        self.search.settings.get(name).cloned().unwrap_or_default()
    }

    /// What another file stands in the way of may come up with the same bytes and config.
    fn remember(&mut self, ready: &Ready, given: &Given, error: &LoadError) {
        if !error.is_taken() {
            let error = SettingsError::new(ready.manifest.name.clone(), error);
            self.refusals.remember(&ready.sha256, given.digest(), error);
        }
    }

    /// The first file that claims a name keeps it.
    fn check_names<'a>(
        &self,
        at: usize,
        name: &PluginName,
        mut kinds: impl Iterator<Item = &'a KindName>,
    ) -> Result<(), LoadError> {
        let others = self.sources.iter().enumerate().filter(|(other, _)| *other != at);
        let serving: Vec<_> = others.filter_map(|(_, source)| Some((&source.path, source.serving.as_ref()?))).collect();
        if let Some((first, _)) = serving.iter().find(|(_, other)| other.name == *name) {
            return Err(LoadError::PluginTaken { name: name.to_string(), first: (*first).clone() });
        }
        let taken = kinds.find_map(|kind| {
            let (first, other) = serving.iter().find(|(_, other)| other.kinds.iter().any(|one| one.name == *kind))?;
            Some(LoadError::KindTaken {
                kind: kind.to_string(),
                plugin: other.name.to_string(),
                first: (*first).clone(),
            })
        });
        taken.map_or(Ok(()), Err)
    }

    fn serve(&mut self, at: usize, serving: Serving, changes: &mut Changes) {
        let source = &mut self.sources[at];
        source.is_news = true;
        match source.serving.replace(serving) {
            None => changes.loaded += 1,
            Some(old) => {
                discard(&old.copy);
                changes.swapped += 1;
            }
        }
    }
}

/// Describes all at the same time: what was never seen costs a child each.
fn describe_all(describer: &Describer, fresh: &[Fresh]) -> Vec<Result<Manifest, LoadError>> {
    let describe = |fresh: &Fresh| describer.describe(&fresh.sha256, &fresh.copy);
    thread::scope(|scope| {
        let start = |fresh| thread::Builder::new().spawn_scoped(scope, move || describe(fresh));
        let threads: Vec<_> = fresh.iter().map(start).collect();
        let end = |thread: io::Result<thread::ScopedJoinHandle<'_, _>>| {
            thread.map_err(LoadError::NoChild)?.join().expect("describing does not panic")
        };
        threads.into_iter().map(end).collect()
    })
}
