//! What a person waits for before a command says anything.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::table::Table;

/// How often each program is run; the first runs, which fill the caches of the system, do not count.
const RUNS: usize = 200;
const WARM_UP: usize = 5;

/// How long `taskhost --help` takes, beside a program that does nothing.
pub(super) fn measure(program: &Path, table: &mut Table) -> Result<()> {
    let help = times(Command::new(program).arg("--help"))?;
    let nothing = times(&mut Command::new("true"))?;
    let nothing = table.add("`true`, from the start of the process to its end", "ms", nothing);
    let help = table.add("`taskhost --help`, likewise", "ms", help);
    table.note(format!("{:.1} × `true`; budget: under 20", help / nothing));
    Ok(())
}

fn times(command: &mut Command) -> Result<Vec<f64>> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let runs = (0..WARM_UP + RUNS).map(|_| run(command)).collect::<Result<Vec<_>>>()?;
    Ok(runs[WARM_UP..].iter().map(|time| time.as_secs_f64() * 1e3).collect())
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch for the developer, not the time of a task")]
fn run(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start `{}`", crate::shell::shown(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", crate::shell::shown(command));
    Ok(start.elapsed())
}
