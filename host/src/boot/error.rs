//! Why a daemon does not start, or ends by itself.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use taskhost_core::config::{Diagnostic, first};

use super::searched;
use crate::plugins::ScanError;
use crate::store::StoreError;

/// Why a daemon does not start, or ends by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootError {
    /// `tasks.toml` cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    ConfigUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `tasks.toml` has errors.
    #[error("{} has {}", path.display(), counted(diagnostics.len()))]
    Config {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// Each error.
        diagnostics: Vec<Diagnostic>,
    },
    /// `tasks.toml` says nothing.
    #[error("{} cannot be applied: {problem}", path.display())]
    ConfigEmpty {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        problem: String,
        /// Whether there is a text that was applied last.
        has_last_good: bool,
    },
    /// A file or folder that is needed cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    System {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path of the socket is longer than the system allows.
    #[error("the socket path {} is {} bytes long, the system allows {max}", path.display(), path.as_os_str().len())]
    SocketPathTooLong {
        /// The path.
        path: PathBuf,
        /// The limit.
        max: usize,
    },
    /// Another daemon uses the state folder.
    #[error("another daemon runs on {}", state.display())]
    AlreadyRunning {
        /// The folder.
        state: PathBuf,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The plugin folders cannot be searched.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store failed while the daemon ran.
    #[error("{0}; the daemon ends")]
    StoreFailed(Arc<StoreError>),
    /// A part of the daemon has a bug.
    #[error("the {0} of the daemon panicked, see the lines above; the daemon ends")]
    ServicePanicked(&'static str),
    /// A second signal came while the daemon drained.
    #[error("stopped at once; what was running is given back at the next start")]
    StoppedAtOnce,
}

fn counted(errors: usize) -> String {
    if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") }
}

impl BootError {
    pub(super) fn system(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::System { action, path: path.to_owned(), source }
    }

    /// Of a file whose bytes are no text: shown with the usual sign in the place of what cannot be read.
    pub(super) fn not_text(path: &Path, error: &FromUtf8Error) -> Self {
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let at = error.utf8_error().valid_up_to();
        let span = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
        let (message, hint) = ("the file is not UTF-8 text from here on", "save it as UTF-8");
        let diagnostics = vec![Diagnostic::new(&text, span, message, Some(hint.to_owned()))];
        Self::Config { path: path.to_owned(), text, diagnostics }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::ConfigUnreadable { .. } => {
                format!("name the file with --config FILE; without it the first of these is used: {}", searched())
            }
            Self::ConfigEmpty { has_last_good: false, .. } => {
                "begin it with a line `[host]`; if it said more before, save that \
                 again: last-good/tasks.toml in the folder that was `state` in [host] is what was applied last"
                    .to_owned()
            }
            Self::ConfigEmpty { has_last_good: true, .. } => {
                "save it again, or start without --strict on the last good text of it".to_owned()
            }
            Self::Config { .. } => "correct the file and start again".to_owned(),
            Self::System { .. } => "check that it is there and that this user may use it".to_owned(),
            Self::SocketPathTooLong { .. } => "set [host] state to a shorter path, such as /run/taskhost".to_owned(),
            Self::AlreadyRunning { .. } => {
                "stop it first, or give this one its own `state` and `store` in [host]".to_owned()
            }
            Self::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
                format!("something else listens there; set [host] listen to another port than {}", address.port())
            }
            Self::Listen { .. } => "set [host] listen to an address of this machine".to_owned(),
            Self::Scan(error) => error.hint().to_owned(),
            Self::Store(error) => error.hint().to_owned(),
            Self::StoreFailed(error) => error.hint().to_owned(),
            Self::ServicePanicked(_) => {
                "start it again, nothing acknowledged is lost; and report this, please".to_owned()
            }
            Self::StoppedAtOnce => "send one signal only to let running tasks finish or save their state".to_owned(),
        }
    }

    /// The whole message for a person: what, where, and a hint with the next step.
    pub fn report(&self) -> String {
        self.report_with(Diagnostic::render)
    }

    /// The same for a log, which has no lines of `tasks.toml`: there may be secrets in them.
    pub fn report_for_log(&self) -> String {
        self.report_with(|diagnostic, name, _text| diagnostic.render_for_log(name))
    }

    fn report_with(&self, render: impl Fn(&Diagnostic, &str, &str) -> String) -> String {
        let mut report = String::new();
        if let Self::Config { path, text, diagnostics } = self {
            let (first, more) = first(diagnostics);
            for diagnostic in first {
                let rendered = render(diagnostic, &path.display().to_string(), text);
                writeln!(report, "{}\n", rendered.trim_end()).expect("a String takes all text");
            }
            if let Some(more) = more {
                writeln!(report, "{more}\n").expect("a String takes all text");
            }
        }
        write!(report, "error: {self}\n\nhint: {}\n", self.hint()).expect("a String takes all text");
        report
    }
}
