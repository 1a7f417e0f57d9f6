//! What SQLite says, in the words of the port.

use rusqlite::{Error, ErrorCode};

use super::schema::MigrateError;
use crate::store::StoreError;

/// An error of an open store.
pub(super) fn classify(path: &str, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let reason = error.to_string();
    // A value that no row of ours has.
    if let Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) =
        error
    {
        return StoreError::Damaged { path, reason };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged { path, reason },
        _ => StoreError::Failed { path, reason },
    }
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
