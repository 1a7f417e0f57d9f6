//! The words of what `taskhost` tells of itself: `openapi`, `completions`, `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

pub(super) const OPENAPI_EXAMPLES: &str = "\
Examples:
  taskhost openapi > openapi.json
  taskhost openapi | jq -r '.paths | keys[]'

A running daemon answers the same at /api/openapi.json.";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  taskhost completions bash > /etc/bash_completion.d/taskhost
  taskhost completions zsh > ~/.zfunc/_taskhost
  taskhost completions fish > ~/.config/fish/completions/taskhost.fish";

#[derive(Debug, Args)]
pub(in crate::cli) struct CompletionsArgs {
    /// Whose words to write
    pub(in crate::cli) shell: Shell,
}

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  taskhost man | man -l -
  taskhost man ~/.local/share/man/man1 && man taskhost-enqueue";

#[derive(Debug, Args)]
pub(in crate::cli) struct ManArgs {
    /// Write a page for each command into this folder, which is made if it is not there
    pub(in crate::cli) folder: Option<PathBuf>,
}
