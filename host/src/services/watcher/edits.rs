//! Waits for a person to save what is edited: a crate, or one file.
//!
//! Not here: the plugin folders (the room above). Start at [`EditWatch`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::{QUIET, is_look};
use crate::clock::sleep;

/// What a person edits, watched as long as this lives.
#[derive(Debug)]
pub struct EditWatch {
    happened: Arc<Notify>,
    watcher: RecommendedWatcher,
}

impl EditWatch {
    /// Watches `Cargo.toml`, `tasks.toml` and all that is below `src` in the folder, which is absolute.
    /// # Errors
    /// What the system said.
    pub fn of_crate(folder: &Path) -> notify::Result<Self> {
        let above = folder.to_owned();
        let mut watch = Self::of(move |event| is_edit(event, &above))?;
        watch.watcher.watch(folder, RecursiveMode::NonRecursive)?;
        watch.watcher.watch(&folder.join("src"), RecursiveMode::Recursive)?;
        Ok(watch)
    }

    /// Watches the file, which is an absolute path, whatever is done to its name: editors write another file and rename it,
    /// Kubernetes turns a link beside it.
    /// # Errors
    /// What the system said.
    pub fn of_file(file: &Path) -> notify::Result<Self> {
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        let file = file.to_owned();
        let is_of_mount = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".."));
        let concerns = move |path: &PathBuf| *path == file || is_of_mount(path);
        let mut watch =
            Self::of(move |event| !is_look(event.kind) && (event.need_rescan() || event.paths.iter().any(&concerns)))?;
        watch.watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        Ok(watch)
    }

    /// Watches nothing yet, for what `is_edit` says of an event.
    fn of(is_edit: impl Fn(&Event) -> bool + Send + 'static) -> notify::Result<Self> {
        let happened = Arc::<Notify>::default();
        let heard = Arc::clone(&happened);
        let hear = move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_edit(&event)) {
                heard.notify_one();
            }
        };
        Ok(Self { happened, watcher: notify::recommended_watcher(hear)? })
    }

    /// Ends when there was an edit since the last time, and then nothing for a while. Dropping the future loses no edit.
    pub async fn changed(&self) {
        self.happened.notified().await;
        let untold = Untold(&self.happened);
        loop {
            tokio::select! {
                () = self.happened.notified() => {}
                () = sleep(QUIET) => break,
            }
        }
        std::mem::forget(untold);
    }
}

/// An edit that was heard, and is heard again if nobody comes to know of it.
struct Untold<'a>(&'a Notify);

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Whether somebody has written what a build reads. Hidden files and backups are those of editors.
fn is_edit(event: &Event, folder: &Path) -> bool {
    let is_source = |path: &Path| {
        let name = path.file_name().map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default();
        let is_of_editor = name.starts_with(b".") || name.ends_with(b"~");
        let is_manifest = path.parent() == Some(folder) && (name == b"Cargo.toml" || name == b"tasks.toml");
        !is_of_editor && (is_manifest || path.starts_with(folder.join("src")))
    };
    !is_look(event.kind) && (event.need_rescan() || event.paths.iter().any(|path| is_source(path)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use notify::event::{AccessKind, CreateKind, EventKind, ModifyKind};

    use super::*;

    fn edit(kind: EventKind, path: &str) -> bool {
        is_edit(&Event::new(kind).add_path(path.into()), Path::new("/crate"))
    }

    #[test]
    fn an_edit_is_what_a_build_would_see() {
        let written = EventKind::Modify(ModifyKind::Any);
        for path in ["/crate/src/lib.rs", "/crate/src/a/b.txt", "/crate/Cargo.toml", "/crate/tasks.toml"] {
            assert!(edit(written, path), "{path}");
        }
        for path in ["/crate/src/.lib.rs.swp", "/crate/src/lib.rs~", "/crate/Cargo.lock", "/crate/target"] {
            assert!(!edit(EventKind::Create(CreateKind::Any), path), "{path}");
        }
        assert!(!edit(EventKind::Access(AccessKind::Read), "/crate/src/lib.rs"));
    }

    #[tokio::test]
    async fn an_edit_below_src_is_heard() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().canonicalize().unwrap();
        fs::create_dir_all(folder.join("src/deep")).unwrap();
        let watch = EditWatch::of_crate(&folder).unwrap();
        fs::write(folder.join("src/deep/a.rs"), "").unwrap();
        watch.changed().await;
    }

    #[tokio::test]
    async fn a_file_that_is_renamed_over_is_heard_and_its_neighbour_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().canonicalize().unwrap();
        let file = folder.join("tasks.toml");
        let watch = EditWatch::of_file(&file).unwrap();
        fs::write(folder.join("new"), "").unwrap();
        fs::rename(folder.join("new"), &file).unwrap();
        watch.changed().await;
        fs::write(folder.join("other"), "").unwrap();
        tokio::select! {
            biased;
            () = watch.changed() => panic!("the other file is of no interest"),
            () = sleep(QUIET) => {}
        }
    }

    #[tokio::test]
    async fn an_edit_that_nobody_waited_out_is_told_the_next_time() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().canonicalize().unwrap();
        fs::create_dir_all(folder.join("src")).unwrap();
        let watch = EditWatch::of_crate(&folder).unwrap();
        watch.happened.notify_one();
        tokio::select! {
            biased;
            () = watch.changed() => panic!("it waits for quiet first"),
            () = std::future::ready(()) => {}
        }
        watch.changed().await;
    }
}
