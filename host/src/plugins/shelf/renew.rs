//! Brings plugins up anew because `tasks.toml` says something else of them, all or none: what does not come up with its new
//! settings leaves everything as it was. Or because its secrets have other values, each on its own.
//!
//! Start at [`Shelf::reconfigure`] and [`Shelf::follow_secrets`].

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::path::{Path, PathBuf};

use taskhost_core::ids::PluginName;

use super::{Changes, Given, Shelf};
use crate::plugins::error::LoadError;
use crate::plugins::registry::{PluginSettings, SettingsError};
use crate::plugins::source::{Ready, Serving, Source, Standing, discard};
use crate::plugins::stage::{self, Library};

/// A generation that does not serve yet.
#[derive(Debug)]
struct Renewed {
    at: usize,
    serving: Serving,
    /// It comes from newer bytes of its file than those that serve.
    is_newer: bool,
}

/// A copy against which nothing is known, short of loading it.
struct Prepared {
    at: usize,
    ready: Ready,
    given: Given,
    is_newer: bool,
}

/// Why something is brought up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plugins) enum Trial {
    /// A person wants it to: whatever has kept it from that may be gone.
    Asked,
    /// It was refused, and something else has changed: what would be given the same as then is not loaded.
    Again,
}

impl Shelf {
    /// Takes other folders and settings, and looks at the folders again.
    /// # Errors
    /// Each plugin that serves and does not come up with its new settings; nothing has changed then.
    pub(in crate::plugins) fn reconfigure(
        &mut self,
        folders: Vec<PathBuf>,
        settings: BTreeMap<PluginName, PluginSettings>,
        trial: Trial,
    ) -> Result<Changes, Vec<SettingsError>> {
        let mut changes = Changes::default();
        let concerned = differing(&self.search.settings, &settings);
        if concerned.is_empty() && folders == self.search.folders {
            // A look now would meet files that are being written.
            return Ok(changes);
        }
        let before =
            (mem::replace(&mut self.search.folders, folders), mem::replace(&mut self.search.settings, settings));
        let paths = self.list();
        let stays = |source: &Source| paths.iter().any(|path| path.file_name() == source.path.file_name());
        let renewed = self.renew(&concerned, stays, trial);
        let renewed = renewed.inspect_err(|_| (self.search.folders, self.search.settings) = before)?;
        self.put_in_service(renewed, &mut changes);
        self.try_refused_again(&concerned);
        let Changes { loaded, swapped, left, refused } = self.refresh();
        changes.swapped += swapped;
        Ok(Changes { loaded, left, refused, ..changes })
    }

    /// Brings up anew each plugin that would be given something else now, because a secret has another value: on its own, so
    /// that one that does not come up keeps no other from it. What was refused for its secrets is tried again.
    pub(in crate::plugins) fn follow_secrets(&mut self) -> (Changes, Vec<SettingsError>) {
        let (mut changes, mut errors) = (Changes::default(), Vec::new());
        for name in self.given_something_else() {
            match self.renew(&BTreeSet::from([name]), |_| true, Trial::Asked) {
                Ok(renewed) => self.put_in_service(renewed, &mut changes),
                Err(failed) => errors.extend(failed),
            }
        }
        self.try_with_other_secrets();
        if self.sources.iter().any(|source| self.is_refused_for_secrets(source)) {
            let Changes { loaded, swapped, left, refused } = self.refresh();
            changes.swapped += swapped;
            changes = Changes { loaded, left, refused, ..changes };
        }
        (changes, errors)
    }

    /// The plugins whose settings stand for something else than what they came up with, or for nothing any more.
    fn given_something_else(&self) -> BTreeSet<PluginName> {
        let serving = self.sources.iter().filter_map(|source| source.serving.as_ref());
        let differs = |serving: &&Serving| {
            let settings = self.search.settings.get(&serving.name).filter(|settings| settings.refers());
            let given = settings.map(|settings| Given::resolve(&serving.name, settings));
            given.is_some_and(|given| given.map_or(true, |given| given.digest() != serving.given))
        };
        serving.filter(differs).map(|serving| serving.name.clone()).collect()
    }

    fn is_refused_for_secrets(&self, source: &Source) -> bool {
        let settings = source.takes.as_ref().and_then(|(name, _)| self.search.settings.get(name));
        matches!(source.standing, Standing::Refused { .. }) && settings.is_some_and(PluginSettings::refers)
    }

    /// Each plugin that is refused for its settings, with nothing else in service, and had other settings before.
    pub(in crate::plugins) fn unsettled_since(
        &self,
        before: &BTreeMap<PluginName, PluginSettings>,
    ) -> Vec<SettingsError> {
        let concerned = differing(before, &self.search.settings);
        let refused =
            self.sources.iter().filter(|source| source.serving.is_none()).filter_map(Source::refused_for_settings);
        let refused = refused.filter(|(name, _)| concerned.contains(name));
        refused.map(|(name, refusal)| SettingsError::of_refused(name.clone(), refusal)).collect()
    }

    /// What has refused what secrets said is to be read again if they say something now that it has not refused yet.
    fn try_with_other_secrets(&mut self) {
        let may_take = |source: &Source| {
            let Some((name, _)) = source.takes.as_ref().filter(|_| self.is_refused_for_secrets(source)) else {
                return false;
            };
            let given = Given::resolve(name, &self.settings_of(name));
            given.is_ok_and(|given| self.refusals.has_only_others(&source.sha256, given.digest()))
        };
        let may_take: Vec<bool> = self.sources.iter().map(may_take).collect();
        for (source, _) in self.sources.iter_mut().zip(may_take).filter(|(_, may_take)| *may_take) {
            source.read_again();
        }
    }

    fn put_in_service(&mut self, renewed: Vec<Renewed>, changes: &mut Changes) {
        for Renewed { at, serving, is_newer } in renewed {
            let source = &mut self.sources[at];
            if is_newer {
                source.sha256.clone_from(&serving.sha256);
            }
            if source.sha256 == serving.sha256 {
                source.stand(Standing::Good);
            }
            self.serve(at, serving, changes);
        }
    }

    /// Brings up anew those concerned that stay: what leaves with its folder needs no settings any more. None is loaded while
    /// there is something against another that is known without.
    fn renew(
        &mut self,
        concerned: &BTreeSet<PluginName>,
        stays: impl Fn(&Source) -> bool,
        trial: Trial,
    ) -> Result<Vec<Renewed>, Vec<SettingsError>> {
        let takes: Vec<_> = self.sources.iter().map(|source| source.takes.clone()).collect();
        let renewed = self.prepare_all(concerned, stays, trial).and_then(|prepared| self.load_all(prepared, trial));
        if renewed.is_err() {
            for (source, before) in self.sources.iter_mut().zip(takes) {
                source.takes = before;
            }
        }
        renewed
    }

    fn prepare_all(
        &mut self,
        concerned: &BTreeSet<PluginName>,
        stays: impl Fn(&Source) -> bool,
        trial: Trial,
    ) -> Result<Vec<Prepared>, Vec<SettingsError>> {
        let (mut prepared, mut errors) = (Vec::new(), Vec::new());
        for at in 0..self.sources.len() {
            let source = &self.sources[at];
            let is_concerned = source.serving.as_ref().is_some_and(|serving| concerned.contains(&serving.name));
            if !is_concerned || !stays(source) {
                continue;
            }
            match self.prepare_newest(at, trial) {
                Ok(found) => prepared.push(found),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            return Ok(prepared);
        }
        for Prepared { ready, .. } in prepared {
            discard(&ready.copy);
        }
        Err(errors)
    }

    fn load_all(&mut self, prepared: Vec<Prepared>, trial: Trial) -> Result<Vec<Renewed>, Vec<SettingsError>> {
        let (mut renewed, mut errors) = (Vec::new(), Vec::new());
        for prepared in prepared {
            let (at, is_newer) = (prepared.at, prepared.is_newer);
            let loaded = match self.load_prepared(prepared) {
                Err(_) if is_newer => self.prepare_served(at, trial).and_then(|served| self.load_prepared(served)),
                loaded => loaded,
            };
            match loaded {
                Ok(loaded) => renewed.push(loaded),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            return Ok(renewed);
        }
        for Renewed { serving, .. } in renewed {
            serving.throw_away();
        }
        Err(errors)
    }

    /// From the newest bytes, if they are others than those that serve and may come up now; or else from those that serve.
    fn prepare_newest(&mut self, at: usize, trial: Trial) -> Result<Prepared, SettingsError> {
        let Source { path, serving, .. } = &self.sources[at];
        let file = path.clone();
        let serves = |library: &Library| serving.as_ref().is_some_and(|serving| serving.sha256 == library.sha256);
        if let Ok(Some(newest)) = stage::read(&file)
            && !serves(&newest)
            && let Ok(prepared) = self.prepare_from(at, &file, trial)
        {
            return Ok(Prepared { is_newer: true, ..prepared });
        }
        self.prepare_served(at, trial)
    }

    fn prepare_served(&mut self, at: usize, trial: Trial) -> Result<Prepared, SettingsError> {
        let serving = self.sources[at].serving.as_ref().expect("only what serves is brought up anew");
        let copy = serving.copy.clone();
        self.prepare_from(at, &copy, trial)
    }

    fn prepare_from(&mut self, at: usize, library: &Path, trial: Trial) -> Result<Prepared, SettingsError> {
        let serving = self.sources[at].serving.as_ref().expect("only what serves is brought up anew");
        let name = serving.name.clone();
        let failed = |error: LoadError| SettingsError::new(name.clone(), &error);
        let library = stage::read(library).and_then(|library| library.ok_or(LoadError::NoEntry)).map_err(failed)?;
        let copy = self.generations.stage(&library).map_err(failed)?;
        let manifest = self.describer.describe(&library.sha256, &copy);
        let prepared = manifest.and_then(|manifest| {
            let ready = Ready { manifest, copy: copy.clone(), sha256: library.sha256, taken: None };
            let given = self.prepare(at, &ready)?;
            Ok(Prepared { at, ready, given, is_newer: false })
        });
        let prepared = prepared.map_err(failed).and_then(|prepared| {
            let known = self.refusals.find(&prepared.ready.sha256, prepared.given.digest());
            known.filter(|_| trial == Trial::Again).map_or(Ok(prepared), |known| Err(known.clone()))
        });
        prepared.inspect_err(|_| discard(&copy))
    }

    fn load_prepared(&mut self, prepared: Prepared) -> Result<Renewed, SettingsError> {
        let Prepared { at, ready, given, is_newer } = prepared;
        match self.load(at, &ready, &given) {
            Ok(serving) => Ok(Renewed { at, serving, is_newer }),
            Err(error) => {
                discard(&ready.copy);
                Err(SettingsError::new(ready.manifest.name, &error))
            }
        }
    }

    /// What was refused may have been so for its settings.
    fn try_refused_again(&mut self, concerned: &BTreeSet<PluginName>) {
        for source in &mut self.sources {
            let is_concerned = source.takes.as_ref().is_some_and(|(name, _)| concerned.contains(name));
            if is_concerned && matches!(source.standing, Standing::Refused { .. }) {
                source.read_again();
            }
        }
    }
}

/// The plugins of which both say something else.
fn differing(
    before: &BTreeMap<PluginName, PluginSettings>,
    after: &BTreeMap<PluginName, PluginSettings>,
) -> BTreeSet<PluginName> {
    let of = |settings: &BTreeMap<PluginName, PluginSettings>, name| {
        let PluginSettings { config, allow_in_process } = settings.get(name).cloned().unwrap_or_default();
        (config.unwrap_or_else(|| serde_json::json!({})), allow_in_process)
    };
    let names = before.keys().chain(after.keys());
    names.filter(|name| of(before, name) != of(after, name)).cloned().collect()
}
