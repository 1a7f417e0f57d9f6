//! The programs that measure, built and ready.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;

use crate::build::{self, Profile};
use crate::console::say;
use crate::shell;
use crate::workspace::Workspace;

/// What runs, how often and where.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) runs: usize,
    /// The daemon.
    pub(super) taskhost: PathBuf,
    /// The folder with the built plugins.
    pub(super) plugins: PathBuf,
    /// On the disk of the target folder, so that everything uses one disk.
    scratch: TempDir,
}

impl Rig {
    /// Builds for release.
    pub(super) fn build(workspace: &Workspace, runs: usize) -> Result<Self> {
        build::build(workspace, Profile::Release)?;
        build::build_package(workspace, "taskhost-benches", Profile::Release)?;
        let taskhost = build::program(workspace, Profile::Release);
        let plugins = taskhost.with_file_name("plugins");
        let scratch = tempfile::tempdir_in(&workspace.target).context("a folder in the target folder")?;
        Ok(Self { runs, taskhost, plugins, scratch })
    }

    /// A fresh folder on the disk that everything is measured on.
    pub(super) fn folder(&self) -> Result<TempDir> {
        tempfile::tempdir_in(self.scratch.path()).context("a folder in the target folder")
    }

    /// What `taskhost bench` says with these words.
    pub(super) fn bench(&self, words: &str) -> Result<Value> {
        let mut command = Command::new(&self.taskhost);
        command.args(["bench", "--json", "--plugins"]).arg(&self.plugins).args(words.split(' '));
        self.document(&mut command)
    }

    /// What a program of `benches/` says with these words.
    pub(super) fn program(&self, name: &str, words: &[&str]) -> Result<Value> {
        self.document(Command::new(self.taskhost.with_file_name(name)).args(words))
    }

    fn document(&self, command: &mut Command) -> Result<Value> {
        say(&format!("  {}", shell::shown(command)));
        let said = shell::capture(command.current_dir(self.scratch.path()))?;
        serde_json::from_str(&said).with_context(|| format!("`{}` did not print JSON", shell::shown(command)))
    }
}

/// What the numbers are of.
pub(super) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or(std::env::consts::ARCH, |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores of {model}, Linux {}", kernel.trim())
}

/// A number of a document.
pub(super) fn number(document: &Value, pointer: &str) -> Result<f64> {
    document.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no number at {pointer} of {document}"))
}
