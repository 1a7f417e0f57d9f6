//! A history in the making: calls on both sides, the attempts that the host knows of, and the tasks that ever were.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use proptest::sample::Index;
use taskhost_core::ids::{JobName, KindName, LeaseId, QueueName, TaskId};
use taskhost_core::log::LogChunk;
use taskhost_core::once::{IdempotencyKey, Once};
use taskhost_core::query::{PageLimit, SearchText, TaskFilter, TaskQuery};
use taskhost_core::retention::{Retention, Retentions};
use taskhost_core::retry::RetryPolicy;
use taskhost_core::submit::{NewTask, Origin};
use taskhost_core::task::{End, Status};
use taskhost_core::view::Progress;

use super::super::{after, failure};
use super::call::{Call, Filter, How, JobCall, KINDS, Lines, QUEUES, Report, Saying, Shape, Text};
use super::sides::Sides;
use crate::store::{AttemptReport, Change, Claimed, Ending, Firing, JobSighting, KeptJob, Offer, Sweep};

/// All tasks are looked at after so many calls; between, those of which something was told.
const LOOK_AT_ALL: usize = 8;

pub(super) struct History {
    sides: Sides,
    start: taskhost_core::time::UnixMicros,
    calls: usize,
    /// Every task that was ever to be inserted.
    ids: Vec<TaskId>,
    attempts: Vec<Claimed>,
    /// How many lines each attempt has said.
    places: HashMap<(TaskId, LeaseId), u64>,
    retentions: Retentions,
}

impl History {
    pub(super) fn new(sides: Sides) -> Self {
        let start = sides.store.now;
        let (ids, attempts, places) = (Vec::new(), Vec::new(), HashMap::new());
        let mut history = Self { sides, start, calls: 0, ids, attempts, places, retentions: Retentions::default() };
        // Every queue is known from the beginning.
        history.play(&Call::Offer { slots: QUEUES.iter().map(|queue| (*queue, 2)).collect(), kinds: KINDS.to_vec() });
        history
    }

    /// Makes a call on both sides, and compares all that can be seen.
    pub(super) fn play(&mut self, call: &Call) {
        self.make(call);
        self.attempts.extend(self.sides.same_assignments(call));
        let told = self.sides.same_told(call);
        self.sides.same_surface(call);
        self.calls += 1;
        if self.calls.is_multiple_of(LOOK_AT_ALL) {
            self.same_tasks(&self.ids, call);
        } else {
            self.same_tasks(&told, call);
        }
    }

    pub(super) fn end(&self) {
        self.same_tasks(&self.ids, &"the end");
        self.sides.same_jobs(&"the end");
        self.sides.store.check_ground();
    }

    fn same_tasks(&self, tasks: &[TaskId], what: &dyn Debug) {
        for task in tasks {
            self.sides.same_task(*task, what);
        }
    }

    fn make(&mut self, call: &Call) {
        match call {
            Call::Submit(shapes) => {
                let tasks = self.tasks(shapes);
                self.sides.call(call, |store, now| store.submit(tasks.clone(), now)).ok();
            }
            Call::SubmitOnce { key, fingerprint, shapes } => {
                let once = Once { key: IdempotencyKey::new(key).expect("a key"), fingerprint: [*fingerprint; 32] };
                let now = self.sides.store.now;
                self.sides.read(call, |store| store.submitted_once(&once, now).expect("it can be read"));
                let tasks = self.tasks(shapes);
                self.sides.call(call, |store, now| store.submit_once(tasks.clone(), once.clone(), now)).ok();
                self.sides.read(call, |store| store.submitted_once(&once, now).expect("it can be read"));
            }
            Call::Offer { slots, kinds } => {
                let slots = slots.iter().map(|(queue, slots)| (queue_name(queue), *slots)).collect();
                let offer = Offer { slots, kinds: kinds.iter().map(|kind| kind_name(kind)).collect() };
                self.works(call, |store, now| store.offer(offer.clone(), now));
            }
            Call::Report(reports) => self.report(call, reports),
            Call::Cancel(task) => {
                if let Some(task) = self.nth(*task) {
                    self.works(call, |store, now| store.cancel(task, now)).ok();
                }
            }
            Call::Retry(task) => {
                if let Some(task) = self.nth(*task) {
                    self.works(call, |store, now| store.retry(task, now)).ok();
                }
            }
            Call::Discard(task) => {
                if let Some(task) = self.nth(*task) {
                    self.works(call, |store, now| store.discard(task, now)).ok();
                }
            }
            Call::Pause(queue, paused) => {
                self.works(call, |store, now| store.pause_queue(queue_name(queue), *paused, now));
            }
            Call::Sweep(action, filter) => {
                let sweep = Sweep { action: *action, filter: self.filter(filter), kinds: vec![kind_name(KINDS[0])] };
                self.works(call, |store, now| store.sweep_dead(sweep.clone(), now));
            }
            Call::Retain(usual, of_queue) => {
                let of_queue = of_queue.map(|kept| (queue_name(QUEUES[1]), retention(kept)));
                self.retentions = Retentions { usual: retention(*usual), of_queues: of_queue.into_iter().collect() };
                self.works(call, |store, now| store.retain(self.retentions.clone(), now));
            }
            Call::Job(job) => self.job(call, job),
            Call::List { statuses, filter, limit } => {
                let (statuses, filter) = (statuses.clone(), self.filter(filter));
                let limit = PageLimit::new(*limit).expect("within its bounds");
                self.sides.same_list(&TaskQuery { statuses, filter, after: None, limit });
            }
            Call::Pass(time) => {
                self.sides.set_clock(after(self.sides.store.now, *time));
                self.sides.advance();
            }
            Call::SetClock(time) => self.sides.set_clock(after(self.start, *time)),
            Call::Crash => self.sides.crash(&self.retentions),
        }
    }

    /// A call that no store may refuse.
    fn works<T: Debug + PartialEq>(
        &self,
        what: &Call,
        call: impl Fn(&dyn crate::store::Store, taskhost_core::time::UnixMicros) -> crate::store::Reply<T>,
    ) -> T {
        self.sides.call(what, call).expect("both work")
    }

    fn job(&mut self, call: &Call, job: &JobCall) {
        match job {
            JobCall::Fire { job, schedule, after: later, shape } => {
                let cursor = after(self.sides.store.now, *later);
                let task = self.task(shape);
                let firing = Firing { job: job_name(job), schedule: (*schedule).to_owned(), cursor, task };
                self.works(call, |store, now| store.fire(firing.clone(), now));
            }
            JobCall::Adopt(jobs, rest) => {
                let sighting = |(job, schedule): &(&str, &str)| JobSighting {
                    job: job_name(job),
                    schedule: (*schedule).to_owned(),
                };
                let jobs: Vec<_> = jobs.iter().map(sighting).collect();
                self.works(call, |store, now| store.adopt(jobs.clone(), *rest, now));
            }
            JobCall::Retire(jobs) => {
                let jobs: Vec<_> = jobs.iter().map(|job| job_name(job)).collect();
                self.works(call, |store, now| store.retire(jobs.clone(), now));
            }
            JobCall::Keep { job, schedule, version } => {
                let now = self.sides.store.now;
                let (name, job, version) = (job_name(job), declared(*schedule).into(), *version);
                let kept = KeptJob { name, job, version, created_at: now, updated_at: now };
                self.works(call, |store, now| store.keep_job(kept.clone(), now));
            }
            JobCall::Drop(job) => self.works(call, |store, now| store.drop_job(job_name(job), now)),
            JobCall::Pause(job, paused) => {
                self.works(call, |store, now| store.pause_job(job_name(job), *paused, now));
            }
        }
        self.sides.same_jobs(call);
    }

    fn report(&mut self, call: &Call, reports: &[Report]) {
        let reports: Vec<_> = reports.iter().filter_map(|report| self.attempt_report(report)).collect();
        self.works(call, |store, now| store.report(reports.clone(), now));
    }

    fn attempt_report(&mut self, report: &Report) -> Option<AttemptReport> {
        let runs = |attempt: &&Claimed| {
            let view = self.sides.store.find(attempt.id);
            view.is_some_and(|view| view.task.lease == attempt.lease && view.task.status() == Status::Running)
        };
        let (task, lease, attempt) = if report.any {
            chosen(&self.attempts, report.attempt)
        } else {
            let running: Vec<_> = self.attempts.iter().filter(runs).cloned().collect();
            chosen(&running, report.attempt)
        }?;
        let places = self.places.entry((task, lease)).or_default();
        let log = report.log.iter().map(|lines| chunk(lines, attempt, places)).collect();
        let change = match &report.what {
            Saying::Logs => Change::Logged,
            Saying::Saves { state, makes } => {
                Change::Checkpoint { state: state.to_string().into_bytes(), follow_ups: self.tasks(makes) }
            }
            Saying::Ends { how, size, progress, makes } => {
                let follow_ups = self.tasks(makes);
                Change::Ended(Box::new(Ending { follow_ups, ..self.ending(*how, *size, *progress) }))
            }
        };
        Some(AttemptReport { task, lease, change, log })
    }

    fn ending(&self, how: How, size: usize, progress: Option<u64>) -> Ending {
        let then = |time| after(self.sides.store.now, time);
        let end = match how {
            How::Done => End::Done,
            How::Failed(delay) => End::Failed { delay, chance: 0.5 },
            How::FailedFatally => End::FailedFatally,
            How::Suspended(time) => End::Suspended(then(time)),
            How::RateLimited(time) => End::RateLimited(then(time)),
            How::Interrupted => End::Interrupted,
            How::TimedOut => End::TimedOut { chance: 0.5 },
        };
        let fails = matches!(how, How::Failed(_) | How::FailedFatally | How::TimedOut);
        Ending {
            end,
            result: matches!(how, How::Done).then(|| vec![b'2'; size]),
            state: matches!(how, How::Suspended(_)).then(|| b"\"suspended\"".to_vec()),
            failure: fails.then(|| failure("no")),
            progress: progress.map(|current| Progress { current, ..Progress::default() }),
            follow_ups: Vec::new(),
        }
    }

    fn nth(&self, which: Index) -> Option<TaskId> {
        (!self.ids.is_empty()).then(|| self.ids[which.index(self.ids.len())])
    }

    fn tasks(&mut self, shapes: &[Shape]) -> Vec<NewTask> {
        shapes.iter().map(|shape| self.task(shape)).collect()
    }

    fn task(&mut self, shape: &Shape) -> NewTask {
        let task = self.sides.store.task();
        let replayed = shape.replays.and_then(|which| self.nth(which));
        let id = replayed.unwrap_or(task.id);
        if replayed.is_none() {
            self.ids.push(id);
        }
        let now = self.sides.store.now;
        NewTask {
            id,
            kind: kind_name(shape.kind),
            queue: queue_name(shape.queue),
            priority: shape.priority,
            params: vec![b"13"[usize::from(shape.params > 512)]; shape.params],
            refers: shape.attempts == 2,
            run_at: shape.run_in.map(|run_in| after(now, run_in)),
            expires_at: shape.expires_in.map(|expires_in| after(now, expires_in)),
            timeout: (shape.attempts == 3).then(|| Duration::from_millis(1_500)),
            retry: RetryPolicy { attempts: shape.attempts, backoff: shape.backoff, ..task.retry },
            tags: shape.tags.iter().map(|tag| (*tag).to_owned()).collect(),
            origin: shape.job.map(|job| Origin { job: job_name(job), nominal_at: shape.run_in.map(|_| now) }),
        }
    }

    fn filter(&self, filter: &Filter) -> TaskFilter {
        let text = filter.text.as_ref().and_then(|text| match text {
            Text::Word(word) => Some((*word).to_owned()),
            Text::Id(which) => self.nth(*which).map(|id| id.to_string()),
            Text::PartOfId(which) => self.nth(*which).map(|id| id.to_string().split_off(30)),
        });
        TaskFilter {
            queue: filter.queue.map(queue_name),
            kind: filter.kind.map(kind_name),
            job: filter.job.map(job_name),
            tag: filter.tag.map(str::to_owned),
            text: text.map(|text| SearchText::new(&text).expect("short")),
        }
    }
}

/// One of these attempts: its task, its lease, and which it is.
fn chosen(attempts: &[Claimed], which: Index) -> Option<(TaskId, LeaseId, u32)> {
    let attempt = (!attempts.is_empty()).then(|| &attempts[which.index(attempts.len())])?;
    Some((attempt.id, attempt.lease, attempt.attempt))
}

fn chunk(lines: &Lines, attempt: u32, places: &mut u64) -> LogChunk {
    let first = *places + lines.left_out;
    *places = first + lines.count;
    LogChunk { attempt, first, count: lines.count, body: "x".repeat(lines.bytes) }
}

fn retention([completed, cancelled, dead]: [Duration; 3]) -> Retention {
    Retention { completed, cancelled, dead }
}

fn declared(schedule: Option<&str>) -> taskhost_core::job::Job {
    let every = schedule.map(|schedule| serde_json::json!({"every": schedule.trim_start_matches("every ")}));
    let mut job = serde_json::json!({"kind": KINDS[0], "params": {}, "priority": "normal"});
    if let Some(every) = every {
        job["schedule"] = every;
    }
    serde_json::from_str(&job.to_string()).expect("a job")
}

fn queue_name(name: &str) -> QueueName {
    QueueName::new(name).expect("a name")
}

fn kind_name(name: &str) -> KindName {
    KindName::new(name).expect("a name")
}

fn job_name(name: &str) -> JobName {
    JobName::new(name).expect("a name")
}
