//! The applied configs on disk: a number for each, the texts of the last ones, and the last good text by itself.
//!
//! Below `[host] state`: `config/<number>.json`, and `last-good/tasks.toml`, readable for this user only. Nothing here stops
//! a reload: what cannot be kept is told in the log. Start at [`History::open`].

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use taskhost_core::time::UnixMicros;
use tempfile::NamedTempFile;
use tracing::warn;

use super::{Edit, digest};

/// How many texts are kept.
const KEPT: usize = 20;

/// Why a file was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The daemon started.
    Start,
    /// It was saved.
    Save,
    /// Somebody asked for it: SIGHUP.
    Signal,
    /// What it was refused for may be gone: plugins or jobs have changed.
    Retry,
}

impl Source {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Save => "save",
            Self::Signal => "signal",
            Self::Retry => "retry",
        }
    }
}

/// An applied config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number, from 1; grows with each config that is applied, over restarts too.
    pub generation: u64,
    /// Since when.
    pub applied_at: UnixMicros,
    /// Why it was looked at.
    pub source: Source,
    /// What it changed, in a line.
    pub summary: String,
    /// The digest of its text, hexadecimal.
    pub sha256: String,
}

/// A file of the folder.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    #[serde(flatten)]
    generation: Generation,
    text: String,
}

/// The applied configs that are kept.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
    last_good: PathBuf,
    /// The oldest first.
    kept: Vec<Generation>,
    /// The highest number that was given.
    latest: u64,
    /// The text of the latest one, until a daemon has begun with it.
    latest_text: Option<String>,
}

fn last_good_in(state: &Path) -> PathBuf {
    state.join("last-good").join("tasks.toml")
}

impl History {
    /// Reads what earlier daemons have kept in the folder `[host] state`. What cannot be read is told in the log.
    pub fn open(state: &Path) -> Self {
        let folder = state.join("config");
        let mut history =
            Self { last_good: last_good_in(state), kept: Vec::new(), latest: 0, latest_text: None, folder };
        let mut numbers = history.numbers().unwrap_or_else(|error| {
            warn!(path = %history.folder.display(), %error, "The earlier configs cannot be listed.");
            Vec::new()
        });
        numbers.sort_unstable();
        history.latest = numbers.last().copied().unwrap_or(0);
        for number in numbers {
            match history.read(number) {
                Ok(Some(Document { generation, text })) => {
                    history.kept.push(generation);
                    history.latest_text = Some(text).filter(|_| number == history.latest);
                }
                Ok(None) => {}
                Err(error) => {
                    warn!(path = %history.path(number).display(), %error, "An earlier config cannot be read.");
                }
            }
        }
        history
    }

    /// The last text in the folder `[host] state` that was good; none if there was none.
    /// # Errors
    /// What the system said.
    pub fn last_good(state: &Path) -> io::Result<Option<String>> {
        none_if_missing(fs::read_to_string(last_good_in(state)))
    }

    pub(super) fn generations(&self) -> &[Generation] {
        &self.kept
    }

    pub(super) fn text(&self, number: u64) -> io::Result<Option<(Generation, String)>> {
        let is_kept = self.kept.iter().any(|kept| kept.generation == number);
        let document = if is_kept { self.read(number)? } else { None };
        Ok(document.map(|Document { generation, text }| (generation, text)))
    }

    /// The latest generation if it has this text, else a new one.
    pub(super) fn resume(&mut self, edit: Edit<'_>, now: UnixMicros) -> Generation {
        let is_same = self.latest_text.take().is_some_and(|text| text == edit.text);
        match self.kept.last().filter(|latest| is_same && latest.generation == self.latest) {
            Some(latest) => {
                let latest = latest.clone();
                self.keep_last_good(edit.text);
                latest
            }
            None => self.apply(edit, now),
        }
    }

    pub(super) fn apply(&mut self, edit: Edit<'_>, now: UnixMicros) -> Generation {
        self.latest += 1;
        let Edit { text, source, summary } = edit;
        let (summary, sha256) = (summary.to_owned(), digest(text));
        let generation = Generation { generation: self.latest, applied_at: now, source, summary, sha256 };
        let document = Document { generation: generation.clone(), text: text.to_owned() };
        let json = serde_json::to_vec(&document).expect("a document of texts and numbers");
        let path = self.path(self.latest);
        match replace(&path, &json) {
            Ok(()) => self.kept.push(generation.clone()),
            Err(error) => {
                warn!(path = %path.display(), %error, "The text of this config generation is not kept; it runs all the same.");
            }
        }
        self.keep_last_good(text);
        self.forget_old();
        generation
    }

    fn keep_last_good(&self, text: &str) {
        if fs::read_to_string(&self.last_good).is_ok_and(|kept| kept == text) {
            return;
        }
        if let Err(error) = replace(&self.last_good, text.as_bytes()) {
            warn!(path = %self.last_good.display(), %error, "The last good text is not kept: a start on a broken tasks.toml would run an older one.");
        }
    }

    fn forget_old(&mut self) {
        let surplus = self.kept.len().saturating_sub(KEPT);
        for Generation { generation, .. } in self.kept.drain(..surplus).collect::<Vec<_>>() {
            let path = self.path(generation);
            if let Err(error) = fs::remove_file(&path) {
                warn!(path = %path.display(), %error, "The text of an old config generation is left behind.");
            }
        }
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let Some(entries) = none_if_missing(fs::read_dir(&self.folder))? else { return Ok(Vec::new()) };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok()));
        }
        Ok(numbers)
    }

    fn read(&self, number: u64) -> io::Result<Option<Document>> {
        let Some(bytes) = none_if_missing(fs::read(self.path(number)))? else { return Ok(None) };
        let document: Document = serde_json::from_slice(&bytes)?;
        Ok(Some(document).filter(|document| document.generation.generation == number))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number}.json"))
    }
}

fn none_if_missing<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a file in place of another, whole or not at all, also when the power is cut.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Of mode 0600, and gone if anything below fails.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn edit(text: &str) -> Edit<'_> {
        Edit { text, source: Source::Save, summary: "" }
    }

    fn numbers(history: &History) -> Vec<u64> {
        history.generations().iter().map(|kept| kept.generation).collect()
    }

    #[test]
    fn numbers_go_on_over_restarts_and_the_same_text_keeps_its_own() {
        let state = tempfile::tempdir().unwrap();
        let mut history = History::open(state.path());
        assert_eq!(history.resume(edit("a"), UnixMicros::default()).generation, 1);
        assert_eq!(history.apply(edit("b"), UnixMicros::default()).generation, 2);
        let mut history = History::open(state.path());
        assert_eq!(history.resume(edit("b"), UnixMicros::default()).generation, 2);
        let mut history = History::open(state.path());
        assert_eq!(history.resume(edit("c"), UnixMicros::default()).generation, 3);
        assert_eq!(numbers(&history), [1, 2, 3]);
        assert_eq!(history.text(2).unwrap().unwrap().1, "b");
        assert_eq!(History::last_good(state.path()).unwrap().as_deref(), Some("c"));
    }

    #[test]
    fn the_last_twenty_are_kept_for_this_user_only() {
        let state = tempfile::tempdir().unwrap();
        let mut history = History::open(state.path());
        for number in 1..=25 {
            history.apply(edit(&format!("# {number}")), UnixMicros::default());
        }
        assert_eq!(numbers(&history), (6..=25).collect::<Vec<_>>());
        assert_eq!(numbers(&History::open(state.path())), numbers(&history));
        assert_eq!(history.text(5).unwrap(), None);
        for file in ["config/25.json", "last-good/tasks.toml"] {
            assert_eq!(fs::metadata(state.path().join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        }
        assert_eq!(fs::read_dir(state.path().join("config")).unwrap().count(), 20, "no temporary file is left");
    }

    #[test]
    fn a_damaged_file_is_passed_over_and_its_number_not_given_again() {
        let state = tempfile::tempdir().unwrap();
        let mut history = History::open(state.path());
        history.apply(edit("a"), UnixMicros::default());
        history.apply(edit("b"), UnixMicros::default());
        fs::write(state.path().join("config/2.json"), "{").unwrap();
        fs::write(state.path().join("config/notes.txt"), "mine").unwrap();
        let mut history = History::open(state.path());
        assert_eq!(numbers(&history), [1]);
        assert_eq!(history.resume(edit("a"), UnixMicros::default()).generation, 3);
    }

    #[test]
    fn what_cannot_be_kept_runs_all_the_same() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("config"), "in the way").unwrap();
        let mut history = History::open(state.path());
        assert_eq!(history.apply(edit("a"), UnixMicros::default()).generation, 1);
        assert_eq!(history.text(1).unwrap(), None);
        assert_eq!(History::last_good(state.path()).unwrap().as_deref(), Some("a"));
    }
}
