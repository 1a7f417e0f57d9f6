//! Hands what was claimed to the plugins, in the order of the claims, and tells running attempts to cancel.
//!
//! Start at [`run`].

use std::sync::Arc;

use serde::Serialize;
use taskhost_core::ids::{JobName, QueueName};
use taskhost_core::time::UnixMicros;
use tokio::sync::mpsc;

use crate::plugins::{Attempt, Executor, Kind, Kinds, Outcome, Report};
use crate::store::{Assignment, Claimed};

/// Serves assignments until the store is closed.
pub async fn run(
    mut assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
    kinds: Arc<dyn Kinds>,
    executor: Arc<dyn Executor>,
    reports: mpsc::UnboundedSender<Vec<Report>>,
) {
    while let Some(assigned) = assignments.recv().await {
        let mut attempts = Vec::with_capacity(assigned.len());
        let mut unknown = Vec::new();
        for assignment in assigned {
            match assignment {
                Assignment::Start(claimed) => match kinds.find(&claimed.kind) {
                    Some(kind) => attempts.push(attempt(*claimed, kind)),
                    None => unknown.push(given_back(&claimed)),
                },
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
        if !unknown.is_empty() && reports.send(unknown).is_err() {
            return;
        }
    }
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

/// The kind left between the claim and now: the task goes back, and is held.
fn given_back(claimed: &Claimed) -> Report {
    let (task, lease) = (claimed.id, claimed.lease);
    let (outcome, follow_ups) = (Outcome::Interrupted, Vec::new());
    Report::Ended { task, lease, generation: 0, outcome, progress: None, follow_ups, log: Vec::new() }
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
        context: serde_json::to_vec(&context).expect("names and times are JSON"),
        params: claimed.params,
        state: claimed.state,
        timeout: claimed.timeout,
        follow_ups: claimed.follow_ups,
    }
}
