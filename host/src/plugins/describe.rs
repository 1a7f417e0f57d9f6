//! Describes a library in a child process before it is loaded into this one: what it says of itself, or why it is no good.
//!
//! Code of a library that was never seen runs for the first time here, so a crash, an `exit` or an endless loop costs the
//! child alone. What was described once is kept in a file until the library or this host changes; a refusal is kept in
//! memory only (`shelf`), so each start tries again. Not here: which file gets which name (`shelf`).
//! Start at `Describer::describe`; the child's side is [`here`].

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::iter;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plugin_api::abi;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskhost_core::ids::{KindName, PluginName};

use super::error::{LoadError, ScanError};
use super::{ffi, loader};

/// A longer answer is no answer.
const ANSWER_MAX: u64 = 16 << 20;
/// So much is kept of what a library writes to its standard error, in bytes.
const STDERR_MAX: u64 = 1024;
/// The word that gives the child a host table that ends early.
const TRUNCATED_HOST: &str = "--truncated-host";
/// How long what the child wrote is waited for after its end: what it left behind may hold the pipes for ever.
const PIPES_WAIT: Duration = Duration::from_secs(1);

/// What a library says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The plugin's name.
    pub name: PluginName,
    /// Its version; may be empty.
    pub version: String,
    /// The JSON Schema of its config.
    pub config_schema: Option<Value>,
    /// Whether it takes a config at all.
    pub takes_config: bool,
    /// The minor of the ABI that it was built with.
    pub abi_minor: u32,
    /// The lowest minor of a host that it can work with.
    pub min_host_minor: u32,
    /// `TH_E_*`.
    pub flags: u32,
    /// The length of its file.
    pub bytes: u64,
    /// What it provides.
    pub kinds: Vec<KindManifest>,
}

/// What a library says of one of its kinds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindManifest {
    /// Its name.
    pub name: KindName,
    /// `TH_K_*`.
    pub flags: u32,
    /// Its whole meta: title, params schema, retry defaults.
    pub meta: Value,
}

impl KindManifest {
    /// Its one poll may block.
    pub fn is_blocking(&self) -> bool {
        self.flags & abi::K_BLOCKING != 0
    }

    /// It is to run in a process of its own.
    pub fn is_isolated(&self) -> bool {
        self.flags & abi::K_ISOLATE != 0
    }
}

/// What the child says: one line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It can be loaded.
    Manifest(Manifest),
    /// It cannot.
    Error {
        /// Why.
        message: String,
        /// What a person can do about it.
        hint: Option<String>,
    },
}

impl Answer {
    /// Whether the library can be loaded.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Manifest(_))
    }
}

/// As the line that the child prints.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Describes a library by loading it into this process, which is to end soon. The child's side of `Describer`.
///
/// `truncated_host`: the library meets a host table that ends early, as those of other versions may.
pub fn here(file: &Path, truncated_host: bool) -> Answer {
    match describe(file, truncated_host) {
        Ok(manifest) => Answer::Manifest(manifest),
        Err(error) => Answer::Error { hint: error.hint().map(str::to_owned), message: error.to_string() },
    }
}

fn describe(file: &Path, truncated_host: bool) -> Result<Manifest, LoadError> {
    let unreadable = |source| LoadError::Io { what: "read", path: file.to_path_buf(), source };
    let bytes = fs::metadata(file).map_err(unreadable)?.len();
    // A name without a folder would be looked for where the system's libraries are.
    let absolute = std::path::absolute(file).map_err(unreadable)?;
    let loaded =
        if truncated_host { loader::load_for(&absolute, ffi::truncated_host()) } else { loader::load(&absolute) };
    Ok(loaded?.manifest(bytes))
}

/// Sees to it that this process ends with its parent. `parent`: the id of that, which may have ended just now.
/// # Errors
/// What the system said; or that the parent is gone.
pub fn end_with(parent: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if std::os::unix::process::parent_id() == parent {
        return Ok(());
    }
    Err(io::Error::other("the process that asked for it is gone"))
}

/// How a library is described.
#[derive(Debug, Clone)]
pub struct DescribeOptions {
    /// The program that answers for a library, called with `arguments`, its own parent's id and the library's path.
    pub program: PathBuf,
    /// What stands before the library's path.
    pub arguments: Vec<OsString>,
    /// How long it may take.
    pub limit: Duration,
}

impl DescribeOptions {
    /// The same, with a host table that ends early.
    pub(super) fn with_truncated_host(mut self) -> Self {
        self.arguments.push(TRUNCATED_HOST.into());
        self
    }
}

impl Default for DescribeOptions {
    /// This very program, for 5 s.
    fn default() -> Self {
        // The file may have been replaced since this process began; the link of the system leads to what runs.
        let running = Path::new("/proc/self/exe");
        let program = if running.exists() { running.to_owned() } else { std::env::current_exe().unwrap_or_default() };
        let parent = std::process::id().to_string();
        let arguments = ["describe", "--parent", &parent].map(OsString::from).to_vec();
        Self { program, arguments, limit: Duration::from_secs(5) }
    }
}

/// Describes libraries, and remembers what they said.
#[derive(Debug)]
pub(super) struct Describer {
    options: DescribeOptions,
    folder: PathBuf,
    /// What others know is looked up there, and nothing is written.
    others: Option<PathBuf>,
}

/// A manifest in its file, with what it depends on beside the library.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    host: String,
    abi_minor: u32,
    manifest: Manifest,
}

impl Kept {
    fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    fn is_current(&self) -> bool {
        self.host == env!("CARGO_PKG_VERSION") && self.abi_minor == abi::ABI_MINOR
    }
}

impl Describer {
    /// Keeps manifests in the folder `manifests` of the state folder.
    pub(super) fn open(state: &Path, options: DescribeOptions) -> Result<Self, ScanError> {
        let folder = manifests(state);
        let unusable = |source| ScanError::Generations { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(unusable)?;
        Ok(Self { options, folder, others: None })
    }

    /// The same, which also believes what a daemon keeps in its state folder.
    pub(super) fn knowing(self, state: &Path) -> Self {
        Self { others: Some(manifests(state)), ..self }
    }

    /// What the library at `copy`, whose bytes have this digest, says of itself.
    pub(super) fn describe(&self, sha256: &str, copy: &Path) -> Result<Manifest, LoadError> {
        if let Some(manifest) = self.kept(sha256) {
            return Ok(manifest);
        }
        match self.ask(copy)? {
            Answer::Manifest(manifest) => {
                self.keep(sha256, manifest.clone());
                Ok(manifest)
            }
            Answer::Error { message, hint } => Err(LoadError::Described { message, hint }),
        }
    }

    /// Deletes the manifests of all but these libraries.
    pub(super) fn keep_only(&self, digests: &[&str]) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let is_known = path.file_stem().is_some_and(|stem| digests.iter().any(|digest| stem == *digest));
            if !is_known && let Err(error) = fs::remove_file(&path) {
                tracing::debug!(path = %path.display(), %error, "An old manifest is left behind.");
            }
        }
    }

    fn kept(&self, sha256: &str) -> Option<Manifest> {
        let folders = iter::once(&self.folder).chain(&self.others);
        folders.filter_map(|folder| Kept::read(&file(folder, sha256))).find(Kept::is_current).map(|kept| kept.manifest)
    }

    /// A manifest that cannot be kept costs a child at the next start, no more.
    fn keep(&self, sha256: &str, manifest: Manifest) {
        let kept = Kept { host: env!("CARGO_PKG_VERSION").to_owned(), abi_minor: abi::ABI_MINOR, manifest };
        let file = file(&self.folder, sha256);
        let temporary = file.with_extension("tmp");
        let json = serde_json::to_vec(&kept).expect("names, numbers and JSON are JSON");
        if let Err(error) = fs::write(&temporary, json).and_then(|()| fs::rename(&temporary, &file)) {
            tracing::warn!(path = %file.display(), %error, "What a plugin says of itself could not be kept.");
        }
    }

    fn ask(&self, copy: &Path) -> Result<Answer, LoadError> {
        let mut child = self.start(copy).map_err(LoadError::NoChild)?;
        let group = Pid::from_child(&child);
        let stdout = capture(child.stdout.take(), ANSWER_MAX).map_err(LoadError::NoChild)?;
        let stderr = capture(child.stderr.take(), STDERR_MAX).map_err(LoadError::NoChild)?;
        let Ok(status) = end_of(child).map_err(LoadError::NoChild)?.recv_timeout(self.options.limit) else {
            if let Err(error) = kill_process_group(group, Signal::KILL) {
                tracing::warn!(%error, "A process that describes a plugin could not be ended.");
            }
            return Err(LoadError::Silent(self.options.limit));
        };
        let status = status.map_err(LoadError::NoChild)?;
        let written = stdout.recv_timeout(PIPES_WAIT).unwrap_or_default();
        match answer_in(&written).filter(|_| status.signal().is_none()) {
            Some(answer) => Ok(answer),
            None => Err(ended(status, &stderr.recv_timeout(PIPES_WAIT).unwrap_or_default())),
        }
    }

    /// Its group is its own, so that it ends with all that it has started, and not by the keys that stop the daemon.
    fn start(&self, copy: &Path) -> io::Result<Child> {
        let mut command = Command::new(&self.options.program);
        command.arg0("taskhost").args(&self.options.arguments).arg(std::path::absolute(copy)?);
        // Its first lines are what is shown.
        command.env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()
    }
}

/// Where manifests are kept in a state folder.
fn manifests(state: &Path) -> PathBuf {
    state.join("manifests")
}

fn file(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(format!("{sha256}.json"))
}

/// Reads all that is written, so that the writer never waits; answers the first bytes at the end.
fn capture(pipe: Option<impl Read + Send + 'static>, most: u64) -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (sender, captured) = mpsc::channel();
    let read = move || {
        let Some(mut pipe) = pipe else { return };
        let mut bytes = Vec::new();
        let read = pipe.by_ref().take(most).read_to_end(&mut bytes).and_then(|_| io::copy(&mut pipe, &mut io::sink()));
        // Nobody waits any more for what comes too late, and half of it says more than nothing.
        drop((read, sender.send(bytes)));
    };
    thread::Builder::new().name("describe-pipe".to_owned()).spawn(read)?;
    Ok(captured)
}

fn end_of(mut child: Child) -> io::Result<mpsc::Receiver<io::Result<ExitStatus>>> {
    let (sender, ended) = mpsc::channel();
    // After the limit nobody hears it; the child is still taken off the system's list.
    let wait = move || drop(sender.send(child.wait()));
    thread::Builder::new().name("describe-wait".to_owned()).spawn(wait)?;
    Ok(ended)
}

/// The line that is an answer: a library may write to the standard output too.
fn answer_in(written: &[u8]) -> Option<Answer> {
    written.split(|byte| *byte == b'\n').find_map(|line| serde_json::from_slice(line).ok())
}

fn ended(status: ExitStatus, stderr: &[u8]) -> LoadError {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("by signal {signal}"),
        (None, code) => format!("with exit code {}", code.unwrap_or_default()),
    };
    let stderr = String::from_utf8_lossy(stderr);
    // Where a panic was and what it said; a line that asserts takes one.
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect();
    LoadError::EndedChild { how, stderr: lines.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer_in};

    #[test]
    fn what_a_library_prints_is_no_answer() {
        let error = Answer::Error { message: "no".to_owned(), hint: None };
        let line = serde_json::to_string(&error).unwrap();
        assert_eq!(answer_in(format!("hello\n{{}}\n{line}\nbye").as_bytes()), Some(error));
        assert_eq!(answer_in(b"\"manifest\""), None);
    }
}
