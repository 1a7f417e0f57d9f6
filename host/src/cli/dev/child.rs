//! A child that ends when somebody asks for it or edits the code: told first, then forced.
//!
//! Start at [`attend`].

use std::io::{self, Seek as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::pin::pin;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

use crate::boot::tools::EditWatch;
use crate::clock::sleep;

/// How long a child may take to end. A task that is told has 2 s, and its plugin 1 s to end its threads.
const GRACE: Duration = Duration::from_secs(5);

/// How a child has ended.
#[derive(Debug)]
pub(super) enum Ended {
    ByItself(Output),
    Early(Reason),
}

/// Why nobody waits for it any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Ctrl-C, or SIGTERM.
    Stop,
    /// There is newer code.
    Edit,
}

/// What can happen while a child runs.
#[derive(Debug)]
pub(super) struct Interruptions {
    /// The code; none: nobody looks.
    pub(super) watch: Option<EditWatch>,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Interruptions {
    /// From now on signals do not end this process.
    pub(super) fn hear() -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { watch: None, interrupt, terminate })
    }

    /// Waits for the next one. Dropping the future loses none.
    pub(super) async fn next(&mut self) -> Reason {
        let edited = async {
            match &self.watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Reason::Stop,
            _ = self.terminate.recv() => Reason::Stop,
            () = edited => Reason::Edit,
        }
    }

    async fn stop(&mut self) {
        while self.next().await != Reason::Stop {}
    }
}

/// Runs the child to its end, or until something happens: then it is told to stop, and forced when it takes longer than
/// [`GRACE`] or somebody asks for it again.
pub(super) async fn attend(mut command: Command, interruptions: &mut Interruptions) -> io::Result<Ended> {
    // A group of its own: what the terminal sends comes here alone, so the child hears each signal once. And its own children,
    // the compilers of a build, end with it.
    command.process_group(0);
    let child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let mut ended = pin!(child.wait_with_output());
    let reason = tokio::select! {
        output = &mut ended => return output.map(Ended::ByItself),
        reason = interruptions.next() => reason,
    };
    // The child was not waited for yet, so the id is still its own.
    let tell = |signal| group.map_or(Ok(()), |group| kill_process_group(group, signal));
    tell(Signal::TERM)?;
    let reason = tokio::select! {
        output = &mut ended => return output.map(|_| Ended::Early(reason)),
        () = sleep(GRACE) => reason,
        () = interruptions.stop() => Reason::Stop,
    };
    tell(Signal::KILL)?;
    ended.await.map(|_| Ended::Early(reason))
}

/// A standard input that holds this text, for its reader's eyes only.
pub(super) fn input(text: &[u8]) -> io::Result<Stdio> {
    let mut file = tempfile::tempfile()?;
    file.write_all(text)?;
    file.rewind()?;
    Ok(file.into())
}
