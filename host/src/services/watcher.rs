//! Notices that something in the plugin folders has changed, waits until nobody writes there, and lets the registry look.
//!
//! Folders are watched, not files: editors, cargo and copies in two steps replace a file by renaming. What leads to a folder
//! is watched too, so that one that is deleted and made anew, or reached by a link that is turned, is found again. Nothing
//! is looked at while nothing happens. Not here: what is made of a change (`plugins::Registry`), what people edit
//! ([`EditWatch`]). Start at [`run`].

mod edits;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;

pub use self::edits::EditWatch;
use crate::clock::sleep;
use crate::plugins::{Glance, Registry, is_library_name};

/// A build writes, sets the mode and renames: several events for one save. This much quiet joins them.
const QUIET: Duration = Duration::from_millis(150);
/// A file that is written without a pause does not keep the others waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A longer chain of links is a circle.
const LINKS_MAX: usize = 16;

/// Watches until it is dropped, and counts up `kinds_changed` after each look that has changed what is served.
pub async fn run(registry: Arc<Registry>, kinds_changed: watch::Sender<u64>) {
    let happened = Arc::<Notify>::default();
    let mut guard = Guard::new(registry.folders(), Arc::clone(&happened));
    loop {
        // What came before the watch began is seen by this first look.
        let registry_there = Arc::clone(&registry);
        let round = spawn_blocking(move || {
            guard.renew();
            (guard, registry_there.refresh())
        });
        let changes;
        (guard, changes) = match round.await {
            Ok(done) => done,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime ends.
            Err(_) => return,
        };
        if changes.concern_kinds() {
            kinds_changed.send_modify(|count| *count += 1);
        }
        happened.notified().await;
        tokio::select! {
            () = quiet(&registry, &happened) => {}
            () = sleep(PATIENCE) => {}
        }
    }
}

/// Ends when for a while nothing has happened and the files have not changed: what a link leads to changes unheard.
async fn quiet(registry: &Arc<Registry>, happened: &Notify) {
    let mut before = glance(registry).await;
    loop {
        tokio::select! {
            () = happened.notified() => continue,
            () = sleep(QUIET) => {}
        }
        let now = glance(registry).await;
        if now == before {
            return;
        }
        before = now;
    }
}

async fn glance(registry: &Arc<Registry>) -> Option<Glance> {
    let registry = Arc::clone(registry);
    spawn_blocking(move || registry.glance()).await.ok()
}

/// The system's watch on the folders and on what leads to them.
#[derive(Debug)]
struct Guard {
    /// Absolute.
    folders: Vec<PathBuf>,
    happened: Arc<Notify>,
    places: Places,
    /// Watches as long as it lives.
    watcher: Option<RecommendedWatcher>,
}

/// What is watched, and what is heard of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Places {
    /// Folders, each with what tells it from another at the same path.
    watched: BTreeSet<(PathBuf, (u64, u64))>,
    /// What matters in them beside libraries: parts of the way to a plugin folder.
    marks: BTreeSet<PathBuf>,
}

impl Guard {
    fn new(folders: &[PathBuf], happened: Arc<Notify>) -> Self {
        let absolute = |folder: &PathBuf| std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        let folders = folders.iter().map(absolute).collect();
        Self { folders, happened, places: Places::default(), watcher: None }
    }

    /// Watches what is there now. Once more if that has changed meanwhile, so that nothing falls between.
    fn renew(&mut self) {
        loop {
            let places = Places::leading_to(&self.folders);
            if places == self.places {
                return;
            }
            self.places = places;
            self.watcher = self.watch().map_err(|error| unwatched(None, &error)).ok();
        }
    }

    fn watch(&self) -> notify::Result<RecommendedWatcher> {
        let (folders, marks, happened) = (self.folders.clone(), self.places.marks.clone(), Arc::clone(&self.happened));
        let hear = move |heard: notify::Result<Event>| {
            if heard.map_or(true, |event| concerns(&event, &folders, &marks)) {
                happened.notify_one();
            }
        };
        let mut watcher = notify::recommended_watcher(hear)?;
        for (path, _) in &self.places.watched {
            if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
                unwatched(Some(path), &error);
            }
        }
        Ok(watcher)
    }
}

fn unwatched(path: Option<&Path>, error: &notify::Error) {
    let path = path.map(Path::display);
    tracing::warn!(path = path.map(tracing::field::display), %error, "Changes of plugins may go unseen until the next start.");
}

impl Places {
    fn leading_to(folders: &[PathBuf]) -> Self {
        let mut places = Self::default();
        for folder in folders {
            places.marks.insert(folder.clone());
            places.watch(folder);
            // Whoever makes the folder anew does it there.
            places.watch(folder.parent().unwrap_or(folder));
            places.lead_to(folder, LINKS_MAX);
        }
        places
    }

    fn watch(&mut self, folder: &Path) {
        if let Ok(data) = fs::metadata(folder).as_ref()
            && data.is_dir()
        {
            self.watched.insert((folder.to_owned(), (data.dev(), data.ino())));
        }
    }

    /// Each link on the way, and the first part that is not there, may be made anew.
    fn lead_to(&mut self, path: &Path, links: usize) {
        let mut parts: Vec<&Path> = path.ancestors().collect();
        parts.reverse();
        for part in parts {
            let found = fs::symlink_metadata(part);
            if found.as_ref().is_ok_and(|data| !data.is_symlink()) {
                continue;
            }
            let above = part.parent().unwrap_or(part);
            self.marks.insert(part.to_owned());
            self.watch(above);
            match fs::read_link(part) {
                Ok(target) if links > 0 => self.lead_to(&above.join(target), links - 1),
                Ok(_) | Err(_) => {}
            }
            if found.is_err() {
                return;
            }
        }
    }
}

/// Whether the event may change what the folders provide. Looking at files, which the registry does, changes nothing.
fn concerns(event: &Event, folders: &[PathBuf], marks: &BTreeSet<PathBuf>) -> bool {
    if is_look(event.kind) {
        return false;
    }
    let in_folder = |path: &Path| path.parent().is_some_and(|above| folders.iter().any(|folder| above == folder));
    event.need_rescan()
        || event.paths.iter().any(|path| marks.contains(path) || in_folder(path) && may_lead_to_library(path))
}

/// Whether this entry of a plugin folder may be a library, or a link on the way to one such as the `..data` of Kubernetes.
fn may_lead_to_library(path: &Path) -> bool {
    let is_link_of_a_mount = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".."));
    is_library_name(path) || path.extension().is_none() || is_link_of_a_mount
}

fn is_look(event: EventKind) -> bool {
    match event {
        EventKind::Access(access) => access != AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Other | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => false,
    }
}
