//! Tests with real libraries, built from the C files beside them by the C compiler.
//!
//! Start at [`Folder`], which builds libraries and scans them, and [`bench::Bench`], which runs attempts.

mod bench;
mod following;
mod hostile;
mod loading;
mod logging;
mod running;
mod settings;
mod stopping;
mod swapping;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use taskhost_core::ids::PluginName;
use tempfile::TempDir;

use super::describe::{self, DescribeOptions};
use super::{Kinds as _, PluginSettings, PluginView, Registry, Search};

const INCLUDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-api/include");
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plugins/tests");

/// Makes another library of `defects.c`, of the same plugin.
const VERSION_2: &str = r#"PLUGIN_META="{\"name\": \"sound\", \"version\": \"2\"}""#;

/// A plugin folder and a state folder of one test.
struct Folder {
    root: TempDir,
    settings: BTreeMap<PluginName, PluginSettings>,
    describe_limit: Duration,
}

impl Folder {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        std::fs::create_dir(root.path().join("plugins")).unwrap();
        Self { root, settings: BTreeMap::new(), describe_limit: Duration::from_mins(1) }
    }

    fn plugins(&self) -> PathBuf {
        self.root.path().join("plugins")
    }

    /// The file that `actor.c` writes when it is shut down.
    fn ended(&self) -> PathBuf {
        self.root.path().join("ended")
    }

    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// Builds `source` with these `-D` options as `plugins/<file>`.
    fn build(&self, file: &str, source: &str, defines: &[&str]) -> PathBuf {
        let path = self.plugins().join(file);
        compile(&path, source, defines);
        path
    }

    fn scan(&self) -> Registry {
        Registry::scan(self.search()).unwrap()
    }

    fn search(&self) -> Search {
        Search {
            folders: vec![self.plugins()],
            state: self.state(),
            settings: self.settings.clone(),
            describe: describe_by_this_program(self.describe_limit),
        }
    }

    /// Scans, and answers the only plugin.
    fn scan_one(&self) -> PluginView {
        let [view] = <[PluginView; 1]>::try_from(self.scan().plugins()).expect("one plugin");
        view
    }
}

/// The child is this test program, told to run one test. It takes the library's path for the name of another test.
fn describe_by_this_program(limit: Duration) -> DescribeOptions {
    let arguments = ["--exact", "plugins::tests::the_child_describes_the_library_that_it_is_given"];
    DescribeOptions {
        program: std::env::current_exe().unwrap(),
        arguments: arguments.map(OsString::from).to_vec(),
        limit,
    }
}

#[test]
fn the_child_describes_the_library_that_it_is_given() {
    let last = std::env::args_os().next_back().map(PathBuf::from);
    if let Some(file) = last.filter(|file| file.is_absolute() && file.extension().is_some()) {
        writeln!(std::io::stdout(), "\n{}", describe::here(&file, false)).unwrap();
    }
}

fn compile(path: &Path, source: &str, defines: &[&str]) {
    let output = Command::new("cc")
        .args(["-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-fvisibility=hidden", "-pthread", "-I", INCLUDE, "-o"])
        .arg(path)
        .arg(Path::new(SOURCES).join(source))
        .args(defines.iter().map(|define| format!("-D{define}")))
        .output()
        .expect("these tests need a C compiler named `cc`: install gcc or clang (Debian: apt-get install gcc)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
