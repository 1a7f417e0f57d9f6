//! Submits that count once: the key stands beside the tasks, in their commit.
//!
//! Start at [`Writer::submit_once`].

use rusqlite::{Connection, OptionalExtension as _};
use taskhost_core::ids::TaskId;
use taskhost_core::once::{KEY_KEPT, Once};
use taskhost_core::submit::NewTask;
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;

use super::codec;
use super::insert::Exists;
use super::writer::Writer;
use crate::store::rules::PRUNE_TOGETHER;
use crate::store::{Inserted, KeyReused};

/// The step of the migration that makes the table.
pub(super) const TABLE: &str = "
CREATE TABLE idempotency_key (
    key TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,      -- of the call
    expires_at INTEGER NOT NULL,
    tasks BLOB NOT NULL             -- what was answered: 17 bytes a task, its id and the code of its state
);
CREATE INDEX idempotency_key_expiring ON idempotency_key (expires_at);
";

/// How many keys one call forgets; those of large batches are large.
const KEYS_A_CALL: usize = 250;

/// The keys that are old enough; [`KEYS_A_CALL`] says how many.
pub(super) const EXPIRED: &str =
    "SELECT rowid FROM idempotency_key WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 250";

/// What was answered under a key, if anything was.
type Known = Option<Result<Vec<Inserted>, KeyReused>>;

impl Writer {
    pub(super) fn submit_once(
        &mut self,
        tasks: &[NewTask],
        once: &Once,
        now: UnixMicros,
    ) -> rusqlite::Result<Result<Result<Vec<Inserted>, KeyReused>, Exists>> {
        if let Some(known) = known(&self.connection, once, now)? {
            return Ok(Ok(known));
        }
        let statuses = match self.submit(tasks, now)? {
            Ok(statuses) => statuses,
            Err(exists) => return Ok(Err(exists)),
        };
        let inserted: Vec<_> =
            tasks.iter().zip(statuses).map(|(new, status)| Inserted { task: new.id, status }).collect();
        // Over one that has expired and is still there.
        let insert =
            "INSERT OR REPLACE INTO idempotency_key (key, fingerprint, expires_at, tasks) VALUES (?1, ?2, ?3, ?4)";
        let expires_at = now.saturating_add(KEY_KEPT);
        let values = (once.key.as_str(), once.fingerprint, expires_at.as_micros(), pack(&inserted));
        self.connection.prepare_cached(insert)?.execute(values)?;
        self.turn.due_by(expires_at.saturating_add(PRUNE_TOGETHER));
        Ok(Ok(Ok(inserted)))
    }

    /// Forgets keys that are old enough; answers whether there may be more.
    pub(super) fn forget_keys(&self, now: UnixMicros) -> rusqlite::Result<bool> {
        let delete = format!("DELETE FROM idempotency_key WHERE rowid IN ({EXPIRED})");
        let deleted = self.connection.prepare_cached(&delete)?.execute([now.as_micros()])?;
        Ok(deleted == KEYS_A_CALL)
    }

    /// When the next key is old enough.
    pub(super) fn earliest_key(&self) -> rusqlite::Result<Option<i64>> {
        self.connection.prepare_cached("SELECT min(expires_at) FROM idempotency_key")?.query_row([], |row| row.get(0))
    }
}

/// What was answered under a key.
pub(super) fn known(connection: &Connection, once: &Once, now: UnixMicros) -> rusqlite::Result<Known> {
    let select = "SELECT fingerprint, tasks FROM idempotency_key WHERE key = ?1 AND expires_at > ?2";
    let mut statement = connection.prepare_cached(select)?;
    let known = statement.query_row((once.key.as_str(), now.as_micros()), |row| {
        let is_same = row.get_ref(0)?.as_blob()? == once.fingerprint;
        Ok(if is_same { Ok(unpack(row.get_ref(1)?.as_blob()?)) } else { Err(KeyReused) })
    });
    known.optional()
}

fn pack(tasks: &[Inserted]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(17 * tasks.len());
    for Inserted { task, status } in tasks {
        bytes.extend_from_slice(task.as_bytes());
        // The codes of `codec::state`; the others are no status at insertion.
        bytes.push(match status {
            Status::Scheduled => 5,
            Status::Blocked => 4,
            Status::Queued
            | Status::Running
            | Status::Retrying
            | Status::Completed
            | Status::Cancelled
            | Status::Dead => 2,
        });
    }
    bytes
}

fn unpack(bytes: &[u8]) -> Vec<Inserted> {
    let tasks = bytes.as_chunks::<17>().0.iter().map(|[id @ .., code]| {
        let status = codec::status(i64::from(*code), 0).unwrap_or(Status::Queued);
        Inserted { task: TaskId::from_bytes(*id), status }
    });
    tasks.collect()
}
