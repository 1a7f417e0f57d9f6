//! Errors of the file system, sorted: worth another attempt, or for a person.

use std::io::{self, ErrorKind};

use plugin_api::prelude::*;

/// `cannot DO PATH: ERROR`. Fatal without the permission to; all else, such as a full disk, may pass.
pub(crate) fn failed(doing: &str, path: &Path, error: &io::Error) -> TaskError {
    let message = format_args!("cannot {doing} `{}`: {error}", path.display());
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            TaskError::fatal(message).with_code("permission_denied")
        }
        _ => TaskError::retry(message).with_code("io"),
    }
}

/// As [`failed`], of a file that the params name: it is fatal also where there is none, nor can be.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> TaskError {
    let failure = failed("attach", path, error);
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            failure.into_fatal().with_code("not_found")
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_worth_another_attempt_and_a_missing_permission_is_not() {
        let path = Path::new("x");
        assert!(!failed("write", path, &ErrorKind::StorageFull.into()).is_fatal());
        assert!(failed("write", path, &ErrorKind::PermissionDenied.into()).is_fatal());
        assert!(!unreadable(path, &io::Error::other("bad sector")).is_fatal());
        let missing = unreadable(path, &ErrorKind::NotFound.into());
        assert!(missing.is_fatal() && missing.to_string().starts_with("cannot attach `x`: "), "{missing}");
    }
}
