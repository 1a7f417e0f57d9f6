//! Hands what was claimed to the plugins, in the order of the claims, and tells running attempts to cancel.
//!
//! Params with references to secrets get their values first, beside all others. Start at [`run`].

mod resolving;
#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;

use serde::Serialize;
use taskhost_core::ids::{JobName, LeaseId, QueueName, TaskId};
use taskhost_core::time::UnixMicros;
use tokio::sync::mpsc;

use self::resolving::{Resolved, Resolving};
use crate::plugins::{Attempt, Executor, Kind, Kinds, Outcome, Report};
use crate::secrets::Reads;
use crate::store::{Assignment, Claimed};

/// Serves assignments until the store is closed. Once `stopping` ends, what waits for its secrets is given back at once.
pub async fn run(
    mut assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
    kinds: Arc<dyn Kinds>,
    executor: Arc<dyn Executor>,
    secrets: Arc<Reads>,
    reports: mpsc::UnboundedSender<Vec<Report>>,
    stopping: impl Future<Output = ()>,
) {
    let mut resolving = Resolving::new(secrets);
    let (mut stopping, mut is_stopping) = (pin!(stopping), false);
    loop {
        let undone = tokio::select! {
            assigned = assignments.recv() => {
                let Some(assigned) = assigned else { return };
                let mut undone = assign(assigned, &*kinds, &*executor, &mut resolving);
                if is_stopping {
                    undone.extend(resolving.give_back());
                }
                undone
            }
            () = &mut stopping, if !is_stopping => {
                is_stopping = true;
                resolving.give_back()
            }
            Some(resolved) = resolving.next() => go_on(resolved, &*executor),
        };
        if !undone.is_empty() && reports.send(undone).is_err() {
            return;
        }
    }
}

/// Starts and cancels, in order; answers what cannot be started.
fn assign(
    assigned: Vec<Assignment>,
    kinds: &dyn Kinds,
    executor: &dyn Executor,
    resolving: &mut Resolving,
) -> Vec<Report> {
    let mut attempts = Vec::with_capacity(assigned.len());
    let mut undone = Vec::new();
    for assignment in assigned {
        match assignment {
            Assignment::Start(claimed) => match kinds.find(&claimed.kind) {
                Some(kind) if claimed.refers => resolving.begin(attempt(*claimed, kind)),
                Some(kind) => attempts.push(attempt(*claimed, kind)),
                // The kind left between the claim and now: the task goes back, and is held.
                None => undone.push(ended(claimed.id, claimed.lease, 0, Outcome::Interrupted)),
            },
            Assignment::Cancel(task, lease) if resolving.cancel(task, lease) => {}
            Assignment::Cancel(task, lease) => {
                // In order: what is cancelled was started before.
                executor.start(std::mem::take(&mut attempts));
                executor.cancel(task, lease);
            }
        }
    }
    if !attempts.is_empty() {
        executor.start(attempts);
    }
    undone
}

/// Starts an attempt that has its secrets, or answers that it failed without them.
fn go_on(resolved: Resolved, executor: &dyn Executor) -> Vec<Report> {
    let Resolved { attempt, failure, is_cancelled } = resolved;
    let (task, lease, generation) = (attempt.task, attempt.lease, attempt.kind.generation);
    match failure {
        Some(_) if is_cancelled => vec![ended(task, lease, generation, Outcome::Cancelled)],
        Some(failure) => vec![ended(task, lease, generation, failure)],
        None => {
            executor.start(vec![attempt]);
            if is_cancelled {
                executor.cancel(task, lease);
            }
            Vec::new()
        }
    }
}

fn ended(task: TaskId, lease: LeaseId, generation: u32, outcome: Outcome) -> Report {
    Report::Ended { task, lease, generation, outcome, progress: None, follow_ups: Vec::new(), log: Vec::new() }
}

/// What a plugin may know of its attempt beside the params.
#[derive(Serialize)]
struct AttemptContext<'a> {
    max_attempts: u32,
    queue: &'a QueueName,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a JobName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nominal_at: Option<UnixMicros>,
}

fn attempt(claimed: Claimed, kind: Arc<Kind>) -> Attempt {
    let context = AttemptContext {
        max_attempts: claimed.attempts_max,
        queue: &claimed.queue,
        job: claimed.job.as_ref(),
        nominal_at: claimed.nominal_at,
    };
    Attempt {
        task: claimed.id,
        lease: claimed.lease,
        attempt: claimed.attempt,
        kind,
        queue: claimed.queue.clone(),
        context: serde_json::to_vec(&context).expect("names and times are JSON"),
        params: claimed.params,
        state: claimed.state,
        timeout: claimed.timeout,
        follow_ups: claimed.follow_ups,
    }
}
