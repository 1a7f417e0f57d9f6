//! The signals that a daemon hears.
//!
//! Start at [`Signals::stop`].

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// The signals that stop the daemon, and the one that lets it read its file.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    /// Whether somebody watched the daemon in a terminal when it started.
    is_watched: bool,
    /// Told when `tasks.toml` is to be read.
    reload: Arc<Notify>,
}

impl Signals {
    pub(super) fn new(reload: Arc<Notify>) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            is_watched: io::stderr().is_terminal(),
            reload,
        })
    }

    /// Ends with the next SIGINT or SIGTERM, or when the terminal that the daemon was started in is closed: a daemon that
    /// nobody sees would keep the next one off.
    pub(super) async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {
                    // A terminal that is closed is none any more when the signal comes.
                    if self.is_watched && !io::stderr().is_terminal() {
                        return;
                    }
                    self.reload.notify_one();
                }
            }
        }
    }
}
