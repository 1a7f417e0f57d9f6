//! The developer's commands: `cargo xtask <command>`.
//!
//! Not here: what the daemon can do for its users (crate `taskhost`). Start at [`dispatch`].

mod bench;
mod build;
mod checks;
mod console;
mod rules;
mod shell;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::build::Profile;
use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  run [ARGS...]      build for release, then run the daemon on the repository's tasks.toml
  build [--release]  build the host and every plugin; plugins land in target/<profile>/plugins
  test               build, then run every test; installs or names the tools that the tests need
  lint               rules of the house, fmt, clippy, docs: cheapest first, stops at the first red
  hunt [HISTORIES]   compare the stores in so many random histories of 100 calls and more (10000)
  bench [SECTION...] [--runs N]
                     build for release, then measure what docs/performance.md tells: lives, pickup, growth, http, daemon,
                     boundary; N (5) times each. Exit status 1 if whole lives or the pick-up miss their floor
  quick              fmt, clippy and the unit tests: for every save
  rules              only the rules of the house (docs/ARCHITECTURE.md)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run", rest @ ..] => build::run(&Workspace::load()?, rest),
        ["build"] => build::build(&Workspace::load()?, Profile::Dev),
        ["build", "--release"] => build::build(&Workspace::load()?, Profile::Release),
        ["test"] => checks::test(&Workspace::load()?),
        ["lint"] => checks::lint(&Workspace::load()?),
        ["hunt"] => checks::hunt(&Workspace::load()?, "10000"),
        ["hunt", histories] => checks::hunt(&Workspace::load()?, histories),
        ["bench", rest @ ..] => bench::run(&Workspace::load()?, rest),
        ["quick"] => checks::quick(&Workspace::load()?),
        ["rules"] => rules::run(&Workspace::load()?),
        ["help" | "--help" | "-h"] => {
            console::say(USAGE);
            Ok(())
        }
        [] => bail!("no command given\n\n{USAGE}"),
        _ => bail!("`{}` is not a command\n\n{USAGE}", words.join(" ")),
    }
}
