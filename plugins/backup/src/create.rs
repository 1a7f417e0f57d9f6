//! `backup.create`: a folder into one archive.
//!
//! The archive appears under its name whole, or not at all. Nothing is saved in between: an attempt that ends early (cancel,
//! drain, crash) begins again, and removes what the one before left. If the host dies between the rename and the note that the
//! task is completed, the next attempt writes a second archive: both are whole.
//!
//! Start at [`create`].

use std::fs;
use std::time::SystemTime;

use plugin_api::prelude::*;

use crate::archive::{Added, Archive};
use crate::failure::{failed, unusable};
use crate::place::{self, Partial};
use crate::tree::{Found, Tree};
use crate::watch::{Meter, Watch};

/// What to back up, and where to.
#[params]
pub(crate) struct Create {
    /// The folder to back up. A relative path begins in the folder of tasks.toml.
    source: PathBuf,
    /// The folder that gets the archive. It is made if it is missing, and left out where it lies in the source.
    target: PathBuf,
}

/// What was written.
#[output]
pub(crate) struct Created {
    /// The archive: the target, and in it the name of the source with the time in UTC.
    archive: PathBuf,
    /// The size of the archive, in bytes.
    bytes: u64,
    /// How many regular files are in the archive.
    files: u64,
    /// How much is not in the archive: what vanished while the backup ran, sockets, pipes and devices. The log of the task names each.
    skipped: u64,
}

/// Packs a folder into a .tar.zst archive, with links, permissions and times.
///
/// The archive appears whole or not at all, and `tar --zstd -xf` unpacks it.
#[task(name = "backup.create", title = "Back up a folder", unit = "bytes", blocking)]
pub(crate) fn create(params: Create, cx: BlockingContext) -> TaskResult<Created> {
    let created = params.create(&cx.task_id(), now(), &cx)?;
    let Created { archive, bytes, files, skipped: _ } = &created;
    cx.info(format!("{files} files of {} are in {}, {bytes} bytes", params.source.display(), archive.display()));
    Ok(created)
}

#[expect(clippy::disallowed_methods, reason = "a plugin reaches no clock of the host, and only a name depends on it")]
fn now() -> SystemTime {
    SystemTime::now()
}

impl Create {
    /// All of an attempt; `now` names the archive.
    fn create(&self, task: &str, now: SystemTime, watch: &dyn Watch) -> TaskResult<Created> {
        let root = folder("back up", &self.source)?;
        fs::create_dir_all(&self.target).map_err(|error| unusable("create the folder", &self.target, &error))?;
        let target = folder("write into", &self.target)?;
        if root == target {
            let message = format_args!("cannot back up `{}` into itself", self.source.display());
            return Err(TaskError::fatal(message).with_code("same_folder"));
        }
        let name = name_of(&self.source, &root);
        let stem = place::stem(&name, now);
        let tree = Tree::new(root, target);

        let meter = Meter::new(watch, tree.bytes(watch)?);
        let (partial, file) = Partial::create(&self.target, &name, task)?;
        let mut archive = Archive::begin(file, partial.path())?;
        let (files, skipped) = fill(&mut archive, &tree, Path::new(&name), meter)?;
        let file = archive.finish()?;
        let bytes = file.metadata().map_err(|error| failed("read", partial.path(), &error))?.len();
        // The last look: after this the archive is there, whatever is asked.
        watch.stop_point()?;
        let archive = self.target.join(partial.publish(&file, &self.target, &stem)?);
        Ok(Created { archive, bytes, files, skipped })
    }
}

/// Stores all of the tree below `top`. Answers how many files it has stored, and how much it has left out.
fn fill(archive: &mut Archive<'_, fs::File>, tree: &Tree, top: &Path, mut meter: Meter<'_>) -> TaskResult<(u64, u64)> {
    let (mut files, mut skipped) = (0, 0);
    let watch = meter.watch();
    let mut leave_out = |path: &Path, why: &str| {
        skipped += 1;
        watch.skipped(tree.relative(path), why);
    };
    for found in tree.entries() {
        watch.stop_point()?;
        let entry = match found? {
            Found::Entry(entry) => entry,
            Found::Vanished(path) => {
                leave_out(&path, "it vanished");
                continue;
            }
        };
        let relative = tree.relative(entry.path());
        if entry.file_type().is_file() {
            watch.file(relative);
        }
        match archive.add(&entry, &top.join(relative), &mut meter)? {
            Added::File => files += 1,
            Added::Other => {}
            Added::LeftOut(why) => leave_out(entry.path(), why),
        }
    }
    meter.finish();
    Ok((files, skipped))
}

/// The folder's path, absolute and without links.
fn folder(doing: &str, path: &Path) -> TaskResult<PathBuf> {
    let real = path.canonicalize().map_err(|error| unusable(doing, path, &error))?;
    if !real.is_dir() {
        let message = format_args!("cannot {doing} `{}`: it is not a folder", path.display());
        return Err(TaskError::fatal(message).with_code("not_a_folder"));
    }
    Ok(real)
}

/// What the source is called, also where it is given as `.` or through `..`. The root of all has no name.
fn name_of(given: &Path, real: &Path) -> String {
    let name = given.file_name().or_else(|| real.file_name());
    name.map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
