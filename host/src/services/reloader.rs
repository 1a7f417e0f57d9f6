//! Applies `tasks.toml` when it is saved: read, checked, built, then swapped in one step. An edit that is no good changes
//! nothing, and what was applied last goes on.
//!
//! Not here: noticing a save (`watcher`), what is wrong with a text (`edit`), what is declared (`live`). Start at
//! [`Reloader::run`].

mod edit;
mod found;

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use taskhost_core::config::{Config, Diagnostic, Diff, HostConfig, first};
use taskhost_core::time::UnixMicros;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tracing::{error, info, warn};

pub use self::edit::Edit;
use self::edit::Good;
pub use self::found::{Found, nothing_in};
use crate::applied::{self, Applied, Refused, Source};
use crate::clock::{Clock, sleep};
use crate::live::Live;
use crate::plugins::catalog::CatalogOptions;
use crate::plugins::describe::DescribeOptions;
use crate::plugins::{Changes, Executor, PluginSettings, Registry};
use crate::service_manager;

/// Editors truncate, then fill: several events for one save. This much quiet joins them.
const QUIET: Duration = Duration::from_millis(100);
/// A file that is written without a pause does not keep an edit waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The service and what it works with.
#[derive(Debug)]
pub struct Reloader {
    /// What is told of each edit.
    pub applied: Arc<Applied>,
    /// Where the jobs and queues of a good one go.
    pub live: Arc<Live>,
    /// Where the plugin folders and settings go, and what the rest is checked against.
    pub registry: Arc<Registry>,
    /// Where the grace of cancels goes.
    pub executor: Arc<dyn Executor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The folder `[host] state`.
    pub state: PathBuf,
    /// How libraries of other folders are asked.
    pub describe: DescribeOptions,
    /// What the daemon was started with.
    pub booted: Config,
    /// The text that is applied.
    pub text: String,
    /// What it says.
    pub declared: Config,
    /// What the file held when it was read last.
    pub seen: Found,
    /// Told whenever the file may have changed.
    pub saved: Arc<Notify>,
    /// Told when somebody wants the file to be read.
    pub asked: Arc<Notify>,
    /// Moves when the plugin folders were looked at.
    pub looked: watch::Receiver<u64>,
    /// Counted up when an edit has changed which kinds there are.
    pub kinds_changed: watch::Sender<u64>,
    /// True once the daemon stops. Who stops it can wait until this is dropped, which is once no round runs any more.
    pub stopping: watch::Receiver<bool>,
}

impl Reloader {
    /// Reloads until it is dropped.
    pub async fn run(mut self) {
        let mut freed = self.live.freed();
        loop {
            let source = tokio::select! {
                () = self.saved.notified() => Source::Save,
                () = self.asked.notified() => Source::Signal,
                // What an edit was refused for may be gone.
                Ok(()) = self.looked.changed() => Source::Retry,
                Ok(()) = freed.changed() => Source::Retry,
            };
            if source == Source::Save {
                self.settle().await;
            }
            let round = spawn_blocking(move || {
                self.look(source);
                self
            });
            self = match round.await {
                Ok(this) => this,
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                // The runtime ends.
                Err(_) => return,
            };
        }
    }

    /// Waits until nobody writes, which is not for ever.
    async fn settle(&self) {
        let quiet = async {
            loop {
                tokio::select! {
                    () = self.saved.notified() => {}
                    () = sleep(QUIET) => return,
                }
            }
        };
        tokio::select! {
            () = quiet => {}
            () = sleep(PATIENCE) => {}
        }
    }

    /// Reads the file, and applies or refuses it. Blocks.
    fn look(&mut self, source: Source) {
        let is_refused = self.applied.standing().refused.is_some();
        if self.is_stopping() || (source == Source::Retry && !is_refused) {
            return;
        }
        let found = Found::read(self.applied.file());
        let is_same = found == self.seen;
        // Somebody who asks is answered; a text that was told of is not told of again.
        let is_asked = source == Source::Signal;
        if is_same && matches!(source, Source::Save | Source::Start) {
            return;
        }
        self.tell_manager(service_manager::reloading);
        if is_same && is_asked && !is_refused {
            info!(generation = self.generation(), "tasks.toml is as it was applied.");
        } else {
            self.take(&found, source, !is_same || is_asked);
        }
        if is_asked && !self.is_stopping() {
            self.follow_secrets();
        }
        self.seen = found;
        self.tell_manager(|| service_manager::ready(&self.status()));
    }

    fn take(&mut self, found: &Found, source: Source, is_news: bool) {
        let now = self.clock.now();
        let text = match found {
            Found::Text(text) => text,
            Found::Nothing(problem) => {
                return self.refuse(Refused::without_text(self.applied.file(), problem, now), is_news);
            }
        };
        if *text == self.text {
            self.registry.watch(self.declared.host.plugins.clone());
            self.applied.restore(now);
            info!(generation = self.generation(), "tasks.toml is again as it was applied.");
            return;
        }
        let applied = self.build(text, now, is_news).and_then(|good| self.apply(text, good, source, now));
        if let Err(diagnostics) = applied {
            self.refuse(Refused::with_errors(self.applied.file(), text, diagnostics, now), is_news);
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Nothing, once the daemon stops; the stop is not told of meanwhile either.
    fn tell_manager(&self, tell: impl FnOnce()) {
        let stopping = self.stopping.borrow();
        if !*stopping {
            tell();
        }
    }

    /// Of a secret that has another value nobody hears but from who asks.
    fn follow_secrets(&self) {
        let (changes, errors) = self.registry.follow_secrets();
        self.tell_of_kinds(changes);
        for failed in errors {
            error!(error = %failed, hint = failed.hint(), "A plugin goes on with the secrets that it has.");
        }
    }

    fn tell_of_kinds(&self, changes: Changes) {
        if changes.concern_kinds() {
            self.kinds_changed.send_modify(|count| *count += 1);
        }
    }

    /// Checks the text and brings up what can fail, which is what the plugins make of it. That may take long, so nobody who
    /// declares a job waits for it.
    fn build(&self, text: &str, now: UnixMicros, is_news: bool) -> Result<Good, Vec<Diagnostic>> {
        let edit = Edit { text, before: &self.declared, now };
        let good = edit.check(&self.live, &self.registry, |config| self.catalog(config))?;
        if self.is_stopping() {
            // Plugins that come up now might not be told to shut down.
            return Ok(good);
        }
        let (folders, settings) = (good.config.host.plugins.clone(), PluginSettings::of(&good.config));
        let changes = if is_news {
            self.registry.reconfigure(folders, settings)
        } else {
            self.registry.reconfigure_again(folders, settings)
        };
        self.tell_of_kinds(changes.map_err(|errors| edit.unsettled(&good.config, &errors))?);
        Ok(good)
    }

    /// The libraries of the folders of a config, which are heard of from now on: what an edit needs may come there later.
    fn catalog(&self, config: &Config) -> CatalogOptions {
        let searched = self.declared.host.plugins.iter().chain(&config.host.plugins);
        self.registry.watch(searched.cloned().collect());
        CatalogOptions {
            folders: config.host.plugins.clone(),
            state: self.state.clone(),
            scratch: self.state.clone(),
            describe: self.describe.clone(),
        }
    }

    /// Swaps in what was built, unless a name has been taken meanwhile.
    fn apply(&mut self, text: &str, good: Good, source: Source, now: UnixMicros) -> Result<(), Vec<Diagnostic>> {
        let Good { config, warnings } = good;
        let live = Arc::clone(&self.live);
        // Held until the edit is applied or refused: no name is taken meanwhile.
        let editing = Handle::current().block_on(live.edit());
        if self.is_stopping() {
            // The next start judges the file.
            return Ok(());
        }
        let taken = Edit { text, before: &self.declared, now }.taken(&config, &live);
        if !taken.is_empty() {
            drop(editing);
            self.put_plugins_back();
            return Err(taken);
        }
        for Diagnostic { message: problem, line, column, hint, .. } in first(&warnings).0 {
            warn!(line, column, problem, hint, "The edit of tasks.toml may surprise.");
        }
        let summary = Diff::between(&self.declared, &config).headline(&config, now);
        let needs_restart: Vec<_> = Diff::between(&self.booted, &config).needs_restart().collect();
        let restart = needs_restart.join(", ");
        let edit = applied::Edit { text, source, summary: &summary };
        let swap = || {
            self.executor.set_cancel_grace(config.host.cancel_grace);
            editing.apply(Arc::new(running(&self.booted.host, config.clone())));
        };
        let generation = self.applied.apply(edit, needs_restart, now, swap).generation;
        text.clone_into(&mut self.text);
        self.declared = config;
        info!("tasks.toml is applied: {summary}, config generation {generation}.");
        if !restart.is_empty() {
            warn!(keys = restart, "These keys of [host] need a restart; the rest of the edit is applied.");
        }
        Ok(())
    }

    /// Of an edit that is refused in the end nothing stays.
    fn put_plugins_back(&self) {
        let (folders, settings) = (self.declared.host.plugins.clone(), PluginSettings::of(&self.declared));
        match self.registry.reconfigure(folders, settings) {
            Ok(changes) => self.tell_of_kinds(changes),
            Err(errors) => {
                for failed in errors {
                    error!(error = %failed, hint = failed.hint(), "A plugin goes on with the settings of an edit that is refused.");
                }
            }
        }
    }

    fn refuse(&self, refused: Refused, is_news: bool) {
        let report = refused.report.clone();
        self.applied.refuse(refused);
        if is_news {
            let generation = self.generation();
            error!("tasks.toml is refused, config generation {generation} goes on.\n{}", report.trim_end());
        }
    }

    fn generation(&self) -> u64 {
        self.applied.standing().generation.generation
    }

    /// One line for people.
    fn status(&self) -> String {
        let standing = self.applied.standing();
        let (generation, jobs) = (standing.generation.generation, self.declared.jobs.len());
        match &standing.refused {
            None => format!("Config generation {generation}; {jobs} jobs in the file."),
            Some(_) => format!("tasks.toml is refused, config generation {generation} goes on; see the log."),
        }
    }
}

/// The config with what the daemon was started with in place of what needs a restart.
fn running(booted: &HostConfig, config: Config) -> Config {
    let host = HostConfig {
        store: booted.store.clone(),
        state: booted.state.clone(),
        listen: booted.listen,
        durability: booted.durability,
        upload_limit: booted.upload_limit,
        ..config.host
    };
    Config { host, ..config }
}
