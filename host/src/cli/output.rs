//! Where a command writes: data to stdout, the rest to stderr.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};

use rustix::termios::tcgetwinsize;

use super::failure::{Exit, Failure};
use super::render::Times;
use crate::clock::{Clock as _, SystemClock};

/// How wide a terminal is that does not say.
const COLUMNS: usize = 80;

/// Where a command writes.
pub(super) struct Output<'a> {
    data: Box<dyn Write + 'a>,
    notes: Box<dyn Write + 'a>,
    /// How wide the terminal is that shows the data, if one does.
    screen: Option<usize>,
    is_closed: bool,
}

impl Output<'_> {
    /// The standard ones of the process.
    pub(super) fn standard() -> Self {
        let columns = || tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|&wide| wide > 0);
        let screen = io::stdout().is_terminal().then(|| columns().unwrap_or(COLUMNS));
        Self { data: Box::new(io::stdout()), notes: Box::new(io::stderr()), screen, is_closed: false }
    }

    /// How many columns a person sees of the data; none if a program reads it.
    pub(super) fn screen(&self) -> Option<usize> {
        self.screen
    }

    /// How times are shown there.
    pub(super) fn times(&self) -> Times {
        if self.screen.is_some() { Times::seen_from(SystemClock.now()) } else { Times::exact() }
    }

    /// Whether nobody reads the data any more: what goes on for ever should end.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes what was asked for. A reader that has seen enough and gone away (`| head`) is no failure.
    pub(super) fn data(&mut self, text: &str) -> Result<(), Failure> {
        match self.data.write_all(text.as_bytes()).and_then(|()| self.data.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(Exit::Failed, format!("cannot write: {error}")))
            }
            written => {
                self.is_closed |= written.is_err();
                Ok(())
            }
        }
    }

    /// Writes what a person should know beside.
    pub(super) fn note(&mut self, text: &str) {
        // There is no place left to say that stderr does not work.
        drop(self.notes.write_all(text.as_bytes()));
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("screen", &self.screen).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl<'a> Output<'a> {
    /// Writes data and notes into these.
    pub(super) fn captured(data: &'a mut Vec<u8>, notes: &'a mut Vec<u8>) -> Self {
        Self { data: Box::new(data), notes: Box::new(notes), screen: None, is_closed: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is() {
        let written = |kind| {
            let (data, notes) = (Box::new(Broken(kind)), Box::new(Broken(kind)));
            let mut output = Output { data, notes, screen: None, is_closed: false };
            output.note("lost");
            output.data("text").map(|()| output.is_closed())
        };
        assert_eq!(written(io::ErrorKind::BrokenPipe), Ok(true));
        assert_eq!(written(io::ErrorKind::StorageFull).unwrap_err().exit, Exit::Failed);
    }
}
