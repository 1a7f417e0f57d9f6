//! What is to be said against an edit: of its text alone, of names that others have, and of the plugins.
//!
//! Only what the edit adds or changes is held against the plugins: a kind that went away by itself is not its fault.
//! Start at [`Edit::check`].

use taskhost_core::config::{Config, Diagnostic, Draft, Places, Severity, misfits, outlook, taken, unresolved};
use taskhost_core::time::UnixMicros;

use crate::live::Live;
use crate::plugins::catalog::{Catalog, CatalogOptions, in_plugins};
use crate::plugins::{Registry, ScanError, SettingsError};
use crate::secrets;

/// A text that may take the place of what is applied.
#[derive(Debug)]
pub struct Edit<'a> {
    /// The text.
    pub text: &'a str,
    /// What is applied.
    pub before: &'a Config,
    /// The time.
    pub now: UnixMicros,
}

/// A text that can be applied.
#[derive(Debug)]
pub(super) struct Good {
    pub(super) config: Config,
    pub(super) warnings: Vec<Diagnostic>,
}

impl Edit<'_> {
    /// Everything that is wrong, in the order of the lines. The libraries of other folders than those that are searched now
    /// are asked as `catalog` says, without loading any.
    pub(super) fn check(
        &self,
        live: &Live,
        registry: &Registry,
        catalog: impl FnOnce(&Config) -> CatalogOptions,
    ) -> Result<Good, Vec<Diagnostic>> {
        let mut draft = Draft::read(self.text);
        let Some(config) = draft.config.clone() else { return Err(draft.diagnostics) };
        draft.add(self.taken(&config, live));
        let news = self.news(&config);
        if config.host.plugins == self.before.host.plugins {
            draft.add(misfits(self.text, &news, registry));
        } else {
            match Catalog::read(&catalog(&config)) {
                Ok(catalog) => self.check_folders(&mut draft, &config, &news, &catalog),
                Err(error) => draft.add(vec![self.unscanned(&error)]),
            }
        }
        if draft.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(draft.diagnostics);
        }
        draft.add(outlook(self.text, &news, self.now));
        begin_reading(&news);
        let unresolved = unresolved(self.text, &news, |reference| secrets::system().read(reference));
        draft.add(unresolved.into_iter().map(|warning| Diagnostic { hint: None, ..warning }).collect());
        draft.diagnostics.retain(|found| found.severity >= Severity::Warning);
        Ok(Good { config, warnings: draft.diagnostics })
    }

    /// Everything that the plugins say against `config`, which is what the text says, before any of them is loaded. An edit
    /// that changes nothing of theirs does not ask them.
    /// # Errors
    /// What does not fit, in the order of the lines.
    pub fn check_unloaded(&self, config: &Config, options: &CatalogOptions) -> Result<(), Vec<Diagnostic>> {
        let news = self.news(config);
        if news.jobs.is_empty() && news.plugins.is_empty() && config.host.plugins == self.before.host.plugins {
            return Ok(());
        }
        let mut draft = Draft { config: None, diagnostics: Vec::new() };
        match Catalog::read(options) {
            Ok(catalog) => self.check_folders(&mut draft, config, &news, &catalog),
            Err(error) => draft.add(vec![self.unscanned(&error)]),
        }
        draft.diagnostics.retain(Diagnostic::is_error);
        if draft.diagnostics.is_empty() { Ok(()) } else { Err(draft.diagnostics) }
    }

    /// The jobs whose names are taken by jobs declared over HTTP.
    pub(super) fn taken(&self, config: &Config, live: &Live) -> Vec<Diagnostic> {
        taken(self.text, config, live.taken(config))
    }

    /// Plugins that do not take what the edit says of them.
    pub fn unsettled(&self, config: &Config, errors: &[SettingsError]) -> Vec<Diagnostic> {
        let tell = |error: &SettingsError| {
            let span = config.plugins.get(&error.plugin).map(|plugin| plugin.config.span());
            let hint = error.hint().map(str::to_owned);
            Diagnostic::new(self.text, span.unwrap_or_default(), error.to_string(), hint)
        };
        errors.iter().map(tell).collect()
    }

    fn check_folders(&self, draft: &mut Draft, config: &Config, news: &Config, catalog: &Catalog) {
        let findings = catalog.findings(self.text, config);
        let in_plugins = in_plugins(self.text);
        // Without all its folders, kinds seem to be missing that are not.
        let is_whole = !findings.iter().chain(&draft.diagnostics).any(|found| found.is_error() && in_plugins(found));
        draft.add(findings);
        if is_whole {
            draft.add(misfits(self.text, news, catalog));
        }
    }

    fn unscanned(&self, error: &ScanError) -> Diagnostic {
        let span = Places::read(self.text).span_of("/host/plugins").unwrap_or_default();
        Diagnostic::new(self.text, span, error.to_string(), Some(error.hint().to_owned()))
    }

    /// The config without the jobs and plugins that stay as they are.
    fn news(&self, config: &Config) -> Config {
        let mut news = config.clone();
        news.jobs.retain(|name, job| self.before.jobs.get(name).is_none_or(|before| before.job != job.job));
        news.plugins.retain(|name, plugin| {
            let before = self.before.plugins.get(name);
            before.is_none_or(|before| before.config.get_ref() != plugin.config.get_ref())
        });
        news
    }
}

/// Otherwise one place that does not answer after the other would keep the edit waiting.
fn begin_reading(news: &Config) {
    let reads = secrets::system();
    news.jobs.values().for_each(|job| reads.begin(job.job.params.value()));
    news.plugins.values().for_each(|plugin| reads.begin(plugin.config.get_ref()));
}
