//! The tables, and how an older file becomes a current one.

use rusqlite::{Connection, OptionalExtension as _};

use super::{log, marks, once, queues, retention};

/// Says in the file's header whose it is: `THst`.
const APPLICATION_ID: i32 = 0x5448_7374;

/// The steps from an empty file to the current tables. `user_version` counts how many were taken; a step that was
/// released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    V1,
    V2_JOBS,
    V3_ENDED,
    log::TABLE,
    queues::TABLE,
    V6_REFERS,
    once::TABLE,
    retention::TABLE,
    queues::COUNTS,
    marks::TABLES,
];

/// Status codes are chosen so that each partial index is one comparison: with three constants in an `IN` every update
/// of a task would open temporary tables.
const V1: &str = "
CREATE TABLE name (id INTEGER PRIMARY KEY, what INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (what, text));
CREATE TABLE task (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    queue INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,         -- 2 queued, 3 running, 4 blocked, 5 waits for a time, 8 completed, 9 cancelled, 10 dead
    reason INTEGER NOT NULL,        -- its meaning depends on the state
    lane INTEGER NOT NULL,          -- 0 open, 1 held: its kind cannot run here
    priority INTEGER NOT NULL,      -- 0 critical .. 3 low
    lease INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    suspensions INTEGER NOT NULL,
    interruptions INTEGER NOT NULL,
    suspect INTEGER NOT NULL,
    follow_ups INTEGER NOT NULL,    -- how many tasks its attempts made; a follow-up's id derives from (id, number)
    ready_at INTEGER,               -- when it is or becomes ready; this and all times: microseconds since 1970
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    expires_at INTEGER,
    prune_at INTEGER,
    host INTEGER,                   -- of the latest attempt
    job INTEGER,
    nominal_at INTEGER,
    run_at INTEGER,
    timeout INTEGER,                -- microseconds
    retry TEXT,                     -- JSON; NULL: the default policy
    tags TEXT,                      -- JSON; NULL: none
    params BLOB,                    -- JSON; NULL: in task_params
    result BLOB,                    -- JSON; NULL: none, or in task_result
    progress TEXT                   -- JSON
);
CREATE UNIQUE INDEX task_id ON task (id);
CREATE INDEX task_ready ON task (queue, lane, priority, ready_at, seq) WHERE state = 2;
CREATE INDEX task_due ON task (ready_at) WHERE state = 5;
CREATE INDEX task_expiring ON task (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX task_ended ON task (prune_at) WHERE state >= 8;
-- What is large stands beside, so that a change of status does not write it again.
CREATE TABLE task_params (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_result (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_state (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_error (
    seq INTEGER NOT NULL, lease INTEGER NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL, host TEXT NOT NULL,
    generation INTEGER NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (seq, lease)
) WITHOUT ROWID;
-- What runs, one row for the claims of a turn: recovery reads this instead of an index that every task would pay for.
CREATE TABLE flight (turn INTEGER PRIMARY KEY, seqs BLOB NOT NULL);
CREATE TABLE job (name TEXT PRIMARY KEY, schedule TEXT NOT NULL, anchor INTEGER NOT NULL, cursor INTEGER NOT NULL) WITHOUT ROWID;
";

/// Jobs that are declared over HTTP, pauses, and jobs that are gone from `tasks.toml`: they keep their cursor, so that one
/// that comes back neither fires for the time between nor, if it fires once, again.
const V2_JOBS: &str = "
ALTER TABLE job ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
CREATE TABLE api_job (
    name TEXT PRIMARY KEY,
    definition TEXT NOT NULL,       -- JSON
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE job_pause (name TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
";

/// For lists, and for what is asked of all dead tasks: only a task that ends so pays for them.
const V3_ENDED: &str = "
CREATE INDEX task_cancelled ON task (seq) WHERE state = 9;
CREATE INDEX task_dead ON task (seq) WHERE state = 10;
";

/// Whether the params of a task are those of a job of `tasks.toml` with references to secrets: elsewhere such a text is one.
const V6_REFERS: &str = "ALTER TABLE task ADD COLUMN refers INTEGER NOT NULL DEFAULT 0;";

/// Why a file cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrateError {
    #[error("it belongs to another program (application id {0:#x})")]
    OtherProgram(i32),
    #[error("it has tables, but not those of taskhost")]
    OtherTables,
    #[error("it was written by a later version (format {found}; this one knows up to {known})")]
    Later { found: i64, known: usize },
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// Reads whose file it is, and answers how many steps it has taken.
pub(super) fn identify(connection: &Connection) -> Result<usize, MigrateError> {
    let known = MIGRATIONS.len();
    let application_id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let any_table: Option<i64> =
        connection.query_row("SELECT 1 FROM sqlite_master LIMIT 1", [], |row| row.get(0)).optional()?;
    match (application_id, any_table) {
        (APPLICATION_ID, _) | (0, None) => {}
        (0, Some(_)) => return Err(MigrateError::OtherTables),
        (other, _) => return Err(MigrateError::OtherProgram(other)),
    }
    usize::try_from(found).ok().filter(|taken| *taken <= known).ok_or(MigrateError::Later { found, known })
}

/// Takes the steps that the file has not taken yet, in one transaction.
pub(super) fn migrate(connection: &mut Connection, taken: usize) -> rusqlite::Result<()> {
    let known = MIGRATIONS.len();
    if taken == known {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in &MIGRATIONS[taken..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(known).expect("a handful of migrations"))?;
    transaction.commit()
}
