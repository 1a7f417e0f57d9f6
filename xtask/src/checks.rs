//! The checks, cheapest first: each step is timed, and the first red one ends the run.
//!
//! Not here: the rules of the house themselves (`rules`).

use std::time::Instant;

use anyhow::{Context, Result};

use crate::build::{self, Profile};
use crate::console::say;
use crate::rules;
use crate::shell::{self, cargo};
use crate::tools;
use crate::workspace::Workspace;

/// What a change must pass besides its tests.
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    step("rules", || rules::run(workspace))?;
    step("fmt", || format(workspace))?;
    step("clippy", || clippy(workspace))?;
    step("doc", || document(workspace))
}

/// For every save.
pub(crate) fn quick(workspace: &Workspace) -> Result<()> {
    step("fmt", || format(workspace))?;
    step("clippy", || clippy(workspace))?;
    step("unit tests", || shell::run(&mut cargo(workspace, &["test", "--workspace", "--lib", "--bins", "--quiet"])))
}

/// Everything that can be run: unit tests, integration tests, doctests, the daemon with its plugins.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    step("tools", || tools::ensure_all(workspace))?;
    step("build", || build::build(workspace, Profile::Dev))?;
    step("tests", || shell::run(&mut cargo(workspace, &["test", "--workspace", "--no-fail-fast"])))
}

/// So many random histories on every store and on the reference store. The stores' files go to the temporary folder
/// (`TMPDIR`), and reach no disk before they are answered: what is looked for is not what a power failure loses.
pub(crate) fn hunt(workspace: &Workspace, histories: &str) -> Result<()> {
    let name = "store::suite::a_history_goes_on_every_adapter_as_on_the_reference";
    let arguments = ["test", "--profile", "hunt", "--package", "taskhost", "--lib", "--", "--exact", name];
    step("hunt", || shell::run(cargo(workspace, &arguments).env("TASKHOST_HISTORIES", histories)))
}

fn format(workspace: &Workspace) -> Result<()> {
    shell::run(&mut cargo(workspace, &["fmt", "--all", "--check"]))
        .context("if only the format is wrong, `cargo fmt --all` mends it")
}

fn clippy(workspace: &Workspace) -> Result<()> {
    shell::run(cargo(workspace, &["clippy", "--workspace", "--all-targets"]).args(["--", "-D", "warnings"]))
}

fn document(workspace: &Workspace) -> Result<()> {
    shell::run(cargo(workspace, &["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch for the developer, not the time of a task")]
fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    say(&format!("==> {name}"));
    let start = Instant::now();
    let outcome = run();
    let verdict = if outcome.is_ok() { "ok" } else { "RED" };
    say(&format!("==> {name}: {verdict} in {:.1} s", start.elapsed().as_secs_f64()));
    outcome
}
