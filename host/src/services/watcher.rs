//! Notices that something in the plugin folders has changed, waits until nobody writes there, and lets the registry look;
//! and tells of saves of `tasks.toml`.
//!
//! Folders are watched, not files: editors, cargo and copies in two steps replace a file by renaming. Nothing is looked at
//! while nothing happens. Not here: what has to be watched (`places`), what is made of a change (`plugins::Registry`, the
//! reloader), what people edit ([`EditWatch`]). Start at [`run`] and [`follow`].

mod edits;
mod places;

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
use crate::plugins::{Glance, Registry};
use places::{Places, Target};

/// A build writes, sets the mode and renames: several events for one save. This much quiet joins them.
const QUIET: Duration = Duration::from_millis(150);
/// A file that is written without a pause does not keep the others waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches until it is dropped. Counts up `looked` after each look, and `kinds_changed` if that has changed what is served.
pub async fn run(registry: Arc<Registry>, kinds_changed: watch::Sender<u64>, looked: watch::Sender<u64>) {
    let happened = Arc::<Notify>::default();
    let mut folders = registry.watched();
    let mut guard = Guard::new(Target::Folders(Vec::new()), Arc::clone(&happened));
    loop {
        guard.target = Target::Folders(folders.borrow_and_update().clone());
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
        looked.send_modify(|count| *count += 1);
        tokio::select! {
            () = happened.notified() => {}
            // What is to be watched is another set; the registry lives as long as this.
            Ok(()) = folders.changed() => continue,
        }
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

/// Tells `saved` whenever the file may have changed, as often as once for each event; for a first time when it watches.
/// The file is found again however it is replaced: by renaming, by turning a link on the way to it, or after a while.
pub async fn follow(file: PathBuf, saved: Arc<Notify>) {
    let happened = Arc::<Notify>::default();
    let mut guard = Guard::new(Target::File(file), Arc::clone(&happened));
    loop {
        let round = spawn_blocking(move || {
            guard.renew();
            guard
        });
        guard = match round.await {
            Ok(guard) => guard,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime ends.
            Err(_) => return,
        };
        saved.notify_one();
        happened.notified().await;
    }
}

/// The system's watch on what leads to a target.
#[derive(Debug)]
struct Guard {
    target: Target,
    happened: Arc<Notify>,
    places: Places,
    /// Watches as long as it lives.
    watcher: Option<RecommendedWatcher>,
}

impl Guard {
    fn new(target: Target, happened: Arc<Notify>) -> Self {
        Self { target, happened, places: Places::default(), watcher: None }
    }

    /// Watches what is there now. Once more if that has changed meanwhile, so that nothing falls between.
    fn renew(&mut self) {
        loop {
            let places = Places::leading_to(&self.target);
            if places == self.places {
                return;
            }
            self.places = places;
            self.watcher = self.watch().map_err(|error| unwatched(None, &error)).ok();
        }
    }

    fn watch(&self) -> notify::Result<RecommendedWatcher> {
        let (places, happened) = (self.places.clone(), Arc::clone(&self.happened));
        let hear = move |heard: notify::Result<Event>| {
            if heard.map_or(true, |event| !is_look(event.kind) && places.are_concerned(&event)) {
                happened.notify_one();
            }
        };
        let mut watcher = notify::recommended_watcher(hear)?;
        for path in self.places.folders() {
            if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
                unwatched(Some(path), &error);
            }
        }
        Ok(watcher)
    }
}

fn unwatched(path: Option<&Path>, error: &notify::Error) {
    let path = path.map(Path::display);
    tracing::warn!(path = path.map(tracing::field::display), %error, "Changes of files may go unseen until the next start.");
}

fn is_look(event: EventKind) -> bool {
    match event {
        EventKind::Access(access) => access != AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Other | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => false,
    }
}
