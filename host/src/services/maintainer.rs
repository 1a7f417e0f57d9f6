//! Keeps the store moving with the time: promotions, expiry, pruning. Sleeps until the store says that something is due.

use std::sync::Arc;

use crate::clock::Clock;
use crate::pulse::Beat;
use crate::store::{Store, StoreError};

/// Advances the store whenever something is due, until the store is closed. `beat` shows that it turns.
pub async fn run(store: Arc<dyn Store>, clock: Arc<dyn Clock>, mut beat: Beat) {
    let ended = advance(&*store, &*clock, &mut beat).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "The maintainer ends with the store.");
    }
}

async fn advance(store: &dyn Store, clock: &dyn Clock, beat: &mut Beat) -> Result<(), StoreError> {
    let mut next_due = store.next_due();
    // The first look: what came due while no daemon ran.
    look(store, clock).await?;
    loop {
        let due = *next_due.borrow_and_update();
        let time = async {
            match due {
                Some(time) => clock.wait_until(time).await,
                None => std::future::pending().await,
            }
        };
        let changed = tokio::select! {
            never = beat.answer() => match never {},
            () = time => None,
            changed = next_due.changed() => Some(changed),
        };
        match changed {
            None => look(store, clock).await?,
            Some(Ok(())) => {}
            Some(Err(_closed)) => return Ok(()),
        }
    }
}

/// If there is no room for what is due, the store has said when to look again.
async fn look(store: &dyn Store, clock: &dyn Clock) -> Result<(), StoreError> {
    match store.advance(clock.now()).await {
        Err(error) if error.is_transient() => {
            tracing::warn!(%error, hint = error.hint(), "What is due by now has to wait.");
            Ok(())
        }
        looked => looked,
    }
}
