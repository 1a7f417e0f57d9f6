//! What is declared now: the applied `tasks.toml`, and the jobs of both origins.
//!
//! Whoever declares holds [`Live::edit`] meanwhile, so that a name is taken once and the order here is that of the store.
//! Not here: keeping it (`store`), reading the file (`services::reloader`). Start at [`Live`].

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use taskhost_core::config::Config;
use taskhost_core::ids::JobName;
use taskhost_core::job::Job;
use taskhost_core::suggest::closest;
use taskhost_core::time::UnixMicros;
use tokio::sync::{Mutex, MutexGuard, mpsc, watch};

use crate::store::{Kept, KeptJob};

/// What is declared now.
#[derive(Debug)]
pub struct Live {
    config: watch::Sender<Arc<Config>>,
    table: RwLock<Table>,
    /// Names whose job is new, another one, or gone.
    changed: mpsc::UnboundedSender<Vec<JobName>>,
    /// Counts names that were given up.
    freed: watch::Sender<u64>,
    editing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Table {
    jobs: BTreeMap<JobName, Arc<LiveJob>>,
    /// Since when the job of that name is paused; also of one that is not declared now, so that a pause survives edits.
    pauses: BTreeMap<JobName, UnixMicros>,
}

/// A job as it is declared now.
#[derive(Debug)]
pub struct LiveJob {
    /// What it declares.
    pub job: Arc<Job>,
    /// Where.
    pub origin: JobOrigin,
    /// Since when it does not fire, if somebody paused it.
    pub paused_since: Option<UnixMicros>,
    next_at: NextAt,
}

/// The next nominal time of a job in microseconds, [`NEVER`] for none. Shared by the entries of a job that stays the same.
#[derive(Debug, Clone)]
struct NextAt(Arc<AtomicI64>);

/// Stands for no next time.
const NEVER: i64 = i64::MIN;

impl NextAt {
    fn new(time: Option<UnixMicros>) -> Self {
        Self(Arc::new(AtomicI64::new(time.map_or(NEVER, UnixMicros::as_micros))))
    }
}

/// Where a job is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOrigin {
    /// In `tasks.toml`.
    File {
        /// On which line, from 1.
        line: usize,
    },
    /// Over HTTP.
    Api {
        /// Grows with each change.
        version: u64,
        /// When it was made.
        created_at: UnixMicros,
        /// When it was changed last.
        updated_at: UnixMicros,
    },
}

impl JobOrigin {
    /// The line of `tasks.toml`, from 1, if it is declared there.
    pub fn line(self) -> Option<usize> {
        match self {
            Self::File { line } => Some(line),
            Self::Api { .. } => None,
        }
    }
}

impl LiveJob {
    /// Its next nominal time, as far as it is planned; none while it is paused.
    pub fn next_at(&self) -> Option<UnixMicros> {
        let micros = self.next_at.0.load(Ordering::Relaxed);
        (micros != NEVER && self.paused_since.is_none()).then(|| UnixMicros::from_micros(micros))
    }

    /// Notes its next nominal time.
    pub fn plan(&self, next_at: Option<UnixMicros>) {
        self.next_at.0.store(next_at.map_or(NEVER, UnixMicros::as_micros), Ordering::Relaxed);
    }
}

impl Table {
    fn put(&mut self, name: &JobName, job: Arc<Job>, origin: JobOrigin, next_at: NextAt) -> Arc<LiveJob> {
        let paused_since = self.pauses.get(name).copied();
        let job = Arc::new(LiveJob { job, origin, paused_since, next_at });
        self.jobs.insert(name.clone(), Arc::clone(&job));
        job
    }

    fn api_has(&self, name: &JobName) -> bool {
        self.jobs.get(name).is_some_and(|job| matches!(job.origin, JobOrigin::Api { .. }))
    }

    /// Puts the jobs of a file in the place of those of the file before. Answers the names whose job changes.
    fn apply(&mut self, config: &Config) -> Vec<JobName> {
        let mut changed = Vec::new();
        self.jobs.retain(|name, job| {
            let stays = matches!(job.origin, JobOrigin::Api { .. }) || config.jobs.contains_key(name);
            if !stays {
                changed.push(name.clone());
            }
            stays
        });
        for (name, declared) in &config.jobs {
            if self.api_has(name) {
                continue;
            }
            let origin = JobOrigin::File { line: declared.line };
            let same = self.jobs.get(name).filter(|before| *before.job == declared.job);
            if let Some((job, next_at)) = same.map(|before| (Arc::clone(&before.job), before.next_at.clone())) {
                self.put(name, job, origin, next_at);
            } else {
                self.put(name, Arc::new(declared.job.clone()), origin, NextAt::new(None));
                changed.push(name.clone());
            }
        }
        changed
    }
}

/// Nobody else declares while this is held.
#[derive(Debug)]
pub struct Edit<'a> {
    live: &'a Live,
    _editing: MutexGuard<'a, ()>,
}

impl Live {
    /// What a store keeps and a file declares; `changed` hears the names whose job changes from now on. A name that a kept
    /// job has is left to it.
    pub fn new(config: Arc<Config>, kept: Kept, changed: mpsc::UnboundedSender<Vec<JobName>>) -> Self {
        let mut table = Table { pauses: kept.pauses.into_iter().collect(), jobs: BTreeMap::new() };
        for KeptJob { name, job, version, created_at, updated_at } in kept.jobs {
            table.put(&name, job, JobOrigin::Api { version, created_at, updated_at }, NextAt::new(None));
        }
        table.apply(&config);
        let (config, freed) = (watch::Sender::new(config), watch::Sender::new(0));
        Self { config, table: RwLock::new(table), changed, freed, editing: Mutex::default() }
    }

    /// What a good file declares, with nobody who plans.
    #[cfg(test)]
    pub(crate) fn of(file: &str) -> Self {
        let config = Config::parse(file).expect("a good file");
        Self::new(Arc::new(config), Kept::default(), mpsc::unbounded_channel().0)
    }

    /// The applied `tasks.toml`.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// The applied `tasks.toml`, and each that follows it.
    pub fn configs(&self) -> watch::Receiver<Arc<Config>> {
        self.config.subscribe()
    }

    /// Moves when a name is given up that a job had which was declared over HTTP.
    pub fn freed(&self) -> watch::Receiver<u64> {
        self.freed.subscribe()
    }

    /// The job of this name.
    pub fn job(&self, name: &JobName) -> Option<Arc<LiveJob>> {
        self.read().jobs.get(name).cloned()
    }

    /// Up to `limit` jobs behind `after` in the order of their names.
    pub fn jobs(&self, after: Option<&JobName>, limit: usize) -> Vec<(JobName, Arc<LiveJob>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let table = self.read();
        let behind = table.jobs.range::<JobName, _>((from, Bound::Unbounded)).take(limit);
        behind.map(|(name, job)| (name.clone(), Arc::clone(job))).collect()
    }

    /// The name that is most like this one, for "did you mean".
    pub fn closest_job(&self, unknown: &JobName) -> Option<String> {
        closest(unknown.as_str(), self.read().jobs.keys().map(JobName::as_str)).map(str::to_owned)
    }

    /// The jobs of `config` whose names are taken by jobs declared over HTTP; they stay so while [`Live::edit`] is held.
    pub fn taken<'c>(&self, config: &'c Config) -> Vec<&'c JobName> {
        let table = self.read();
        config.jobs.keys().filter(|name| table.api_has(name)).collect()
    }

    /// Waits until nobody else declares.
    /// # Cancel safety
    /// Dropping the future gives up the place in the line.
    pub async fn edit(&self) -> Edit<'_> {
        Edit { _editing: self.editing.lock().await, live: self }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, names: Vec<JobName>) {
        // Nobody plans any more when the daemon ends.
        drop(self.changed.send(names));
    }
}

impl Edit<'_> {
    /// Declares a job in the place of the one of its name, if there is one; answers it.
    pub fn put(&self, name: &JobName, job: Arc<Job>, origin: JobOrigin, next_at: Option<UnixMicros>) -> Arc<LiveJob> {
        let job = self.live.write().put(name, job, origin, NextAt::new(next_at));
        self.live.tell(vec![name.clone()]);
        job
    }

    /// Takes a job away, and its pause. The one that the applied `tasks.toml` declares by that name is no longer left out.
    pub fn remove(&self, name: &JobName) {
        let config = self.live.config();
        let mut table = self.live.write();
        table.pauses.remove(name);
        table.jobs.remove(name);
        if let Some(declared) = config.jobs.get(name) {
            let (job, line) = (Arc::new(declared.job.clone()), declared.line);
            table.put(name, job, JobOrigin::File { line }, NextAt::new(None));
        }
        drop(table);
        self.live.tell(vec![name.clone()]);
        self.live.freed.send_modify(|count| *count += 1);
    }

    /// Pauses or resumes a job, whose next nominal time is `next_at`; answers it as it is then, if there is one.
    pub fn pause(
        &self,
        name: &JobName,
        since: Option<UnixMicros>,
        next_at: Option<UnixMicros>,
    ) -> Option<Arc<LiveJob>> {
        let mut table = self.live.write();
        match since {
            Some(since) => drop(table.pauses.insert(name.clone(), since)),
            None => drop(table.pauses.remove(name)),
        }
        let before = table.jobs.get(name).cloned()?;
        let job = table.put(name, Arc::clone(&before.job), before.origin, NextAt::new(next_at));
        drop(table);
        self.live.tell(vec![name.clone()]);
        Some(job)
    }

    /// Applies another `tasks.toml`: its jobs are there, those that it does not have any more are gone, and jobs that were
    /// declared over HTTP stay, also where the file has one of that name ([`Live::taken`] tells before). A job that is the
    /// same goes on undisturbed, and a pause survives.
    pub fn apply(&self, config: Arc<Config>) {
        let changed = self.live.write().apply(&config);
        self.live.config.send_replace(config);
        self.live.tell(changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_of_the_file_that_was_left_out_is_there_and_told_of_once_its_name_is_free() {
        let config = Config::parse("[jobs.a]\nkind = \"probe.echo\"\n").expect("a good file");
        let (name, job) = config.jobs.iter().next().map(|(name, job)| (name.clone(), job.job.clone())).expect("a job");
        let kept = KeptJob {
            name: name.clone(),
            job: Arc::new(job),
            version: 1,
            created_at: UnixMicros::default(),
            updated_at: UnixMicros::default(),
        };
        let (changed, mut hears) = mpsc::unbounded_channel();
        let live = Live::new(Arc::new(config), Kept { jobs: vec![kept], ..Kept::default() }, changed);
        let origin = || live.job(&name).map(|job| job.origin);
        assert!(matches!(origin(), Some(JobOrigin::Api { .. })));
        live.edit().await.remove(&name);
        assert_eq!(origin(), Some(JobOrigin::File { line: 1 }));
        assert_eq!(hears.try_recv(), Ok(vec![name.clone()]));
    }
}
