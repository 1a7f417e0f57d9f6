//! The rules of the house that no compiler or lint holds, held here; docs/ARCHITECTURE.md says why each exists.
//!
//! Every rule is a function from facts to violations, with tests that show that it can fail. Start at [`run`].

mod core_purity;
mod crates;
mod leftovers;
mod length;
mod lexer;
mod links;
mod modules;
mod paths;
mod rooms;
mod tree;
mod unsafety;

use std::fmt;

use anyhow::{Result, bail};

use crate::console::say;
use crate::workspace::Workspace;
use tree::Tree;

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Violation {
    /// Relative to the root; a package's name where no file is to blame.
    place: String,
    /// Counted from 1; absent where the whole file is meant.
    line: Option<usize>,
    message: String,
}

impl Violation {
    fn at(place: &str, line: usize, message: impl Into<String>) -> Self {
        Self { place: place.to_owned(), line: Some(line), message: message.into() }
    }

    fn whole(place: &str, message: impl Into<String>) -> Self {
        Self { place: place.to_owned(), line: None, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.place, self.message),
            None => write!(out, "{}: {}", self.place, self.message),
        }
    }
}

/// Checks all rules and shows every violation.
///
/// # Errors
/// If a rule is broken, or if the facts cannot be had from git or cargo.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::of_checkout(&workspace.root)?;
    let mut violations = crates::check(&workspace.packages, &crates::core_tree(workspace)?);
    violations.extend(check_tree(&tree, &workspace.root.to_string_lossy()));
    for violation in &violations {
        say(&format!("error: {violation}"));
    }
    if !violations.is_empty() {
        bail!("{} broken rules of the house (docs/ARCHITECTURE.md says why they exist)", violations.len());
    }
    Ok(())
}

fn check_tree(tree: &Tree, root: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    violations.extend(core_purity::check(tree));
    violations.extend(rooms::check(tree));
    violations.extend(unsafety::check(tree));
    violations.extend(length::check(tree));
    violations.extend(leftovers::check(tree, root));
    violations.extend(links::check(tree));
    violations
}
