//! A daemon as a process.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};

use super::{Client, binary, signal};

/// A running daemon; killed when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: Receiver<String>,
    seen: Vec<String>,
    address: String,
    client: Client,
}

impl Daemon {
    pub(super) fn start(folder: &Path, wrapper: &[&str]) -> Self {
        let binary = binary();
        let mut words: Vec<&std::ffi::OsStr> = wrapper.iter().map(std::ffi::OsStr::new).collect();
        words.extend([binary.as_os_str(), "run".as_ref()]);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(folder).env("NO_COLOR", "1").env_remove("TASKHOST_LOG");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the daemon");
        let log = follow(child.stderr.take().expect("a piped stderr"));
        let mut daemon = Self { child, log, seen: Vec::new(), address: String::new(), client: Client::new("") };
        let ready = daemon.wait_for_log("taskhost is ready.");
        let address = ready.split("listen=").nth(1).and_then(|rest| rest.split_whitespace().next());
        daemon.address.push_str(address.expect("an address"));
        daemon.client = Client::new(&daemon.address);
        daemon
    }

    /// Speaks to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where it listens: an address and a port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads its log up to a line that contains `text`, and answers the line.
    pub fn wait_for_log(&mut self, text: &str) -> String {
        while let Ok(line) = self.log.recv() {
            self.seen.push(line);
            if let Some(line) = self.seen.last().filter(|line| line.contains(text)) {
                return line.clone();
            }
        }
        let status = self.child.wait();
        panic!("the daemon ended ({status:?}) without saying `{text}`; it said:\n{}", self.seen.join("\n"));
    }

    /// Sends it a signal.
    pub fn signal(&self, number: i32) {
        signal(self.id(), number);
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.signal(libc::SIGKILL);
        self.child.wait().expect("the daemon was started");
    }

    /// Stops it as an operator does, and answers how it ended and what it had said.
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal(libc::SIGTERM);
        self.wait()
    }

    /// Waits for its end, and answers how it ended and what it had said.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("the daemon was started");
        self.seen.extend(self.log.iter());
        (status, std::mem::take(&mut self.seen).join("\n"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn follow(stderr: ChildStderr) -> Receiver<String> {
    let (sender, log) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    log
}
