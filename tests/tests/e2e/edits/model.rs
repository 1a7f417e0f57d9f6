//! What is edited, and what a daemon is to make of it.
//!
//! Start at [`Text`] and [`Expected`].

use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;
use sha2::{Digest as _, Sha256};
use taskhost_core::config::{Config, Diagnostic, Draft};

/// A job of every good text. It stands first, so that a text that is cut off behind it still has it.
pub(super) const ANCHOR: &str = "[jobs.anchor]\nkind = \"probe.echo\"\nschedule = { every = \"24h\" }\n";

/// A `tasks.toml` that may be applied, in pieces.
#[derive(Debug, Clone)]
pub(super) struct Text {
    head: String,
    sections: BTreeMap<String, String>,
    /// Makes each text another one.
    edits: u32,
}

impl Text {
    pub(super) fn new(head: String) -> Self {
        Self { head, sections: BTreeMap::new(), edits: 0 }
    }

    /// Adds, changes and removes something.
    pub(super) fn change(&mut self, rng: &mut Rng) {
        self.edits += 1;
        for _ in 0..rng.u8(1..4) {
            let name = format!("{}", rng.u8(0..8));
            match rng.u8(0..10) {
                0..5 => {
                    let hours = rng.u8(2..5);
                    let job = format!(
                        "[jobs.j{name}]\nkind = \"probe.{}\"\nparams = {{}}\nschedule = {{ every = \"{hours}h\" }}\ntags = [\"t{}\"]\n",
                        rng.choice(["echo", "noop"]).expect("one"),
                        rng.u8(0..3)
                    );
                    self.sections.insert(format!("jobs.j{name}"), job);
                }
                5..7 => drop(self.sections.remove(&format!("jobs.j{name}"))),
                7 => {
                    let queue = format!("[queues.q{name}]\nconcurrency = {}\n", rng.u8(1..200));
                    self.sections.insert(format!("queues.q{name}"), queue);
                }
                8 => drop(self.sections.remove(&format!("queues.q{name}"))),
                _ => {
                    let probe = format!("[plugins.probe]\nallow_in_process = {}\n", rng.bool());
                    self.sections.insert("plugins.probe".to_owned(), probe);
                }
            }
        }
    }

    /// A place at which it may be cut off: somewhere behind the anchor.
    pub(super) fn cut(&self, rng: &mut Rng) -> usize {
        rng.usize(self.head.len()..=self.to_string().len())
    }

    /// Something that is no good.
    pub(super) fn broken(&self, rng: &mut Rng) -> Vec<u8> {
        let mut text = self.to_string().into_bytes();
        let wrong: &[u8] = match rng.u8(0..6) {
            0 => b"[jobs.nobody]\nkind = \"nobody.knows\"\n",
            1 => b"[jobs.anchor]\nkind = \"probe.echo\"\n",
            2 => b"[jobs.sleeps]\nkind = \"probe.sleep\"\nparams = { ms = \"long\" }\n",
            3 => b"[quues.a]\n",
            4 => b"# \xff\n",
            _ => b"[jobs.a\n",
        };
        text.extend_from_slice(wrong);
        text
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        self.sections.values().try_for_each(|section| f.write_str(section))?;
        writeln!(f, "# edit {}", self.edits)
    }
}

/// What a daemon is to run once it has looked at a file.
#[derive(Debug)]
pub(super) struct Expected {
    /// Whether that is what the file holds.
    pub(super) is_good: bool,
    pub(super) text: String,
}

impl Expected {
    pub(super) fn of(found: &[u8], applied: &str) -> Self {
        let is_good = is_good(found);
        let text = if is_good { String::from_utf8_lossy(found).into_owned() } else { applied.to_owned() };
        Self { is_good, text }
    }
}

/// Whether it is a text that says something, without errors, for kinds that there are.
pub(super) fn is_good(found: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(found) else { return false };
    if text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#')) {
        return false;
    }
    let Draft { config: Some(config), diagnostics } = Draft::read(text) else { return false };
    let is_known = |kind: &str| ["probe.echo", "probe.noop"].contains(&kind);
    !diagnostics.iter().any(Diagnostic::is_error) && config.jobs.values().all(|job| is_known(job.job.kind.as_str()))
}

/// The names of its jobs, sorted.
pub(super) fn jobs(text: &str) -> Vec<String> {
    let config = Config::parse(text).expect("a good text");
    config.jobs.keys().map(ToString::to_string).collect()
}

/// As the daemon tells it: none where there is no text.
pub(super) fn digest(found: &[u8]) -> Option<String> {
    let text = str::from_utf8(found).ok()?;
    if text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#')) {
        return None;
    }
    Some(Sha256::digest(found).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}
