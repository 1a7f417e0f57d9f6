//! `taskhost schema`.
//!
//! Not here: the schema (`taskhost_core::config::schema`). Start at [`schema`].

use std::path::Path;

use super::args::SchemaArgs;
use super::check_file::{self, findings};
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::boot::tools::FileCheck;

/// Prints the JSON Schema of the file, for editors.
pub(super) fn schema(config: &Path, args: &SchemaArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let file = args.file.as_deref().unwrap_or(config);
    let check = FileCheck::begin(file).map_err(|error| check_file::failed(&error))?;
    let report = check.plugins().map_err(|error| check_file::failed(&error))?;
    let name = file.display().to_string();
    let Some(catalog) = report.catalog.as_ref().filter(|_| report.is_good()) else {
        output.note(&findings(&name, &report));
        return Err(Failure::new(Exit::Failed, "which plugins there are cannot be known")
            .hint("the schema is made of what the plugins in the folders of [host] say"));
    };
    output.note(&check_file::refusals(catalog));
    output.data(&format!("{:#}\n", catalog.schema()))
}
