//! The harness of the end-to-end tests: a real daemon in a folder and on a port of its own.
//!
//! Start at [`Scene`]: a folder with a `tasks.toml`, from which daemons are started, killed and started again.

#![expect(clippy::missing_panics_doc, reason = "panicking is how a harness fails a test")]

mod client;
mod daemon;
mod events;
mod manager;
mod program;
mod tools;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use client::{Answer, Client};
pub use daemon::Daemon;
pub use events::{Event, Events};
pub use manager::Manager;
pub use program::Program;
pub use tools::{Ran, npm_package, output, output_of, run_in, schemathesis, signal};

/// A folder with a `tasks.toml`. It is deleted with the scene.
#[derive(Debug)]
pub struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// A scene whose `tasks.toml` is a `[host]` section for tests, and `rest`.
    pub fn new(rest: &str) -> Self {
        Self::with_plugins(rest, &[built_plugins()])
    }

    /// As [`Scene::new`], with other plugin folders.
    pub fn with_plugins(rest: &str, plugins: &[PathBuf]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plugins: Vec<String> = plugins.iter().map(|folder| format!("{:?}", folder.display().to_string())).collect();
        let host = format!("[host]\nlisten = \"127.0.0.1:0\"\nplugins = [{}]\n", plugins.join(", "));
        let scene = Self { folder };
        scene.write("tasks.toml", format!("{host}{rest}"));
        scene
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file in the folder, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder of the file");
        std::fs::write(&path, content).expect("write a file of the scene");
        path
    }

    /// Starts a daemon and waits until it is ready.
    pub fn start(&self) -> Daemon {
        Daemon::start(self.path(), &[], &[])
    }

    /// Starts a daemon with these variables and waits until it is ready.
    pub fn start_with(&self, variables: &[(&str, &OsStr)]) -> Daemon {
        Daemon::start(self.path(), &[], variables)
    }

    /// Starts a daemon under another program, such as `strace`, and waits until it is ready.
    pub fn start_under(&self, wrapper: &[&str]) -> Daemon {
        Daemon::start(self.path(), wrapper, &[])
    }

    /// Runs `taskhost` with these words in the folder, until it ends.
    pub fn taskhost(&self, words: &[&str]) -> Ran {
        tools::run(binary().as_os_str(), words, self.path())
    }

    /// Runs a daemon that is expected not to start, until it ends.
    pub fn fails_to_start(&self) -> Ran {
        self.taskhost(&["run"])
    }
}

/// The folder into which the tests' build puts its results: `target/debug`.
pub fn target() -> PathBuf {
    let me = std::env::current_exe().expect("the path of the test");
    // target/debug/deps/<test>
    me.ancestors().nth(2).expect("a test lies in the target folder").to_owned()
}

/// The daemon's binary.
pub fn binary() -> PathBuf {
    built(target().join("taskhost"))
}

/// The folder of the repository's plugins.
pub fn built_plugins() -> PathBuf {
    built(target().join("plugins"))
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository").to_owned()
}

fn built(path: PathBuf) -> PathBuf {
    assert!(
        path.exists(),
        "{} is not there: `cargo xtask test` builds and installs what the tests need, `cargo xtask build` what is ours",
        path.display()
    );
    path
}
