//! Builds the daemon and its plugins, and puts the plugins where the daemon looks for them.
//!
//! Not here: checking them (`checks`). Start at [`build`].

use std::collections::BTreeSet;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::console::say;
use crate::shell::{self, cargo};
use crate::workspace::{Package, Workspace};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &[],
            Self::Release => &["--release"],
        }
    }
}

/// Builds the host, then each plugin on its own (cargo would unify the features of packages that it builds together),
/// and brings `target/<profile>/plugins` up to date.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    build_package(workspace, "taskhost", profile)?;
    let folder = workspace.target.join(profile.folder());
    let served = folder.join("plugins");
    fs::create_dir_all(&served).with_context(|| format!("cannot create {}", served.display()))?;
    let mut ours = BTreeSet::new();
    for plugin in workspace.plugins() {
        build_package(workspace, &plugin.name, profile)?;
        let library = library_name(plugin)?;
        serve(&folder.join(&library), &served.join(&library))?;
        ours.insert(OsString::from(library));
    }
    remove_strangers(&served, &ours)
}

/// The built daemon.
pub(crate) fn program(workspace: &Workspace, profile: Profile) -> PathBuf {
    workspace.target.join(profile.folder()).join(format!("taskhost{EXE_SUFFIX}"))
}

/// Builds for release, then becomes the daemon, in the repository's root.
pub(crate) fn run(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    // The repository's tasks.toml names the plugins below `target`, wherever this machine builds otherwise.
    let usual = workspace.root.join("target");
    ensure!(
        workspace.target == usual,
        "cargo builds into {} here, but tasks.toml looks for plugins in {}: unset CARGO_TARGET_DIR (and `build.target-dir`)",
        workspace.target.display(),
        usual.display(),
    );
    build(workspace, Profile::Release)?;
    let mut command = Command::new(program(workspace, Profile::Release));
    command.arg("run").args(arguments).current_dir(&workspace.root);
    become_program(&mut command)
}

/// On Unix the daemon takes this process over, so that signals reach it.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    Err(error).with_context(|| format!("cannot start `{}`", shell::shown(command)))
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<()> {
    shell::run(command)
}

pub(crate) fn build_package(workspace: &Workspace, package: &str, profile: Profile) -> Result<()> {
    shell::run(cargo(workspace, &["build", "--package", package]).args(profile.flags()))
}

fn library_name(plugin: &Package) -> Result<String> {
    let name =
        plugin.cdylib.as_deref().with_context(|| format!("{} has no `crate-type = [\"cdylib\"]`", plugin.folder))?;
    Ok(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// Copies by temporary file and rename, so that a running daemon never sees half a library, and only if the bytes
/// differ, so that it does not load the same generation again.
fn serve(built: &Path, served: &Path) -> Result<()> {
    let bytes = fs::read(built).with_context(|| format!("cannot read {}", built.display()))?;
    if fs::read(served).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let partial = temporary_name(served);
    fs::copy(built, &partial)
        .and_then(|_| fs::rename(&partial, served))
        .with_context(|| format!("cannot write {}", served.display()))?;
    say(&format!("   Serving {}", served.display()));
    Ok(())
}

/// Ends in `.partial`, so that the daemon does not take it for a library.
fn temporary_name(served: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(served.file_name().unwrap_or_default());
    name.push(".partial");
    served.with_file_name(name)
}

/// Removes every file that is not one of ours: a plugin that left the workspace must not be served for ever.
fn remove_strangers(served: &Path, ours: &BTreeSet<OsString>) -> Result<()> {
    for entry in fs::read_dir(served).with_context(|| format!("cannot list {}", served.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() || ours.contains(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        say(&format!("  Removing {}: no plugin of the workspace", path.display()));
    }
    Ok(())
}
