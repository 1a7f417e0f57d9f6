//! `taskhost plugins run`: the result on stdout; on stderr how far it is, and what the plugin logs.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use taskhost_core::duration::DurationText;
use taskhost_core::submit::NewTask;
use taskhost_core::view::Progress;

use super::args::PluginsRunArgs;
use super::enqueue::read_json;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::render::tame;
use crate::boot::tools::{self, News, Ran, RunError, RunRequest, Unfinished};
use crate::clock::monotonic;
use crate::telemetry;

/// Where there is no terminal, a task that reports all the time is heard this often.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Runs the task; well only if it completed.
pub(super) fn run(args: &PluginsRunArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    if let Some(parent) = args.parent {
        tools::end_with(parent).map_err(|error| Failure::new(Exit::Failed, error))?;
    }
    let request = request(args)?;
    let mut meter = Meter::new();
    let bar = meter.bar.clone();
    telemetry::start_for_plugin(move || AboveBar(bar.clone()));
    let ran = tools::run(&request, &mut |news| match news {
        News::Progress { progress, unit } => meter.show(progress, unit, output),
        News::Cancelling => output.note("Cancelling; once more ends at once.\n"),
    });
    meter.end(output);
    let ran = ran.map_err(|error| failed(&error))?;
    output.note(&beside(&ran));
    match ran.outcome {
        Ok(result) => output.data(&format!("{result}\n")),
        Err(Unfinished { code, message }) => {
            Err(Failure::new(Exit::Failed, format!("the task did not complete: {code}: {}", tame(&message))))
        }
    }
}

fn request(args: &PluginsRunArgs) -> Result<RunRequest, Failure> {
    let params = args.params.as_deref().unwrap_or("{}");
    let state = args.state.as_deref().map(|state| read_json("state", state));
    let config = args.plugin_config.as_deref().map(|config| read_json("plugin-config", config));
    Ok(RunRequest {
        file: args.file.clone(),
        kind: args.kind.clone(),
        params: read_json("params", params)?,
        attempt: args.attempt,
        state: state.transpose()?,
        config: config.transpose()?,
        timeout: args.timeout.map(DurationText::get),
    })
}

fn failed(error: &RunError) -> Failure {
    let exit = if matches!(error, RunError::UnknownKind { .. }) { Exit::NotFound } else { Exit::Failed };
    let failure = Failure::new(exit, tame(&error.to_string()));
    match error.hint() {
        Some(hint) => failure.hint(tame(&hint)),
        None => failure,
    }
}

/// What the task left behind beside its result.
fn beside(ran: &Ran) -> String {
    let state = ran.state.as_ref().filter(|_| ran.outcome.is_err());
    let state = state.map(|state| format!("The last checkpoint, to go on from with --state: {}\n", tame(state)));
    let params = |task: &NewTask| tame(&String::from_utf8_lossy(&task.params));
    let follow_ups = ran.follow_ups.iter().map(|task| format!("follow-up, not run: {} {}\n", task.kind, params(task)));
    state.into_iter().chain(follow_ups).collect()
}

/// Shows how far the task is: a bar on a terminal, else now and then a line.
struct Meter {
    bar: ProgressBar,
    is_terminal: bool,
    written: Option<Instant>,
    /// The last line, if it was not written.
    held: Option<String>,
}

impl Meter {
    fn new() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(None, target), is_terminal, written: None, held: None }
    }

    fn show(&mut self, progress: &Progress, unit: &str, output: &mut Output<'_>) {
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

    fn end(&mut self, output: &mut Output<'_>) {
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
struct AboveBar(ProgressBar);

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
