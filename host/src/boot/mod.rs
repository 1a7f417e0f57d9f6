//! Builds a daemon from its parts once, serves, and takes it down again.
//!
//! The only room that names concrete adapters. Not here: what the parts do. Start at [`run`].

pub mod bench;
mod error;
mod origin;
mod places;
mod serve;
mod services;
mod signals;
mod start;
pub mod tools;

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskhost_core::config::{Config, Diagnostic, first, misfits};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Runtime;
use tracing::{info, warn};

pub use self::error::BootError;
use self::origin::Origin;
use self::places::Places;
pub use self::places::{find_config, searched};
use crate::lock::FileLock;
use crate::plugins::describe::{self, Answer, DescribeOptions};
use crate::plugins::{Kinds as _, PluginSettings, Registry, Search};
use crate::store::sqlite::SqliteOptions;

/// What a daemon is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The path of `tasks.toml`; the daemon works in its folder.
    pub config: PathBuf,
    /// A file that is no good is an error, also where a last good text is kept.
    pub strict: bool,
}

/// The longest path of a Unix socket, in bytes: the system's limit.
const SOCKET_PATH_MAX: usize = 107;

/// Runs a daemon until it is told to stop: SIGINT or SIGTERM drain it, a second one ends it at once.
/// # Errors
/// [`BootError`] if something needed is missing or refused, or if the store fails later on.
pub fn run(options: &Options) -> Result<(), BootError> {
    let origin = Origin::read(options)?;
    let folder = enter_folder(&options.config)?;
    let mut origin = origin.fit(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| BootError::system("start its threads", &folder, source))?;
    let mut up = come_up(&origin, &folder, &runtime)?;
    let unsettled = origin.unsettled(&up.registry);
    if !unsettled.is_empty() {
        origin = origin.fall_back(unsettled, options)?;
        // Its state folder, port and plugin folders may be others too.
        drop(up);
        up = come_up(&origin, &folder, &runtime)?;
    }
    let Up { places, state, listeners, registry } = up;
    // Only now: what is written down as good is what came up.
    let applied = Arc::new(origin.applied(&places));
    tell_of_misfits(&origin, &registry);
    let ground = start::Ground { origin, applied, registry: Arc::new(registry), places: &places };
    let served = runtime.block_on(serve::serve(ground, listeners));
    if let Err(error) = std::fs::remove_file(&state.socket) {
        warn!(path = %state.socket.display(), %error, "The socket is left behind.");
    }
    // What is stuck in blocking plugin code must not hold the process.
    runtime.shutdown_background();
    drop(state);
    served
}

/// What a daemon stands on before it serves.
struct Up {
    places: Places,
    state: State,
    listeners: Listeners,
    registry: Registry,
}

fn come_up(origin: &Origin, folder: &Path, runtime: &Runtime) -> Result<Up, BootError> {
    let config = &origin.config;
    let places = origin.places();
    let state = open_state(&places, folder)?;
    let listeners = runtime.block_on(listen(config, &state.socket))?;
    let registry = Registry::scan(search(config, &places))?;
    Ok(Up { places, state, listeners, registry })
}

/// Reads and checks a `tasks.toml`.
/// # Errors
/// [`BootError`] with every error of the file.
pub fn read_config(path: &Path) -> Result<Config, BootError> {
    let text = read_text(path)?;
    Config::parse(&text).map_err(|diagnostics| BootError::Config { path: path.to_owned(), text, diagnostics })
}

/// Where the daemon of a `tasks.toml` listens for commands. The file may have errors elsewhere, or be gone while it runs.
/// # Errors
/// [`BootError`] if the file cannot be read and no daemon listens where that of a file without `state` does.
pub fn socket_of(config: &Path) -> Result<PathBuf, BootError> {
    let text = std::fs::read(config).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let Places { socket, .. } = Places::of(config, text.as_ref().ok().and_then(|text| Config::state_in(text)));
    let socket = config.parent().unwrap_or(Path::new("")).join(socket);
    match text {
        Err(source) if UnixStream::connect(&socket).is_err() => {
            Err(BootError::ConfigUnreadable { path: config.to_owned(), source })
        }
        Ok(_) | Err(_) => Ok(socket),
    }
}

fn read_text(path: &Path) -> Result<String, BootError> {
    let unreadable = |source| BootError::ConfigUnreadable { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| BootError::not_text(path, &error))
}

/// Relative paths mean the same for everybody: they are relative to the folder of `tasks.toml`.
fn enter_folder(config: &Path) -> Result<PathBuf, BootError> {
    let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let absolute = folder.canonicalize().map_err(|source| BootError::system("find", folder, source))?;
    std::env::set_current_dir(&absolute).map_err(|source| BootError::system("enter", folder, source))?;
    Ok(absolute)
}

/// The folder of the daemon's own things, held against a second daemon.
#[derive(Debug)]
struct State {
    socket: PathBuf,
    _lock: FileLock,
}

fn open_state(places: &Places, folder: &Path) -> Result<State, BootError> {
    let (state, socket) = (folder.join(&places.state), folder.join(&places.socket));
    if socket.as_os_str().len() > SOCKET_PATH_MAX {
        return Err(BootError::SocketPathTooLong { path: socket, max: SOCKET_PATH_MAX });
    }
    let unusable = |source| BootError::system("use", &state, source);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&state).map_err(unusable)?;
    let lock = FileLock::try_hold(&state.join("lock")).map_err(unusable)?;
    let lock = lock.ok_or_else(|| BootError::AlreadyRunning { state: state.clone() })?;
    Ok(State { socket, _lock: lock })
}

/// The ways in, bound before anything is loaded: a taken port is known at once.
#[derive(Debug)]
struct Listeners {
    tcp: TcpListener,
    socket: UnixListener,
}

async fn listen(config: &Config, socket: &Path) -> Result<Listeners, BootError> {
    let address = config.host.listen;
    let tcp = TcpListener::bind(address).await.map_err(|source| BootError::Listen { address, source })?;
    // The state folder is ours, so a socket in it is what a killed daemon left.
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(BootError::system("replace", socket, error));
        }
        Ok(()) | Err(_) => {}
    }
    let unusable = |source| BootError::system("use", socket, source);
    let bound = UnixListener::bind(socket).map_err(unusable)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600)).map_err(unusable)?;
    Ok(Listeners { tcp, socket: bound })
}

/// What a library says of itself when it is loaded into this process, which is to end soon. `parent`: the process that asks,
/// if this one is to end with it. `truncated_host`: the library meets a host table that ends early.
/// # Errors
/// [`BootError`] if the parent is gone.
pub fn describe(file: &Path, parent: Option<u32>, truncated_host: bool) -> Result<Answer, BootError> {
    if let Some(parent) = parent {
        describe::end_with(parent).map_err(|source| BootError::system("describe", file, source))?;
    }
    Ok(describe::here(file, truncated_host))
}

fn search(config: &Config, places: &Places) -> Search {
    Search {
        folders: config.host.plugins.clone(),
        state: places.state.clone(),
        settings: PluginSettings::of(config),
        describe: DescribeOptions::default(),
    }
}

fn store_options(config: &Config, places: &Places) -> SqliteOptions {
    let durable = match config.host.durability {
        taskhost_core::config::Durability::Full => true,
        taskhost_core::config::Durability::Relaxed => false,
    };
    SqliteOptions {
        path: places.store(config),
        durable,
        host: crate::host::host_name(),
        retentions: config.retentions(),
    }
}

/// What does not fit the plugins is held, and the daemon serves all the rest; but somebody should know.
fn tell_of_misfits(origin: &Origin, registry: &Registry) {
    let found = misfits(&origin.text, &origin.config, registry);
    let (first, more) = first(&found);
    for Diagnostic { message: problem, line, column, hint, .. } in first {
        warn!(line, column, problem, hint, "tasks.toml does not fit the plugins.");
    }
    if let Some(more) = more {
        warn!(more, "tasks.toml does not fit the plugins.");
    }
    let plugins = registry.plugins();
    let loaded = plugins.iter().filter(|plugin| plugin.generation > 0).count();
    info!(
        loaded,
        refused = plugins.len() - loaded,
        kinds = registry.all().len(),
        jobs = origin.config.jobs.len(),
        "Plugins are scanned."
    );
}
