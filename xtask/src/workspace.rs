//! What cargo knows of the workspace: its root, its target folder, its packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// The workspace, as `cargo metadata` describes it.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One member of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the root, with `/`.
    pub(crate) folder: String,
    /// Name of its cdylib target, if it has one.
    pub(crate) cdylib: Option<String>,
    /// Members of the workspace that it depends on, of every kind (normal, build, dev).
    pub(crate) members_used: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// If cargo cannot be run or answers something else than its documented JSON.
    pub(crate) fn load() -> Result<Self> {
        // That of this run: trees that share a target folder also share this program, built in one of them.
        let folder = std::env::var_os("CARGO_MANIFEST_DIR").context("it is run by cargo: `cargo xtask …`")?;
        let manifest = Path::new(&folder).join("Cargo.toml");
        let mut command = Command::new(shell::cargo_program());
        command.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(manifest);
        let document: Value =
            serde_json::from_str(&shell::capture(&mut command)?).context("`cargo metadata` did not answer JSON")?;
        Self::from_metadata(&document)
    }

    fn from_metadata(document: &Value) -> Result<Self> {
        let root = PathBuf::from(text(document, "workspace_root")?);
        let target = PathBuf::from(text(document, "target_directory")?);
        let packages = list(document, "packages")
            .iter()
            .map(|package| Package::from_metadata(package, &root))
            .collect::<Result<_>>()?;
        Ok(Self { root, target, packages })
    }

    /// The members below `plugins/`.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_plugin())
    }
}

impl Package {
    pub(crate) fn is_plugin(&self) -> bool {
        self.folder.starts_with("plugins/")
    }

    fn from_metadata(package: &Value, root: &Path) -> Result<Self> {
        let manifest = Path::new(text(package, "manifest_path")?);
        let folder = manifest
            .parent()
            .and_then(|folder| folder.strip_prefix(root).ok())
            .with_context(|| format!("{} is outside of the workspace", manifest.display()))?;
        let is_cdylib = |target: &&Value| list(target, "kind").iter().any(|kind| kind == "cdylib");
        let cdylib = list(package, "targets")
            .iter()
            .find(is_cdylib)
            .map(|target| text(target, "name").map(str::to_owned))
            .transpose()?;
        let members_used = list(package, "dependencies")
            .iter()
            .filter(|dependency| dependency.get("path").is_some())
            .map(|dependency| text(dependency, "name").map(str::to_owned))
            .collect::<Result<_>>()?;
        Ok(Self {
            name: text(package, "name")?.to_owned(),
            folder: folder.to_string_lossy().replace('\\', "/"),
            cdylib,
            members_used,
        })
    }
}

fn text<'a>(object: &'a Value, key: &str) -> Result<&'a str> {
    object[key].as_str().with_context(|| format!("`cargo metadata` has no `{key}`"))
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object[key].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Workspace;

    #[test]
    fn plugins_are_found_by_their_folder_and_know_their_library() {
        let document = json!({
            "workspace_root": "/w",
            "target_directory": "/elsewhere",
            "packages": [
                {
                    "name": "taskhost-plugin-files",
                    "manifest_path": "/w/plugins/files/Cargo.toml",
                    "targets": [{"name": "files", "kind": ["cdylib"]}],
                    "dependencies": [
                        {"name": "plugin-api", "path": "/w/plugin-api"},
                        {"name": "serde"},
                    ],
                },
                {
                    "name": "taskhost",
                    "manifest_path": "/w/host/Cargo.toml",
                    "targets": [{"name": "taskhost", "kind": ["bin"]}],
                    "dependencies": [],
                },
            ],
        });
        let workspace = Workspace::from_metadata(&document).expect("the document is whole");
        let plugins: Vec<_> = workspace.plugins().collect();
        assert_eq!(workspace.target, std::path::Path::new("/elsewhere"));
        assert_eq!(plugins.len(), 1);
        assert_eq!(plugins[0].folder, "plugins/files");
        assert_eq!(plugins[0].cdylib.as_deref(), Some("files"));
        assert_eq!(plugins[0].members_used, ["plugin-api"]);
    }
}
