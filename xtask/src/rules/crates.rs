//! Which crate may depend on which: the boundary that keeps the core pure and the plugins on the contract.

use anyhow::Result;

use super::Violation;
use crate::shell::{self, cargo};
use crate::workspace::{Package, Workspace};

const CORE: &str = "taskhost-core";
const PLUGIN_API: &str = "plugin-api";
const PLUGIN_API_MACROS: &str = "plugin-api-macros";

/// What would bring async, I/O, clocks, logging or chance into the core.
const IMPURE: &[&str] =
    &["axum", "libloading", "mio", "notify", "rand", "rusqlite", "tokio", "tracing", "tracing-core"];

/// Names of all crates that end up in the core, by its normal dependencies (procedural macros run in the compiler).
pub(super) fn core_tree(workspace: &Workspace) -> Result<Vec<String>> {
    let arguments =
        ["tree", "--package", CORE, "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"];
    let listing = shell::capture(&mut cargo(workspace, &arguments))?;
    Ok(listing.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

pub(super) fn check(packages: &[Package], core_tree: &[String]) -> Vec<Violation> {
    let mut violations: Vec<_> = packages.iter().flat_map(foreign_members).collect();
    for crate_name in IMPURE {
        if core_tree.iter().any(|used| used == crate_name) {
            let message = format!("depends on `{crate_name}`; see `cargo tree -p {CORE} -e normal -i {crate_name}`");
            violations.push(Violation::whole(CORE, message));
        }
    }
    violations
}

fn foreign_members(package: &Package) -> Vec<Violation> {
    let Some(allowed) = allowed_members(package) else { return Vec::new() };
    package
        .members_used
        .iter()
        .filter(|used| !allowed.contains(&used.as_str()))
        .map(|used| {
            let message = format!("`{}` depends on `{used}`; of the workspace it may use {allowed:?}", package.name);
            Violation::whole(&format!("{}/Cargo.toml", package.folder), message)
        })
        .collect()
}

/// The members that this one may depend on; `None`: any.
fn allowed_members(package: &Package) -> Option<&'static [&'static str]> {
    match package.name.as_str() {
        CORE | PLUGIN_API_MACROS => Some(&[]),
        // On itself: its own tests want its test kit.
        PLUGIN_API => Some(&[PLUGIN_API, PLUGIN_API_MACROS]),
        _ if package.is_plugin() => Some(&[PLUGIN_API]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Package, check};

    fn package(name: &str, folder: &str, members_used: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            folder: folder.to_owned(),
            cdylib: None,
            members_used: members_used.iter().map(|&used| used.to_owned()).collect(),
        }
    }

    #[test]
    fn a_plugin_that_reaches_into_the_host_is_seen() {
        let package = package("taskhost-plugin-files", "plugins/files", &["plugin-api", "taskhost-core"]);
        let violations = check(&[package], &[]);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].place, "plugins/files/Cargo.toml");
    }

    #[test]
    fn the_core_and_the_plugin_api_stand_alone() {
        let core = package("taskhost-core", "host/core", &["plugin-api"]);
        let api = package("plugin-api", "plugin-api", &["taskhost", "plugin-api-macros"]);
        assert_eq!(check(&[core, api], &[]).len(), 2);
    }

    #[test]
    fn an_impure_crate_in_the_core_is_seen() {
        let tree = ["serde".to_owned(), "tokio".to_owned()];
        assert_eq!(check(&[], &tree).len(), 1);
    }

    #[test]
    fn the_host_may_use_what_it_likes() {
        assert!(check(&[package("taskhost", "host", &["plugin-api", "taskhost-core"])], &[]).is_empty());
    }
}
