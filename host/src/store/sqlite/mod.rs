//! The embedded store: one SQLite file, one thread that writes it, readers beside it.
//!
//! Not here: the port ([`crate::store`]) and its calls (`port`). Start at [`SqliteStore::open`], then `writer`, which shows a turn.

mod advance;
mod again;
pub mod backup;
mod claim;
mod codec;
mod command;
mod error;
mod failpoint;
mod filter;
mod flight;
pub mod health;
mod inbox;
mod insert;
mod jobs;
mod lines;
mod list;
mod log;
mod marks;
mod names;
mod once;
mod port;
mod queues;
mod reader;
mod readers;
mod replay;
mod report;
mod retention;
mod room;
mod rows;
mod schema;
#[cfg(test)]
pub(crate) mod tests;
mod turn;
mod undo;
mod writer;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use taskhost_core::retention::Retentions;
use taskhost_core::time::UnixMicros;
use tokio::sync::{mpsc, watch};

use self::command::{Answer, Command};
use self::flight::Flights;
use self::inbox::Inbox;
use self::names::Names;
use self::queues::{Board, Queues};
use self::readers::{Readers, open_reader};
use self::room::Room;
use self::turn::{Outlet, Turn};
use self::writer::Writer;
use super::{Assignment, StoreError};
use crate::events::Events;
use crate::lock::FileLock;
use crate::tally::Tally;

/// How an embedded store is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The file; its folder is made if it is not there.
    pub path: PathBuf,
    /// Whether a commit reaches the disk before it is answered.
    pub durable: bool,
    /// What this host is called in the records of attempts.
    pub host: String,
    /// How long ended tasks are kept, until [`Store::retain`](crate::store::Store::retain) says otherwise.
    pub retentions: Retentions,
}

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    inbox: Arc<Inbox>,
    reader: Mutex<Connection>,
    lists: Readers,
    board: Arc<Board>,
    path: String,
    next_due: watch::Receiver<Option<UnixMicros>>,
    running: watch::Receiver<usize>,
    failure: watch::Receiver<Option<Arc<StoreError>>>,
    refusing: watch::Receiver<Option<Arc<StoreError>>>,
    reclaimed: usize,
    // Held until the store is dropped: a second daemon is kept off.
    _lock: FileLock,
}

impl SqliteStore {
    /// Opens the file, brings its tables up to date, puts back what a crashed daemon was running, and starts the writer.
    ///
    /// # Errors
    /// [`StoreError`] if another daemon holds the file, if it is damaged, not ours, from a later version, or cannot be
    /// opened.
    pub fn open(
        options: &SqliteOptions,
        assignments: mpsc::UnboundedSender<Vec<Assignment>>,
        events: Events,
        tally: Tally,
        now: UnixMicros,
    ) -> Result<Self, StoreError> {
        let lock = lock(&options.path)?;
        let connection = connect(options)?;
        Self::start(options, lock, connection, assignments, events, tally, now)
    }

    /// Takes over a file that is locked and up to date.
    fn start(
        options: &SqliteOptions,
        lock: FileLock,
        connection: Connection,
        assignments: mpsc::UnboundedSender<Vec<Assignment>>,
        events: Events,
        tally: Tally,
        now: UnixMicros,
    ) -> Result<Self, StoreError> {
        let path = options.path.display().to_string();
        let opened = |error| error::classify_open(&path, &error);
        let (next_due, next_due_seen) = watch::channel(None);
        let (failure, failure_seen) = watch::channel(None);
        let (refusing, refusing_seen) = watch::channel(None);
        let (running, running_seen) = watch::channel(0);
        let board = Arc::new(Board::default());
        let outlet =
            Outlet { assignments, events, tally, next_due, running, failure, refusing, board: Arc::clone(&board) };
        let mut writer = start_writer(connection, options, outlet, &path).map_err(opened)?;
        let reclaimed = writer.reclaim(now).map_err(opened)?;
        let inbox = Arc::new(Inbox::default());
        // What ended under another policy, before anything else is done. Nobody waits for it.
        inbox.put(Command::Retain(Box::new(options.retentions.clone().into()), Answer::pending().0), now);
        let reader = open_reader(&options.path).map_err(opened)?;
        let writers_inbox = Arc::clone(&inbox);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer::run(writer, &writers_inbox))
            .map_err(|error| StoreError::Open {
                path: path.clone(),
                reason: format!("no thread for its writer: {error}"),
            })?;
        Ok(Self {
            inbox,
            reader: Mutex::new(reader),
            lists: Readers::new(&options.path),
            board,
            path,
            next_due: next_due_seen,
            running: running_seen,
            failure: failure_seen,
            refusing: refusing_seen,
            reclaimed,
            _lock: lock,
        })
    }

    /// How many tasks the daemon before this one left running when it ended without saying so.
    pub fn reclaimed(&self) -> usize {
        self.reclaimed
    }
}

/// Holds `<path>.lock`, so that a second daemon is kept off.
fn lock(path: &Path) -> Result<FileLock, StoreError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let shown = path.display().to_string();
    match FileLock::try_hold(lock_path.as_ref()) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(StoreError::InUse { path: shown }),
        Err(error) => Err(StoreError::Open { path: shown, reason: error.to_string() }),
    }
}

/// The writer's connection, to tables that are up to date.
fn connect(options: &SqliteOptions) -> Result<Connection, StoreError> {
    let path = options.path.display().to_string();
    let opened = |error| error::classify_open(&path, &error);
    let mut connection = Connection::open(&options.path).map_err(opened)?;
    // Before anything is written: a file that is not ours stays as it is.
    let taken = schema::identify(&connection).map_err(|error| error::classify_migration(&path, &error))?;
    prepare(&connection, options.durable).map_err(opened)?;
    schema::migrate(&mut connection, taken).map_err(opened)?;
    Ok(connection)
}

fn prepare(connection: &Connection, durable: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // In WAL mode FULL syncs the log at each commit, NORMAL only before a checkpoint.
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?;
    // KiB. Measured: more gains nothing, since a turn touches few pages.
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn start_writer(
    connection: Connection,
    options: &SqliteOptions,
    outlet: Outlet,
    path: &str,
) -> rusqlite::Result<Writer> {
    let mut names = Names::load(&connection, outlet.events.labels())?;
    let mut queues = Queues::load(&connection, &names)?;
    queues.retain(&options.retentions, &connection, &mut names.queues)?;
    let host = names.hosts.id(&connection, &options.host)?;
    let last_seq: Option<i64> = connection.query_row("SELECT max(seq) FROM task", [], |row| row.get(0))?;
    Ok(Writer {
        names,
        flights: Flights::default(),
        queues,
        kinds: HashSet::new(),
        host,
        last_seq: last_seq.unwrap_or(0),
        policy: String::new(),
        named: 0,
        turn: Turn::default(),
        room: Room::default(),
        path: path.to_owned(),
        outlet,
        connection,
    })
}
