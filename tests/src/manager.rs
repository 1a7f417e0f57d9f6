//! The end of a service manager that a daemon reports to: a socket as `NOTIFY_SOCKET` names it.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Hears what a daemon tells.
#[derive(Debug)]
pub struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    /// Listens in this folder.
    pub fn listen(folder: &Path) -> Self {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket of a service manager");
        // Nothing takes longer, or a test hangs.
        socket.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket with a limit");
        Self { socket, path }
    }

    /// What `NOTIFY_SOCKET` is to be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next datagram, line by line.
    pub fn next(&self) -> Vec<String> {
        let mut datagram = [0; 4096];
        let length = self.socket.recv(&mut datagram).expect("the daemon tells how it is");
        String::from_utf8_lossy(&datagram[..length]).lines().map(str::to_owned).collect()
    }

    /// The next datagram with this line.
    pub fn wait_for(&self, line: &str) -> Vec<String> {
        loop {
            let told = self.next();
            if told.iter().any(|told| told == line) {
                return told;
            }
        }
    }

    /// The datagrams that are there already.
    pub fn left(&self) -> Vec<Vec<String>> {
        self.socket.set_nonblocking(true).expect("a socket that does not wait");
        let mut told = Vec::new();
        let mut datagram = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut datagram) {
            told.push(String::from_utf8_lossy(&datagram[..length]).lines().map(str::to_owned).collect());
        }
        told
    }
}
