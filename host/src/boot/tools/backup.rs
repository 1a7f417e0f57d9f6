//! Copies the store of a `tasks.toml`, whether its daemon runs or not.
//!
//! Not here: copying (`store::sqlite::backup`). Start at [`Backup::plan`].

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use taskhost_core::config::Draft;

use crate::boot::{self, BootError, enter_folder, read_text};
use crate::clock::{Clock as _, SystemClock, monotonic};
pub use crate::store::sqlite::backup::BackupError;
use crate::store::sqlite::backup::back_up;

/// The folder in that of the state for backups that are not told where to go.
const FOLDER: &str = "backups";

/// A backup that is to be made.
#[derive(Debug)]
pub struct Backup {
    store: PathBuf,
    to: PathBuf,
    replace: bool,
}

/// A backup that was made.
#[derive(Debug)]
pub struct BackedUp {
    /// Of this file.
    pub store: PathBuf,
    /// Here.
    pub to: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

impl Backup {
    /// Of the store of the daemon of `config`, a `tasks.toml` that may have errors elsewhere. `to`: where, else a file in the
    /// folder `backups` of the state, named after the time. `replace`: also where one of that name is.
    /// # Errors
    /// [`BootError`] if the file cannot be read, or the folder not be made.
    pub fn plan(config: &Path, to: Option<&Path>, replace: bool) -> Result<Self, BootError> {
        let absolute =
            |path: &Path| std::path::absolute(path).map_err(|source| BootError::system("find", path, source));
        let (config, to) = (absolute(config)?, to.map(absolute).transpose()?);
        enter_folder(&config)?;
        let text = read_text(&config)?;
        let draft = Draft::read(&text);
        let Some(read) = draft.config else {
            return Err(BootError::Config { path: config, text, diagnostics: draft.diagnostics });
        };
        let places = boot::Places::of(&config, read.host.state.clone());
        let store = absolute(&places.store(&read))?;
        let to = to.map_or_else(|| usual(&places.state, &store), Ok)?;
        Ok(Self { store, to, replace })
    }

    /// Makes it, unless it is told to stop.
    /// # Errors
    /// [`BackupError`]; then nothing was made.
    pub fn make(self, stop: &AtomicBool) -> Result<BackedUp, BackupError> {
        let begun = monotonic();
        let Self { store, to, replace } = self;
        let bytes = back_up(&store, &to, replace, &|| !stop.load(Ordering::Relaxed))?;
        Ok(BackedUp { store, to, bytes, took: begun.elapsed() })
    }
}

/// A file after the time, such as `var/backups/taskhost-20261124T145500Z.db`.
fn usual(state: &Path, store: &Path) -> Result<PathBuf, BootError> {
    let folder = state.join(FOLDER);
    let folder = std::path::absolute(&folder).map_err(|source| BootError::system("find", &folder, source))?;
    if store.exists() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| BootError::system("make the folder", &folder, source))?;
    }
    let now = SystemClock.now().to_string();
    let seconds = now.split('.').next().unwrap_or(&now).replace(['-', ':'], "");
    let name = store.file_stem().unwrap_or_default().to_string_lossy();
    Ok(folder.join(format!("{name}-{seconds}Z.db")))
}
