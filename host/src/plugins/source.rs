//! One file of a plugin folder: what serves from it, and how its newest bytes stand.
//!
//! Not here: what changes that (`shelf`). Start at [`Source`].

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use taskhost_core::ids::PluginName;

use super::config_schema::ConfigSchema;
use super::describe::Manifest;
use super::error::LoadError;
use super::ffi::PluginCode;
use super::shelf::GivenDigest;
use super::stage::Fingerprint;
use super::{Kind, PluginView, ending};

/// How long a copy that is thrown away may take to end its threads.
pub(super) const END_TIME: Duration = Duration::from_secs(1);

/// A file that may be a plugin.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// None: it is to be read again, whatever the file looks like.
    pub(super) fingerprint: Option<Fingerprint>,
    /// Of the bytes that were read last; empty if they were not to be read.
    pub(super) sha256: String,
    pub(super) serving: Option<Serving>,
    pub(super) standing: Standing,
    /// Whose config it takes, and what that is to be; known once it was about to be loaded.
    pub(super) takes: Option<(PluginName, Arc<ConfigSchema>)>,
    /// How it stands was not told yet.
    pub(super) is_news: bool,
}

/// How the newest bytes of a file stand.
#[derive(Debug)]
pub(super) enum Standing {
    /// They serve.
    Good,
    /// A library, but no plugin of this ABI, at a path where none serves.
    NoPlugin,
    /// Described, and loaded as soon as nobody else has its names.
    Ready(Ready),
    /// Not to be tried again before the bytes change.
    Refused {
        /// If it could say.
        name: Option<PluginName>,
        refusal: Refusal,
    },
}

/// A copy that was described.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) manifest: Manifest,
    pub(super) copy: PathBuf,
    pub(super) sha256: String,
    /// Who has its names, if that has kept it from being loaded.
    pub(super) taken: Option<Refusal>,
}

/// Why a library does not come up.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Whether other settings may bring it up.
    pub(super) concerns_settings: bool,
}

impl From<&LoadError> for Refusal {
    fn from(error: &LoadError) -> Self {
        let concerns_settings = error.concerns_settings();
        Self { message: error.to_string(), hint: error.hint().map(str::to_owned), concerns_settings }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hint {
            None => f.write_str(&self.message),
            Some(hint) => write!(f, "{}\nhint: {hint}", self.message),
        }
    }
}

/// A generation in service.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) name: PluginName,
    pub(super) version: String,
    pub(super) generation: u32,
    pub(super) sha256: String,
    pub(super) copy: PathBuf,
    pub(super) code: &'static PluginCode,
    pub(super) kinds: Vec<Arc<Kind>>,
    /// The one before it in this file served until then.
    pub(super) is_swap: bool,
    /// The config that it came up with.
    pub(super) given: GivenDigest,
}

impl Serving {
    /// It will not serve, and never did.
    pub(super) fn throw_away(self) {
        discard(&self.copy);
        ending::shut_down(format!("{}#{}", self.name, self.generation), self.code, END_TIME, ());
    }
}

impl Source {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            fingerprint: None,
            sha256: String::new(),
            serving: None,
            standing: Standing::NoPlugin,
            takes: None,
            is_news: false,
        }
    }

    /// Whether the plugin of this name serves from it.
    pub(super) fn is_serving(&self, name: &PluginName) -> bool {
        self.serving.as_ref().is_some_and(|serving| serving.name == *name)
    }

    /// The next look takes its bytes for new ones.
    pub(super) fn read_again(&mut self) {
        self.fingerprint = None;
        self.sha256.clear();
    }

    /// The newest bytes stand so from now on; what was staged of those before is not needed any more.
    pub(super) fn stand(&mut self, standing: Standing) {
        if let Standing::Ready(before) = std::mem::replace(&mut self.standing, standing) {
            discard(&before.copy);
        }
    }

    /// Takes out what waits to be loaded, as if it served already.
    pub(super) fn take_ready(&mut self) -> Option<Ready> {
        match std::mem::replace(&mut self.standing, Standing::Good) {
            Standing::Ready(ready) => Some(ready),
            other => {
                self.standing = other;
                None
            }
        }
    }

    /// The newest bytes are no good; what serves goes on serving.
    pub(super) fn refuse(&mut self, name: Option<PluginName>, error: &LoadError) {
        if error.is_transient() {
            self.read_again();
        }
        self.stand(Standing::Refused { name, refusal: error.into() });
        self.is_news = true;
    }

    /// Why the newest bytes do not serve.
    fn refusal(&self) -> Option<&Refusal> {
        match &self.standing {
            Standing::Good | Standing::NoPlugin => None,
            Standing::Ready(ready) => ready.taken.as_ref(),
            Standing::Refused { refusal, .. } => Some(refusal),
        }
    }

    /// The plugin that it is and why it does not come up, if that is for its settings.
    pub(super) fn refused_for_settings(&self) -> Option<(&PluginName, &Refusal)> {
        match &self.standing {
            Standing::Refused { name: Some(name), refusal } if refusal.concerns_settings => Some((name, refusal)),
            Standing::Refused { .. } | Standing::Good | Standing::NoPlugin | Standing::Ready(_) => None,
        }
    }

    /// Tells in the log what has happened to it.
    pub(super) fn tell(&mut self) {
        if !std::mem::take(&mut self.is_news) {
            return;
        }
        let path = self.path.display();
        if let Some(Refusal { message, hint, .. }) = self.refusal() {
            let serving = self.serving.as_ref().map(|serving| serving.generation);
            tracing::warn!(%path, error = message, hint, serving, "A plugin library was refused.");
        } else if let Some(Serving { name, version, generation, kinds, is_swap, .. }) = &self.serving {
            let kinds = kinds.len();
            if *is_swap {
                tracing::info!(plugin = %name, generation, version, %path, kinds, "Plugin swapped.");
            } else {
                tracing::info!(plugin = %name, generation, version, %path, kinds, "Plugin loaded.");
            }
        }
    }

    /// For operators; none if it is no plugin. `loaded`: how many copies of the plugin that serves were loaded.
    pub(super) fn view(&self, loaded: impl Fn(&PluginName) -> u32) -> Option<PluginView> {
        let name = match &self.standing {
            Standing::Good => None,
            Standing::NoPlugin => return None,
            Standing::Ready(ready) => Some(&ready.manifest.name),
            Standing::Refused { name, .. } => name.as_ref(),
        };
        let mut view = PluginView {
            name: name.map_or_else(|| file_name(&self.path), PluginName::to_string),
            version: String::new(),
            generation: 0,
            retired: 0,
            path: self.path.clone(),
            sha256: self.sha256.clone(),
            kinds: Vec::new(),
            error: self.refusal().map(Refusal::to_string),
        };
        if let Some(serving) = &self.serving {
            view.name = serving.name.to_string();
            view.version.clone_from(&serving.version);
            view.generation = serving.generation;
            view.retired = loaded(&serving.name).saturating_sub(1);
            view.sha256.clone_from(&serving.sha256);
            view.kinds = serving.kinds.iter().map(|kind| kind.name.clone()).collect();
        }
        Some(view)
    }
}

/// Deletes a private copy. If it is loaded it stays mapped: the system keeps the file as long as that.
pub(super) fn discard(copy: &Path) {
    if let Err(error) = fs::remove_file(copy) {
        tracing::debug!(path = %copy.display(), %error, "A copy of a plugin is left behind until the next start.");
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
