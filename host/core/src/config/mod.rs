//! The model of `tasks.toml`: parse and check.
//!
//! Not here: reading the file, and what only the plugins know (the host, behind [`Schemas`]).
//! Start at [`Config::parse`].

mod diagnostic;
mod diff;
mod document;
mod duplicate;
mod headline;
mod host;
mod jobs;
mod lines;
mod misfit;
mod outlook;
mod parts;
mod place;
mod plan;
mod retention;
mod schema;
mod section;
mod taken;
mod unresolved;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::DeTable;

pub use diagnostic::{Diagnostic, SHOWN_MAX, Severity, first, render};
pub use diff::{Changes, Diff};
pub use document::{Difference, differences, document};
pub use host::{Durability, HostConfig, StoreUrl};
pub use jobs::JobConfig;
pub use lines::Lines;
pub use misfit::{Fault, Misfit, Schemas, misfits};
pub use outlook::outlook;
pub use parts::{PluginConfig, QueueConfig};
pub use place::Places;
pub use plan::{Firings, Plan};
pub use schema::{KindSchema, PluginSchema, schema};
pub use taken::taken;
pub use toml::Spanned;
pub use unresolved::unresolved;

use crate::ids::{JobName, PluginName, QueueName};
use crate::retention::{PartialRetention, Retentions};
use duplicate::DUPLICATE;
use jobs::Context;
use section::{Reader, Section};

/// What `tasks.toml` declares, every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[host]`.
    pub host: HostConfig,
    /// `[plugins.NAME]`; a plugin needs no section.
    pub plugins: BTreeMap<PluginName, PluginConfig>,
    /// `[queues.NAME]`, and always `default`.
    pub queues: BTreeMap<QueueName, QueueConfig>,
    /// `[jobs.NAME]`.
    pub jobs: BTreeMap<JobName, JobConfig>,
}

/// That of an empty file.
impl Default for Config {
    fn default() -> Self {
        let queues = BTreeMap::from([(QueueName::default(), QueueConfig::default())]);
        Self { host: HostConfig::default(), plugins: BTreeMap::new(), queues, jobs: BTreeMap::new() }
    }
}

/// What could be read of a text that may have errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What was read, the default in place of each value that is wrong; a job that cannot be read is left out. None if
    /// the text is no TOML.
    pub config: Option<Config>,
    /// Every finding, in the order of the lines.
    pub diagnostics: Vec<Diagnostic>,
}

impl Draft {
    /// Reads as much of a text as can be read.
    pub fn read(text: &str) -> Self {
        let mut reader = Reader { lines: Lines::of(text), diagnostics: Vec::new() };
        let (table, broken) = DeTable::parse_recoverable(text);
        for error in broken {
            let span = error.span().unwrap_or_default();
            let message = match error.message() {
                DUPLICATE if reader.diagnostics.len() < SHOWN_MAX => {
                    duplicate::explain(&reader.lines, table.get_ref(), &span)
                }
                message => message.to_owned(),
            };
            reader.error(span, message, None);
        }
        // What a broken line was to say is unknown: checking the rest would report errors that are none.
        let config = reader.diagnostics.is_empty().then(|| Config::read(&mut reader, table.get_ref()));
        let mut draft = Self { config, diagnostics: reader.diagnostics };
        draft.sort();
        draft
    }

    /// Adds findings; one at a place where an error is known already follows from it and is left out.
    pub fn add(&mut self, findings: Vec<Diagnostic>) {
        // Each known place, in order, with the furthest end so far: of those that begin before a finding ends, one reaches into
        // it if the furthest does.
        let mut furthest = 0;
        let known: Vec<_> = self
            .diagnostics
            .iter()
            .map(|Diagnostic { span, .. }| {
                furthest = span.end.max(furthest);
                (span.start, furthest)
            })
            .collect();
        let follows = |new: &Diagnostic| {
            let before = known.partition_point(|(start, _)| *start < new.span.end);
            known[..before].last().is_some_and(|(_, end)| new.span.start < *end)
        };
        self.diagnostics.extend(findings.into_iter().filter(|finding| !follows(finding)));
        self.sort();
    }

    fn sort(&mut self) {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    }
}

impl Config {
    /// Reads the text of a `tasks.toml`.
    ///
    /// ```
    /// use taskhost_core::config::Config;
    ///
    /// let text = "[jobs.nightly]\nkind = \"backup.create\"\nschedule = { evry = \"1d\" }\n";
    /// let errors = Config::parse(text).unwrap_err();
    /// assert_eq!((errors.len(), errors[0].line, errors[0].column), (1, 3, 14));
    /// assert!(errors[0].render("tasks.toml", text).contains("hint: did you mean `every`?"));
    /// ```
    /// # Errors
    /// Every error of the text in the order of the lines: those of TOML itself, or else unknown keys and wrong values.
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let Draft { config, diagnostics } = Draft::read(text);
        config.filter(|_| diagnostics.is_empty()).ok_or(diagnostics)
    }

    /// The folder `[host] state` of a text that may have errors elsewhere, so that a running daemon is found while its file
    /// is being edited.
    pub fn state_in(text: &str) -> Option<PathBuf> {
        let (table, _errors) = DeTable::parse_recoverable(text);
        let state = table.get_ref().get("host").and_then(|host| host.get_ref().get("state"));
        state.and_then(|state| state.get_ref().as_str()).map(PathBuf::from)
    }

    /// How long ended tasks of each queue are kept.
    pub fn retentions(&self) -> Retentions {
        let usual = self.host.retention;
        let others = self.queues.iter().filter(|(_, queue)| queue.retention != PartialRetention::default());
        let of_queues = others.map(|(name, queue)| (name.clone(), queue.retention.over(usual))).collect();
        Retentions { usual, of_queues }
    }

    fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Self {
        let file = Section::root(table);
        file.check_keys(reader, &["host", "plugins", "queues", "jobs"], &[]);
        let host = file.section(reader, "host").map(|section| host::read(reader, &section)).unwrap_or_default();
        let plugins = file.section(reader, "plugins");
        let plugins = plugins.map(|section| parts::read_plugins(reader, &section)).unwrap_or_default();
        let queues = file.section(reader, "queues");
        let queues = parts::read_queues(reader, queues.as_ref());
        let context = Context { zone: host.timezone, queues: queues.keys().collect() };
        let jobs = file.section(reader, "jobs");
        let jobs = jobs.map(|section| jobs::read_jobs(reader, &section, &context)).unwrap_or_default();
        Self { host, plugins, queues, jobs }
    }
}
