//! Jobs: how far their schedules have come, those declared over HTTP, and pauses.

use std::collections::BTreeMap;

use taskhost_core::ids::JobName;
use taskhost_core::time::UnixMicros;

use super::world::World;
use crate::store::{Firing, JobCursor, JobSighting, Kept, KeptJob, Rest};

/// All that is kept of jobs.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    schedules: BTreeMap<JobName, Schedule>,
    declared: BTreeMap<JobName, KeptJob>,
    pauses: BTreeMap<JobName, UnixMicros>,
}

#[derive(Debug)]
struct Schedule {
    text: String,
    anchor: UnixMicros,
    cursor: UnixMicros,
    is_gone: bool,
}

impl Jobs {
    pub(super) fn adopt(&mut self, jobs: &[JobSighting], rest: Rest, now: UnixMicros) -> Vec<JobCursor> {
        if rest == Rest::Gone {
            let is_seen = |name: &JobName| jobs.iter().any(|sighting| sighting.job == *name);
            for (_, schedule) in self.schedules.iter_mut().filter(|(name, _)| !is_seen(name)) {
                schedule.is_gone = true;
            }
        }
        jobs.iter().map(|JobSighting { job, schedule }| self.adopt_one(job, schedule, now)).collect()
    }

    fn adopt_one(&mut self, job: &JobName, text: &str, now: UnixMicros) -> JobCursor {
        let (anchor, cursor) = match self.schedules.get(job) {
            None => (now, now),
            // Times before a change of the schedule are never replayed: the cursor stands at the change, or later.
            Some(known) if known.text != text => (now, now.max(known.cursor)),
            // Back again: it goes on in its grid, and what came while it was gone is not made up for.
            Some(known) if known.is_gone => (known.anchor, now.max(known.cursor)),
            Some(known) => (known.anchor, known.cursor),
        };
        self.schedules.insert(job.clone(), Schedule { text: text.to_owned(), anchor, cursor, is_gone: false });
        JobCursor { job: job.clone(), anchor, cursor }
    }

    pub(super) fn retire(&mut self, jobs: &[JobName]) {
        for job in jobs {
            if let Some(schedule) = self.schedules.get_mut(job) {
                schedule.is_gone = true;
            }
        }
    }

    pub(super) fn keep(&mut self, job: KeptJob, now: UnixMicros) -> Option<JobCursor> {
        let schedule = job.job.schedule.as_ref().map(ToString::to_string);
        if !self.declared.contains_key(&job.name) || schedule.is_none() {
            // Another job of this name may have been in the file once; this one begins anew.
            self.schedules.remove(&job.name);
        }
        let name = job.name.clone();
        self.declared.insert(name.clone(), job);
        schedule.map(|schedule| self.adopt_one(&name, &schedule, now))
    }

    pub(super) fn forget(&mut self, job: &JobName) {
        self.declared.remove(job);
        self.schedules.remove(job);
        self.pauses.remove(job);
    }

    pub(super) fn pause(&mut self, job: &JobName, paused: bool, now: UnixMicros) -> Option<JobCursor> {
        if paused {
            self.pauses.entry(job.clone()).or_insert(now);
        } else if self.pauses.remove(job).is_some()
            && let Some(schedule) = self.schedules.get_mut(job)
        {
            // What came while it was paused is not made up for.
            schedule.cursor = schedule.cursor.max(now);
        }
        let Schedule { anchor, cursor, .. } = *self.schedules.get(job).filter(|schedule| !schedule.is_gone)?;
        Some(JobCursor { job: job.clone(), anchor, cursor })
    }

    /// Everything that is not in `tasks.toml`.
    pub(super) fn kept(&self) -> Kept {
        Kept {
            jobs: self.declared.values().cloned().collect(),
            pauses: self.pauses.iter().map(|(job, since)| (job.clone(), *since)).collect(),
        }
    }

    /// Moves the cursor of a job that may fire; answers whether it did.
    fn pass(&mut self, firing: &Firing) -> bool {
        let is_paused = self.pauses.contains_key(&firing.job);
        let Some(schedule) = self.schedules.get_mut(&firing.job) else { return false };
        let may = !is_paused && !schedule.is_gone && schedule.text == firing.schedule;
        let moves = may && schedule.cursor < firing.cursor;
        if moves {
            schedule.cursor = firing.cursor;
        }
        moves
    }
}

impl World {
    pub(super) fn fire(&mut self, firing: Firing, now: UnixMicros) -> bool {
        let fires = self.jobs.pass(&firing);
        // One whose id exists already was fired before.
        if fires && self.find(firing.task.id).is_none() {
            self.insert(firing.task, now);
        }
        fires
    }
}
