//! `taskhost backup-store`.
//!
//! Not here: the copy (`boot::tools`).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::args::BackupStoreArgs;
use super::check_file::failed;
use super::failure::{Exit, Failure, interrupt};
use super::output::Output;
use super::render::tame;
use crate::boot::tools::{BackedUp, Backup, BackupError};

/// Makes a backup and says where it is; Ctrl-C and SIGTERM leave nothing behind.
pub(super) fn backup_store(config: &Path, args: &BackupStoreArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let backup = Backup::plan(config, args.to.as_deref(), args.force).map_err(|error| failed(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| untold(&error))?;
    let made = runtime.block_on(make(backup))?;
    output.data(&if args.json { document(&made) } else { shown(&made) })
}

async fn make(backup: Backup) -> Result<BackedUp, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // A timer of systemd stops what it runs like this.
    let terminate = signal(SignalKind::terminate());
    let mut terminate = terminate.map_err(|error| untold(&error))?;
    let mut making = tokio::task::spawn_blocking(move || backup.make(&stopped));
    let made = tokio::select! {
        made = &mut making => made,
        () = async { tokio::select! { () = interrupt() => {}, _ = terminate.recv() => {} } } => {
            stop.store(true, Ordering::Relaxed);
            making.await
        }
    };
    match made {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(BackupError::Stopped)) => Err(Failure::interrupted("stopped; nothing is left behind\n".to_owned())),
        Ok(Err(error)) => Err(refused(&error)),
        Err(error) => Err(Failure::new(Exit::Failed, format!("the backup has a bug: {error}"))),
    }
}

fn untold(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the system tells of no signals: {error}"))
}

fn refused(error: &BackupError) -> Failure {
    let exit = if matches!(error, BackupError::NoStore(_)) { Exit::NotFound } else { Exit::Failed };
    let failure = Failure::new(exit, tame(&error.to_string()));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn shown(made: &BackedUp) -> String {
    let (store, to) = (made.store.display().to_string(), made.to.display().to_string());
    let tenths = made.bytes.saturating_mul(10) >> 20;
    let (mib, seconds) = (format!("{}.{}", tenths / 10, tenths % 10), made.took.as_secs_f64());
    format!("{} is backed up to {}: {mib} MiB in {seconds:.2} s, checked\n", tame(&store), tame(&to))
}

fn document(made: &BackedUp) -> String {
    let document = json!({
        "store": made.store.display().to_string(),
        "backup": made.to.display().to_string(),
        "bytes": made.bytes,
        "seconds": made.took.as_secs_f64(),
    });
    document.to_string() + "\n"
}
