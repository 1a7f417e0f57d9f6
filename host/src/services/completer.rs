//! Moves what attempts report into the store, in batches, and tells them what became of it.
//!
//! Not here: choosing the next state (`taskhost_core::task::step`), publishing (`events`). Start at [`Completer::run`].

use std::sync::Arc;

use taskhost_core::duration::DurationText;
use taskhost_core::ids::{LeaseId, TaskId};
use taskhost_core::log::LogChunk;
use taskhost_core::task::{End, Rejected, Status};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use crate::chance::Chance;
use crate::clock::Clock;
use crate::plugins::{Executor, Outcome, Report};
use crate::store::{AttemptReport, Change, Ending, Failure, Reply, Store};

/// The service and what it works with.
#[derive(Debug)]
pub struct Completer {
    /// Where reports go.
    pub store: Arc<dyn Store>,
    /// Who has to hear of durable saves and lost leases.
    pub executor: Arc<dyn Executor>,
    /// When a report came.
    pub clock: Arc<dyn Clock>,
    /// Spreads the retries of many tasks.
    pub chance: Arc<Chance>,
}

/// A report that waits for the store's answer.
#[derive(Debug)]
struct Waits {
    task: TaskId,
    lease: LeaseId,
    what: Waiting,
    follow_ups: Vec<TaskId>,
    /// Where the attempt's log ends that is stored then, if anything of it is.
    logged: Option<u64>,
    /// Why the attempt failed, if it did.
    failure: Option<String>,
}

/// What was reported.
#[derive(Debug, Clone, Copy)]
enum Waiting {
    /// A save, with its ticket.
    Save(u64),
    /// Only lines of the log.
    Log,
    /// The end.
    End,
}

impl Completer {
    /// Serves reports until nobody can send any more.
    pub async fn run(self, mut reports: mpsc::UnboundedReceiver<Vec<Report>>) {
        while let Some(mut batch) = reports.recv().await {
            // What has gathered meanwhile shares the commit.
            while let Ok(more) = reports.try_recv() {
                batch.extend(more);
            }
            let mut waits: Vec<Waits> = batch.iter().map(waits).collect();
            let prepared: Vec<_> = batch.into_iter().map(|report| self.prepare(report)).collect();
            for (waits, report) in waits.iter_mut().zip(&prepared) {
                waits.failure = failure(report);
            }
            let reply = self.store.report(prepared, self.clock.now());
            tokio::spawn(tell(reply, waits, Arc::clone(&self.executor)));
        }
    }

    fn prepare(&self, report: Report) -> AttemptReport {
        match report {
            Report::Saved { task, lease, state, follow_ups, log, ticket: _ } => {
                AttemptReport { task, lease, change: Change::Checkpoint { state, follow_ups }, log }
            }
            Report::Logged { task, lease, log } => AttemptReport { task, lease, change: Change::Logged, log },
            Report::Ended { task, lease, generation, outcome, progress, follow_ups, log } => {
                let ending = Ending { progress, follow_ups, ..self.ending(outcome, generation) };
                AttemptReport { task, lease, change: Change::Ended(Box::new(ending)), log }
            }
        }
    }

    fn ending(&self, outcome: Outcome, generation: u32) -> Ending {
        let ended =
            |end| Ending { end, result: None, state: None, failure: None, progress: None, follow_ups: Vec::new() };
        let failed = |end, code: String, message: String| Ending {
            failure: Some(Failure { generation, code, message }),
            ..ended(end)
        };
        match outcome {
            Outcome::Done(result) => Ending { result: Some(result), ..ended(End::Done) },
            Outcome::Failed { fatal: true, code, message, delay: _ } => failed(End::FailedFatally, code, message),
            Outcome::Failed { fatal: false, delay, code, message } => {
                failed(End::Failed { delay, chance: self.chance.unit() }, code, message)
            }
            Outcome::Suspended { until, state } => Ending { state: Some(state), ..ended(End::Suspended(until)) },
            Outcome::RateLimited { until, message } => {
                debug!(reason = message, "An attempt was rate-limited.");
                ended(End::RateLimited(until))
            }
            // A cancelled attempt was asked to: `step` knows that, and makes the task cancelled.
            Outcome::Interrupted | Outcome::Cancelled => ended(End::Interrupted),
            Outcome::TimedOut(limit) => {
                let message = format!("timed out after {}", DurationText::from(limit).in_words());
                failed(End::TimedOut { chance: self.chance.unit() }, "timeout".to_owned(), message)
            }
        }
    }
}

fn waits(report: &Report) -> Waits {
    let (task, lease, what, follow_ups, log) = match report {
        Report::Saved { task, lease, ticket, follow_ups, log, .. } => {
            (*task, *lease, Waiting::Save(*ticket), follow_ups.as_slice(), log)
        }
        Report::Logged { task, lease, log } => (*task, *lease, Waiting::Log, [].as_slice(), log),
        Report::Ended { task, lease, follow_ups, log, .. } => (*task, *lease, Waiting::End, follow_ups.as_slice(), log),
    };
    let follow_ups = follow_ups.iter().map(|new| new.id).collect();
    Waits { task, lease, what, follow_ups, logged: log.last().map(LogChunk::end), failure: None }
}

fn failure(report: &AttemptReport) -> Option<String> {
    let Change::Ended(ending) = &report.change else { return None };
    ending.failure.as_ref().map(|failure| failure.message.clone())
}

/// A failure is worth a line: a person looks for what did not work in the log first.
fn tell_of_failure(task: TaskId, status: Status, error: &str) {
    if status == Status::Dead {
        warn!(task_id = %task, error, "The task is dead; its last attempt failed.");
    } else {
        info!(task_id = %task, %status, error, "An attempt failed.");
    }
}

async fn tell(reply: Reply<Vec<Result<Status, Rejected>>>, waits: Vec<Waits>, executor: Arc<dyn Executor>) {
    // A failed store ends the daemon; no attempt may go on as if its save were durable.
    let Ok(answers) = reply.await else { return };
    for (answer, Waits { task, lease, what, follow_ups, logged, failure }) in answers.into_iter().zip(waits) {
        if let Ok(status) = answer {
            if let Some(error) = failure {
                tell_of_failure(task, status, &error);
            }
            for follow_up in follow_ups {
                // After its end only a completed or suspended task keeps what it made.
                debug!(task_id = %follow_up, parent = %task, parent_status = %status, "A follow-up task was handed over.");
            }
        }
        match (answer, what) {
            (Ok(_), Waiting::Save(ticket)) => executor.saved(task, lease, ticket),
            (Ok(_), Waiting::Log | Waiting::End) => {}
            (Err(rejected), Waiting::Save(_)) => {
                warn!(task_id = %task, %rejected, "A checkpoint came too late.");
                executor.lease_lost(task, lease);
            }
            (Err(rejected), Waiting::Log) => {
                debug!(task_id = %task, %rejected, "Lines of a log came too late.");
                executor.lease_lost(task, lease);
            }
            (Err(rejected), Waiting::End) => warn!(task_id = %task, %rejected, "The end of an attempt came too late."),
        }
        if let (Ok(_), Waiting::Save(_) | Waiting::Log, Some(end)) = (answer, what, logged) {
            executor.logged(task, lease, end);
        }
    }
}
