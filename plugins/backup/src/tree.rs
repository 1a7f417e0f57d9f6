//! What is in the source, in a fixed order: a folder before what is in it, names sorted by their bytes.
//!
//! Links are never followed. Not here: reading what is found (`archive`). Start at [`Tree::entries`].

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use plugin_api::TaskResult;
use walkdir::{DirEntry, WalkDir};

use crate::failure::failed;
use crate::watch::Watch;

/// A folder, and the one folder in it that is left out.
pub(crate) struct Tree {
    root: PathBuf,
    left_out: PathBuf,
}

/// What the walk comes upon.
pub(crate) enum Found {
    /// It was there a moment ago.
    Entry(DirEntry),
    /// It was listed, but is gone.
    Vanished(PathBuf),
}

impl Tree {
    /// Both absolute and without links, so that one is seen in the other.
    pub(crate) fn new(root: PathBuf, left_out: PathBuf) -> Self {
        Self { root, left_out }
    }

    /// The root, and everything below it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = TaskResult<Found>> {
        let walk = WalkDir::new(&self.root).sort_by_file_name().into_iter();
        walk.filter_entry(|entry| entry.path() != self.left_out)
            .map(|found| found.map_or_else(lost, |e| Ok(Found::Entry(e))))
    }

    /// `path` of an entry as seen from the root; empty for the root.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// The sizes of all regular files, in bytes.
    ///
    /// # Errors
    /// A folder that cannot be listed, and those of [`Watch::stop_point`].
    pub(crate) fn bytes(&self, watch: &dyn Watch) -> TaskResult<u64> {
        let mut bytes = 0;
        for found in self.entries() {
            watch.stop_point()?;
            // What has vanished counts nothing here; the second pass says so.
            if let Found::Entry(entry) = found?
                && entry.file_type().is_file()
                && let Ok(metadata) = entry.metadata()
            {
                bytes += metadata.len();
            }
        }
        Ok(bytes)
    }
}

fn lost(error: walkdir::Error) -> TaskResult<Found> {
    let path = error.path().unwrap_or(Path::new("")).to_owned();
    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links"));
    match error.kind() {
        ErrorKind::NotFound => Ok(Found::Vanished(path)),
        _ => Err(failed("read", &path, &error)),
    }
}
