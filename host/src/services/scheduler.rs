//! Fires the jobs whose time has come. Each nominal time becomes at most one task: the store moves the job's cursor in
//! the commit that inserts it.
//!
//! A job that cannot fire, because no plugin provides its kind or its params do not fit, is held until the kinds or the
//! declarations change; times that pass meanwhile are made up for once. Not here: which times those are
//! (`taskhost_core::schedule`), which jobs there are (`live`). Start at [`Scheduler::run`].

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use taskhost_core::ids::JobName;
use taskhost_core::time::UnixMicros;
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use crate::chance::Chance;
use crate::clock::Clock;
use crate::live::{Live, LiveJob};
use crate::metrics::Metrics;
use crate::patience::until_taken;
use crate::plugins::Kinds;
use crate::pulse::Beat;
use crate::store::{Firing, JobCursor, JobSighting, Rest, Store, StoreError};
use crate::submit::{Intake, Wishes};

/// The service and what it works with.
#[derive(Debug)]
pub struct Scheduler {
    /// The declared jobs.
    pub live: Arc<Live>,
    /// Names whose job is new, another one, or gone.
    pub changed: mpsc::UnboundedReceiver<Vec<JobName>>,
    /// Checks the params of what is fired.
    pub kinds: Arc<dyn Kinds>,
    /// Where the cursors are kept and the tasks go.
    pub store: Arc<dyn Store>,
    /// What it waits for.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub chance: Arc<Chance>,
    /// Counts what fires.
    pub metrics: Arc<Metrics>,
    /// Moves when the kinds have changed.
    pub kinds_changed: watch::Receiver<u64>,
    /// Shows that it turns.
    pub beat: Beat,
}

/// What is to come.
#[derive(Debug, Default)]
struct Plan {
    /// The next nominal time of each job, the earliest first; one that is not the job's in `jobs` is past.
    agenda: BinaryHeap<Reverse<(UnixMicros, JobName)>>,
    jobs: HashMap<JobName, Planned>,
    /// Those whose time has come and that cannot fire.
    held: Vec<JobName>,
}

#[derive(Debug)]
struct Planned {
    declared: Arc<LiveJob>,
    anchor: UnixMicros,
    next_at: UnixMicros,
}

/// What the scheduler wakes up for.
enum Wake {
    Due(JobName),
    Changed(Vec<JobName>),
    KindsChanged,
}

/// How many jobs are read from the declarations at once.
const PAGE: usize = 1_000;

impl Scheduler {
    /// Fires until the store is closed.
    pub async fn run(mut self) {
        if let Err(error) = self.fire_all().await {
            tracing::debug!(%error, "The scheduler ends with the store.");
        }
    }

    async fn fire_all(&mut self) -> Result<(), StoreError> {
        let mut plan = Plan::default();
        let beat = &mut std::mem::take(&mut self.beat);
        let declared = self.declared();
        self.adopt(beat, &mut plan, declared, Rest::Gone).await?;
        loop {
            match self.next(beat, &plan).await {
                Wake::Due(job) => self.fire_next(beat, &mut plan, job).await?,
                Wake::Changed(names) => {
                    self.plan_anew(beat, &mut plan, names).await?;
                    plan.release_held();
                }
                Wake::KindsChanged => plan.release_held(),
            }
        }
    }

    fn declared(&self) -> Vec<(JobName, Arc<LiveJob>)> {
        let mut declared: Vec<(JobName, Arc<LiveJob>)> = Vec::new();
        loop {
            let page = self.live.jobs(declared.last().map(|(name, _)| name), PAGE);
            let is_last = page.len() < PAGE;
            declared.extend(page);
            if is_last {
                return declared;
            }
        }
    }

    /// Waits for what comes first.
    async fn next(&mut self, beat: &mut Beat, plan: &Plan) -> Wake {
        let first = plan.agenda.peek().map(|Reverse(first)| first.clone());
        let due = async {
            match first {
                Some((time, job)) => {
                    self.clock.wait_until(time).await;
                    job
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What has changed comes before what is due: it may not be due any more.
            biased;
            never = beat.answer() => match never {},
            Some(names) = self.changed.recv() => Wake::Changed(names),
            Ok(()) = self.kinds_changed.changed() => Wake::KindsChanged,
            job = due => Wake::Due(job),
        }
    }

    async fn plan_anew(&self, beat: &mut Beat, plan: &mut Plan, names: Vec<JobName>) -> Result<(), StoreError> {
        let mut gone = Vec::new();
        let mut there = Vec::new();
        for name in names {
            plan.jobs.remove(&name);
            plan.held.retain(|held| *held != name);
            match self.live.job(&name) {
                Some(declared) => there.push((name, declared)),
                None => gone.push(name),
            }
        }
        if !gone.is_empty() {
            self.metrics.forget(&gone);
            until_taken(beat, &*self.clock, || self.store.retire(gone.clone(), self.clock.now())).await?;
        }
        self.adopt(beat, plan, there, Rest::Stays).await
    }

    async fn adopt(
        &self,
        beat: &mut Beat,
        plan: &mut Plan,
        declared: Vec<(JobName, Arc<LiveJob>)>,
        rest: Rest,
    ) -> Result<(), StoreError> {
        let sighting = |(job, declared): &(JobName, Arc<LiveJob>)| {
            let schedule = declared.job.schedule.as_ref()?.to_string();
            Some(JobSighting { job: job.clone(), schedule })
        };
        let sightings: Vec<_> = declared.iter().filter_map(sighting).collect();
        let adopted = until_taken(beat, &*self.clock, || self.store.adopt(sightings.clone(), rest, self.clock.now()));
        let cursors = adopted.await?;
        let mut declared: HashMap<JobName, Arc<LiveJob>> = declared.into_iter().collect();
        for cursor in cursors {
            let Some(declared) = declared.remove(&cursor.job) else { continue };
            if declared.paused_since.is_none() && !plan.add(&cursor, declared) && cursor.cursor == cursor.anchor {
                warn!(job = %cursor.job, "The schedule of the job never fires: `taskhost cron next` shows the times of a line.");
            }
        }
        Ok(())
    }

    /// Fires what stands first in the plan.
    async fn fire_next(&self, beat: &mut Beat, plan: &mut Plan, job: JobName) -> Result<(), StoreError> {
        let Some(Reverse((time, _))) = plan.agenda.pop() else { return Ok(()) };
        let Some(planned) = plan.jobs.get(&job).filter(|planned| planned.next_at == time) else { return Ok(()) };
        // Times missed while no daemon ran, or while the machine slept, are made up for by this one run.
        let cursor = self.clock.now().max(time);
        if self.fire(beat, &job, &planned.declared, time, cursor).await? {
            let (anchor, declared) = (planned.anchor, Arc::clone(&planned.declared));
            plan.jobs.remove(&job);
            plan.add(&JobCursor { job, anchor, cursor }, declared);
        } else {
            plan.held.push(job);
        }
        Ok(())
    }

    /// Says whether it could.
    async fn fire(
        &self,
        beat: &mut Beat,
        job: &JobName,
        declared: &LiveJob,
        nominal_at: UnixMicros,
        cursor: UnixMicros,
    ) -> Result<bool, StoreError> {
        let (now, config) = (self.clock.now(), self.live.config());
        let intake = Intake { config: &config, kinds: &*self.kinds, chance: &self.chance, now };
        let task = match intake.prepare_job(job, &declared.job, Some(nominal_at), &Wishes::default()) {
            Ok(task) => task,
            Err(error) => {
                warn!(%job, %nominal_at, %error, hint = error.hint(), "The job cannot fire; it is held until the plugins or tasks.toml change.");
                return Ok(false);
            }
        };
        let task_id = task.id;
        let schedule = declared.job.schedule.as_ref().map(ToString::to_string).unwrap_or_default();
        let firing = Firing { job: job.clone(), schedule, cursor, task };
        if until_taken(beat, &*self.clock, || self.store.fire(firing.clone(), now)).await? {
            self.metrics.ran(job, self.clock.now().saturating_since(nominal_at));
            info!(%job, %task_id, %nominal_at, "The job fired.");
        }
        Ok(true)
    }
}

impl Plan {
    /// Plans the next time of a job behind its cursor; says whether there is one.
    fn add(&mut self, at: &JobCursor, declared: Arc<LiveJob>) -> bool {
        let next_at = declared.job.schedule.as_ref().and_then(|schedule| schedule.next_after(at.anchor, at.cursor));
        declared.plan(next_at);
        let Some(next_at) = next_at else { return false };
        self.agenda.push(Reverse((next_at, at.job.clone())));
        self.jobs.insert(at.job.clone(), Planned { declared, anchor: at.anchor, next_at });
        true
    }

    fn release_held(&mut self) {
        for job in std::mem::take(&mut self.held) {
            if let Some(planned) = self.jobs.get(&job) {
                self.agenda.push(Reverse((planned.next_at, job)));
            }
        }
    }
}
