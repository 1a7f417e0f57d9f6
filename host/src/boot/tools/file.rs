//! Checks a `tasks.toml` as a daemon would, without one: the text, the plugins in its folders, and what it leads to.
//!
//! Not here: the rules (`taskhost_core::config`), what is shown of it (`cli`). Start at [`FileCheck::begin`].

use std::io;
use std::path::{Path, PathBuf};

use taskhost_core::config::{Config, Diagnostic, Draft, misfits, outlook, unresolved};

use super::scratch::Scratch;
use crate::boot::{self, BootError, enter_folder, read_text};
use crate::clock::{Clock as _, SystemClock};
use crate::plugins::catalog::{Catalog, CatalogOptions, in_plugins};
use crate::plugins::describe::DescribeOptions;
use crate::secrets;
use crate::services::reloader::nothing_in;
use crate::services::watcher::EditWatch;

/// A file that is checked, perhaps again after each save; what its plugins say is asked once.
#[derive(Debug)]
pub struct FileCheck {
    /// Absolute.
    file: PathBuf,
    scratch: Scratch,
}

/// What there is to say of a file.
#[derive(Debug)]
pub struct FileReport {
    /// What was checked.
    pub text: String,
    /// What could be read of it, and every finding.
    pub draft: Draft,
    /// The plugins in its folders; none if the text is no TOML.
    pub catalog: Option<Catalog>,
}

impl FileReport {
    /// Whether a daemon would take it.
    pub fn is_good(&self) -> bool {
        !self.draft.diagnostics.iter().any(Diagnostic::is_error)
    }
}

impl FileCheck {
    /// Goes to the folder of the file, where its relative paths begin.
    /// # Errors
    /// [`BootError`] if there is no such folder, or no place for what plugins say.
    pub fn begin(file: &Path) -> Result<Self, BootError> {
        let absolute = std::path::absolute(file).map_err(|source| BootError::system("find", file, source))?;
        enter_folder(&absolute)?;
        Ok(Self { file: absolute, scratch: Scratch::new()? })
    }

    /// Checks what the file holds now. Code of plugins runs in child processes only.
    /// # Errors
    /// [`BootError`] if the file cannot be read. What is wrong in it is an answer.
    pub fn check(&self) -> Result<FileReport, BootError> {
        let (text, mut draft) = match read_text(&self.file) {
            Ok(text) => (text.clone(), Draft::read(&text)),
            Err(BootError::Config { text, diagnostics, .. }) => (text, Draft { config: None, diagnostics }),
            Err(error) => return Err(error),
        };
        let Some(config) = draft.config.clone() else { return Ok(FileReport { text, draft, catalog: None }) };
        draft.add(self.nothing(&text, &config));
        let catalog = self.catalog(&config)?;
        let folders = catalog.findings(&text, &config);
        let in_plugins = in_plugins(&text);
        // Without all its folders, kinds seem to be missing that are not.
        let is_whole = !folders.iter().chain(&draft.diagnostics).any(|found| found.is_error() && in_plugins(found));
        draft.add(folders);
        if is_whole {
            draft.add(misfits(&text, &config, &catalog));
        }
        draft.add(outlook(&text, &config, SystemClock.now()));
        draft.add(unresolved(&text, &config, |reference| secrets::system().read(reference)));
        Ok(FileReport { text, draft, catalog: Some(catalog) })
    }

    /// Asks the plugins in the folders of the file, and looks at nothing else of it. Their code runs in child processes only.
    /// # Errors
    /// [`BootError`] if the file cannot be read. That a folder cannot be read, or where the plugins are, is an answer.
    pub fn plugins(&self) -> Result<FileReport, BootError> {
        let text = read_text(&self.file)?;
        let mut draft = Draft::read(&text);
        let Some(config) = draft.config.clone() else { return Ok(FileReport { text, draft, catalog: None }) };
        let catalog = self.catalog(&config)?;
        draft.diagnostics.retain(in_plugins(&text));
        draft.add(catalog.findings(&text, &config));
        Ok(FileReport { text, draft, catalog: Some(catalog) })
    }

    /// The absolute path of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What the last daemon of this file has applied last, or runs with now; none if nothing of it is kept that can be read.
    pub fn applied(&self, config: &Config) -> Option<Config> {
        let kept = self.state(config).join("last-good").join("tasks.toml");
        Config::parse(&read_text(&kept).ok()?).ok()
    }

    /// That the file says nothing, which a daemon takes for half a save where it has applied one before.
    fn nothing(&self, text: &str, config: &Config) -> Vec<Diagnostic> {
        let Some(problem) = nothing_in(text).filter(|_| self.applied(config).is_some()) else { return Vec::new() };
        let message = format!("the file cannot be applied: {problem}; what was applied before goes on");
        let hint = "it is never taken for \"no jobs\": a file that declares none has a section, such as [host]";
        vec![Diagnostic::new(text, 0..0, message, Some(hint.to_owned()))]
    }

    /// Tells of each save from now on.
    /// # Errors
    /// What the system said.
    pub fn watch(&self) -> io::Result<EditWatch> {
        EditWatch::of_file(&self.file).map_err(io::Error::other)
    }

    fn state(&self, config: &Config) -> PathBuf {
        boot::Places::of(&self.file, config.host.state.clone()).state
    }

    fn catalog(&self, config: &Config) -> Result<Catalog, BootError> {
        let options = CatalogOptions {
            folders: config.host.plugins.clone(),
            state: self.state(config),
            scratch: self.scratch.path().to_owned(),
            describe: DescribeOptions::default(),
        };
        Ok(Catalog::read(&options)?)
    }
}
