//! Which `tasks.toml` is applied, and what was refused since: what faces show of it.
//!
//! Not here: what it declares (`live`), applying and refusing (`services::reloader`). Start at [`Applied`].

mod history;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use taskhost_core::config::{Diagnostic, first};
use taskhost_core::time::UnixMicros;
use tokio::sync::watch;

pub use self::history::{Generation, History, Source};

/// The applied configs and the last refusal.
#[derive(Debug)]
pub struct Applied {
    file: PathBuf,
    history: Mutex<History>,
    standing: watch::Sender<Arc<Standing>>,
}

/// How it stands at one moment.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What is applied.
    pub generation: Generation,
    /// Keys of `[host]` that the file has with another value than the daemon was started with.
    pub needs_restart: Vec<&'static str>,
    /// The digest of the file as it was read last, hexadecimal; none if there was no text in it.
    pub seen: Option<String>,
    /// Why the file as it is now is not applied; none if it is.
    pub refused: Option<Arc<Refused>>,
    /// The last edit that was looked at; the start counts as one.
    pub last: Reload,
}

/// What became of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// When.
    pub at: UnixMicros,
    /// Whether it was applied.
    pub is_good: bool,
}

/// An edit that is not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: UnixMicros,
    /// The digest of its text, hexadecimal; none if there was no text to read.
    pub sha256: Option<String>,
    /// What is wrong as a whole, in a line.
    pub problem: String,
    /// Everything that is wrong, for people.
    pub report: String,
    /// The same piece by piece; nothing if there was no text to read.
    pub diagnostics: Vec<Diagnostic>,
}

impl Refused {
    /// Of a file in which there is no text to apply.
    pub fn without_text(file: &Path, problem: &str, at: UnixMicros) -> Self {
        let hint = "save the file again; one that is missing or empty is never taken for \"no jobs\"";
        let problem = format!("{} cannot be applied: {problem}", name(file));
        let report = format!("error: {problem}\n\nhint: {hint}\n");
        Self { at, sha256: None, problem, report, diagnostics: Vec::new() }
    }

    /// The first error in a line, with its place if it has one.
    pub fn headline(&self) -> String {
        match self.diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
            Some(Diagnostic { message, line, column, .. }) => format!("line {line}, column {column}: {message}"),
            None => self.problem.clone(),
        }
    }

    /// Of a text with errors. The lines of the text are not shown: there may be secrets in them.
    pub fn with_errors(file: &Path, text: &str, diagnostics: Vec<Diagnostic>, at: UnixMicros) -> Self {
        let name = name(file);
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
        let problem = format!("{name} has {errors} error{}", if errors == 1 { "" } else { "s" });
        let (first, more) = first(&diagnostics);
        let told: Vec<_> = first.into_iter().map(|diagnostic| diagnostic.render_for_log(&name)).chain(more).collect();
        Self { at, sha256: Some(digest(text)), problem, report: told.join("\n"), diagnostics }
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).display().to_string()
}

/// What is to be applied.
#[derive(Debug, Clone, Copy)]
pub struct Edit<'a> {
    /// The text of the file.
    pub text: &'a str,
    /// Why it is looked at.
    pub source: Source,
    /// What it changes, in a line.
    pub summary: &'a str,
}

impl Applied {
    /// Begins with the config that the daemon starts on; `file` is the path of `tasks.toml`. A text that was applied last
    /// keeps the number of its generation.
    pub fn begin(file: PathBuf, mut history: History, edit: Edit<'_>, now: UnixMicros) -> Self {
        let generation = history.resume(edit, now);
        let last = Reload { at: now, is_good: true };
        let seen = Some(generation.sha256.clone());
        let standing = Standing { generation, needs_restart: Vec::new(), seen, refused: None, last };
        Self { file, history: Mutex::new(history), standing: watch::Sender::new(Arc::new(standing)) }
    }

    /// What a good file declares, kept nowhere.
    #[cfg(test)]
    pub(crate) fn of(file: &str, state: &Path) -> Self {
        let edit = Edit { text: file, source: Source::Start, summary: "what the daemon was started on" };
        Self::begin("/srv/tasks.toml".into(), History::open(state), edit, UnixMicros::default())
    }

    /// The path of `tasks.toml`.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How it stands now.
    pub fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing.borrow())
    }

    /// The last generations, the latest first.
    pub fn generations(&self) -> Vec<Generation> {
        self.history().generations().iter().rev().cloned().collect()
    }

    /// A generation and its text; none if it is not kept. Blocks on the disk.
    /// # Errors
    /// What the system said.
    pub fn text(&self, number: u64) -> io::Result<Option<(Generation, String)>> {
        self.history().text(number)
    }

    /// Keeps what is to be applied, lets `swap` apply it, and tells so. Blocks on the disk.
    pub fn apply(
        &self,
        edit: Edit<'_>,
        needs_restart: Vec<&'static str>,
        now: UnixMicros,
        swap: impl FnOnce(),
    ) -> Generation {
        // On disk first: what is applied can be shown, and is what a start on a broken file runs.
        let generation = self.history().apply(edit, now);
        swap();
        let last = Reload { at: now, is_good: true };
        let seen = Some(generation.sha256.clone());
        self.stand(Standing { generation: generation.clone(), needs_restart, seen, refused: None, last });
        generation
    }

    /// Notes that the file is not applied.
    pub fn refuse(&self, refused: Refused) {
        let before = self.standing();
        let last = Reload { at: refused.at, is_good: false };
        let seen = refused.sha256.clone();
        self.stand(Standing { seen, refused: Some(Arc::new(refused)), last, ..Standing::clone(&before) });
    }

    /// Notes that the file is again as it was applied.
    pub fn restore(&self, now: UnixMicros) {
        let before = self.standing();
        let last = Reload { at: now, is_good: true };
        let seen = Some(before.generation.sha256.clone());
        self.stand(Standing { seen, refused: None, last, ..Standing::clone(&before) });
    }

    fn stand(&self, standing: Standing) {
        self.standing.send_replace(Arc::new(standing));
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
