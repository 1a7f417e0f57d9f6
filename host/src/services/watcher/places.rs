//! What has to be watched so that nothing about a target goes unheard: what leads to a folder is watched too, so that one
//! that is deleted and made anew, or reached by a link that is turned, is found again.
//!
//! Paths are the real ones, without links: the system hears of a folder under one name only. Start at
//! [`Places::leading_to`].

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use notify::Event;

use crate::plugins::is_library_name;

/// A longer chain of links is a circle.
const LINKS_MAX: usize = 16;

/// What somebody wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Libraries in these folders.
    Folders(Vec<PathBuf>),
    /// A file.
    File(PathBuf),
}

/// What is watched, and what matters in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Folders, each with what tells it from another at the same path.
    watched: BTreeSet<(PathBuf, (u64, u64))>,
    /// Files, links and folders, there or not.
    marks: BTreeSet<PathBuf>,
    /// Folders in which libraries matter.
    libraries: BTreeSet<PathBuf>,
}

impl Places {
    /// What leads to the target now.
    pub(super) fn leading_to(target: &Target) -> Self {
        let mut places = Self::default();
        match target {
            Target::Folders(folders) => folders.iter().for_each(|folder| {
                let folder = absolute(folder);
                let real = places.watch(&folder);
                places.libraries.insert(real);
                places.lead_to(&folder);
            }),
            Target::File(file) => {
                let file = absolute(file);
                places.lead_to(&file);
                places.mark(file.parent().unwrap_or(&file));
                // Where the last link leads.
                if let Ok(real) = fs::canonicalize(&file) {
                    places.mark(&real);
                }
            }
        }
        places
    }

    /// The folders to watch.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.watched.iter().map(|(folder, _)| folder.as_path())
    }

    /// Whether the event may change what the target holds.
    pub(super) fn are_concerned(&self, event: &Event) -> bool {
        let in_folder = |path: &Path| path.parent().is_some_and(|above| self.libraries.contains(above));
        event.need_rescan()
            || event.paths.iter().any(|path| self.marks.contains(path) || in_folder(path) && may_lead_to_library(path))
    }

    /// Watches the folder, if there is one; answers its real path.
    fn watch(&mut self, folder: &Path) -> PathBuf {
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        if let Ok(data) = fs::metadata(&real).as_ref()
            && data.is_dir()
        {
            self.watched.insert((real.clone(), (data.dev(), data.ino())));
        }
        real
    }

    /// Hears of what is made, turned or removed at this path.
    fn mark(&mut self, path: &Path) {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return };
        let real = self.watch(above);
        self.marks.insert(real.join(name));
    }

    /// The path itself, each link on the way to it, and the first part that is not there.
    fn lead_to(&mut self, path: &Path) {
        self.mark(path);
        self.follow(path, LINKS_MAX);
    }

    fn follow(&mut self, path: &Path, links: usize) {
        let mut parts: Vec<&Path> = path.ancestors().collect();
        parts.reverse();
        for part in parts {
            let found = fs::symlink_metadata(part);
            if found.as_ref().is_ok_and(|data| !data.is_symlink()) {
                continue;
            }
            self.mark(part);
            match fs::read_link(part) {
                Ok(target) if links > 0 => self.follow(&part.parent().unwrap_or(part).join(target), links - 1),
                Ok(_) | Err(_) => {}
            }
            if found.is_err() {
                return;
            }
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether this entry of a plugin folder may be a library, or a link on the way to one such as the `..data` of Kubernetes.
fn may_lead_to_library(path: &Path) -> bool {
    let is_link_of_a_mount = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".."));
    is_library_name(path) || path.extension().is_none() || is_link_of_a_mount
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use notify::event::{CreateKind, EventKind};

    use super::*;

    fn heard(places: &Places, path: PathBuf) -> bool {
        places.are_concerned(&Event::new(EventKind::Create(CreateKind::Any)).add_path(path))
    }

    #[test]
    fn a_file_behind_the_links_of_a_kubernetes_mount_is_heard_of_at_each_of_them() {
        let scratch = tempfile::tempdir().unwrap();
        let mount = scratch.path().canonicalize().unwrap();
        fs::create_dir(mount.join("..1")).unwrap();
        fs::write(mount.join("..1/tasks.toml"), "").unwrap();
        symlink("..1", mount.join("..data")).unwrap();
        symlink("..data/tasks.toml", mount.join("tasks.toml")).unwrap();
        let places = Places::leading_to(&Target::File(mount.join("tasks.toml")));
        for path in ["tasks.toml", "..data", "..1/tasks.toml"] {
            assert!(heard(&places, mount.join(path)), "{path}");
        }
        for path in ["other", "..1/other", "..1"] {
            assert!(!heard(&places, mount.join(path)), "{path}");
        }
        let folders: Vec<_> = places.folders().collect();
        assert!(folders.contains(&mount.as_path()) && folders.contains(&mount.join("..1").as_path()), "{folders:?}");
    }

    #[test]
    fn what_is_not_there_yet_is_heard_of_where_it_will_begin() {
        let scratch = tempfile::tempdir().unwrap();
        let above = scratch.path().canonicalize().unwrap();
        let places = Places::leading_to(&Target::File(above.join("a/b/tasks.toml")));
        assert!(heard(&places, above.join("a")));
        let places = Places::leading_to(&Target::Folders(vec![above.join("plugins")]));
        assert!(heard(&places, above.join("plugins")) && heard(&places, above.join("plugins/liba.so")));
        assert!(!heard(&places, above.join("plugins/liba.d")));
    }

    #[test]
    fn a_circle_of_links_ends() {
        let scratch = tempfile::tempdir().unwrap();
        let above = scratch.path().canonicalize().unwrap();
        symlink("b", above.join("a")).unwrap();
        symlink("a", above.join("b")).unwrap();
        let places = Places::leading_to(&Target::File(above.join("a")));
        assert!(heard(&places, above.join("a")) && heard(&places, above.join("b")));
    }
}
