//! Looks whether the file of a store is sound, and how large it is, from beside a daemon or without one. Changes nothing in it.
//!
//! Start at [`examine`] and [`sizes`].

use std::fs;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};

use super::readers::open_reader;
use super::{error, schema};
use crate::clock::monotonic;
use crate::store::{StoreError, StoreSizes};

/// After so many operations of SQLite the time is looked at: some milliseconds.
const OPERATIONS: i32 = 10_000;
/// How much of what is wrong is told.
const FINDINGS_MAX: i32 = 5;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thorough {
    /// Every page, and how they hang together.
    Structure,
    /// Also whether each index tells of the rows that there are.
    Indexes,
}

/// How a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing is wrong.
    Sound,
    /// This is, among perhaps more.
    Damaged(Vec<String>),
    /// Nothing was found until the time was over.
    Unfinished,
}

/// Checks the store at `path`, until `until` if that is said.
/// # Errors
/// [`StoreError`] if it cannot be opened, is not ours, or of a later version.
pub fn examine(path: &Path, thorough: Thorough, until: Option<Instant>) -> Result<Found, StoreError> {
    match look(path, thorough, until) {
        Err(StoreError::Damaged { reason, .. }) => Ok(Found::Damaged(vec![reason])),
        looked => looked,
    }
}

fn look(path: &Path, thorough: Thorough, until: Option<Instant>) -> Result<Found, StoreError> {
    let shown = path.display().to_string();
    let opened = |error| error::classify_open(&shown, &error);
    let mut connection = open_reader(path).map_err(opened)?;
    schema::identify(&connection).map_err(|error| error::classify_migration(&shown, &error))?;
    check(&mut connection, thorough, until).map_err(opened)
}

/// As [`examine`], of an open file.
pub(super) fn check(
    connection: &mut Connection,
    thorough: Thorough,
    until: Option<Instant>,
) -> rusqlite::Result<Found> {
    connection.progress_handler(OPERATIONS, until.map(|until| move || monotonic() >= until))?;
    let pragma = match thorough {
        Thorough::Structure => "quick_check",
        Thorough::Indexes => "integrity_check",
    };
    let mut found = Vec::new();
    let read = connection.pragma(None, pragma, FINDINGS_MAX, |row| {
        found.push(row.get::<_, String>(0)?);
        Ok(())
    });
    match read {
        Ok(()) if found == ["ok"] => Ok(Found::Sound),
        Ok(()) => Ok(Found::Damaged(found)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(Found::Unfinished),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                found.push(error.to_string());
                Ok(Found::Damaged(found))
            }
            _ => Err(error),
        },
    }
}

/// How many bytes the files of the store at `path` take, as the file system says.
pub fn sizes(path: &Path) -> StoreSizes {
    let of = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    StoreSizes { file: of(path), log: of(log.as_ref()) }
}
