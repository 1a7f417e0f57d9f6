//! The store: whether its file is sound, and how large its log is.

use std::path::Path;
use std::time::Duration;

use super::Examined;
use crate::clock::monotonic;
use crate::store::StoreError;
use crate::store::sqlite::health::{self, Found, Thorough};

/// How long the file is looked at, unless all of it is to be: enough for some gigabytes that are in memory.
const PATIENCE: Duration = Duration::from_secs(10);
/// A log that is larger, in bytes, is not begun anew as it should be. The daemon's own does not grow beyond a third of it.
const LOG_WANTED: u64 = 256 << 20;

/// Nothing if there is no store yet.
pub(super) fn examine(store: &Path, is_full: bool) -> Vec<Examined> {
    if !store.is_file() {
        return Vec::new();
    }
    std::iter::once(soundness(store, is_full)).chain(log(store)).collect()
}

fn soundness(store: &Path, is_full: bool) -> Examined {
    let (name, shown) = ("store", store.display());
    let (thorough, until) =
        if is_full { (Thorough::Indexes, None) } else { (Thorough::Structure, Some(monotonic() + PATIENCE)) };
    match health::examine(store, thorough, until) {
        Ok(Found::Sound) => {
            let how = if is_full { "is sound, and so are its indexes" } else { "is sound" };
            Examined::good(name, format!("{shown} {how}, {} MiB", health::sizes(store).file >> 20))
        }
        Ok(Found::Unfinished) => {
            let detail = format!("nothing wrong was found in {shown} within {} s", PATIENCE.as_secs());
            Examined::doubtful(name, detail, "`taskhost doctor --full` looks at all of it, however long that takes")
        }
        Ok(Found::Damaged(found)) => {
            let detail = format!("{shown} is damaged: {}", found.join("\n"));
            Examined::bad(name, detail, DAMAGED)
        }
        Err(error @ StoreError::Open { .. }) => Examined::bad(name, error.to_string(), "ask as the daemon's user"),
        Err(error) => Examined::bad(name, error.to_string(), error.hint()),
    }
}

const DAMAGED: &str = "stop the daemon; keep a copy of the file and of those beside it that end in -wal and -shm; put the \
    latest good backup in their place, as `taskhost backup-store --help` says; then look at the disk: the system's log tells \
    of its errors";

fn log(store: &Path) -> Option<Examined> {
    let log = health::sizes(store).log;
    (log > LOG_WANTED).then(|| {
        let detail = format!("the log of the store, {}-wal, has {} MiB", store.display(), log >> 20);
        let hint = "something reads the store without end: end what has the file open (`fuser -v` names it), or start the \
            daemon anew";
        Examined::doubtful("store log", detail, hint)
    })
}
