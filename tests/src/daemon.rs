//! A daemon as a process.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitStatus;

use super::{Client, Program, binary};

/// A running daemon; killed when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    program: Program,
    address: String,
    client: Client,
}

impl Daemon {
    pub(super) fn start(folder: &Path, wrapper: &[&str], variables: &[(&str, &OsStr)]) -> Self {
        let binary = binary();
        let mut words: Vec<&OsStr> = wrapper.iter().map(OsStr::new).collect();
        words.extend([binary.as_os_str(), "run".as_ref()]);
        let mut program = Program::start(&words, folder, variables);
        let ready = program.wait_for("taskhost is ready.");
        // As text it is `listen=ADDRESS`, as JSON `"listen":"ADDRESS"`.
        let is_of_address = |char: char| char.is_ascii_digit() || ".:[]".contains(char);
        let after = ready.split_once("listen").expect("an address").1.trim_start_matches(['=', '"', ':']);
        let address = after.chars().take_while(|char| is_of_address(*char)).collect::<String>();
        Self { program, client: Client::new(&address), address }
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
        self.program.id()
    }

    /// The first line ever of its log that contains `text`, also from before it was ready; waits for it.
    pub fn find_in_log(&mut self, text: &str) -> String {
        self.program.find(text)
    }

    /// Reads its log up to a line that contains `text`, and answers the line.
    pub fn wait_for_log(&mut self, text: &str) -> String {
        self.program.wait_for(text)
    }

    /// Sends it a signal.
    pub fn signal(&self, number: i32) {
        self.program.signal(number);
    }

    /// Ends it as `kill -9` does.
    pub fn kill(self) {
        self.signal(libc::SIGKILL);
        self.wait();
    }

    /// Stops it as an operator does, and answers how it ended and what it had said.
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal(libc::SIGTERM);
        self.wait()
    }

    /// Waits for its end, and answers how it ended and what it had said.
    pub fn wait(self) -> (ExitStatus, String) {
        self.program.wait()
    }
}
