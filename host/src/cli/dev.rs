//! `taskhost dev`: builds a plugin and runs a task of it, again whenever its code changes.
//!
//! The task runs in a child (`plugins run`), so that nothing which the code does ends this. Not here: which task that is
//! (`choice`), making the library (`build`), noticing a change (`boot::tools`). Start at [`dev`].

mod build;
mod child;
mod choice;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::args::DevArgs;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::boot::tools;
use child::{Ended, Interruptions, Reason, attend};
use choice::{Choice, Memory};

/// Builds and runs until Ctrl-C; once, if so asked, and then well if the task is.
pub(super) fn dev(args: &DevArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let folder = folder_of_crate(args)?;
    // One thread: the children are to end with the thread that started them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| unwatched(&error))?.block_on(async {
        let mut interruptions = Interruptions::hear().map_err(|error| unwatched(&error))?;
        if args.once {
            return match round(args, &folder, &mut interruptions, output).await? {
                None => Ok(()),
                Some(_) => Err(Failure::reported(Exit::Failed, String::new())),
            };
        }
        interruptions.watch = Some(tools::watch_crate(&folder).map_err(|error| unwatched(&error))?);
        repeat(args, &folder, &mut interruptions, output).await
    })
}

/// The absolute path of the crate's folder.
fn folder_of_crate(args: &DevArgs) -> Result<PathBuf, Failure> {
    let manifest = args.folder.join("Cargo.toml").canonicalize();
    let manifest = manifest.map_err(|error| {
        let name = args.folder.display();
        let failure = Failure::new(Exit::NotFound, format!("{name} is no folder of a crate: {error}"));
        if args.kind.is_none() && choice::is_kind(&name.to_string()) {
            return failure.hint(format!("a kind comes second: `taskhost dev . {name}`"));
        }
        failure.hint("name that of a plugin; `taskhost plugins new NAME` makes one")
    })?;
    Ok(manifest.parent().unwrap_or(Path::new("/")).to_owned())
}

async fn repeat(
    args: &DevArgs,
    folder: &Path,
    interruptions: &mut Interruptions,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    loop {
        let interrupted = round(args, folder, interruptions, output).await.unwrap_or_else(|failure| {
            output.note(&failure.report);
            None
        });
        let reason = if let Some(reason) = interrupted {
            reason
        } else {
            output.note("\nWaiting for a change of the code; Ctrl-C ends.\n");
            interruptions.next().await
        };
        match reason {
            Reason::Stop => return Ok(()),
            Reason::Edit => output.note("\nThe code has changed.\n"),
        }
    }
}

fn unwatched(error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the system tells of no signals or changes: {error}"))
        .hint("`--once` does without changes")
}

/// Builds the crate and runs the task, in children that write to this terminal; answers what cut it short, if something did.
async fn round(
    args: &DevArgs,
    folder: &Path,
    interruptions: &mut Interruptions,
    output: &mut Output<'_>,
) -> Result<Option<Reason>, Failure> {
    let built = attend(build::command(folder), interruptions).await;
    let library = match built.map_err(|error| not_run("cargo", &error))? {
        Ended::Early(reason) => return Ok(Some(reason)),
        Ended::ByItself(built) => build::library(&built, folder)?,
    };
    let memory = Memory::of(&library);
    let choice = Choice::find(args, folder, &memory)?;
    output.note(&choice.told());
    let command = run_command(&library, folder, &choice).map_err(|error| not_run("taskhost", &error))?;
    let ended = attend(command, interruptions).await;
    let ran = match ended.map_err(|error| not_run("taskhost", &error))? {
        Ended::Early(reason) => Ok(Some(reason)),
        Ended::ByItself(ran) => verdict(ran.status).map(|()| None),
    };
    if !ran.as_ref().is_err_and(|failure| failure.exit != Exit::Failed)
        && let Err(error) = memory.keep(&choice)
    {
        output.note(&format!("The next `taskhost dev` will not know of this task: {error}\n"));
    }
    ran
}

fn run_command(library: &Path, folder: &Path, choice: &Choice) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["plugins", "run"]).arg(library).args([choice.kind.as_str(), "--params", choice.params.get()]);
    command.args(["--parent", &std::process::id().to_string()]);
    // Paths in params mean to the task what they mean in the daemon of this crate.
    command.current_dir(folder).stdin(Stdio::null());
    if let Some(config) = &choice.config {
        // Not among the words, which everybody on this machine can read.
        command.args(["--plugin-config", "-"]).stdin(child::input(config.to_string().as_bytes())?);
    }
    Ok(command)
}

/// What the child has said stands there already.
fn verdict(ended: ExitStatus) -> Result<(), Failure> {
    use std::os::unix::process::ExitStatusExt as _;
    let exit = match (ended.code(), ended.signal()) {
        (Some(0), _) => return Ok(()),
        (Some(2), _) => Exit::Usage,
        (Some(3), _) => Exit::NotFound,
        (_, Some(signal)) => {
            return Err(Failure::new(Exit::Failed, format!("the task ended its process by signal {signal}")));
        }
        (_, None) => Exit::Failed,
    };
    Err(Failure::reported(exit, String::new()))
}

fn not_run(program: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{program} cannot be run: {error}"))
}
