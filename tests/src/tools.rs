//! Other programs, and signals.
#![expect(unsafe_code, reason = "`kill` is a call of the C library")]

use std::ffi::OsStr;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// How a program ended, and what it wrote.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

pub(super) fn run(program: &OsStr, words: &[&str], folder: &Path) -> Ran {
    run_in(program, words, folder, &[])
}

/// Runs a program in a folder, under these variables, until it ends.
pub fn run_in(program: impl AsRef<OsStr>, words: &[&str], folder: &Path, variables: &[(&str, &OsStr)]) -> Ran {
    let program = program.as_ref();
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).env("NO_COLOR", "1").env_remove("TASKHOST_LOG").stdin(Stdio::null());
    command.envs(variables.iter().copied());
    ran(program, command.output())
}

fn ran(program: &OsStr, output: io::Result<Output>) -> Ran {
    let output = output.unwrap_or_else(|error| {
        panic!("{} cannot be run ({error}): `cargo xtask test` installs what the tests need", program.display())
    });
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a program that has to succeed, and answers its standard output.
pub fn output(program: &str, words: &[&str], folder: &Path) -> String {
    let ran = run(OsStr::new(program), words, folder);
    assert_eq!(ran.code, Some(0), "{program} {words:?}: {}", ran.stderr);
    ran.stdout
}

/// What `cargo xtask test` installs beside what is built: a package of npm by its name.
pub fn npm_package(name: &str) -> PathBuf {
    super::built(super::target().with_file_name("tools").join("node_modules").join(name))
}

/// Runs a program that has to succeed on this input, and answers all that it wrote, errors first.
pub fn output_of(program: &str, words: &[&str], folder: &Path, input: &str) -> String {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(input.as_bytes()).and_then(|()| file.rewind()).expect("a file with the input");
    let ran = ran(program.as_ref(), Command::new(program).args(words).current_dir(folder).stdin(file).output());
    assert_eq!(ran.code, Some(0), "{program} {words:?}: {}{}", ran.stderr, ran.stdout);
    ran.stderr + &ran.stdout
}

/// The program schemathesis, which `cargo xtask test` installs beside what is built.
pub fn schemathesis() -> PathBuf {
    super::built(super::target().with_file_name("tools").join("schemathesis/bin/schemathesis"))
}

/// Sends a signal to a process that this test started.
pub fn signal(process: u32, number: i32) {
    let process = libc::pid_t::try_from(process).expect("a process id");
    // SAFETY: `kill` only takes integers; the process is a child that was not waited for, so the id is still its own.
    let sent = unsafe { libc::kill(process, number) };
    assert_eq!(sent, 0, "signal {number} to {process}");
}
