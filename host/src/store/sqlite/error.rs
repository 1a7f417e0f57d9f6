//! What SQLite says, in the words of the port.

use rusqlite::{Error, ErrorCode};

use super::schema::MigrateError;
use crate::store::StoreError;

/// An error of an open store.
pub(super) fn classify(path: &str, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let reason = error.to_string();
    // A value that no row of ours has.
    if let Error::FromSqlConversionFailure(..)
    | Error::InvalidColumnType(..)
    | Error::IntegralValueOutOfRange(..)
    | Error::Utf8Error(..) = error
    {
        return StoreError::Damaged { path, reason };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged { path, reason },
        _ => StoreError::Failed { path, reason },
    }
}

/// An error of a call that has changed nothing, while the store goes on.
pub(super) fn classify_of(what: &'static str, path: &str, error: &rusqlite::Error) -> StoreError {
    match classify(path, error) {
        StoreError::Failed { path, reason } => StoreError::Refused { path, what, reason },
        other => other,
    }
}

/// Whether an error is that of a statement, so that without it all is as before. After any other the file may not be what it
/// is taken for: a lying disk, damage, no memory.
pub(super) fn may_go_on(error: &rusqlite::Error) -> bool {
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::InvalidColumnType(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..) => false,
        other => other.sqlite_error_code().is_none_or(|code| {
            matches!(
                code,
                ErrorCode::DiskFull
                    | ErrorCode::TooBig
                    | ErrorCode::ConstraintViolation
                    | ErrorCode::TypeMismatch
                    | ErrorCode::ParameterOutOfRange
                    | ErrorCode::OperationInterrupted
                    | ErrorCode::OperationAborted
                    | ErrorCode::Unknown
            )
        }),
    }
}

/// Whether there was no room on the disk.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// An error while opening.
pub(super) fn classify_open(path: &str, error: &rusqlite::Error) -> StoreError {
    match classify(path, error) {
        StoreError::Failed { path, reason } => StoreError::Open { path, reason },
        other => other,
    }
}

/// An error while bringing the tables up to date.
pub(super) fn classify_migration(path: &str, error: &MigrateError) -> StoreError {
    match error {
        MigrateError::Sqlite(error) => classify_open(path, error),
        MigrateError::OtherProgram(_) | MigrateError::OtherTables | MigrateError::Later { .. } => {
            StoreError::Foreign { path: path.to_owned(), reason: error.to_string() }
        }
    }
}
