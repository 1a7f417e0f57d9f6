//! Tasks that somebody asks for: checked one by one, then stored together.
//!
//! Not here: the checks (`submit`). Start at [`Host::submit`].

use taskhost_core::ids::{JobName, KindName, TaskId};
use taskhost_core::submit::NewTask;

use super::{Host, Submitted};
use crate::store::StoreError;
use crate::submit::{Params, SubmitError, Wishes};

/// A task that somebody asks for.
#[derive(Debug, Clone)]
pub struct Order {
    /// What runs.
    pub what: What,
    /// How; for a job these win where they say something.
    pub wishes: Wishes,
}

/// What a task runs.
#[derive(Debug, Clone)]
pub enum What {
    /// A kind, on these params.
    Kind(KindName, Params),
    /// What a job declares.
    Job(JobName),
}

/// A task that was checked and may be stored.
#[derive(Debug)]
pub struct Prepared(pub(super) NewTask);

impl Order {
    /// A kind on these params, with every default.
    pub fn kind(kind: KindName, params: Params) -> Self {
        Self { what: What::Kind(kind, params), wishes: Wishes::default() }
    }

    /// What a job declares, now.
    pub fn job(job: JobName) -> Self {
        Self { what: What::Job(job), wishes: Wishes::default() }
    }
}

impl Host {
    /// Checks a task, as plugins, queues and jobs are now.
    /// # Errors
    /// [`SubmitError`] if something about it will not do.
    pub fn prepare(&self, order: &Order) -> Result<Prepared, SubmitError> {
        let live = &self.0.live;
        let config = live.config();
        let intake = self.intake(&config);
        let task = match &order.what {
            What::Kind(kind, params) => intake.prepare(kind, params, &order.wishes)?,
            What::Job(job) => {
                let declared = live
                    .job(job)
                    .ok_or_else(|| SubmitError::UnknownJob { job: job.clone(), similar: live.closest_job(job) })?;
                intake.prepare_job(job, &declared.job, None, &order.wishes)?
            }
        };
        Ok(Prepared(task))
    }

    /// Stores tasks, all or none, in one commit; answers them in their order once they are durable.
    /// # Errors
    /// [`StoreError`] if the store has failed; nothing is stored then.
    /// # Cancel safety
    /// Dropping the future leaves either all of them stored or none.
    pub async fn store(&self, tasks: Vec<Prepared>) -> Result<Vec<Submitted>, StoreError> {
        let ids: Vec<_> = tasks.iter().map(|Prepared(task)| task.id).collect();
        let tasks = tasks.into_iter().map(|Prepared(task)| task).collect();
        let statuses = self.0.store.submit(tasks, self.now()).await?;
        Ok(ids.into_iter().zip(statuses).map(|(task, status)| Submitted { task, status }).collect())
    }

    /// Checks a task, stores it, and answers once it is durable.
    /// # Errors
    /// [`SubmitError`] if something about it will not do, or if the store has failed; nothing is stored then.
    /// # Cancel safety
    /// Dropping the future leaves the task either stored or not.
    pub async fn submit(&self, order: &Order) -> Result<Submitted, SubmitError> {
        self.store_one(self.prepare(order)?).await
    }

    /// As [`Host::submit`], under an id that [`Host::new_id`] made for it.
    /// # Errors
    /// As for [`Host::submit`].
    /// # Cancel safety
    /// As for [`Host::submit`].
    pub async fn submit_as(&self, id: TaskId, order: &Order) -> Result<Submitted, SubmitError> {
        let Prepared(task) = self.prepare(order)?;
        self.store_one(Prepared(NewTask { id, ..task })).await
    }

    async fn store_one(&self, task: Prepared) -> Result<Submitted, SubmitError> {
        let stored = self.store(vec![task]).await?;
        Ok(stored.into_iter().next().expect("a task that was stored is answered"))
    }

    /// An id for a task that is made later.
    pub fn new_id(&self) -> TaskId {
        self.0.chance.task_id(self.0.clock.now())
    }
}
