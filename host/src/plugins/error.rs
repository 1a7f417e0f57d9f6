//! Why a library is not used, and why the search for libraries cannot go on.
//!
//! Not here: what an attempt reports (`Outcome`). Start at [`LoadError`].

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The search as a whole failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A folder of `[host] plugins`.
    #[error("plugin folder `{}` cannot be read: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder of the private copies.
    #[error("folder `{}` for copies of plugins cannot be used: {source}", path.display())]
    Generations {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ScanError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "create the folder (`cargo xtask build` does) or correct `[host] plugins`",
            Self::Generations { .. } => "make `[host] state` a folder that this user may write to",
        }
    }
}

/// One library is refused. The message does not repeat the file's path; [`PluginView`](super::PluginView) has it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read, or its copy not be written.
    #[error("`{}` cannot be {what}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `copied`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Text, an archive, an empty file.
    #[error("it is not a shared library: {0}")]
    NotALibrary(String),
    /// Cut off, or still being written.
    #[error("the file is not whole: {0}")]
    NotWhole(String),
    /// Built for another machine.
    #[error("it is built for {found}, this host needs {needed}")]
    Foreign {
        /// Format and processor of the file.
        found: String,
        /// Format and processor of the host.
        needed: String,
    },
    /// A plugin was served from this path before.
    #[error("it does not export `taskhost_plugin_v1`")]
    NoEntry,
    /// The child that describes libraries could not be started or waited for.
    #[error("it cannot be described: {0}")]
    NoChild(io::Error),
    /// It ended the child that described it, or that ended without an answer.
    #[error("it ended its process {how} when it was described{}", wrote(stderr))]
    EndedChild {
        /// `by signal 11`, `with exit code 3`.
        how: String,
        /// What it wrote there.
        stderr: String,
    },
    /// Its `init` takes too long.
    #[error("it did not answer within {}", limit(*.0))]
    Silent(Duration),
    /// The child that described it refused it.
    #[error("{message}")]
    Described {
        /// Which of these errors the child met.
        message: String,
        /// The hint of that error.
        hint: Option<String>,
    },
    /// The system's loader refused it.
    #[error("the system cannot load it: {0}")]
    Dlopen(String),
    /// The entry begins with something else.
    #[error(
        "its entry `taskhost_plugin_v1` begins with {found:#010x} instead of the magic number {:#010x}",
        plugin_api::abi::MAGIC
    )]
    Magic {
        /// The first four bytes.
        found: u32,
    },
    /// A struct ends before its fields of ABI 1.0.
    #[error("its {what} says struct_size = {found}, the least is {needed}")]
    StructSize {
        /// Which struct.
        what: String,
        /// What it says.
        found: u32,
        /// The size in ABI 1.0.
        needed: u32,
    },
    /// A pointer that no struct of this ABI can have.
    #[error("its {0} is not aligned")]
    Unaligned(String),
    /// Newer than this host.
    #[error("it needs a host with ABI 1.{needed} or newer, this one has 1.{}", plugin_api::abi::ABI_MINOR)]
    HostTooOld {
        /// `min_host_minor`.
        needed: u32,
    },
    /// A panic in it would end the daemon.
    #[error("it is built with panic = \"abort\" and so runs only isolated, which is not supported by this version")]
    PanicAbort,
    /// There is no `init`.
    #[error("its entry has no `init`")]
    NoInit,
    /// `init` answered null.
    #[error("its `init` answered null")]
    InitFailed,
    /// `n_kinds` is 0 or `kinds` null.
    #[error("it offers no kinds")]
    NoKinds,
    /// A null in the array of kinds.
    #[error("its kind number {0} is null")]
    NullKind(usize),
    /// A null function of a kind.
    #[error("kind `{kind}` has no `{function}`")]
    MissingFunction {
        /// The kind.
        kind: String,
        /// `create`, `poll` or `drop`.
        function: &'static str,
    },
    /// A text that is not UTF-8.
    #[error("the {0} is not UTF-8")]
    NotUtf8(String),
    /// A text whose length is garbage.
    #[error("the {what} has {found} bytes, the most is {most}")]
    TooLong {
        /// Which text.
        what: String,
        /// Its length, as it says.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// A name breaks the rules of names.
    #[error("the {what} is not usable: {reason}")]
    Name {
        /// Whose name.
        what: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// A meta document is not what it should be.
    #[error("the meta of {whose} is not usable: {reason}")]
    Meta {
        /// `the plugin` or the kind.
        whose: String,
        /// What is wrong.
        reason: String,
    },
    /// A schema does not compile.
    #[error("the {which} of {whose} is not a valid JSON Schema: {reason}")]
    Schema {
        /// `params_schema` or `config_schema`.
        which: &'static str,
        /// `the plugin` or the kind.
        whose: String,
        /// What is wrong.
        reason: String,
    },
    /// Two kinds of one library have one name.
    #[error("it offers kind `{0}` twice")]
    KindTwice(String),
    /// Another file is this plugin already.
    #[error("plugin `{name}` is already provided by `{}`", first.display())]
    PluginTaken {
        /// The name.
        name: String,
        /// The file that was first.
        first: PathBuf,
    },
    /// Another plugin has a kind of this name.
    #[error("kind `{kind}` is already provided by plugin `{plugin}` in `{}`", first.display())]
    KindTaken {
        /// The kind.
        kind: String,
        /// Who has it.
        plugin: String,
        /// The file of that plugin.
        first: PathBuf,
    },
    /// `[plugins.NAME] config` has a reference that stands for nothing now.
    #[error("the config of plugin `{name}` is not complete: {reason}")]
    Secret {
        /// The plugin.
        name: String,
        /// Which reference, and why; no value.
        reason: String,
    },
    /// `[plugins.NAME] config` does not fit.
    #[error("the config of plugin `{name}` does not fit: {reason}")]
    Config {
        /// The plugin.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl LoadError {
    /// What a person can do about it, where that is not plain from the message.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Described { hint, .. } => hint.as_deref(),
            Self::EndedChild { .. } | Self::Silent(_) => Some(
                "its `init` must only list the kinds; start what else it needs in `configure` or with the first task",
            ),
            Self::NotWhole(_) => {
                Some("build it again, and put it in place by renaming, not by writing over the old file")
            }
            Self::NotALibrary(_) => Some("remove it from the plugin folder"),
            Self::Foreign { .. } => Some("build it for this machine"),
            Self::HostTooOld { .. } => Some("use a newer host, or build the plugin with an older plugin-api"),
            Self::PanicAbort => Some("leave `panic = \"abort\"` out of its cargo profile"),
            Self::PluginTaken { .. } | Self::KindTaken { .. } => Some("remove one of the two files"),
            Self::Secret { .. } => Some("a reference is read when the plugin starts"),
            Self::Config { .. } => Some("correct `config` under `[plugins.<name>]` in tasks.toml"),
            Self::Dlopen(reason) if reason.contains("static TLS") => {
                Some("a plugin must not bring an allocator of its own (`#[global_allocator]`)")
            }
            _ => None,
        }
    }

    /// Whether another file has one of its names.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::PluginTaken { .. } | Self::KindTaken { .. })
    }

    /// Whether other settings may bring it up.
    pub fn concerns_settings(&self) -> bool {
        matches!(self, Self::Secret { .. } | Self::Config { .. })
    }

    /// Whether another try with the same bytes may go well.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::NoChild(_) | Self::Secret { .. })
    }
}

fn wrote(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("\nit wrote: {stderr}") }
}

fn limit(limit: Duration) -> String {
    if limit.subsec_nanos() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}
