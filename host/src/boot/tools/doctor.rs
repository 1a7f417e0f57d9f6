//! Looks whether this machine has all that the daemon of a `tasks.toml` needs. Nothing is changed by looking.
//!
//! Each finding that is not good comes with what to do. Not here: every mistake of the file (`taskhost check`).
//! Start at [`examine`].

mod disk;
mod places;
mod store;
mod ways_in;

use std::path::{Path, PathBuf};

use taskhost_core::config::{Config, Severity};
use taskhost_core::schedule::Zone;
use taskhost_core::time::UnixMicros;

use super::file::{FileCheck, FileReport};
use crate::boot;
use crate::clock::{Clock as _, SystemClock};
use crate::plugins::catalog::{Catalog, Library};

/// What was found at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What was looked at: `config`, `disk`, …; one may come several times.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do; none if it is good.
    pub hint: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// The daemon runs, and somebody may regret it.
    Doubtful,
    /// The daemon does not run like this, or not as the file says.
    Bad,
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Doubtful => "warning",
            Self::Bad => "error",
        }
    }
}

impl Examined {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Good, detail: detail.into(), hint: None }
    }

    fn doubtful(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Doubtful, detail: detail.into(), hint: Some(hint.into()) }
    }

    fn bad(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Bad, detail: detail.into(), hint: Some(hint.into()) }
    }
}

/// What a daemon would work with.
#[derive(Debug)]
struct Patient<'a> {
    file: &'a Path,
    config: &'a Config,
    state: PathBuf,
    socket: PathBuf,
    store: PathBuf,
}

/// Everything, in the order in which a daemon needs it. Of a file that cannot be read at all only that is told, and what does
/// not depend on it. `is_full`: the store is looked at however long that takes.
pub fn examine(file: &Path, is_full: bool) -> Vec<Examined> {
    let (mut found, report) = config(file);
    let read = report.as_ref().and_then(|(check, report)| Some((check, report, report.draft.config.as_ref()?)));
    let mut newest = None;
    if let Some((check, report, config)) = read {
        let places = boot::Places::of(check.file(), config.host.state.clone());
        let store = places.store(config);
        let patient = Patient { file: check.file(), config, state: places.state, socket: places.socket, store };
        found.extend(places::examine(&patient));
        found.extend(store::examine(&patient.store, is_full));
        found.extend(disk::examine(&patient));
        found.extend(ways_in::examine(&patient));
        found.extend(report.catalog.iter().flat_map(|catalog| plugins(catalog, config)));
        newest = disk::last_written(&patient.store);
    }
    found.push(clock(SystemClock.now(), newest));
    found.push(zones(Zone::database(), disk::zones_of_system().as_deref()));
    found
}

fn config(file: &Path) -> (Vec<Examined>, Option<(FileCheck, FileReport)>) {
    let name = "config";
    let unusable = |error: boot::BootError| (vec![Examined::bad(name, error.to_string(), error.hint())], None);
    let check = match FileCheck::begin(file) {
        Ok(check) => check,
        Err(error) => return unusable(error),
    };
    let report = match check.check() {
        Ok(report) => report,
        Err(error) => return unusable(error),
    };
    let errors = report.draft.diagnostics.iter().filter(|found| found.is_error()).count();
    let warnings = report.draft.diagnostics.iter().filter(|found| found.severity == Severity::Warning).count();
    let shown = file.display();
    let all = format!("`taskhost check {shown}` shows each at its place");
    let found = match (errors, warnings) {
        (0, 0) => Examined::good(name, format!("{shown} is good")),
        (0, warnings) => Examined::doubtful(name, format!("{shown} has {}", counted(warnings, "warning")), all),
        (errors, _) => Examined::bad(name, format!("{shown} has {}", counted(errors, "error")), all),
    };
    (vec![found], Some((check, report)))
}

fn plugins(catalog: &Catalog, config: &Config) -> Vec<Examined> {
    let name = "plugins";
    let folder = |place: usize| config.host.plugins[place].display();
    let kinds: usize = catalog.manifests().map(|manifest| manifest.kinds.len()).sum();
    let good = catalog.manifests().count();
    let loaded = format!("{} with {} can be loaded", counted(good, "plugin"), counted(kinds, "kind"));
    let none = "put libraries of plugins there, lib<name>.so; `taskhost plugins new` begins one";
    let unreadable = catalog.unreadable().iter().map(|(place, error)| {
        Examined::bad(
            name,
            format!("the folder {} cannot be read: {error}", folder(*place)),
            "create it, or correct [host] plugins",
        )
    });
    let empty = catalog
        .empty()
        .iter()
        .map(|place| Examined::doubtful(name, format!("there is no plugin in the folder {}", folder(*place)), none));
    let refused = catalog.libraries().iter().filter_map(refusal);
    let loaded = (good > 0).then(|| Examined::good(name, loaded));
    let nowhere = config.host.plugins.is_empty().then(|| {
        Examined::doubtful(
            name,
            "[host] plugins names no folder, so nothing can run",
            "name the folders of your plugins there",
        )
    });
    loaded.into_iter().chain(nowhere).chain(unreadable).chain(empty).chain(refused).collect()
}

fn refusal(library: &Library) -> Option<Examined> {
    let error = library.described.as_ref().err()?;
    let check = || format!("`taskhost plugins check {}` tells more", library.path.display());
    let detail = format!("{} is refused: {error}", library.path.display());
    Some(Examined::bad("plugins", detail, error.hint().map_or_else(check, str::to_owned)))
}

/// Earlier than this program.
const TOO_EARLY: &str = "2026-01-01T00:00:00Z";

/// `newest`: when the store was written last.
fn clock(now: UnixMicros, newest: Option<UnixMicros>) -> Examined {
    let name = "clock";
    let hint = "set the clock and let it be kept: `timedatectl set-ntp true`; schedules follow it";
    let too_early: UnixMicros = TOO_EARLY.parse().expect("a time");
    if now < too_early {
        return Examined::bad(name, format!("the clock says {now}, which cannot be"), hint);
    }
    match newest.filter(|newest| *newest > now) {
        Some(newest) => {
            Examined::bad(name, format!("the clock says {now}, and the store was written at {newest}"), hint)
        }
        None => Examined::good(name, now.to_string()),
    }
}

/// `system`: the version of the system's rules, if it has any.
fn zones(own: &str, system: Option<&str>) -> Examined {
    match system.filter(|system| *system > own) {
        Some(newer) => Examined::doubtful(
            "zones",
            format!("the rules of time zones are of {own}, and this system knows those of {newer}"),
            "times of cron lines may be off where the law has changed since: take a newer taskhost",
        ),
        None => Examined::good("zones", format!("the rules of time zones are of {own}")),
    }
}

fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> UnixMicros {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_behind_the_store_is_wrong() {
        let now = time("2026-11-24T10:00:00Z");
        assert_eq!(clock(now, None).verdict, Verdict::Good);
        assert_eq!(clock(now, Some(now)).verdict, Verdict::Good);
        let behind = clock(now, Some(time("2026-11-25T10:00:00Z")));
        assert_eq!(
            (behind.verdict, &*behind.detail),
            (
                Verdict::Bad,
                "the clock says 2026-11-24T10:00:00.000000Z, and the store was written at 2026-11-25T10:00:00.000000Z"
            )
        );
        assert_eq!(clock(time("1970-01-01T00:00:10Z"), None).verdict, Verdict::Bad);
    }

    #[test]
    fn older_rules_of_zones_than_the_systems_are_told() {
        assert_eq!(zones("2025b", None).verdict, Verdict::Good);
        assert_eq!(zones("2025b", Some("2025b")).verdict, Verdict::Good);
        assert_eq!(zones("2025b", Some("2024a")).verdict, Verdict::Good);
        assert_eq!(zones("2025b", Some("2026a")).verdict, Verdict::Doubtful);
    }
}
