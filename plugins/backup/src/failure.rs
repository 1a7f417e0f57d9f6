//! Errors of the file system, sorted: worth another attempt, or for a person.

use std::io::{self, ErrorKind};
use std::path::Path;

use plugin_api::TaskError;

/// `cannot DO PATH: ERROR`. Fatal where only a person can help; a full disk or a broken connection may pass.
pub(crate) fn failed(doing: &str, path: &Path, error: &io::Error) -> TaskError {
    let message = format!("cannot {doing} `{}`: {error}", path.display());
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            TaskError::fatal(message).with_code("not_found")
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => TaskError::fatal(message).with_code("not_a_folder"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            TaskError::fatal(message).with_code("permission_denied")
        }
        _ => TaskError::retry(message).with_code("io"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_worth_another_attempt_and_a_missing_permission_is_not() {
        let error = |kind: ErrorKind| failed("write", Path::new("x"), &kind.into());
        assert!(!error(ErrorKind::StorageFull).is_fatal());
        assert!(error(ErrorKind::PermissionDenied).is_fatal());
        assert!(error(ErrorKind::NotFound).to_string().starts_with("cannot write `x`: "));
    }
}
