//! The program `taskhost`: the daemon and the commands that talk to it.

use std::process::ExitCode;

fn main() -> ExitCode {
    taskhost::cli::main(std::env::args_os())
}
