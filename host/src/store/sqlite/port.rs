//! The port, call by call: what writes goes to the writer's inbox, what reads is read beside it.

use std::sync::{Arc, PoisonError};

use taskhost_core::ids::{JobName, KindName, QueueName, TaskId};
use taskhost_core::once::Once;
use taskhost_core::query::TaskQuery;
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Rejected, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{Page, TaskView};
use tokio::sync::watch;

use super::command::{Answer, Command, Reports};
use super::jobs::JobCommand;
use super::{SqliteStore, error, health, jobs, list, log, once, queues, reader};
use crate::store::{
    Action, ActionRefused, AttemptReport, CancelRefused, Firing, Inserted, JobCursor, JobSighting, Kept, KeptJob,
    KeyReused, Offer, QueueState, Reply, Rest, Store, StoreError, StoreSizes, StoredLog, Sweep,
};

impl SqliteStore {
    fn ask<T>(&self, now: UnixMicros, command: impl FnOnce(Answer<T>) -> Command) -> Reply<T> {
        let (answer, reply) = Answer::pending();
        self.inbox.put(command(answer), now);
        reply
    }

    fn ask_of_jobs<T>(&self, now: UnixMicros, command: impl FnOnce(Answer<T>) -> JobCommand) -> Reply<T> {
        self.ask(now, |answer| Command::Job(command(answer)))
    }
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

    fn pause_job(&self, job: JobName, paused: bool, now: UnixMicros) -> Reply<Option<JobCursor>> {
        self.ask_of_jobs(now, |answer| JobCommand::Pause(job, paused, answer))
    }

    fn report(&self, reports: Vec<AttemptReport>, now: UnixMicros) -> Reply<Vec<Result<Status, Rejected>>> {
        let (answer, reply) = Answer::pending();
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
        self.ask(now, |answer| Command::Retain(Box::new(retentions.into()), answer))
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

    fn sizes(&self) -> Option<StoreSizes> {
        Some(health::sizes(self.path.as_ref()))
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

    fn refusing(&self) -> watch::Receiver<Option<Arc<StoreError>>> {
        self.refusing.clone()
    }

    fn close(&self) -> Reply<()> {
        self.ask(UnixMicros::default(), Command::Close)
    }
}
