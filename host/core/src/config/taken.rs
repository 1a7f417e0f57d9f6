//! Names that a file and a job declared over HTTP both have: the file cannot be applied while that one is there.
//!
//! Not here: which jobs were declared over HTTP (the host). Start at [`taken`].

use super::{Config, Diagnostic};
use crate::ids::JobName;

/// An error for each job of `config`, which was read from `text`, whose name is among `others`.
pub fn taken<'a>(text: &str, config: &Config, others: impl IntoIterator<Item = &'a JobName>) -> Vec<Diagnostic> {
    let tell = |name: &JobName| {
        let job = config.jobs.get(name)?;
        let message = format!("[jobs.{name}] has the name of a job that was declared over HTTP");
        let hint = format!("give it another name, or remove the other: `taskhost jobs remove {name}`");
        Some(Diagnostic::new(text, job.kind_span.clone(), message, Some(hint)))
    };
    others.into_iter().filter_map(tell).collect()
}
