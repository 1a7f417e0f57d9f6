//! Tells how far running tasks have come, at most once per 100 ms a task. Sleeps while nobody follows them.
//!
//! Not here: the last progress before an end, which the attempt tells (`plugins`). Start at [`run`].

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, sleep};
use crate::events::Events;

/// How long progress is gathered before it is told again.
const PAUSE: Duration = Duration::from_millis(100);

/// Announces progress for ever.
pub async fn run(events: Events, clock: Arc<dyn Clock>) {
    loop {
        events.progress_waits().await;
        events.announce_progress(clock.now());
        sleep(PAUSE).await;
    }
}
