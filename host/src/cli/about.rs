//! What `taskhost` tells of itself: the API's document, completions of shells, manual pages. None needs a daemon.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Cli;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::api;

/// Prints the document of the API.
pub(super) fn openapi(output: &mut Output<'_>) -> Result<(), Failure> {
    output.data(&(api::openapi() + "\n"))
}

/// Prints the script that makes a shell complete our words.
pub(super) fn completions(shell: Shell, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "taskhost", &mut script);
    output.data(&String::from_utf8_lossy(&script))
}

/// Prints the page of `taskhost`; with a folder writes the pages of all commands there and prints their paths.
pub(super) fn man(folder: Option<&Path>, output: &mut Output<'_>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        Man::new(documented()).render(&mut page).expect("a Vec takes all");
        return output.data(&String::from_utf8_lossy(&page));
    };
    let unwritable = |error| {
        Failure::new(Exit::Failed, format!("cannot write the pages to {}: {error}", folder.display()))
            .hint("name a folder that this user may write to")
    };
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let mut root = documented();
    root.build();
    write_pages(&root, folder, output).map_err(unwritable)?
}

/// The words as the pages tell them: `help` is a word for terminals.
fn documented() -> Command {
    Cli::command().disable_help_subcommand(true)
}

fn write_pages(command: &Command, folder: &Path, output: &mut Output<'_>) -> std::io::Result<Result<(), Failure>> {
    let path = Man::new(command.clone()).generate_to(folder)?;
    if let Err(failure) = output.data(&format!("{}\n", path.display())) {
        return Ok(Err(failure));
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        if let Err(failure) = write_pages(below, folder, output)? {
            return Ok(Err(failure));
        }
    }
    Ok(Ok(()))
}
