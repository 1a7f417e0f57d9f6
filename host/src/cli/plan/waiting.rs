//! How many tasks wait that an edit concerns, as the running daemon knows.
//!
//! Start at [`Waiting::ask`].

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use taskhost_core::config::{Changes, Diff};
use taskhost_core::ids::{JobName, QueueName};

use crate::cli::client::Client;
use crate::cli::failure::Failure;

/// For how many jobs the daemon is asked, and for how many pages of tasks of each: a plan is to be there at once.
const JOBS_MAX: usize = 100;
const PAGES_MAX: usize = 10;

/// How many tasks wait, of each job and in each queue that an edit changes or removes.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) jobs: BTreeMap<JobName, Count>,
    pub(super) queues: BTreeMap<QueueName, Count>,
}

/// A number of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) tasks: u64,
    /// There may be more.
    pub(super) is_least: bool,
}

/// `12 waiting tasks`.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = if self.is_least { "at least " } else { "" };
        let ending = if self.tasks == 1 { "" } else { "s" };
        write!(f, "{least}{} waiting task{ending}", self.tasks)
    }
}

#[derive(Debug, Deserialize)]
struct Tasks {
    tasks: Vec<serde::de::IgnoredAny>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Queues {
    queues: Vec<Queue>,
}

#[derive(Debug, Deserialize)]
struct Queue {
    name: QueueName,
    counts: Counts,
}

#[derive(Debug, Deserialize)]
struct Counts {
    scheduled: u64,
    blocked: u64,
    queued: u64,
    retrying: u64,
}

impl Waiting {
    /// Asks for what the edit changes or removes.
    pub(super) async fn ask(client: &Client, diff: &Diff) -> Result<Self, Failure> {
        let mut waiting = Self::default();
        for job in concerned(&diff.jobs).take(JOBS_MAX) {
            waiting.jobs.insert(job.clone(), of_job(client, job).await?);
        }
        if concerned(&diff.queues).next().is_some() {
            let Queues { queues } = client.get("/api/v1/queues").await?.read()?;
            for Queue { name, counts } in queues {
                let Counts { scheduled, blocked, queued, retrying } = counts;
                let tasks = scheduled + blocked + queued + retrying;
                waiting.queues.insert(name, Count { tasks, is_least: false });
            }
        }
        Ok(waiting)
    }
}

fn concerned<N>(changes: &Changes<N>) -> impl Iterator<Item = &N> {
    changes.changed.iter().map(|(name, _)| name).chain(&changes.removed)
}

async fn of_job(client: &Client, job: &JobName) -> Result<Count, Failure> {
    let all = format!("/api/v1/tasks?job={job}&status=scheduled,blocked,queued,retrying&limit=200");
    let (mut path, mut count) = (all.clone(), Count { tasks: 0, is_least: true });
    for _ in 0..PAGES_MAX {
        let Tasks { tasks, next_cursor } = client.get(&path).await?.read()?;
        count.tasks += tasks.len() as u64;
        match next_cursor {
            Some(cursor) => path = format!("{all}&cursor={cursor}"),
            None => return Ok(Count { is_least: false, ..count }),
        }
    }
    Ok(count)
}
