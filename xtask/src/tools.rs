//! The programs that the tests call, beside Rust's own: installed where we may, else named.
//!
//! Start at [`ensure_all`].

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::console::say;
use crate::shell;
use crate::workspace::Workspace;

/// One program, and the Debian package that brings it.
#[derive(Debug)]
struct Tool {
    program: &'static str,
    package: &'static str,
    /// What a test does with it.
    purpose: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool { program: "cc", package: "gcc", purpose: "compiles the C plugins and the layout checks" },
    Tool { program: "c++", package: "g++", purpose: "compiles the C++ example" },
    Tool { program: "tar", package: "tar", purpose: "unpacks a backup" },
    Tool { program: "zstd", package: "zstd", purpose: "lets `tar` read a `.tar.zst`" },
    Tool { program: "sha256sum", package: "coreutils", purpose: "checks a digest" },
    Tool { program: "npm", package: "npm", purpose: "installs taplo" },
    Tool { program: "python3", package: "python3-venv", purpose: "installs schemathesis" },
    Tool { program: "systemd-analyze", package: "systemd", purpose: "checks the unit of the service" },
    Tool { program: "promtool", package: "prometheus", purpose: "checks the metrics and the alerts" },
    Tool { program: "strace", package: "strace", purpose: "counts the fsyncs of a burst" },
];

/// The TOML language server of editors, as a program and as a library, which checks `tasks.toml` by its schema: packages of npm.
const TAPLO: [(&str, &str); 2] = [("@taplo/cli", "0.7.0"), ("@taplo/lsp", "0.8.0")];

/// # Errors
/// If a tool is missing and cannot be installed; the message holds the command that would.
pub(crate) fn ensure_all(workspace: &Workspace) -> Result<()> {
    ensure_programs()?;
    let folder = workspace.target.join("tools");
    ensure_taplo(&folder)?;
    ensure_schemathesis(&workspace.root.join("tests/fixtures/schemathesis.txt"), &folder.join("schemathesis"))
}

/// What calls an API as its document says, in every way: the versions that stand in `versions`, in a Python of its own.
fn ensure_schemathesis(versions: &Path, folder: &Path) -> Result<()> {
    let wanted = std::fs::read(versions).with_context(|| format!("cannot read {}", versions.display()))?;
    let note = folder.join("installed.txt");
    // A Python that has moved, or a folder that came from elsewhere, makes it again too.
    let runs = || shell::capture(Command::new(folder.join("bin/schemathesis")).arg("--version")).is_ok();
    if std::fs::read(&note).is_ok_and(|installed| installed == wanted) && runs() {
        return Ok(());
    }
    shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]).arg(versions);
    shell::run(&mut pip)?;
    // Last: an installation that was cut short is made again.
    std::fs::write(&note, wanted).with_context(|| format!("cannot write {}", note.display()))
}

/// Beside what is built, for this repository alone.
fn ensure_taplo(folder: &Path) -> Result<()> {
    let is_installed = |(name, version): &(&str, &str)| {
        let manifest = folder.join("node_modules").join(name).join("package.json");
        let manifest = std::fs::read_to_string(manifest).unwrap_or_default();
        manifest.contains(&format!("\"version\": \"{version}\""))
    };
    if TAPLO.iter().all(is_installed) {
        return Ok(());
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"]).arg(folder);
    shell::run(npm.args(TAPLO.map(|(name, version)| format!("{name}@{version}"))))
}

fn ensure_programs() -> Result<()> {
    let missing = missing(is_there);
    if missing.is_empty() {
        return Ok(());
    }
    for tool in &missing {
        say(&format!("missing: `{}` ({})", tool.program, tool.purpose));
    }
    if !may_install() {
        bail!("the tests need more programs\n\nhint: {}", install_hint(&missing));
    }
    install(&missing)
}

fn missing(is_there: impl Fn(&str) -> bool) -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !is_there(tool.program)).collect()
}

fn install_hint(missing: &[&Tool]) -> String {
    format!("sudo apt-get install {} (or the like of your system)", packages(missing).join(" "))
}

fn packages(missing: &[&Tool]) -> Vec<&'static str> {
    missing.iter().map(|tool| tool.package).collect()
}

fn is_there(program: &str) -> bool {
    // A Debian may have it without what it makes an environment of its own with.
    let is_whole = || shell::capture(Command::new(program).args(["-c", "import ensurepip"])).is_ok();
    is_on_path(program) && (program != "python3" || is_whole())
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Only root on a Debian, which is what a container of a CI is.
fn may_install() -> bool {
    let is_root = || shell::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    Path::new("/etc/debian_version").exists() && is_on_path("apt-get") && is_root()
}

fn install(missing: &[&Tool]) -> Result<()> {
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        command
    };
    shell::run(apt().arg("update"))?;
    // `promtool` comes with a server, which is not to come with friends, nor to be started (see `invoke-rc.d`).
    shell::run(apt().env("RUNLEVEL", "1").args(["install", "--yes", "--no-install-recommends"]).args(packages(missing)))
}

#[cfg(test)]
mod tests {
    use super::{install_hint, missing};

    #[test]
    fn a_missing_tool_is_named_with_the_package_that_brings_it() {
        let missing = missing(|program| program != "sha256sum" && program != "strace");
        assert_eq!(install_hint(&missing), "sudo apt-get install coreutils strace (or the like of your system)");
    }
}
