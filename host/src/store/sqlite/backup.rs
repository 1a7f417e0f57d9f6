//! Copies the file of a store while a daemon works on it, or none does: one moment of it, whole.
//!
//! The pages are copied in steps of one read transaction (SQLite's backup API). The writer waits for none of it; meanwhile the
//! log cannot begin anew, so what takes least time is best: `VACUUM INTO` was measured to take 1.5 to 2 times as long. The copy
//! gets its name when it was checked and is on the disk. Not here: which file, and where to (`boot::tools`). Start at [`back_up`].

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode};
use tempfile::NamedTempFile;

use super::health::{self, Thorough};
use super::readers::open_reader;
use super::{error, schema};
use crate::store::StoreError;

/// How many pages are copied in one step: 4 MiB.
const PAGES_A_STEP: i32 = 1_024;

/// Why there is no copy. Nothing is left behind, and a file of that name is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// No daemon has made the store yet.
    #[error("there is no store at {}", .0.display())]
    NoStore(PathBuf),
    /// The store cannot be read, is damaged, or of a later version.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is something of that name.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// The copy would replace the store itself, or a folder.
    #[error("{} is {what}", path.display())]
    Unfit {
        /// Where the copy was to be.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// The copy cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Target {
        /// Where the copy was to be.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The copy does not fit on its disk.
    #[error("the disk of {} is full", .0.display())]
    Full(PathBuf),
    /// What was copied is damaged.
    #[error("the copy is damaged, and so is the store {}: {}", path.display(), found.join("; "))]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What was found.
        found: Vec<String>,
    },
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
}

impl BackupError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoStore(_) => {
                Some("the first `taskhost run` makes it; [host] `store` says where, and --config whose")
            }
            Self::Store(error) => Some(error.hint()),
            Self::Exists(_) => Some("--force replaces it, once the new copy is whole"),
            Self::Unfit { .. } => Some("name another file with --to"),
            Self::Target { .. } => {
                Some("name a file in a folder that is there and in which this user may write, with --to")
            }
            Self::Full(_) => Some("nothing is left there; free some space, or name a file on another disk with --to"),
            Self::Damaged { .. } => Some(
                "keep the backups that there are; `taskhost doctor --full` tells more, the guide of the operator what to do",
            ),
            Self::Stopped => None,
        }
    }
}

/// Copies the store at `store` to the file `to`; answers how many bytes that has. `replace`: also where one of that name is. It
/// goes on as long as `goes_on` says so, which is asked every 4 MiB.
/// # Errors
/// [`BackupError`].
pub fn back_up(store: &Path, to: &Path, replace: bool, goes_on: &dyn Fn() -> bool) -> Result<u64, BackupError> {
    if !store.exists() {
        return Err(BackupError::NoStore(store.to_owned()));
    }
    refuse(store, to, replace)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritable = |error: &io::Error| target(to, error);
    // For this user only: params may hold what others are not to read.
    let partial = tempfile::Builder::new().prefix(".taskhost-backup-").tempfile_in(folder);
    let partial = partial.map_err(|error| unwritable(&error))?;
    copy(store, partial.path(), to, goes_on)?;
    let length = partial.as_file().sync_all().and_then(|()| partial.as_file().metadata());
    let length = length.map_err(|error| unwritable(&error))?.len();
    name(partial, to, replace)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unwritable(&error))?;
    Ok(length)
}

fn refuse(store: &Path, to: &Path, replace: bool) -> Result<(), BackupError> {
    let unfit = |what| Err(BackupError::Unfit { path: to.to_owned(), what });
    let Ok(there) = fs::metadata(to) else { return Ok(()) };
    let is_of_store =
        |path: &Path| fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (there.dev(), there.ino()));
    if ["", "-wal", "-shm", ".lock"].iter().any(|suffix| is_of_store(&beside(store, suffix))) {
        return unfit("a file of the store itself");
    }
    match there.is_file() {
        false => unfit("no file"),
        true if !replace => Err(BackupError::Exists(to.to_owned())),
        true => Ok(()),
    }
}

/// The file that SQLite or the daemon keeps beside a store.
fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn target(to: &Path, error: &io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BackupError::Full(to.to_owned()),
        // Not in words that name the unfinished file.
        kind => BackupError::Target { path: to.to_owned(), reason: kind.to_string() },
    }
}

fn copy(store: &Path, partial: &Path, to: &Path, goes_on: &dyn Fn() -> bool) -> Result<(), BackupError> {
    let shown = store.display().to_string();
    let unread = |error: rusqlite::Error| BackupError::Store(error::classify_open(&shown, &error));
    let from = open_reader(store).map_err(unread)?;
    schema::identify(&from).map_err(|error| BackupError::Store(error::classify_migration(&shown, &error)))?;
    // Held until all is copied. Without it each step would begin anew after every commit of the daemon, and never end.
    from.execute_batch("BEGIN; SELECT 1 FROM sqlite_master").map_err(unread)?;
    let written = |error: rusqlite::Error| of_copy(store, to, &error);
    let mut copy = Connection::open(partial).map_err(written)?;
    // It has no name yet: nothing of it need survive a crash before it is synced as a whole.
    copy.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(())).map_err(written)?;
    copy.pragma_update(None, "synchronous", "off").map_err(written)?;
    take_pages(&from, &mut copy, goes_on).map_err(written)??;
    drop(from);
    // One file, without a log beside it; the daemon that opens it begins one.
    copy.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).map_err(written)?;
    match health::check(&mut copy, Thorough::Structure, None).map_err(written)? {
        health::Found::Sound => Ok(()),
        health::Found::Damaged(found) => Err(BackupError::Damaged { path: store.to_owned(), found }),
        health::Found::Unfinished => Err(BackupError::Stopped),
    }
}

fn take_pages(
    from: &Connection,
    copy: &mut Connection,
    goes_on: &dyn Fn() -> bool,
) -> rusqlite::Result<Result<(), BackupError>> {
    let backup = Backup::new(from, copy)?;
    while goes_on() {
        // Busy or locked can only be the copy, which nobody else knows.
        if let StepResult::Done = backup.step(PAGES_A_STEP)? {
            return Ok(Ok(()));
        }
    }
    Ok(Err(BackupError::Stopped))
}

/// An error while copying, from either side.
fn of_copy(store: &Path, to: &Path, error: &rusqlite::Error) -> BackupError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => BackupError::Full(to.to_owned()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            BackupError::Damaged { path: store.to_owned(), found: vec![error.to_string()] }
        }
        _ => BackupError::Target { path: to.to_owned(), reason: error.to_string() },
    }
}

fn name(partial: NamedTempFile, to: &Path, replace: bool) -> Result<(), BackupError> {
    let named = if replace { partial.persist(to) } else { partial.persist_noclobber(to) };
    match named {
        Ok(_file) => Ok(()),
        // Somebody has made it meanwhile.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(BackupError::Exists(to.to_owned())),
        Err(error) => Err(target(to, &error.error)),
    }
}
