//! The socket, the port, and whether a daemon runs already; and how many connections it may have.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::{Examined, Patient};
use crate::boot::{BootError, SOCKET_PATH_MAX};

/// A daemon with all its connections, plugins and files should not need more.
const FILES_WANTED: u64 = 1_024;

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Examined> {
    let socket = std::path::absolute(&patient.socket).unwrap_or_else(|_| patient.socket.clone());
    let runs = UnixStream::connect(&socket).is_ok();
    vec![of_socket(&socket, runs), of_port(patient.config.host.listen, runs), of_files()]
}

fn of_socket(socket: &Path, runs: bool) -> Examined {
    let shown = socket.display();
    if socket.as_os_str().len() > SOCKET_PATH_MAX {
        let error = BootError::SocketPathTooLong { path: socket.to_owned(), max: SOCKET_PATH_MAX };
        return Examined::bad("socket", error.to_string(), error.hint());
    }
    let what = if runs { "a daemon answers" } else { "no daemon runs" };
    Examined::good("socket", format!("{what} on {shown}"))
}

fn of_port(address: SocketAddr, runs: bool) -> Examined {
    match TcpListener::bind(address) {
        Ok(_free) => Examined::good("listen", format!("{address} is free")),
        Err(error) if runs && error.kind() == std::io::ErrorKind::AddrInUse => {
            Examined::good("listen", format!("{address} is taken, while the daemon runs"))
        }
        Err(source) => {
            let error = BootError::Listen { address, source };
            Examined::bad("listen", error.to_string(), error.hint())
        }
    }
}

fn of_files() -> Examined {
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < FILES_WANTED => Examined::doubtful(
            "files",
            format!("a process may have {limit} files and connections open"),
            "`ulimit -n 4096`, or LimitNOFILE=4096 in the unit of the service",
        ),
        Some(limit) => Examined::good("files", format!("a process may have {limit} files and connections open")),
        None => Examined::good("files", "a process may have any number of files and connections open"),
    }
}
