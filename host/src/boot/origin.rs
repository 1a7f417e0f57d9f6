//! The `tasks.toml` that a daemon starts on: the file, or the last good text where the file is no good.
//!
//! The file is judged as an edit of the last good text: what a running daemon refuses, a restart does not take either.
//! Not here: edits while it runs (`services::reloader`). Start at [`Origin::read`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskhost_core::config::{Config, Diagnostic};
use tokio::sync::{Notify, watch};
use tracing::error;

use super::places::Places;
use super::{BootError, Options, read_config};
use crate::applied::{self, Applied, History, Refused, Source};
use crate::clock::{Clock, SystemClock};
use crate::live::Live;
use crate::plugins::catalog::CatalogOptions;
use crate::plugins::describe::DescribeOptions;
use crate::plugins::{Executor, PluginSettings, Registry};
use crate::services::reloader::{Edit, Found, Reloader};

/// What a daemon starts on.
#[derive(Debug)]
pub(super) struct Origin {
    /// The path of `tasks.toml`, absolute.
    file: PathBuf,
    found: Found,
    /// What is applied: what was found, or the last good text.
    pub(super) text: String,
    pub(super) config: Config,
    /// Why that is not what was found.
    refused: Option<Refused>,
    /// What was applied last, if the file that was found takes its place.
    last_good: Option<(String, Config)>,
}

impl Origin {
    /// Reads the file. One that is no good is told, and the last good text taken instead, unless `options` are strict.
    /// # Errors
    /// [`BootError`] with every error of the file, if there is no last good text or it is not to be taken.
    pub(super) fn read(options: &Options) -> Result<Self, BootError> {
        let path = &options.config;
        let file = std::path::absolute(path).map_err(|source| BootError::system("find", path, source))?;
        let found = Found::read(&file);
        let last_good = last_good(path, &found);
        let refused = match &found {
            Found::Text(text) => match Config::parse(text) {
                Ok(config) => return Ok(Self { file, text: text.clone(), config, found, refused: None, last_good }),
                Err(errors) => Refused::with_errors(&file, text, errors, SystemClock.now()),
            },
            Found::Nothing(problem) => Refused::without_text(&file, problem, SystemClock.now()),
        };
        if let (true, Some(_), Found::Nothing(problem)) = (options.strict, &last_good, &found) {
            return Err(BootError::ConfigEmpty { path: path.clone(), problem: problem.clone(), has_last_good: true });
        }
        let Some((text, config)) = last_good.filter(|_| !options.strict) else {
            return Err(of_no_good(path, found));
        };
        tell(path, &refused);
        Ok(Self { file, found, text, config, refused: Some(refused), last_good: None })
    }

    /// Holds what the file changes of the last good text against the plugins. Where it does not fit, the last good text is
    /// taken instead, unless `options` are strict. What is as it was is not asked after: a plugin that went away holds its jobs,
    /// not the daemon. Without a last good text everything is taken. Relative paths begin in the folder of the file.
    /// # Errors
    /// [`BootError`] with everything that does not fit, if the last good text is not to be taken.
    pub(super) fn fit(self, options: &Options) -> Result<Self, BootError> {
        let Some((_, before)) = &self.last_good else { return Ok(self) };
        let state = self.places().state;
        let folders = self.config.host.plugins.clone();
        let catalog =
            CatalogOptions { folders, state: state.clone(), scratch: state, describe: DescribeOptions::default() };
        let edit = Edit { text: &self.text, before, now: SystemClock.now() };
        match edit.check_unloaded(&self.config, &catalog) {
            Ok(()) => Ok(self),
            Err(diagnostics) => self.fall_back(diagnostics, options),
        }
    }

    /// What the plugins that came up say against the settings that the file changes. Without a last good text nothing.
    pub(super) fn unsettled(&self, registry: &Registry) -> Vec<Diagnostic> {
        let Some((_, before)) = &self.last_good else { return Vec::new() };
        let errors = registry.unsettled_since(&PluginSettings::of(before));
        Edit { text: &self.text, before, now: SystemClock.now() }.unsettled(&self.config, &errors)
    }

    /// Takes the last good text in the place of the file, unless `options` are strict.
    /// # Errors
    /// [`BootError`] with what is wrong with the file, if the last good text is not to be taken.
    pub(super) fn fall_back(self, diagnostics: Vec<Diagnostic>, options: &Options) -> Result<Self, BootError> {
        let Some((last_good, before)) = self.last_good.filter(|_| !options.strict) else {
            return Err(BootError::Config { path: options.config.clone(), text: self.text, diagnostics });
        };
        let refused = Refused::with_errors(&self.file, &self.text, diagnostics, SystemClock.now());
        tell(&options.config, &refused);
        Ok(Self { text: last_good, config: before, refused: Some(refused), last_good: None, ..self })
    }

    /// Where the daemon keeps its things.
    pub(super) fn places(&self) -> Places {
        Places::of(&self.file, self.config.host.state.clone())
    }

    /// Where the applied configs are told of, from this one on.
    pub(super) fn applied(&self, places: &Places) -> Applied {
        let edit = applied::Edit { text: &self.text, source: Source::Start, summary: "what the daemon was started on" };
        let history = History::open(&places.state);
        let applied = Applied::begin(self.file.clone(), history, edit, SystemClock.now());
        if let Some(refused) = self.refused.clone() {
            applied.refuse(refused);
        }
        applied
    }

    /// What applies the edits that follow.
    pub(super) fn reloader(self, parts: ReloadParts, places: &Places) -> Reloader {
        let ReloadParts { applied, live, registry, executor, clock, saved, asked, looked, kinds_changed, stopping } =
            parts;
        Reloader {
            applied,
            live,
            registry,
            executor,
            clock,
            state: places.state.clone(),
            describe: DescribeOptions::default(),
            booted: self.config.clone(),
            text: self.text,
            declared: self.config,
            seen: self.found,
            saved,
            asked,
            looked,
            kinds_changed,
            stopping,
        }
    }
}

/// What a reloader works with beside the file.
#[derive(Debug)]
pub(super) struct ReloadParts {
    pub(super) applied: Arc<Applied>,
    pub(super) live: Arc<Live>,
    pub(super) registry: Arc<Registry>,
    pub(super) executor: Arc<dyn Executor>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) saved: Arc<Notify>,
    pub(super) asked: Arc<Notify>,
    pub(super) looked: watch::Receiver<u64>,
    pub(super) kinds_changed: watch::Sender<u64>,
    pub(super) stopping: watch::Receiver<bool>,
}

/// Why a daemon does not start on what was found. What says nothing is never "no jobs": where its last good text is kept, if
/// there is one, may be what it does not say.
fn of_no_good(path: &Path, found: Found) -> BootError {
    match (read_config(path), found) {
        (Err(error), _) => error,
        (Ok(_), Found::Nothing(problem)) => {
            BootError::ConfigEmpty { path: path.to_owned(), problem, has_last_good: false }
        }
        // Repaired a moment after it was read.
        (Ok(_), Found::Text(text)) => {
            let diagnostics = Config::parse(&text).err().unwrap_or_default();
            BootError::Config { path: path.to_owned(), text, diagnostics }
        }
    }
}

fn tell(path: &Path, refused: &Refused) {
    error!("{} is refused; the last good text of it runs.\n{}", path.display(), refused.report.trim_end());
}

/// The last good text that a daemon has kept where the file, as far as it can be read, says that it would; none if the file
/// is that very text.
fn last_good(path: &Path, found: &Found) -> Option<(String, Config)> {
    let state = match found {
        Found::Text(text) => Config::state_in(text),
        Found::Nothing(_) => None,
    };
    let state = path.parent().unwrap_or(Path::new("")).join(Places::of(path, state).state);
    let text = History::last_good(&state).ok().flatten()?;
    if matches!(found, Found::Text(found) if *found == text) {
        return None;
    }
    let config = Config::parse(&text).ok()?;
    Some((text, config))
}
