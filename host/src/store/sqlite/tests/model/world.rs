//! The model: tasks in a list, every change by `step`, every search by looking at all of them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use taskhost_core::ids::{LeaseId, TaskId};
use taskhost_core::retention::Retention;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Event, Rejected, Status, Step, TaskState, step};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{AttemptError, StatusCounts, TaskView};

use super::nth;
use crate::store::{Action, ActionRefused, AttemptReport, CancelRefused, Change, Ending, Failure};

/// A store as it should be.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) now: UnixMicros,
    /// Every task that ever was, in the order of insertion.
    pub(super) ids: Vec<TaskId>,
    /// What the latest call claims: lease, attempt, checkpoint, follow-ups.
    pub(super) claims: HashMap<TaskId, (LeaseId, u32, Vec<u8>, u32)>,
    /// What the latest call tells to stop.
    pub(super) told: Vec<(TaskId, LeaseId)>,
    tasks: HashMap<TaskId, Kept>,
    slots: HashMap<String, usize>,
    kinds: HashSet<String>,
    paused: HashSet<String>,
    pub(super) retention: Retention,
}

#[derive(Debug)]
struct Kept {
    view: TaskView,
    checkpoint: Vec<u8>,
    follow_ups: u32,
}

impl Kept {
    fn queue(&self) -> &str {
        self.view.submitted.queue.as_str()
    }

    fn apply(&mut self, event: Event, now: UnixMicros) -> Result<Status, Rejected> {
        let Step::Kept(next) = step(&self.view.task, event, now)? else { panic!("no call here deletes a task") };
        self.view.task = next;
        self.view.held &= next.status() == Status::Queued;
        Ok(next.status())
    }

    /// When it is to be deleted.
    fn prune_at(&self, retention: &Retention) -> Option<UnixMicros> {
        let kept = match self.view.task.status() {
            Status::Dead => retention.dead,
            Status::Cancelled => retention.cancelled,
            _completed => retention.completed,
        };
        Some(self.view.task.state.finished_at()?.saturating_add(kept))
    }
}

impl World {
    pub(super) fn nth(&self, which: proptest::sample::Index) -> Option<TaskId> {
        nth(&self.ids, which)
    }

    pub(super) fn view(&self, task: TaskId) -> Option<TaskView> {
        let mut view = self.tasks.get(&task)?.view.clone();
        // A view shows the expiry that still holds.
        view.submitted.expires_at = view.task.expires_at;
        Some(view)
    }

    pub(super) fn kept(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn running(&self) -> usize {
        self.all(|kept| kept.view.task.status() == Status::Running).len()
    }

    fn all(&self, which: impl Fn(&Kept) -> bool) -> Vec<TaskId> {
        self.ids.iter().filter(|id| self.tasks.get(id).is_some_and(&which)).copied().collect()
    }

    pub(super) fn submit(&mut self, tasks: Vec<NewTask>) -> Vec<Status> {
        let mut waits = HashSet::new();
        let statuses = tasks.into_iter().map(|new| self.insert(new, &mut waits)).collect();
        self.fill();
        statuses
    }

    /// A task starts at once if it meets a free slot and nothing of its batch waits before it.
    fn insert(&mut self, new: NewTask, waits: &mut HashSet<String>) -> Status {
        let task = taskhost_core::task::Task::submitted(new.retry, new.run_at, new.expires_at, self.now);
        let (id, queue, kind) = (new.id, new.queue.to_string(), new.kind.to_string());
        let held = task.status() == Status::Queued && !self.kinds.contains(&kind);
        let view = TaskView {
            submitted: new,
            task,
            created_at: self.now,
            started_at: None,
            attempted_by: Vec::new(),
            result: None,
            errors: Vec::new(),
            progress: None,
            held,
        };
        self.ids.push(id);
        self.tasks.insert(id, Kept { view, checkpoint: Vec::new(), follow_ups: 0 });
        if task.status() == Status::Queued {
            let expired = task.expires_at.is_some_and(|expires_at| expires_at <= self.now);
            if held || expired || self.free(&queue) == 0 || waits.contains(&queue) {
                waits.insert(queue);
            } else {
                self.claim(id);
            }
        }
        task.status()
    }

    pub(super) fn offer(&mut self, slots: &[(&str, u32)], kinds: &[&str]) {
        self.slots = slots.iter().map(|(name, slots)| ((*name).to_owned(), *slots as usize)).collect();
        self.kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        for kept in self.tasks.values_mut() {
            kept.view.held &= !self.kinds.contains(kept.view.submitted.kind.as_str());
        }
        self.fill();
    }

    fn free(&self, queue: &str) -> usize {
        if self.paused.contains(queue) {
            return 0;
        }
        let running = self.all(|kept| kept.queue() == queue && kept.view.task.status() == Status::Running);
        self.slots.get(queue).copied().unwrap_or(0).saturating_sub(running.len())
    }

    fn fill(&mut self) {
        for queue in self.slots.keys().cloned().collect::<Vec<_>>() {
            while self.free(&queue) > 0 {
                let Some(first) = self.first_waiting(&queue) else { break };
                self.claim(first);
            }
        }
    }

    fn first_waiting(&self, queue: &str) -> Option<TaskId> {
        let key = |id: &TaskId| {
            let view = &self.tasks[id].view;
            let TaskState::Queued { ready_at } = view.task.state else { return None };
            Some((view.submitted.priority, ready_at))
        };
        // The first of equals is the one that was inserted first.
        let waiting = self.all(|kept| kept.queue() == queue && !kept.view.held);
        waiting.into_iter().filter(|id| key(id).is_some()).min_by_key(key)
    }

    /// Takes a queued task, unless it came too late or its kind is away.
    fn claim(&mut self, id: TaskId) {
        let now = self.now;
        let kept = self.tasks.get_mut(&id).unwrap();
        if kept.view.task.expires_at.is_some_and(|expires_at| expires_at <= now) {
            kept.apply(Event::Expired, now).unwrap();
        } else if self.kinds.contains(kept.view.submitted.kind.as_str()) {
            let lease = kept.view.task.lease.next();
            kept.apply(Event::Claimed(lease), now).unwrap();
            kept.view.started_at = Some(now);
            kept.view.attempted_by = vec!["here".to_owned()];
            self.claims.insert(id, (lease, kept.view.task.attempt, kept.checkpoint.clone(), kept.follow_ups));
        } else {
            kept.view.held = true;
        }
    }

    pub(super) fn report(&mut self, reports: &[AttemptReport]) -> Vec<Result<Status, Rejected>> {
        let answers = reports.iter().map(|report| self.report_one(report)).collect();
        self.fill();
        answers
    }

    fn report_one(&mut self, report: &AttemptReport) -> Result<Status, Rejected> {
        let (lease, now) = (report.lease, self.now);
        let gone = Rejected::StaleLease { carried: lease, held: lease.next() };
        let kept = self.tasks.get_mut(&report.task).ok_or(gone)?;
        let made = match &report.change {
            Change::Checkpoint { state, follow_ups } => {
                kept.apply(Event::Checkpointed(lease), now)?;
                kept.checkpoint.clone_from(state);
                follow_ups.clone()
            }
            Change::Ended(ending) => {
                let status = kept.apply(Event::Ended(lease, ending.end), now)?;
                kept.end(ending, now);
                let suspended = status == Status::Scheduled && matches!(ending.end, End::Suspended(_));
                if status == Status::Completed || suspended { ending.follow_ups.clone() } else { Vec::new() }
            }
            Change::Logged => {
                step(&kept.view.task, Event::Checkpointed(lease), now)?;
                Vec::new()
            }
        };
        kept.follow_ups += u32::try_from(made.len()).unwrap();
        let status = kept.view.task.status();
        for new in made {
            // They get in line: the end of the call fills the slots.
            let mut waits = HashSet::from([new.queue.to_string()]);
            self.insert(new, &mut waits);
        }
        Ok(status)
    }

    pub(super) fn cancel(&mut self, task: TaskId) -> Result<Status, CancelRefused> {
        let kept = self.tasks.get_mut(&task).ok_or(CancelRefused::Unknown)?;
        let status = kept.apply(Event::CancelAsked, self.now)?;
        if status == Status::Running {
            self.told.push((task, kept.view.task.lease));
        }
        Ok(status)
    }

    pub(super) fn pause(&mut self, queue: &str, paused: bool) {
        if paused {
            self.paused.insert(queue.to_owned());
        } else {
            self.paused.remove(queue);
        }
        self.fill();
    }

    pub(super) fn is_paused(&self, queue: &str) -> bool {
        self.paused.contains(queue)
    }

    /// How many tasks of a queue stand in each status.
    pub(super) fn counts(&self, queue: &str) -> StatusCounts {
        let mut counts = StatusCounts::default();
        for kept in self.tasks.values().filter(|kept| kept.queue() == queue) {
            counts.add(kept.view.task.status(), 1);
        }
        counts
    }

    /// Since when the oldest queued task of a queue waits.
    pub(super) fn oldest(&self, queue: &str) -> Option<UnixMicros> {
        let of_queue = self.tasks.values().filter(|kept| kept.queue() == queue);
        let ready_at =
            |kept: &Kept| if let TaskState::Queued { ready_at } = kept.view.task.state { Some(ready_at) } else { None };
        of_queue.filter_map(ready_at).min()
    }

    pub(super) fn retry(&mut self, task: TaskId) -> Result<Status, ActionRefused> {
        let status = self.retry_one(task)?;
        self.fill();
        Ok(status)
    }

    fn retry_one(&mut self, task: TaskId) -> Result<Status, ActionRefused> {
        let kept = self.tasks.get_mut(&task).ok_or(ActionRefused::Unknown)?;
        let was_completed = kept.view.task.status() == Status::Completed;
        let status = kept.apply(Event::RetryAsked, self.now)?;
        if was_completed {
            (kept.view.result, kept.view.progress) = (None, None);
        }
        Ok(status)
    }

    pub(super) fn discard(&mut self, task: TaskId) -> Result<Status, ActionRefused> {
        let kept = self.tasks.get(&task).ok_or(ActionRefused::Unknown)?;
        step(&kept.view.task, Event::DiscardAsked, self.now)?;
        self.tasks.remove(&task);
        Ok(Status::Dead)
    }

    pub(super) fn sweep(&mut self, action: Action) -> u64 {
        let dead = self.all(|kept| kept.view.task.status() == Status::Dead);
        for task in &dead {
            let acted = match action {
                Action::Retry => self.retry_one(*task),
                Action::Discard => self.discard(*task),
            };
            acted.unwrap();
        }
        self.fill();
        dead.len() as u64
    }

    pub(super) fn advance(&mut self, now: UnixMicros) {
        self.now = now;
        self.tasks.retain(|_, kept| kept.prune_at(&self.retention).is_none_or(|prune_at| prune_at > now));
        for kept in self.tasks.values_mut() {
            for event in [Event::Due, Event::Expired] {
                // What is not due says so.
                kept.apply(event, now).ok();
            }
        }
        self.fill();
    }

    /// When `advance` would do something.
    pub(super) fn next_due(&self) -> Option<UnixMicros> {
        let times = self.tasks.values().flat_map(|kept| {
            let prune_at =
                kept.prune_at(&self.retention).map(|prune_at| prune_at.saturating_add(Duration::from_mins(1)));
            [kept.view.task.state.due_at(), kept.view.task.expires_at, prune_at]
        });
        times.flatten().min()
    }

    /// The daemon dies and another starts: what ran is given back. Answers how many tasks that were.
    pub(super) fn crash(&mut self) -> usize {
        self.slots.clear();
        self.kinds.clear();
        let running = self.all(|kept| kept.view.task.status() == Status::Running);
        for id in &running {
            let kept = self.tasks.get_mut(id).unwrap();
            let (end, follow_ups) = (End::LeaseLost, Vec::new());
            let lost = Ending { end, result: None, state: None, failure: None, progress: None, follow_ups };
            kept.apply(Event::Ended(kept.view.task.lease, lost.end), self.now).unwrap();
            kept.end(&lost, self.now);
        }
        running.len()
    }
}

impl Kept {
    /// What an end leaves behind.
    fn end(&mut self, ending: &Ending, now: UnixMicros) {
        let status = self.view.task.status();
        if status == Status::Completed {
            self.view.result.clone_from(&ending.result);
            self.checkpoint.clear();
        }
        if let Some(state) = &ending.state {
            self.checkpoint.clone_from(state);
        }
        if ending.progress.is_some() {
            self.view.progress.clone_from(&ending.progress);
        }
        let by_rule = || Failure {
            generation: 0,
            code: "no-headway".to_owned(),
            message: "it was interrupted, suspended or rate-limited too often without getting further".to_owned(),
        };
        let fails = matches!(status, Status::Retrying | Status::Dead);
        if let Some(failure) = ending.failure.clone().or_else(|| fails.then(by_rule)) {
            let Failure { generation, code, message } = failure;
            let (attempt, host) = (self.view.task.attempt, "here".to_owned());
            self.view.errors.push(AttemptError { attempt, at: now, host, generation, code, message });
        }
    }
}
