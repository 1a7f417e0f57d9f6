//! Builds the crate with cargo, and finds in what that says which file it has made.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::cli::failure::{Exit, Failure};

/// The build of the crate in this folder; what is wrong with the code goes to this terminal.
pub(super) fn command(folder: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--message-format=json-render-diagnostics"]).current_dir(folder);
    cargo.stdin(Stdio::null()).stdout(Stdio::piped());
    cargo
}

/// The library that was built.
pub(super) fn library(built: &Output, folder: &Path) -> Result<PathBuf, Failure> {
    if !built.status.success() {
        return Err(Failure::new(Exit::Failed, "the build failed"));
    }
    library_in(&String::from_utf8_lossy(&built.stdout), &folder.join("Cargo.toml")).ok_or_else(|| {
        Failure::new(Exit::Failed, "the build made no shared library")
            .hint("a plugin has `crate-type = [\"cdylib\"]` under [lib] in its Cargo.toml")
    })
}

/// The shared library that this crate was built to, in what cargo says.
fn library_in(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let of_crate = |message: &Value| {
        let is_artifact = message["reason"] == "compiler-artifact";
        let types = message["target"]["crate_types"].as_array()?;
        let is_library = types.iter().any(|word| word == "cdylib");
        let is_ours = message["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest);
        let files = message["filenames"].as_array().filter(|_| is_artifact && is_library && is_ours)?;
        let mut files = files.iter().filter_map(Value::as_str).map(PathBuf::from);
        files.find(|file| file.extension().is_some_and(|found| found == std::env::consts::DLL_EXTENSION))
    };
    messages.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(|message| of_crate(&message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_that_of_the_crate() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/dep/Cargo.toml","target":{"crate_types":["cdylib"]},"filenames":["/t/libdep.so"]}
   noise
{"reason":"compiler-artifact","manifest_path":"/me/Cargo.toml","target":{"crate_types":["bin"]},"filenames":["/t/me"]}
{"reason":"compiler-artifact","manifest_path":"/me/Cargo.toml","target":{"crate_types":["rlib","cdylib"]},"filenames":["/t/libme.rlib","/t/libme.so"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(library_in(messages, Path::new("/me/Cargo.toml")), Some(PathBuf::from("/t/libme.so")));
        assert_eq!(library_in(messages, Path::new("/you/Cargo.toml")), None);
    }
}
