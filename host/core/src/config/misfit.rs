//! Holds a file against what the plugins offer, and points at what does not fit: kinds that nobody provides, params and
//! plugin configs that a schema refuses.
//!
//! Not here: the schemas, and checking a document against one (the host, behind [`Schemas`]). Start at [`misfits`].

use std::fmt;
use std::ops::Range;

use super::place::{Places, follow};
use super::section::Value;
use super::{Config, Diagnostic, JobConfig, Lines, PluginConfig};
use crate::ids::{JobName, KindName, PluginName, QueueName};
use crate::suggest::closest;
use serde_json::Value as Json;

/// What the plugins offer.
pub trait Schemas {
    /// Every kind that a plugin provides.
    fn kinds(&self) -> Vec<KindName>;
    /// Every plugin.
    fn plugins(&self) -> Vec<PluginName>;
    /// Where `params` do not fit the kind; none if no plugin provides it.
    fn params(&self, kind: &KindName, params: &Json) -> Option<Vec<Misfit>>;
    /// Where `config` does not fit the plugin; none if there is no such plugin.
    fn config(&self, plugin: &PluginName, config: &Json) -> Option<Vec<Misfit>>;
    /// The queue that tasks of the kind ask for, if they ask for one.
    fn queue(&self, kind: &KindName) -> Option<QueueName>;
}

/// A place where a document does not fit a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// JSON pointer to the value; empty for the whole document.
    pub pointer: String,
    /// What is wrong there.
    pub fault: Fault,
    /// What helps, such as what the schema says of the place.
    pub hint: Option<String>,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is another one than it should be: `expected an integer, found a string`. Never shows the value, which may be a
    /// secret.
    Value(String),
    /// A key stands in it that does not belong there.
    UnknownKey {
        /// The key.
        key: String,
        /// Those that do.
        known: Vec<String>,
    },
    /// A key is missing in it.
    MissingKey {
        /// The key.
        key: String,
    },
}

/// `` `/width`: expected an integer, found a string``.
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "`{}`: ", self.pointer)?;
        }
        match &self.fault {
            Fault::Value(problem) => f.write_str(problem),
            Fault::UnknownKey { key, .. } => write!(f, "unknown key `{key}`"),
            Fault::MissingKey { key } => write!(f, "`{key}` is missing"),
        }
    }
}

/// Everything in the file that does not fit the plugins, in the order of the lines. `text` is what `config` was read from.
///
/// A section of a plugin that is not there, and a queue that is not declared where a kind asks for it, are warnings; all
/// else are errors.
pub fn misfits(text: &str, config: &Config, schemas: &dyn Schemas) -> Vec<Diagnostic> {
    let check = Check { lines: Lines::of(text), places: Places::read(text), config, schemas };
    let jobs = config.jobs.iter().flat_map(|(name, job)| check.job(name, job));
    let plugins = config.plugins.iter().flat_map(|(name, plugin)| check.plugin(name, plugin));
    let mut found: Vec<_> = jobs.chain(plugins).collect();
    found.sort_by_key(|diagnostic| diagnostic.span.start);
    found
}

struct Check<'a> {
    lines: Lines<'a>,
    places: Places<'a>,
    config: &'a Config,
    schemas: &'a dyn Schemas,
}

impl Check<'_> {
    fn job(&self, name: &JobName, job: &JobConfig) -> Vec<Diagnostic> {
        let kind = &job.job.kind;
        let Some(misfits) = self.schemas.params(kind, job.job.params.value()) else {
            let message = format!("job `{name}` names kind `{kind}`, which no plugin provides");
            let hint = self.hint_for_kind(kind);
            return vec![Diagnostic::at(&self.lines, job.kind_span.clone(), message, Some(hint))];
        };
        let document = Document { way: ["jobs", name.as_str(), "params"], span: job.params_span.clone() };
        let mut found = self.point_all(&document, &misfits);
        found.extend(self.wish(name, job));
        found
    }

    fn plugin(&self, name: &PluginName, plugin: &PluginConfig) -> Vec<Diagnostic> {
        let Some(misfits) = self.schemas.config(name, plugin.config.get_ref()) else {
            return vec![self.absent_plugin(name)];
        };
        let document = Document { way: ["plugins", name.as_str(), "config"], span: plugin.config.span() };
        self.point_all(&document, &misfits)
    }

    /// A kind may ask for a queue that the file does not have.
    fn wish(&self, name: &JobName, job: &JobConfig) -> Option<Diagnostic> {
        let kind = &job.job.kind;
        let queue = self.schemas.queue(kind).filter(|_| job.job.queue.is_none())?;
        if self.config.queues.contains_key(&queue) {
            return None;
        }
        let message = format!(
            "tasks of kind `{kind}` ask for queue `{queue}`, which is not declared; those of job `{name}` wait in `default`"
        );
        let hint = format!("declare it: [queues.{queue}]; or say queue = \"default\" in [jobs.{name}]");
        Some(Diagnostic::at(&self.lines, job.kind_span.clone(), message, Some(hint)).warning())
    }

    fn hint_for_kind(&self, unknown: &KindName) -> String {
        let kinds = self.schemas.kinds();
        let names = || kinds.iter().map(KindName::as_str);
        match closest(unknown.as_str(), names()) {
            Some(kind) => format!("did you mean `{kind}`?"),
            None if kinds.is_empty() => {
                "there are no plugins: `plugins` in [host] names the folders of theirs".to_owned()
            }
            None => format!("the kinds are {}", names().collect::<Vec<_>>().join(", ")),
        }
    }

    fn absent_plugin(&self, name: &PluginName) -> Diagnostic {
        let key = self.places.table(&["plugins"]).and_then(|plugins| plugins.get_key_value(name.as_str()));
        let span = key.map_or(0..0, |(key, _)| key.span());
        let plugins = self.schemas.plugins();
        let closest = closest(name.as_str(), plugins.iter().map(PluginName::as_str));
        let hint = closest.map(|plugin| format!("did you mean `{plugin}`?"));
        Diagnostic::at(&self.lines, span, format!("[plugins.{name}] is for a plugin that is not there"), hint).warning()
    }

    fn point_all(&self, document: &Document<'_>, misfits: &[Misfit]) -> Vec<Diagnostic> {
        let told = misfits.iter().filter(|misfit| !is_mistyped(misfit, misfits));
        told.map(|misfit| self.point(document, misfit.clone())).collect()
    }

    fn point(&self, document: &Document<'_>, misfit: Misfit) -> Diagnostic {
        let Misfit { pointer, fault, mut hint } = misfit;
        let document_value = self.places.table(&document.way[..2]).and_then(|table| table.get(document.key()));
        let found = document_value.map(|value| follow(value, &pointer));
        let (steps, value) = found.map_or((String::new(), None), |(steps, value)| (steps, Some(value)));
        let (place, section) = (format!("{}{steps}", document.key()), document.section());
        let mut span = value.map_or(document.span.clone(), Value::span);
        let message = match fault {
            Fault::Value(problem) => format!("`{place}` in {section}: {problem}"),
            Fault::MissingKey { key } => format!("`{place}` in {section} has no `{key}`"),
            Fault::UnknownKey { key, known } => {
                let table = value.and_then(|value| value.get_ref().as_table());
                span = table.and_then(|table| table.get_key_value(&*key)).map_or(span, |(key, _)| key.span());
                hint = Some(hint_for_key(&key, &known));
                format!("unknown key `{key}` in `{place}` of {section}")
            }
        };
        Diagnostic::at(&self.lines, span, message, hint)
    }
}

/// Whether the key that is missing stands there with a typing error: that is one mistake, not two.
fn is_mistyped(misfit: &Misfit, all: &[Misfit]) -> bool {
    let Fault::MissingKey { key: missing } = &misfit.fault else { return false };
    all.iter().filter(|other| other.pointer == misfit.pointer).any(|other| match &other.fault {
        Fault::UnknownKey { key, known } => closest(key, known.iter().map(String::as_str)) == Some(missing),
        Fault::Value(_) | Fault::MissingKey { .. } => false,
    })
}

/// A part of the file that is given to a plugin.
struct Document<'a> {
    way: [&'a str; 3],
    span: Range<usize>,
}

impl Document<'_> {
    fn key(&self) -> &str {
        self.way[2]
    }

    fn section(&self) -> String {
        let [kind, name, _] = self.way;
        format!("[{kind}.{name}]")
    }
}

fn hint_for_key(key: &str, known: &[String]) -> String {
    match closest(key, known.iter().map(String::as_str)) {
        Some(known) => format!("did you mean `{known}`?"),
        None if known.is_empty() => "no key is allowed here".to_owned(),
        None => format!("the keys here are {}", known.join(", ")),
    }
}

#[cfg(test)]
#[path = "misfit_tests.rs"]
mod tests;
