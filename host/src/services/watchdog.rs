//! Tells the service manager that the daemon lives, as long as the loops that make and move work turn.
//!
//! When one is stuck nothing is told any more, and the service manager ends the daemon and starts it again.

use std::time::Duration;

use tracing::{error, info};

use crate::clock::sleep;
use crate::pulse::Pulse;
use crate::service_manager;

/// Tells it for ever, three times in each `limit`, the silence after which the service manager acts.
pub async fn run(mut pulse: Pulse, limit: Duration) {
    loop {
        let is_late = tokio::select! {
            () = pulse.turn() => false,
            () = sleep(limit / 3) => true,
        };
        if is_late {
            error!(loops = ?pulse.silent(), ?limit, "A part of the daemon is stuck; if it stays so, the service manager ends the daemon.");
            pulse.turn().await;
            info!("All parts of the daemon turn again.");
        }
        service_manager::alive();
        sleep(limit / 3).await;
    }
}
