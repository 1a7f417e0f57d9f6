//! A program that runs while a test goes on.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::signal;

/// No line takes longer to come, or a test hangs.
const LIMIT: Duration = Duration::from_secs(90);

/// A running program, and what it writes to its standard output and error; killed when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Program {
    /// Starts it in a folder, under these variables.
    pub fn start(words: &[&OsStr], folder: &Path, variables: &[(&str, &OsStr)]) -> Self {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(folder).env("NO_COLOR", "1").env_remove("TASKHOST_LOG");
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {}: {error}", words[0].display()));
        let (sender, lines) = mpsc::channel();
        follow(child.stdout.take().expect("a piped stdout"), sender.clone());
        follow(child.stderr.take().expect("a piped stderr"), sender);
        Self { child, lines, seen: Vec::new() }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first line ever that contains `text`, also among those that were read on the way to another; waits for it.
    pub fn find(&mut self, text: &str) -> String {
        let found = self.seen.iter().find(|line| line.contains(text)).cloned();
        found.unwrap_or_else(|| self.wait_for(text))
    }

    /// Reads on to a line that contains `text`, and answers the line.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the program has not said `{text}` in {LIMIT:?}; it said:\n{}", self.seen.join("\n"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait();
                    let said = self.seen.join("\n");
                    panic!("the program ended ({status:?}) without saying `{text}`; it said:\n{said}");
                }
            }
            if let Some(line) = self.seen.last().filter(|line| line.contains(text)) {
                return line.clone();
            }
        }
    }

    /// A line that contains `text`, of those that it has written since the last look; does not wait.
    pub fn heard(&mut self, text: &str) -> Option<String> {
        let is_it = |line: &String| line.contains(text);
        let new: Vec<String> = self.lines.try_iter().collect();
        let found = new.iter().find(|line| is_it(line)).cloned();
        self.seen.extend(new);
        found
    }

    /// Sends it a signal, and none to its children.
    pub fn signal(&self, number: i32) {
        signal(self.id(), number);
    }

    /// Waits for its end, and that of all who write where it does; answers how it ended and all that was said.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("the program was started");
        self.seen.extend(self.lines.iter());
        (status, std::mem::take(&mut self.seen).join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn follow(stream: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}
