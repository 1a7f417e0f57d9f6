//! Fires the jobs whose time has come. Each nominal time becomes at most one task: the store moves the job's cursor in
//! the commit that inserts it.
//!
//! A job that cannot fire, because no plugin provides its kind or its params do not fit, is held until the kinds change;
//! times that pass meanwhile are made up for once. Not here: which times those are (`taskhost_core::schedule`). Start at [`Scheduler::run`].

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use taskhost_core::config::{Config, JobConfig};
use taskhost_core::ids::JobName;
use taskhost_core::schedule::Schedule;
use taskhost_core::time::UnixMicros;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::chance::Chance;
use crate::clock::Clock;
use crate::plugins::Kinds;
use crate::store::{Firing, JobCursor, JobSighting, Store, StoreError};
use crate::submit::{Intake, Wishes};

/// The service and what it works with.
#[derive(Debug)]
pub struct Scheduler {
    /// The declared jobs.
    pub config: Arc<Config>,
    /// Checks the params of what is fired.
    pub kinds: Arc<dyn Kinds>,
    /// Where the cursors are kept and the tasks go.
    pub store: Arc<dyn Store>,
    /// What it waits for.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub chance: Arc<Chance>,
    /// Moves when the kinds have changed.
    pub kinds_changed: watch::Receiver<u64>,
}

/// The next nominal time of each job, the earliest first.
type Agenda = BinaryHeap<Reverse<(UnixMicros, JobName)>>;

impl Scheduler {
    /// Fires until the store is closed.
    pub async fn run(mut self) {
        if let Err(error) = self.fire_all().await {
            tracing::debug!(%error, "The scheduler ends with the store.");
        }
    }

    async fn fire_all(&mut self) -> Result<(), StoreError> {
        let jobs: Vec<_> = self.config.jobs.iter().filter_map(scheduled).collect();
        let sightings =
            jobs.iter().map(|(name, schedule)| JobSighting { job: (*name).clone(), schedule: schedule.to_string() });
        let cursors = self.store.adopt(sightings.collect(), self.clock.now()).await?;
        let anchors: HashMap<JobName, UnixMicros> =
            cursors.iter().map(|cursor| (cursor.job.clone(), cursor.anchor)).collect();
        for cursor in cursors.iter().filter(|cursor| cursor.cursor == cursor.anchor && self.entry(cursor).is_none()) {
            warn!(job = %cursor.job, "The schedule of the job never fires: `taskhost cron next` shows the times of a line.");
        }
        let mut agenda: Agenda = cursors.iter().filter_map(|cursor| self.entry(cursor)).map(Reverse).collect();
        let mut held = Vec::new();
        while let Some((nominal_at, job)) = self.next(&mut agenda, &mut held).await {
            let anchor = anchors.get(&job).copied().unwrap_or_default();
            // Times missed while no daemon ran, or while the machine slept, are made up for by this one run.
            let cursor = self.clock.now().max(nominal_at);
            if self.fire(&job, nominal_at, cursor).await? {
                agenda.extend(self.entry(&JobCursor { job, anchor, cursor }).map(Reverse));
            } else {
                held.push(Reverse((nominal_at, job)));
            }
        }
        Ok(())
    }

    /// The next nominal time, once it has come; what is held comes back when the kinds change. None: nothing will come.
    async fn next(
        &mut self,
        agenda: &mut Agenda,
        held: &mut Vec<Reverse<(UnixMicros, JobName)>>,
    ) -> Option<(UnixMicros, JobName)> {
        let mut kinds_may_change = true;
        loop {
            let next = agenda.peek().map(|Reverse((nominal_at, _))| *nominal_at);
            if next.is_none() && (held.is_empty() || !kinds_may_change) {
                return None;
            }
            let time = async {
                match next {
                    Some(nominal_at) => self.clock.wait_until(nominal_at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = time => return agenda.pop().map(|Reverse(next)| next),
                changed = self.kinds_changed.changed(), if kinds_may_change => {
                    kinds_may_change = changed.is_ok();
                    agenda.extend(held.drain(..));
                }
            }
        }
    }

    fn entry(&self, cursor: &JobCursor) -> Option<(UnixMicros, JobName)> {
        let schedule = self.config.jobs.get(&cursor.job)?.schedule.as_ref()?;
        schedule.next_after(cursor.anchor, cursor.cursor).map(|next| (next, cursor.job.clone()))
    }

    /// Says whether it could.
    async fn fire(&self, job: &JobName, nominal_at: UnixMicros, cursor: UnixMicros) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let intake = Intake { config: &self.config, kinds: &*self.kinds, chance: &self.chance, now };
        let task = match intake.prepare_job(job, Some(nominal_at), &Wishes::default()) {
            Ok(task) => task,
            Err(error) => {
                warn!(%job, %nominal_at, %error, hint = error.hint(), "The job cannot fire; it is held until the plugins change.");
                return Ok(false);
            }
        };
        let task_id = task.id;
        if self.store.fire(Firing { job: job.clone(), cursor, task }, now).await? {
            info!(%job, %task_id, %nominal_at, "The job fired.");
        }
        Ok(true)
    }
}

fn scheduled<'a>((name, job): (&'a JobName, &'a JobConfig)) -> Option<(&'a JobName, &'a Schedule)> {
    job.schedule.as_ref().map(|schedule| (name, schedule))
}
