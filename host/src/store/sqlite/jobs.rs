//! Jobs: how far their schedules have come, those declared over HTTP, and pauses.

use std::collections::HashSet;
use std::error::Error;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _};
use taskhost_core::ids::JobName;
use taskhost_core::job::Job;
use taskhost_core::time::UnixMicros;

use super::command::{Answer, Saying};
use super::writer::Writer;
use crate::store::{Firing, JobCursor, JobSighting, Kept, KeptJob, Rest};

/// A call of the port about jobs, on its way to the writer.
#[derive(Debug)]
pub(super) enum JobCommand {
    Fire(Box<Firing>, Answer<bool>),
    Adopt(Vec<JobSighting>, Rest, Answer<Vec<JobCursor>>),
    Retire(Vec<JobName>, Answer<()>),
    Keep(Box<Definition>, Answer<Option<JobCursor>>),
    Drop(JobName, Answer<()>),
    Pause(JobName, bool, Answer<Option<JobCursor>>),
}

impl JobCommand {
    /// What is to be said.
    pub(super) fn answer(&mut self) -> &mut dyn Saying {
        match self {
            Self::Fire(_, answer) => answer,
            Self::Adopt(_, _, answer) => answer,
            Self::Retire(_, answer) | Self::Drop(_, answer) => answer,
            Self::Keep(_, answer) | Self::Pause(_, _, answer) => answer,
        }
    }
}

/// A job that was declared over HTTP, as it is written.
#[derive(Debug)]
pub(super) struct Definition {
    name: JobName,
    json: String,
    schedule: Option<String>,
    version: u64,
    created_at: UnixMicros,
    updated_at: UnixMicros,
}

impl From<KeptJob> for Definition {
    fn from(kept: KeptJob) -> Self {
        let KeptJob { name, job, version, created_at, updated_at } = kept;
        let json = serde_json::to_string(&*job).expect("names, texts and JSON are JSON");
        Self { schedule: job.schedule.as_ref().map(ToString::to_string), name, json, version, created_at, updated_at }
    }
}

impl Writer {
    pub(super) fn take_job(&mut self, command: &mut JobCommand, now: UnixMicros) -> rusqlite::Result<()> {
        match command {
            JobCommand::Fire(firing, answer) => answer.say(self.fire(firing, now)?),
            JobCommand::Adopt(jobs, rest, answer) => answer.say(self.adopt(jobs, *rest, now)?),
            JobCommand::Retire(jobs, answer) => {
                let retire = "UPDATE job SET gone = 1 WHERE name = ?1";
                for job in jobs {
                    self.execute(retire, [job.as_str()])?;
                }
                answer.say(());
            }
            JobCommand::Keep(definition, answer) => answer.say(self.keep(definition, now)?),
            JobCommand::Drop(job, answer) => {
                for drop in ["api_job", "job", "job_pause"].map(|table| format!("DELETE FROM {table} WHERE name = ?1"))
                {
                    self.execute(&drop, [job.as_str()])?;
                }
                answer.say(());
            }
            JobCommand::Pause(job, paused, answer) => answer.say(self.pause(job, *paused, now)?),
        }
        Ok(())
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(values)
    }

    fn fire(&mut self, firing: &Firing, now: UnixMicros) -> rusqlite::Result<bool> {
        // What was changed, paused or taken away in the meantime does not fire.
        let update = "UPDATE job SET cursor = ?2 WHERE name = ?1 AND cursor < ?2 AND schedule = ?3 AND gone = 0 \
            AND NOT EXISTS (SELECT 1 FROM job_pause WHERE job_pause.name = job.name)";
        let moved = self.execute(update, (firing.job.as_str(), firing.cursor.as_micros(), &firing.schedule))?;
        if moved == 1 {
            // One whose id exists already was fired before.
            self.insert(&firing.task, now)?.ok();
        }
        Ok(moved == 1)
    }

    fn adopt(&self, jobs: &[JobSighting], rest: Rest, now: UnixMicros) -> rusqlite::Result<Vec<JobCursor>> {
        match rest {
            Rest::Stays => {}
            Rest::Gone => {
                let known: HashSet<&str> = jobs.iter().map(|sighting| sighting.job.as_str()).collect();
                for name in self.names_of_jobs()?.iter().filter(|name| !known.contains(name.as_str())) {
                    self.execute("UPDATE job SET gone = 1 WHERE name = ?1", [name])?;
                }
            }
        }
        jobs.iter().map(|sighting| self.adopt_one(&sighting.job, &sighting.schedule, now)).collect()
    }

    fn names_of_jobs(&self) -> rusqlite::Result<Vec<String>> {
        self.connection
            .prepare_cached("SELECT name FROM job WHERE gone = 0")?
            .query_map([], |row| row.get(0))?
            .collect()
    }

    fn adopt_one(&self, job: &JobName, schedule: &str, now: UnixMicros) -> rusqlite::Result<JobCursor> {
        let select = "SELECT schedule, anchor, cursor, gone FROM job WHERE name = ?1";
        let known: Option<(String, i64, i64, bool)> = self
            .connection
            .prepare_cached(select)?
            .query_row([job.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let moment = UnixMicros::from_micros;
        let (anchor, cursor) = match known {
            Some((same, anchor, cursor, false)) if same == schedule => {
                return Ok(JobCursor { job: job.clone(), anchor: moment(anchor), cursor: moment(cursor) });
            }
            // Back again: it goes on in its grid, and what came while it was gone is not made up for.
            Some((same, anchor, cursor, true)) if same == schedule => (moment(anchor), now.max(moment(cursor))),
            // Times before a change of the schedule are never replayed: the cursor stands at the change, or later.
            Some((_, _, cursor, _)) => (now, now.max(moment(cursor))),
            None => (now, now),
        };
        let insert = "INSERT OR REPLACE INTO job (name, schedule, anchor, cursor, gone) VALUES (?1, ?2, ?3, ?4, 0)";
        self.execute(insert, (job.as_str(), schedule, anchor.as_micros(), cursor.as_micros()))?;
        Ok(JobCursor { job: job.clone(), anchor, cursor })
    }

    fn keep(&self, definition: &Definition, now: UnixMicros) -> rusqlite::Result<Option<JobCursor>> {
        let Definition { name, json, schedule, version, created_at, updated_at } = definition;
        let known = "SELECT 1 FROM api_job WHERE name = ?1";
        let is_new = !self.connection.prepare_cached(known)?.exists([name.as_str()])?;
        if is_new || schedule.is_none() {
            // Another job of this name may have been in the file once; this one begins anew.
            self.execute("DELETE FROM job WHERE name = ?1", [name.as_str()])?;
        }
        let insert = "INSERT OR REPLACE INTO api_job (name, definition, version, created_at, updated_at) \
            VALUES (?1, ?2, ?3, ?4, ?5)";
        let version = i64::try_from(*version).unwrap_or(i64::MAX);
        self.execute(insert, (name.as_str(), json, version, created_at.as_micros(), updated_at.as_micros()))?;
        schedule.as_ref().map(|schedule| self.adopt_one(name, schedule, now)).transpose()
    }

    fn pause(&self, job: &JobName, paused: bool, now: UnixMicros) -> rusqlite::Result<Option<JobCursor>> {
        if paused {
            let insert = "INSERT OR IGNORE INTO job_pause (name, since) VALUES (?1, ?2)";
            self.execute(insert, (job.as_str(), now.as_micros()))?;
        } else if self.execute("DELETE FROM job_pause WHERE name = ?1", [job.as_str()])? > 0 {
            // What came while it was paused is not made up for.
            self.execute("UPDATE job SET cursor = max(cursor, ?2) WHERE name = ?1", (job.as_str(), now.as_micros()))?;
        }
        let select = "SELECT anchor, cursor FROM job WHERE name = ?1 AND gone = 0";
        let moment = UnixMicros::from_micros;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(JobCursor { job: job.clone(), anchor: moment(row.get(0)?), cursor: moment(row.get(1)?) })
        };
        self.connection.prepare_cached(select)?.query_row([job.as_str()], read).optional()
    }
}

/// Everything about jobs that is not in `tasks.toml`.
pub(super) fn kept(connection: &mut Connection) -> rusqlite::Result<Kept> {
    let snapshot = connection.transaction()?;
    let moment = |micros| UnixMicros::from_micros(micros);
    let mut select = snapshot.prepare("SELECT name, definition, version, created_at, updated_at FROM api_job")?;
    let jobs = select.query_map([], |row| {
        let (name, definition): (String, String) = (row.get(0)?, row.get(1)?);
        let job: Job = serde_json::from_str(&definition).map_err(|error| damaged(1, error))?;
        let version = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        let (created_at, updated_at) = (moment(row.get(3)?), moment(row.get(4)?));
        Ok(KeptJob {
            name: JobName::new(&name).map_err(|error| damaged(0, error))?,
            job: job.into(),
            version,
            created_at,
            updated_at,
        })
    })?;
    let jobs = jobs.collect::<Result<_, _>>()?;
    let mut select = snapshot.prepare("SELECT name, since FROM job_pause")?;
    let pauses = select.query_map([], |row| {
        let name: String = row.get(0)?;
        Ok((JobName::new(&name).map_err(|error| damaged(0, error))?, moment(row.get(1)?)))
    })?;
    Ok(Kept { jobs, pauses: pauses.collect::<Result<_, _>>()? })
}

/// A text that does not say what it should.
fn damaged(column: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
