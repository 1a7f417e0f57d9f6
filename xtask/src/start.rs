//! Measures what a person waits for before a command says anything. It is no check.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::console::say;

/// How often each program is run; the first runs, which fill the caches of the system, do not count.
const RUNS: usize = 200;
const WARM_UP: usize = 5;

/// Prints how long `taskhost --help` takes, beside a program that does nothing.
pub(crate) fn help(program: &Path) -> Result<()> {
    let (best, median) = best_and_median(Command::new(program).arg("--help"))?;
    let (nothing, _) = best_and_median(&mut Command::new("true"))?;
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let ratio = best.as_secs_f64() / nothing.as_secs_f64();
    say(&format!(
        "taskhost --help: {:.1} ms, {ratio:.1} times `true` (budget: under 20 ms); best of {RUNS} runs, the median is {:.1} ms",
        millis(best),
        millis(median),
    ));
    Ok(())
}

fn best_and_median(command: &mut Command) -> Result<(Duration, Duration)> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let runs = (0..WARM_UP + RUNS).map(|_| run(command)).collect::<Result<Vec<_>>>()?;
    let mut counted = runs[WARM_UP..].to_vec();
    counted.sort_unstable();
    Ok((counted[0], counted[counted.len() / 2]))
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch for the developer, not the time of a task")]
fn run(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start `{}`", crate::shell::shown(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", crate::shell::shown(command));
    Ok(start.elapsed())
}
