//! The port, call by call.

use std::sync::Arc;

use taskhost_core::ids::{JobName, KindName, QueueName, TaskId};
use taskhost_core::once::Once;
use taskhost_core::query::TaskQuery;
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Rejected, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{Page, TaskView};
use tokio::sync::watch;

use super::MemoryStore;
use crate::store::{
    Action, ActionRefused, AttemptReport, CancelRefused, Firing, Inserted, JobCursor, JobSighting, Kept, KeptJob,
    KeyReused, Offer, QueueState, Reply, Rest, Store, StoreError, StoredLog, Sweep,
};

impl Store for MemoryStore {
    fn submit(&self, tasks: Vec<NewTask>, now: UnixMicros) -> Reply<Vec<Status>> {
        self.change(now, |world| world.submit(tasks, now))
    }

    fn submit_once(&self, tasks: Vec<NewTask>, once: Once, now: UnixMicros) -> Reply<Result<Vec<Inserted>, KeyReused>> {
        self.change(now, |world| world.submit_once(tasks, once, now))
    }

    fn submitted_once(
        &self,
        once: &Once,
        now: UnixMicros,
    ) -> Result<Option<Result<Vec<Inserted>, KeyReused>>, StoreError> {
        Ok(self.inside().world.submitted_once(once, now))
    }

    fn fire(&self, firing: Firing, now: UnixMicros) -> Reply<bool> {
        self.change(now, |world| Ok(world.fire(firing, now)))
    }

    fn adopt(&self, jobs: Vec<JobSighting>, rest: Rest, now: UnixMicros) -> Reply<Vec<JobCursor>> {
        self.change(now, |world| Ok(world.jobs.adopt(&jobs, rest, now)))
    }

    fn retire(&self, jobs: Vec<JobName>, now: UnixMicros) -> Reply<()> {
        self.change(now, |world| {
            world.jobs.retire(&jobs);
            Ok(())
        })
    }

    fn kept(&self) -> Result<Kept, StoreError> {
        Ok(self.inside().world.jobs.kept())
    }

    fn keep_job(&self, job: KeptJob, now: UnixMicros) -> Reply<Option<JobCursor>> {
        self.change(now, |world| Ok(world.jobs.keep(job, now)))
    }

    fn drop_job(&self, job: JobName, now: UnixMicros) -> Reply<()> {
        self.change(now, |world| {
            world.jobs.forget(&job);
            Ok(())
        })
    }

    fn pause_job(&self, job: JobName, paused: bool, now: UnixMicros) -> Reply<Option<JobCursor>> {
        self.change(now, |world| Ok(world.jobs.pause(&job, paused, now)))
    }

    fn report(&self, reports: Vec<AttemptReport>, now: UnixMicros) -> Reply<Vec<Result<Status, Rejected>>> {
        self.change(now, |world| Ok(reports.into_iter().map(|report| world.report(report, now)).collect()))
    }

    fn cancel(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, CancelRefused>> {
        self.change(now, |world| Ok(world.cancel(task, now)))
    }

    fn retry(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, ActionRefused>> {
        self.change(now, |world| Ok(world.act(task, Action::Retry, now)))
    }

    fn discard(&self, task: TaskId, now: UnixMicros) -> Reply<Result<Status, ActionRefused>> {
        self.change(now, |world| Ok(world.act(task, Action::Discard, now)))
    }

    fn sweep_dead(&self, sweep: Sweep, now: UnixMicros) -> Reply<u64> {
        self.change(now, |world| Ok(world.sweep_dead(&sweep, now)))
    }

    fn retain(&self, retentions: Retentions, now: UnixMicros) -> Reply<()> {
        self.change(now, |world| {
            world.retain(retentions);
            Ok(())
        })
    }

    fn offer(&self, offer: Offer, now: UnixMicros) -> Reply<()> {
        self.change(now, |world| {
            world.offer(offer);
            Ok(())
        })
    }

    fn running(&self) -> watch::Receiver<usize> {
        self.running.clone()
    }

    fn advance(&self, now: UnixMicros) -> Reply<()> {
        self.change(now, |world| {
            world.advance(now);
            Ok(())
        })
    }

    fn next_due(&self) -> watch::Receiver<Option<UnixMicros>> {
        self.next_due.clone()
    }

    fn queues(&self) -> Vec<QueueState> {
        self.inside().world.states_of_queues()
    }

    fn oldest_queued(&self) -> Result<Vec<(QueueName, UnixMicros)>, StoreError> {
        Ok(self.inside().world.oldest_queued())
    }

    fn pause_queue(&self, queue: QueueName, paused: bool, now: UnixMicros) -> Reply<()> {
        self.change(now, |world| {
            world.pause_queue(queue, paused, now);
            Ok(())
        })
    }

    fn task(&self, task: TaskId) -> Result<Option<TaskView>, StoreError> {
        Ok(self.inside().world.view(task))
    }

    fn list(&self, query: &TaskQuery, kinds: &[KindName]) -> Result<Page, StoreError> {
        Ok(self.inside().world.list(query, kinds))
    }

    fn log(&self, task: TaskId, after: u64) -> Result<Option<StoredLog>, StoreError> {
        Ok(self.inside().world.log(task, after))
    }

    fn failure(&self) -> watch::Receiver<Option<Arc<StoreError>>> {
        self.failure.clone()
    }

    fn close(&self) -> Reply<()> {
        let (answer, reply) = Reply::pending();
        let mut inside = self.inside();
        if !std::mem::replace(&mut inside.is_closed, true) {
            drop(answer.send(Ok(())));
        }
        reply
    }
}
