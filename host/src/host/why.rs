//! Why a task stands where it stands, in a sentence for people: the same in every face.
//!
//! Not here: the words for programs (`TaskReport::reason`). Start at [`Host::why`].

use taskhost_core::ids::{QueueName, TaskId};
use taskhost_core::task::{CancelReason, DeadReason, Status, TaskState, WaitReason};

use super::{Host, Phase, QueueReport, StoreError, TaskReport};

/// Why a task stands where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Where it stands.
    pub status: Status,
    /// Why, in a sentence.
    pub text: String,
    /// What to do about it, if something can be done.
    pub hint: Option<String>,
}

impl Host {
    /// Says why a task stands where it stands; none if no such task is kept.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub async fn why(&self, task: TaskId) -> Result<Option<Why>, StoreError> {
        let Some(report) = self.task(task).await? else { return Ok(None) };
        let status = report.view.task.status();
        let (text, hint) = match status {
            Status::Queued => {
                let queues = self.queues().await?;
                let queue = queues.iter().find(|queue| queue.name == report.view.submitted.queue);
                why_queued(&report, queue, self.phase())
            }
            _ => (why(&report), next_step(&report)),
        };
        Ok(Some(Why { status, text, hint }))
    }
}

/// Why a task waits that could start.
fn why_queued(report: &TaskReport, queue: Option<&QueueReport>, phase: Phase) -> (String, Option<String>) {
    if let Some(held) = report.reason.as_deref().and_then(|reason| reason.strip_prefix("held: ")) {
        return (format!("It is held: {held}."), Some("`taskhost plugins list` shows what is loaded".to_owned()));
    }
    if phase == Phase::Draining {
        return ("The daemon stops and starts nothing new; the task goes on at the next start.".to_owned(), None);
    }
    let name = &report.view.submitted.queue;
    match queue {
        None => (format!("It waits for its turn in the queue `{name}`."), None),
        Some(QueueReport { paused_since: Some(since), .. }) => (
            format!("Its queue `{name}` has been paused since {since}."),
            Some(format!("`taskhost queues resume {name}` lets it go on")),
        ),
        Some(queue) => why_in_line(name, queue),
    }
}

fn why_in_line(name: &QueueName, queue: &QueueReport) -> (String, Option<String>) {
    let (running, queued) = (queue.counts.get(Status::Running), queue.counts.get(Status::Queued));
    let oldest = queue.oldest_queued_at.map(|since| format!(", the oldest since {since}")).unwrap_or_default();
    let line = format!("{queued} wait there{oldest}");
    if running >= u64::from(queue.concurrency) {
        let text = format!("All {} slots of its queue `{name}` are taken; {line}.", queue.concurrency);
        return (text, Some(format!("`concurrency` in [queues.{name}] gives it more")));
    }
    (format!("Its turn comes: {running} of {} slots of its queue `{name}` are taken, {line}.", queue.concurrency), None)
}

/// Why a task is where it is, if it is not queued.
fn why(report: &TaskReport) -> String {
    let task = &report.view.task;
    let error = report.view.errors.last().map(|error| format!(": {}", error.message)).unwrap_or_default();
    let attempt = format!("attempt {} of {}", task.attempt, task.attempts_max);
    match task.state {
        TaskState::Scheduled { due_at, reason: WaitReason::Delayed } => format!("It is due at {due_at}."),
        TaskState::Scheduled { due_at, reason: WaitReason::Suspended } => format!("It asked to go on at {due_at}."),
        TaskState::Scheduled { due_at, reason: WaitReason::RateLimited } => {
            format!("What it works with asked to slow down; it goes on at {due_at}.")
        }
        TaskState::Blocked { parent_dead: false, .. } => "It waits for other tasks to end.".to_owned(),
        TaskState::Blocked { parent_dead: true, .. } => "It waits for a task that is dead.".to_owned(),
        TaskState::Queued { ready_at } => format!("It has been ready since {ready_at}."),
        TaskState::Running { .. } if report.reason.as_deref() == Some("not responding") => {
            "It was told to stop, its time for that is over, and it does not respond.".to_owned()
        }
        TaskState::Running { cancelling: true, .. } => "It was asked to stop and runs on.".to_owned(),
        TaskState::Running { started_at, .. } => format!("It has been running since {started_at}, {attempt}."),
        TaskState::Retrying { due_at } => format!("Its {attempt} failed{error}; the next one is due at {due_at}."),
        TaskState::Completed { at } => format!("It completed at {at}."),
        TaskState::Cancelled { at, reason: CancelReason::Asked } => format!("Somebody cancelled it at {at}."),
        TaskState::Cancelled { at, reason: CancelReason::Expired } => {
            format!("It was cancelled at {at}: it had not started in time.")
        }
        TaskState::Cancelled { at, reason: CancelReason::ParentFailed } => {
            format!("It was cancelled at {at}: a task that it waited for failed.")
        }
        TaskState::Dead { at, reason: DeadReason::Fatal } => {
            format!("It died at {at} of a failure that no further attempt can mend{error}.")
        }
        TaskState::Dead { at, reason: DeadReason::AttemptsSpent } => {
            format!("It died at {at}, when the last of its {} attempts had failed{error}.", task.attempts_max)
        }
    }
}

fn next_step(report: &TaskReport) -> Option<String> {
    let id = report.view.id();
    match report.view.task.status() {
        Status::Dead => Some(format!("`taskhost tasks retry {id}` gives it one more attempt")),
        Status::Scheduled
        | Status::Blocked
        | Status::Queued
        | Status::Running
        | Status::Retrying
        | Status::Completed
        | Status::Cancelled => None,
    }
}
