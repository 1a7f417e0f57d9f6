//! Errors of the file system, sorted: worth another attempt, or for a person.

use std::io::{self, ErrorKind};
use std::path::Path;

use plugin_api::TaskError;

/// `cannot DO PATH: ERROR`. Fatal without the permission to; all else, such as a full disk, may pass.
pub(crate) fn failed(doing: &str, path: &Path, error: &io::Error) -> TaskError {
    let message = format!("cannot {doing} `{}`: {error}", path.display());
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            TaskError::fatal(message).with_code("permission_denied")
        }
        _ => TaskError::retry(message).with_code("io"),
    }
}

/// As [`failed`], of a path that stands in the params: it is fatal also where there is no such folder, nor can be.
pub(crate) fn unusable(doing: &str, path: &Path, error: &io::Error) -> TaskError {
    let failure = failed(doing, path, error);
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            failure.into_fatal().with_code("not_found")
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => failure.into_fatal().with_code("not_a_folder"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Sort = fn(&str, &Path, &io::Error) -> TaskError;

    fn is_fatal(sort: Sort, kind: ErrorKind) -> bool {
        let error = sort("write", Path::new("x"), &kind.into());
        assert!(error.to_string().starts_with("cannot write `x`: "), "{error}");
        error.is_fatal()
    }

    #[test]
    fn a_full_disk_is_worth_another_attempt_and_a_missing_permission_is_not() {
        for sort in [failed as Sort, unusable] {
            assert!(!is_fatal(sort, ErrorKind::StorageFull));
            assert!(is_fatal(sort, ErrorKind::PermissionDenied));
        }
    }

    #[test]
    fn what_is_not_there_is_fatal_only_where_the_params_name_it() {
        assert!(is_fatal(unusable, ErrorKind::NotFound));
        assert!(!is_fatal(failed, ErrorKind::NotFound));
    }
}
