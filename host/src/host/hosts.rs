//! The hosts of the cluster: this one.
//!
//! Start at [`Host::hosts`].

use taskhost_core::time::UnixMicros;

use super::{Host, Phase};

/// A running daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostReport {
    /// Its name: that of the machine.
    pub name: String,
    /// Its version.
    pub version: &'static str,
    /// When it started.
    pub started_at: UnixMicros,
    /// How many tasks it may run at once, all declared queues together.
    pub slots: u64,
    /// How many it runs.
    pub running: usize,
    /// It stops: nothing new is started.
    pub draining: bool,
}

impl Host {
    /// Every host that shares the store.
    pub fn hosts(&self) -> Vec<HostReport> {
        let parts = &*self.0;
        let queues = parts.live.config();
        vec![HostReport {
            name: host_name(),
            version: env!("CARGO_PKG_VERSION"),
            started_at: parts.events.since_when(),
            slots: queues.queues.values().map(|queue| u64::from(queue.concurrency)).sum(),
            running: *parts.store.running().borrow(),
            draining: self.phase() == Phase::Draining,
        }]
    }
}

/// What this host is called: attempts say it too.
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
