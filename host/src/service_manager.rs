//! Tells the service manager that started the daemon, such as systemd, how it is. Where none did, nothing is told.
//!
//! The protocol is `sd_notify(3)`: one datagram each, to the socket that `NOTIFY_SOCKET` names. Start at [`ready`].

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::{debug, warn};

/// The daemon serves, from now on or again after [`reloading`]. `status`: one line for people.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The daemon reads its configuration anew; [`ready`] is to follow, also if nothing came of it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        // Both in one datagram, or the time would be that of another reload.
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "The service manager is not told of the reload: there is no steady clock."),
    }
}

/// What the daemon does, in one line for people.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// The daemon stops, which may take it `within`, however long the service manager usually waits.
pub fn stopping(within: Duration, status: &str) {
    let extended = format!("EXTEND_TIMEOUT_USEC={}", within.as_micros());
    tell(&[NotifyState::Stopping, NotifyState::Custom(&extended), NotifyState::Status(status)]);
}

/// The daemon lives; to be told more often than [`watchdog`] says.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// After how long a silence the service manager ends the daemon; none: it does not.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

fn tell(states: &[NotifyState<'_>]) {
    match sd_notify::notify(states) {
        Ok(()) => debug!(?states, "The service manager was told."),
        Err(error) => warn!(?states, %error, "The service manager cannot be told."),
    }
}
