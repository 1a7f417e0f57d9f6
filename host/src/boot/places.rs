//! Where a `tasks.toml` is looked for, and where a daemon keeps its own things if the file does not say: beside it, or where
//! the system wants them.
//!
//! The daemon and the commands that look for it ask here alike. Start at [`find_config`] and [`Places::of`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use taskhost_core::config::{Config, StoreUrl};

/// The name of the socket.
const SOCKET: &str = "taskhost.sock";
/// The folders of a system service, as systemd makes them.
const SYSTEM_CONFIG: &str = "/etc/taskhost";
const SYSTEM_STATE: &str = "/var/lib/taskhost";
const SYSTEM_RUNTIME: &str = "/run/taskhost";

/// The folders of the daemon of one `tasks.toml`; relative ones are relative to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    /// The lock, the plugin generations.
    pub(super) state: PathBuf,
    /// The socket for commands.
    pub(super) socket: PathBuf,
    /// The store, if the file names none.
    default_store: PathBuf,
}

impl Places {
    /// Those of the file at `config`; `state`: what it says of `[host] state`.
    pub(super) fn of(config: &Path, state: Option<PathBuf>) -> Self {
        Surroundings::of_process().places(config, state)
    }

    pub(super) fn store(&self, config: &Config) -> PathBuf {
        match &config.host.store {
            Some(StoreUrl::Sqlite(path)) => path.clone(),
            None => self.default_store.clone(),
        }
    }
}

/// What the variable `TASKHOST_CONFIG` names, unless it is empty; else the first `tasks.toml` that is there: in this folder, in
/// the user's configuration, in the system's. Where none is: that of this folder.
pub fn find_config() -> PathBuf {
    if let Some(named) = std::env::var_os("TASKHOST_CONFIG").filter(|named| !named.is_empty()) {
        return named.into();
    }
    let candidates = Surroundings::of_process().candidates();
    candidates.into_iter().find(|path| path.exists()).unwrap_or_else(|| "tasks.toml".into())
}

/// Where [`find_config`] looks, for people.
pub fn searched() -> String {
    let candidates = Surroundings::of_process().candidates();
    let names: Vec<_> = candidates.iter().map(|path| path.display().to_string()).collect();
    names.join(", then ")
}

/// What the process was given.
#[derive(Debug, Default)]
struct Surroundings {
    config_home: Option<PathBuf>,
    state_home: Option<PathBuf>,
    runtime_home: Option<PathBuf>,
    /// By a service manager.
    state_directory: Option<PathBuf>,
    runtime_directory: Option<PathBuf>,
}

impl Surroundings {
    fn of_process() -> Self {
        Self::read(|name| std::env::var_os(name))
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        // Relative ones are to be ignored, says the XDG base directory specification; systemd gives none.
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let below_home = |below: &str| absolute("HOME").map(|home| home.join(below));
        // A service may have several; the first is the daemon's.
        let first = |name: &str| {
            let all = variable(name)?;
            std::env::split_paths(&all).next().filter(|path| path.is_absolute())
        };
        Self {
            config_home: absolute("XDG_CONFIG_HOME").or_else(|| below_home(".config")),
            state_home: absolute("XDG_STATE_HOME").or_else(|| below_home(".local/state")),
            runtime_home: absolute("XDG_RUNTIME_DIR"),
            state_directory: first("STATE_DIRECTORY"),
            runtime_directory: first("RUNTIME_DIRECTORY"),
        }
    }

    fn candidates(&self) -> Vec<PathBuf> {
        let user = self.config_home.as_ref().map(|home| home.join("taskhost"));
        let folders = [Some(PathBuf::new()), user, Some(PathBuf::from(SYSTEM_CONFIG))];
        folders.into_iter().flatten().map(|folder| folder.join("tasks.toml")).collect()
    }

    fn places(&self, config: &Path, state: Option<PathBuf>) -> Places {
        if let Some(state) = state {
            return Places { socket: state.join(SOCKET), state, default_store: "var/taskhost.db".into() };
        }
        let absolute = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        let (usual, runtime) = self.usual(folder);
        let state = self.state_directory.clone().unwrap_or(usual);
        // One that nobody has made is not ours to make: `/run` is the system's.
        let runtime = self.runtime_directory.clone().or(runtime).filter(|folder| folder.is_dir());
        let socket = runtime.unwrap_or_else(|| state.clone()).join(SOCKET);
        Places { socket, default_store: state.join("taskhost.db"), state }
    }

    /// The folders for state and socket that belong to a folder of configuration.
    fn usual(&self, folder: &Path) -> (PathBuf, Option<PathBuf>) {
        let is_users = self.config_home.as_ref().is_some_and(|home| folder == home.join("taskhost"));
        match &self.state_home {
            _ if folder == Path::new(SYSTEM_CONFIG) => (SYSTEM_STATE.into(), Some(SYSTEM_RUNTIME.into())),
            Some(state) if is_users => {
                (state.join("taskhost"), self.runtime_home.as_ref().map(|home| home.join("taskhost")))
            }
            Some(_) | None => ("var".into(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Surroundings::read(find)
    }

    fn places(variables: &[(&str, &str)], config: &str, state: Option<&str>) -> [String; 3] {
        let Places { state, socket, default_store } =
            surroundings(variables).places(Path::new(config), state.map(PathBuf::from));
        [state, socket, default_store].map(|path| path.display().to_string())
    }

    const HOME: (&str, &str) = ("HOME", "/home/ada");

    #[test]
    fn a_file_is_looked_for_here_then_with_the_user_then_with_the_system() {
        let shown = |variables: &[(&str, &str)]| {
            let candidates = surroundings(variables).candidates();
            candidates.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        let expected = ["tasks.toml", "/home/ada/.config/taskhost/tasks.toml", "/etc/taskhost/tasks.toml"];
        assert_eq!(shown(&[HOME]), expected);
        assert_eq!(shown(&[HOME, ("XDG_CONFIG_HOME", "/cfg")])[1], "/cfg/taskhost/tasks.toml");
        assert_eq!(shown(&[HOME, ("XDG_CONFIG_HOME", "cfg")])[1], expected[1], "a relative one is ignored");
        assert_eq!(shown(&[]), ["tasks.toml", "/etc/taskhost/tasks.toml"]);
    }

    #[test]
    fn a_file_of_ones_own_has_its_things_beside_it() {
        let beside = ["var", "var/taskhost.sock", "var/taskhost.db"];
        assert_eq!(places(&[HOME], "/srv/app/tasks.toml", None), beside);
        assert_eq!(places(&[], "/srv/app/tasks.toml", None), beside);
    }

    #[test]
    fn what_the_file_says_goes_before_what_the_system_says() {
        let variables = [("STATE_DIRECTORY", "/var/lib/other"), ("RUNTIME_DIRECTORY", "/tmp")];
        let said = ["run", "run/taskhost.sock", "var/taskhost.db"];
        assert_eq!(places(&variables, "/etc/taskhost/tasks.toml", Some("run")), said);
    }

    #[test]
    fn a_service_keeps_its_things_where_its_manager_says() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = folder.path().display().to_string();
        let variables = [("STATE_DIRECTORY", "/var/lib/other:/var/lib/more"), ("RUNTIME_DIRECTORY", &*runtime)];
        let [state, socket, store] = places(&variables, "/srv/app/tasks.toml", None);
        assert_eq!((&*state, &*store), ("/var/lib/other", "/var/lib/other/taskhost.db"));
        assert_eq!(socket, format!("{runtime}/taskhost.sock"));
    }

    #[test]
    fn a_command_without_the_managers_variables_finds_the_same_places() {
        let [state, _, store] = places(&[HOME], "/etc/taskhost/tasks.toml", None);
        assert_eq!((&*state, &*store), ("/var/lib/taskhost", "/var/lib/taskhost/taskhost.db"));
        let users = "/home/ada/.config/taskhost/tasks.toml";
        let [state, socket, _] = places(&[HOME, ("XDG_RUNTIME_DIR", "/nowhere")], users, None);
        assert_eq!(state, "/home/ada/.local/state/taskhost");
        assert_eq!(socket, "/home/ada/.local/state/taskhost/taskhost.sock", "nobody has made the other folder");
    }
}
