//! Connections that only read, for what may take milliseconds. Opened when they are needed, at most a few.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

/// How many may read at once; the next waits for one of them.
const READERS_MAX: usize = 4;

/// The connections.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    busy: usize,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), state: Mutex::default(), returned: Condvar::new() }
    }

    /// Reads with a connection that nobody else uses meanwhile.
    pub(super) fn with<T>(&self, read: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut place = self.take();
        let reader = match &mut place.reader {
            Some(reader) => reader,
            none => none.insert(open_reader(&self.path)?),
        };
        read(reader)
    }

    fn take(&self) -> Place<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.busy == READERS_MAX {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy += 1;
        Place { readers: self, reader: state.idle.pop() }
    }
}

/// The right to read, which goes back also if reading fails or panics.
struct Place<'a> {
    readers: &'a Readers,
    reader: Option<Connection>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy -= 1;
        state.idle.extend(self.reader.take());
        drop(state);
        self.readers.returned.notify_one();
    }
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let reader = Connection::open_with_flags(path, flags)?;
    reader.pragma_update(None, "cache_size", -2_000)?;
    Ok(reader)
}
