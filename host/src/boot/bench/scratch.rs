//! Where the daemon of a bench lives: a folder with a `tasks.toml`, removed with all that is in it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskhost_core::config::Durability;

use super::{BenchError, BenchRequest, load, pickup};
use crate::boot::origin::Origin;
use crate::boot::start::Ground;
use crate::boot::tools::scratch::Scratch;
use crate::boot::{BootError, Options, Places, search};
use crate::plugins::{Kinds as _, Registry};

/// The folder, and what a daemon stands on in it.
#[derive(Debug)]
pub(super) struct Site {
    _scratch: Scratch,
    options: Options,
    places: Places,
    registry: Arc<Registry>,
}

impl Site {
    /// Writes its `tasks.toml` and loads the plugins. The store is in the current folder, on the disk that is asked about.
    pub(super) fn prepare(request: &BenchRequest) -> Result<Self, BenchError> {
        let folder = plugins(request)?;
        let here = std::path::absolute(".").map_err(|source| BootError::system("find", Path::new("."), source))?;
        let scratch = Scratch::new_in(&here)?;
        let options = Options { config: scratch.path().join("tasks.toml"), strict: true };
        let text = text(request, &folder, scratch.path()).ok_or_else(|| BenchError::NoPlugins(folder.clone()))?;
        let unusable = |source| BootError::system("use", scratch.path(), source);
        fs::write(&options.config, text).map_err(unusable)?;
        let origin = Origin::read(&options)?;
        let places = origin.places();
        fs::create_dir(&places.state).map_err(unusable)?;
        let registry = Registry::scan(search(&origin.config, &places)).map_err(BootError::from)?;
        for kind in [load::kind(), pickup::kind()] {
            if registry.find(&kind).is_none() {
                return Err(BenchError::NoProbe { folder, kind });
            }
        }
        Ok(Self { _scratch: scratch, options, places, registry: Arc::new(registry) })
    }

    pub(super) fn ground(&self) -> Result<Ground<'_>, BootError> {
        let origin = Origin::read(&self.options)?;
        let applied = Arc::new(origin.applied(&self.places));
        Ok(Ground { origin, applied, registry: Arc::clone(&self.registry), places: &self.places })
    }
}

fn plugins(request: &BenchRequest) -> Result<PathBuf, BenchError> {
    let beside = || std::env::current_exe().ok()?.parent().map(|folder| folder.join("plugins"));
    let folder = request.plugins.clone().or_else(beside).unwrap_or_else(|| "plugins".into());
    folder.canonicalize().ok().filter(|folder| folder.is_dir()).ok_or(BenchError::NoPlugins(folder))
}

/// None if a path is not text, which TOML has to be.
fn text(request: &BenchRequest, plugins: &Path, scratch: &Path) -> Option<String> {
    let quoted = |path: &Path| Some(toml::Value::from(path.to_str()?).to_string());
    let durability = match request.durability {
        Durability::Full => "full",
        Durability::Relaxed => "relaxed",
    };
    let mut text = String::new();
    // Absolute, so that the process may stay in its folder.
    let (state, store) =
        (quoted(&scratch.join("var"))?, quoted(Path::new(&format!("sqlite:{}", scratch.join("bench.db").to_str()?)))?);
    let plugins = quoted(plugins)?;
    writeln!(text, "[host]\nstore = {store}\nstate = {state}\nplugins = [{plugins}]\ndurability = \"{durability}\"")
        .ok()?;
    let queues = (0..request.queues).map(load::queue).chain([load::aside()]);
    for queue in queues {
        writeln!(text, "[queues.{queue}]\nconcurrency = {}", request.slots).ok()?;
    }
    for number in 0..request.jobs {
        let kind = load::kind();
        writeln!(text, "[jobs.waits-{number}]\nkind = \"{kind}\"\nschedule = {{ every = \"365d\" }}").ok()?;
    }
    Some(text)
}
