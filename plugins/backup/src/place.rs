//! Where an archive is written: beside its place, synced, and only then under its name.
//!
//! Start at [`Partial::create`].

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::DateTime;
use plugin_api::TaskResult;

use crate::failure::failed;

/// The file beside. It is removed with this value, and by the next attempt of the same task if a crash left it.
#[derive(Debug)]
pub(crate) struct Partial {
    path: PathBuf,
}

impl Partial {
    /// A new, empty file `.STEM.TASK.partial` in the folder.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn create(folder: &Path, stem: &str, task: &str) -> TaskResult<(Self, File)> {
        let path = folder.join(format!(".{stem}.{task}.partial"));
        // A leftover is removed, not emptied: should its attempt still live, it writes on into a file without a name.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("remove", &path, &error)),
            _ => {}
        }
        let file = File::create_new(&path).map_err(|error| failed("create", &path, &error))?;
        Ok((Self { path }, file))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the content durable and gives it its name in the folder: `STEM.tar.zst`, or if that is taken `STEM-2.tar.zst`, and so
    /// on. Nothing is ever overwritten. Answers the name.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(crate) fn publish(self, file: &File, folder: &Path, stem: &str) -> TaskResult<String> {
        file.sync_all().map_err(|error| failed("write", &self.path, &error))?;
        let mut name = format!("{stem}.tar.zst");
        let mut number = 1_u32;
        loop {
            let path = folder.join(&name);
            match give_name(&self.path, &path) {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(failed("create", &path, &error)),
            }
            name = format!("{stem}-{number}.tar.zst");
        }
        sync_folder(folder)?;
        Ok(name)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // What cannot be removed stays under a hidden name; the outcome of the backup is more important.
        drop(fs::remove_file(&self.path));
    }
}

/// A second name, where a rename would replace what has that name. The first one goes when the [`Partial`] does.
fn give_name(partial: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(partial, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            // No hard links on this file system. A look before a rename is the next best.
            if path.try_exists()? { Err(ErrorKind::AlreadyExists.into()) } else { fs::rename(partial, path) }
        }
        named => named,
    }
}

/// Makes the new name durable. Other systems than Unix cannot open a folder, and need not.
fn sync_folder(folder: &Path) -> TaskResult<()> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| failed("write", folder, &error))?;
    }
    Ok(())
}

/// `docs-20261224T180000Z`.
pub(crate) fn stem(source: &str, time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let time = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default();
    format!("{source}-{}", time.format("%Y%m%dT%H%M%SZ"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    fn write(folder: &Path, task: &str, content: &str) -> (Partial, File) {
        let (partial, mut file) = Partial::create(folder, "docs", task).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        (partial, file)
    }

    #[test]
    fn two_archives_of_one_second_both_stay() {
        let folder = tempfile::tempdir().unwrap();
        for (task, name) in [("a", "s.tar.zst"), ("b", "s-2.tar.zst"), ("c", "s-3.tar.zst")] {
            let (partial, file) = write(folder.path(), task, task);
            assert_eq!(partial.publish(&file, folder.path(), "s").unwrap(), name);
        }
        assert_eq!(names(folder.path()), ["s-2.tar.zst", "s-3.tar.zst", "s.tar.zst"]);
        assert_eq!(fs::read_to_string(folder.path().join("s.tar.zst")).unwrap(), "a");
    }

    #[test]
    fn what_is_not_published_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (partial, _file) = write(folder.path(), "a", "half");
        assert_eq!(names(folder.path()), [".docs.a.partial"]);
        drop(partial);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn the_leftover_of_a_crash_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (crashed, _file) = write(folder.path(), "a", "much that was written before the crash");
        std::mem::forget(crashed);
        let (partial, file) = write(folder.path(), "a", "whole");
        let name = partial.publish(&file, folder.path(), "s").unwrap();
        assert_eq!(names(folder.path()), ["s.tar.zst"]);
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), "whole");
    }

    #[test]
    fn the_name_has_the_time_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_135_201);
        assert_eq!(stem("docs", time), "docs-20261224T180001Z");
        assert_eq!(stem("docs", SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "docs-19700101T000000Z");
    }
}
