//! `taskhost check`.
//!
//! Not here: the checks (`boot::tools`). Start at [`check`].

use std::path::Path;

use serde_json::{Value, json};
use taskhost_core::config::{Config, Diagnostic, Severity, render};
use tokio::signal::unix::{SignalKind, signal};

use super::args::CheckArgs;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::render::tame;
use crate::boot::BootError;
use crate::boot::tools::{Catalog, FileCheck, FileReport, Library};

/// Checks the file, with `--watch` again after each save.
pub(super) fn check(config: &Path, args: &CheckArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let file = args.file.as_deref().unwrap_or(config);
    let check = FileCheck::begin(file).map_err(|error| failed(&error))?;
    if !args.watch {
        return round(file, &check, args.json, output);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| unwatched(&error))?;
    runtime.block_on(repeat(file, &check, args.json, output))
}

async fn repeat(file: &Path, check: &FileCheck, json: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    // From before the first look: what is saved meanwhile is looked at next.
    let watch = check.watch().map_err(|error| unwatched(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| unwatched(&error))?;
    loop {
        if let Err(failure) = round(file, check, json, output) {
            output.note(&failure.report);
        }
        output.note("\nWaiting for the next save; Ctrl-C ends.\n");
        tokio::select! {
            () = watch.changed() => {}
            _ = interrupt.recv() => return Err(Failure::interrupted(String::new())),
        }
    }
}

fn unwatched(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the system tells of no signals or changes: {error}"))
        .hint("without --watch it is checked once")
}

pub(super) fn failed(error: &BootError) -> Failure {
    let exit = if matches!(error, BootError::ConfigUnreadable { .. }) { Exit::NotFound } else { Exit::Failed };
    Failure::reported(exit, error.report())
}

/// Checks once; well if a daemon would take the file.
fn round(file: &Path, check: &FileCheck, json: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    let report = check.check().map_err(|error| failed(&error))?;
    let name = file.display().to_string();
    if json {
        output.data(&(document(&name, &report).to_string() + "\n"))?;
    } else {
        output.note(&findings(&name, &report));
    }
    match (report.is_good(), json) {
        (true, _) => Ok(()),
        (false, true) => Err(Failure::reported(Exit::Failed, String::new())),
        (false, false) => Err(Failure::new(Exit::Failed, verdict(&name, &report))),
    }
}

/// All that a person should know; the verdict too if it is a good one.
pub(super) fn findings(name: &str, report: &FileReport) -> String {
    let mut text = tame(&render(&report.draft.diagnostics, name, &report.text));
    text.extend(report.catalog.as_ref().map(refusals));
    if report.is_good() {
        text.push_str(&verdict(name, report));
        text.push('\n');
    }
    text
}

/// The libraries that are no good.
pub(super) fn refusals(catalog: &Catalog) -> String {
    catalog.libraries().iter().filter_map(refusal).map(|text| paragraph(&text)).collect()
}

fn paragraph(text: &str) -> String {
    format!("{}\n\n", text.trim_end())
}

fn refusal(library: &Library) -> Option<String> {
    let error = library.described.as_ref().err()?;
    let hint = error.hint().map(|hint| format!("\n\nhint: {hint}")).unwrap_or_default();
    Some(tame(&format!("warning: the library {} is refused: {error}{hint}", library.path.display())))
}

/// `tasks.toml is good: 3 jobs, 2 queues, 3 plugins with 11 kinds`.
pub(super) fn verdict(name: &str, report: &FileReport) -> String {
    let count = |severity| report.draft.diagnostics.iter().filter(|found| found.severity == severity).count();
    if !report.is_good() {
        return format!("{name} has {}", counted(count(Severity::Error), "error"));
    }
    let Some(Config { jobs, queues, .. }) = &report.draft.config else { return format!("{name} is good") };
    let manifests: Vec<_> = report.catalog.iter().flat_map(Catalog::manifests).collect();
    let kinds = manifests.iter().map(|manifest| manifest.kinds.len()).sum();
    let warnings = match count(Severity::Warning) {
        0 => String::new(),
        warnings => format!(", with {}", counted(warnings, "warning")),
    };
    let jobs = counted(jobs.len(), "job");
    let queues = counted(queues.len(), "queue");
    format!(
        "{name} is good{warnings}: {jobs}, {queues}, {} with {}",
        counted(manifests.len(), "plugin"),
        counted(kinds, "kind")
    )
}

fn counted(number: usize, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {word}{ending}")
}

fn document(name: &str, report: &FileReport) -> Value {
    let diagnostics: Vec<_> = report.draft.diagnostics.iter().map(diagnostic).collect();
    let plugins: Vec<_> = report.catalog.iter().flat_map(Catalog::libraries).map(plugin).collect();
    json!({ "file": name, "good": report.is_good(), "diagnostics": diagnostics, "plugins": plugins })
}

fn diagnostic(found: &Diagnostic) -> Value {
    let Diagnostic { severity, message, hint, line, column, span } = found;
    json!({
        "severity": severity.as_str(), "message": message, "hint": hint, "line": line, "column": column,
        "start": span.start, "end": span.end,
    })
}

fn plugin(library: &Library) -> Value {
    let manifest = library.described.as_ref().ok();
    let kinds: Vec<_> = manifest.iter().flat_map(|manifest| &manifest.kinds).map(|kind| &kind.name).collect();
    json!({
        "path": library.path, "name": manifest.map(|manifest| &manifest.name),
        "version": manifest.map(|manifest| &manifest.version), "kinds": kinds,
        "error": library.described.as_ref().err().map(ToString::to_string),
    })
}
