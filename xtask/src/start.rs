//! Measures what a person waits for before a command says anything. It is no check.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::console::say;

/// How often each program is run; the first runs, which fill the caches of the system, do not count.
const RUNS: usize = 100;
const WARM_UP: usize = 5;

/// Prints how long `taskhost --help` takes, beside a program that does nothing.
pub(crate) fn help(program: &Path) -> Result<()> {
    let ours = median(Command::new(program).arg("--help"))?;
    let nothing = median(&mut Command::new("true"))?;
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let ratio = ours.as_secs_f64() / nothing.as_secs_f64();
    say(&format!(
        "taskhost --help: {:.2} ms (budget: under 20 ms), {ratio:.1} times `true` ({:.2} ms); medians of {RUNS} runs",
        millis(ours),
        millis(nothing),
    ));
    Ok(())
}

fn median(command: &mut Command) -> Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let runs = (0..WARM_UP + RUNS).map(|_| run(command)).collect::<Result<Vec<_>>>()?;
    let mut counted = runs[WARM_UP..].to_vec();
    counted.sort_unstable();
    Ok(counted[counted.len() / 2])
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch for the developer, not the time of a task")]
fn run(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start `{}`", crate::shell::shown(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", crate::shell::shown(command));
    Ok(start.elapsed())
}
