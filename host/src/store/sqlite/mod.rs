//! The embedded store: one SQLite file, one thread that writes it, readers beside it.
//!
//! Not here: the port ([`crate::store`]). Start at [`SqliteStore::open`], then `writer`, which shows a turn.

mod advance;
mod again;
mod claim;
mod codec;
mod error;
mod filter;
mod flight;
mod inbox;
mod insert;
mod jobs;
mod list;
mod log;
mod names;
mod once;
mod queues;
mod reader;
mod readers;
mod report;
mod retention;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use taskhost_core::ids::{JobName, KindName, QueueName, TaskId};
use taskhost_core::once::Once;
use taskhost_core::query::TaskQuery;
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Rejected, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{Page, TaskView};
use tokio::sync::{mpsc, watch};

use self::flight::Flights;
use self::inbox::{Command, Inbox, Reports};
use self::jobs::JobCommand;
use self::names::Names;
use self::queues::{Board, Queues};
use self::readers::{Readers, open_reader};
use self::writer::{Outlet, Turn, Writer};
use super::{
    Action, ActionRefused, Assignment, AttemptReport, CancelRefused, Firing, Inserted, JobCursor, JobSighting, Kept,
    KeptJob, KeyReused, Offer, QueueState, Reply, Rest, Store, StoreError, StoredLog, Sweep,
};
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
    /// How long ended tasks are kept, until [`Store::retain`] says otherwise.
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
        let (running, running_seen) = watch::channel(0);
        let board = Arc::new(Board::default());
        let outlet = Outlet { assignments, events, tally, next_due, running, failure, board: Arc::clone(&board) };
        let mut writer = start_writer(connection, options, outlet, &path).map_err(opened)?;
        let reclaimed = writer.reclaim(now).map_err(opened)?;
        let inbox = Arc::new(Inbox::default());
        // What ended under another policy, before anything else is done. Nobody waits for it.
        inbox.put(Command::Retain(Box::new(options.retentions.clone()), Reply::pending().0), now);
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
            reclaimed,
            _lock: lock,
        })
    }

    /// How many tasks the daemon before this one left running when it ended without saying so.
    pub fn reclaimed(&self) -> usize {
        self.reclaimed
    }

    fn ask<T>(&self, now: UnixMicros, command: impl FnOnce(inbox::Answer<T>) -> Command) -> Reply<T> {
        let (answer, reply) = Reply::pending();
        self.inbox.put(command(answer), now);
        reply
    }

    fn ask_of_jobs<T>(&self, now: UnixMicros, command: impl FnOnce(inbox::Answer<T>) -> JobCommand) -> Reply<T> {
        self.ask(now, |answer| Command::Job(command(answer)))
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
        path: path.to_owned(),
        outlet,
        connection,
    })
}

impl Store for SqliteStore {
    fn submit(&self, tasks: Vec<NewTask>, now: UnixMicros) -> Reply<Vec<Status>> {
        self.ask(now, |answer| Command::Submit(tasks, answer))
    }

    fn submit_once(&self, tasks: Vec<NewTask>, once: Once, now: UnixMicros) -> Reply<Result<Vec<Inserted>, KeyReused>> {
        self.ask(now, |answer| Command::SubmitOnce(tasks, Box::new(once), answer))
    }

    fn submitted_once(
        &self,
        once: &Once,
        now: UnixMicros,
    ) -> Result<Option<Result<Vec<Inserted>, KeyReused>>, StoreError> {
        let known = self.lists.with(|reader| once::known(reader, once, now));
        known.map_err(|error| error::classify(&self.path, &error))
    }

    fn fire(&self, firing: Firing, now: UnixMicros) -> Reply<bool> {
        self.ask_of_jobs(now, |answer| JobCommand::Fire(Box::new(firing), answer))
    }

    fn adopt(&self, jobs: Vec<JobSighting>, rest: Rest, now: UnixMicros) -> Reply<Vec<JobCursor>> {
        self.ask_of_jobs(now, |answer| JobCommand::Adopt(jobs, rest, answer))
    }

    fn retire(&self, jobs: Vec<JobName>, now: UnixMicros) -> Reply<()> {
        self.ask_of_jobs(now, |answer| JobCommand::Retire(jobs, answer))
    }

    fn kept(&self) -> Result<Kept, StoreError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        jobs::kept(&mut reader).map_err(|error| error::classify(&self.path, &error))
    }

    fn keep_job(&self, job: KeptJob, now: UnixMicros) -> Reply<Option<JobCursor>> {
        let definition = Box::new(job.into());
        self.ask_of_jobs(now, |answer| JobCommand::Keep(definition, answer))
    }

    fn drop_job(&self, job: JobName, now: UnixMicros) -> Reply<()> {
        self.ask_of_jobs(now, |answer| JobCommand::Drop(job, answer))
    }

    fn pause_job(&self, job: JobName, paused: bool, now: UnixMicros) -> Reply<()> {
        self.ask_of_jobs(now, |answer| JobCommand::Pause(job, paused, answer))
    }

    fn report(&self, reports: Vec<AttemptReport>, now: UnixMicros) -> Reply<Vec<Result<Status, Rejected>>> {
        let (answer, reply) = Reply::pending();
        self.inbox.put_reports(Reports { of_attempts: reports, now, answer });
        reply
    }

    fn cancel(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, CancelRefused>> {
        self.ask(now, |answer| Command::Cancel(task, answer))
    }

    fn retry(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, ActionRefused>> {
        self.ask(now, |answer| Command::Act(task, Action::Retry, answer))
    }

    fn discard(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, ActionRefused>> {
        self.ask(now, |answer| Command::Act(task, Action::Discard, answer))
    }

    fn sweep_dead(&self, sweep: Sweep, now: UnixMicros) -> Reply<u64> {
        self.ask(now, |answer| Command::Sweep(Box::new(sweep.into()), answer))
    }

    fn retain(&self, retentions: Retentions, now: UnixMicros) -> Reply<()> {
        self.ask(now, |answer| Command::Retain(Box::new(retentions), answer))
    }

    fn offer(&self, offer: Offer, now: UnixMicros) -> Reply<()> {
        self.ask(now, |answer| Command::Offer(offer, answer))
    }

    fn running(&self) -> watch::Receiver<usize> {
        self.running.clone()
    }

    fn advance(&self, now: UnixMicros) -> Reply<()> {
        self.ask(now, Command::Advance)
    }

    fn next_due(&self) -> watch::Receiver<Option<UnixMicros>> {
        self.next_due.clone()
    }

    fn queues(&self) -> Vec<QueueState> {
        self.board.queues()
    }

    fn oldest_queued(&self) -> Result<Vec<(QueueName, UnixMicros)>, StoreError> {
        self.lists
            .with(|reader| queues::oldest(reader, self.board.waiting()))
            .map_err(|error| error::classify(&self.path, &error))
    }

    fn pause_queue(&self, queue: QueueName, paused: bool, now: UnixMicros) -> Reply<()> {
        self.ask(now, |answer| Command::PauseQueue(queue, paused, answer))
    }

    fn task(&self, task: TaskId) -> Result<Option<TaskView>, StoreError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader::task(&mut reader, task).map_err(|error| error::classify(&self.path, &error))
    }

    fn list(&self, query: &TaskQuery, kinds: &[KindName]) -> Result<Page, StoreError> {
        let page = self.lists.with(|reader| list::page(reader, query, kinds));
        page.map_err(|error| error::classify(&self.path, &error))
    }

    fn log(&self, task: TaskId, after: u64) -> Result<Option<StoredLog>, StoreError> {
        self.lists.with(|reader| log::read(reader, task, after)).map_err(|error| error::classify(&self.path, &error))
    }

    fn failure(&self) -> watch::Receiver<Option<Arc<StoreError>>> {
        self.failure.clone()
    }

    fn close(&self) -> Reply<()> {
        self.ask(UnixMicros::default(), Command::Close)
    }
}
