//! Calls of the store that a service cannot do without: tried again until the store takes them.

use std::time::Duration;

use tracing::warn;

use crate::clock::Clock;
use crate::pulse::Beat;
use crate::store::{Reply, StoreError};

/// How long until the store is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Calls until it is not this call alone that fails: a full disk is not the end of a service. `beat` is answered meanwhile.
/// # Errors
/// [`StoreError`] if the store has failed or is closed.
/// # Cancel safety
/// Dropping the future leaves the call done or not, never half.
pub async fn until_taken<T>(beat: &mut Beat, clock: &dyn Clock, call: impl Fn() -> Reply<T>) -> Result<T, StoreError> {
    let mut is_told = false;
    loop {
        match call().await {
            Err(error) if error.is_transient() => {
                if !std::mem::replace(&mut is_told, true) {
                    warn!(%error, hint = error.hint(), "The store is asked again each second.");
                }
                tokio::select! {
                    never = beat.answer() => match never {},
                    () = clock.wait_until(clock.now().saturating_add(AGAIN_AFTER)) => {}
                }
            }
            taken => return taken,
        }
    }
}
