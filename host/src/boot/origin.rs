//! The `tasks.toml` that a daemon starts on: the file, or the last good text where the file is no good.
//!
//! Not here: edits while it runs (`services::reloader`). Start at [`Origin::read`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskhost_core::config::Config;
use tokio::sync::{Notify, watch};
use tracing::error;

use super::places::Places;
use super::{BootError, Options, read_config, read_text};
use crate::applied::{Applied, Edit, History, Refused, Source};
use crate::clock::{Clock, SystemClock};
use crate::live::Live;
use crate::plugins::describe::DescribeOptions;
use crate::plugins::{Executor, Registry};
use crate::services::reloader::{Found, Reloader};

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
}

impl Origin {
    /// Reads the file. One that is no good is told, and the last good text taken instead, unless `options` are strict.
    /// # Errors
    /// [`BootError`] with every error of the file, if there is no last good text or it is not to be taken.
    pub(super) fn read(options: &Options) -> Result<Self, BootError> {
        let path = &options.config;
        let file = std::path::absolute(path).map_err(|source| BootError::system("find", path, source))?;
        let found = Found::read(&file);
        let refused = match &found {
            Found::Text(text) => match Config::parse(text) {
                Ok(config) => return Ok(Self { file, text: text.clone(), config, found, refused: None }),
                Err(errors) => Refused::with_errors(&file, text, errors, SystemClock.now()),
            },
            Found::Nothing(problem) => Refused::without_text(&file, problem, SystemClock.now()),
        };
        let kept = last_good(path, &found);
        if let (true, Some(_), Found::Nothing(problem)) = (options.strict, &kept, &found) {
            return Err(BootError::ConfigEmpty { path: path.clone(), problem: problem.clone() });
        }
        match kept.filter(|_| !options.strict) {
            Some((text, config)) => {
                error!("{} is refused; the last good text of it runs.\n{}", path.display(), refused.report.trim_end());
                Ok(Self { file, found, text, config, refused: Some(refused) })
            }
            // An empty file declares nothing: the first start of somebody who has no last good text.
            None => Ok(Self { file, text: read_text(path)?, config: read_config(path)?, found, refused: None }),
        }
    }

    /// Where the applied configs are told of, from this one on.
    pub(super) fn applied(&self, places: &Places) -> Applied {
        let edit = Edit { text: &self.text, source: Source::Start, summary: "what the daemon was started on" };
        let history = History::open(&places.state);
        let applied = Applied::begin(self.file.clone(), history, edit, SystemClock.now());
        if let Some(refused) = self.refused.clone() {
            applied.refuse(refused);
        }
        applied
    }

    /// What applies the edits that follow.
    pub(super) fn reloader(self, parts: ReloadParts, places: &Places) -> Reloader {
        let ReloadParts { applied, live, registry, executor, clock, saved, asked, looked, kinds_changed } = parts;
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
}

/// The last good text that a daemon has kept where the file, as far as it can be read, says that it would.
fn last_good(path: &Path, found: &Found) -> Option<(String, Config)> {
    let state = match found {
        Found::Text(text) => Config::state_in(text),
        Found::Nothing(_) => None,
    };
    let state = path.parent().unwrap_or(Path::new("")).join(Places::of(path, state).state);
    let text = History::last_good(&state).ok().flatten()?;
    let config = Config::parse(&text).ok()?;
    Some((text, config))
}
