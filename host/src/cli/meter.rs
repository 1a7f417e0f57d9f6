//! Shows how far a task is: a bar on a terminal, else now and then a line.
//!
//! Start at [`Meter::show`].

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use taskhost_core::view::Progress;

use super::output::Output;
use super::render::tame;
use crate::clock::monotonic;

/// Where there is no terminal, a task that reports all the time is heard this often.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Shows how far one task is, on stderr.
pub(super) struct Meter {
    bar: ProgressBar,
    is_terminal: bool,
    written: Option<Instant>,
    /// The last line, if it was not written.
    held: Option<String>,
}

impl Meter {
    pub(super) fn new() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(None, target), is_terminal, written: None, held: None }
    }

    /// The standard error for lines that push the bar down.
    pub(super) fn above(&self) -> AboveBar {
        AboveBar(self.bar.clone())
    }

    /// Writes a line above the bar.
    pub(super) fn note(&self, line: &str, output: &mut Output<'_>) {
        self.bar.suspend(|| output.note(line));
    }

    pub(super) fn show(&mut self, progress: &Progress, unit: &str, output: &mut Output<'_>) {
        if self.is_terminal {
            self.draw(progress, unit);
            return;
        }
        let line = line(progress, unit);
        if self.written.is_some_and(|written| monotonic().duration_since(written) < LINE_EVERY) {
            self.held = Some(line);
            return;
        }
        self.written = Some(monotonic());
        self.held = None;
        output.note(&line);
    }

    fn draw(&self, progress: &Progress, unit: &str) {
        let template =
            if progress.total > 0 { "{wide_bar} {pos}/{len} {prefix} {msg}" } else { "{spinner} {pos} {prefix} {msg}" };
        self.bar.set_style(ProgressStyle::with_template(template).expect("the templates above are good"));
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.current);
        self.bar.set_prefix(tame(unit));
        self.bar.set_message(tame(&progress.message).replace('\n', " "));
    }

    /// Takes the bar away.
    pub(super) fn end(&mut self, output: &mut Output<'_>) {
        self.bar.finish_and_clear();
        if let Some(held) = self.held.take() {
            output.note(&held);
        }
    }
}

/// `3/5 tiles (60 %): tile 3`.
fn line(progress: &Progress, unit: &str) -> String {
    let Progress { current, total, message, .. } = progress;
    let count = if *total > 0 { format!("{current}/{total}") } else { current.to_string() };
    let unit = if unit.is_empty() { String::new() } else { format!(" {}", tame(unit)) };
    let part = progress.percentage().map(|part| format!(" ({part:.0} %)")).unwrap_or_default();
    let message = if message.is_empty() { String::new() } else { format!(": {}", tame(message).replace('\n', " ")) };
    format!("{count}{unit}{part}{message}\n")
}

/// The standard error, where lines push the bar down.
pub(super) struct AboveBar(ProgressBar);

impl AboveBar {
    /// Another one of the same bar.
    pub(super) fn again(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Write for AboveBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(current: u64, total: u64, message: &str) -> Progress {
        Progress { current, total, message: message.to_owned(), ..Progress::default() }
    }

    #[test]
    fn a_line_says_no_more_than_the_task_did() {
        assert_eq!(line(&progress(3, 5, "tile 3"), "tiles"), "3/5 tiles (60 %): tile 3\n");
        assert_eq!(line(&progress(3, 0, "a\nb\u{1b}"), ""), "3: a b\\u{1b}\n");
    }

    #[test]
    fn without_a_terminal_a_quick_task_writes_its_first_and_its_last_line() {
        let (mut data, mut notes) = (Vec::new(), Vec::new());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let mut meter = Meter { bar, is_terminal: false, written: None, held: None };
        {
            let mut output = Output::captured(&mut data, &mut notes);
            (1..=9).for_each(|step| meter.show(&progress(step, 0, ""), "", &mut output));
            meter.end(&mut output);
        }
        assert_eq!(String::from_utf8(notes).unwrap(), "1\n9\n");
    }
}
