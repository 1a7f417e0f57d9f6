//! Removes the files that came with tasks once these are no longer kept: at the start, and each hour while there are any.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::sleep;
use crate::store::{Store, StoreError};
use crate::uploads::Uploads;

/// Files wait this long for their removal: tasks are kept for a day, so it hardly matters.
const BETWEEN: Duration = Duration::from_hours(1);

/// Sweeps until the store is closed.
pub async fn run(uploads: Uploads, store: Arc<dyn Store>) {
    loop {
        match sweep(&uploads, &store).await {
            Ok(true) => sleep(BETWEEN).await,
            Ok(false) => {
                uploads.added().await;
                sleep(BETWEEN).await;
            }
            Err(error) => {
                tracing::debug!(%error, "The sweeper ends with the store.");
                return;
            }
        }
    }
}

async fn sweep(uploads: &Uploads, store: &Arc<dyn Store>) -> Result<bool, StoreError> {
    let (uploads, store) = (uploads.clone(), Arc::clone(store));
    let swept =
        tokio::task::spawn_blocking(move || uploads.sweep(|task| store.task(task).map(|found| found.is_some())));
    // The join fails only while the runtime ends.
    swept.await.unwrap_or(Err(StoreError::Closed))
}
