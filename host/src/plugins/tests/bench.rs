//! Starts attempts of the kinds of `actor.c` and reads their reports.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use taskhost_core::ids::{KindName, LeaseId, QueueName, TaskId};
use taskhost_core::priority::Priority;
use taskhost_core::retry::RetryPolicy;
use taskhost_core::submit::NewTask;
use taskhost_core::time::UnixMicros;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::{
    Attempt, Executor as _, FollowUp, FollowUps, InProcess, Kind, Kinds as _, Outcome, Registry, Report,
};
use super::Folder;
use crate::clock::Clock;
use crate::events::Events;

/// A test in which this passes hangs visibly.
pub(super) const LONG: Duration = Duration::MAX;
pub(super) const NO_GRACE: Duration = Duration::ZERO;

/// It is always two seconds after the start of 1970.
#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> UnixMicros {
        UnixMicros::from_micros(2_000_000)
    }

    fn wait_until(&self, _: UnixMicros) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(pending())
    }
}

/// Takes every follow-up but those without params.
#[derive(Debug)]
struct Taken;

impl FollowUps for Taken {
    fn prepare(&self, _: &Kind, asked: &FollowUp<'_>) -> Result<NewTask, String> {
        if asked.params.is_empty() {
            return Err("it has no params".to_owned());
        }
        Ok(NewTask {
            id: TaskId::from_bytes([0; 16]),
            kind: str::from_utf8(asked.kind).unwrap().parse().unwrap(),
            queue: QueueName::default(),
            priority: Priority::default(),
            params: asked.params.to_vec(),
            refers: false,
            run_at: None,
            expires_at: None,
            timeout: None,
            retry: RetryPolicy::default(),
            tags: vec![String::from_utf8(asked.options.to_vec()).unwrap()],
            origin: None,
        })
    }
}

/// An executor with the kinds of `actor.c`.
pub(super) struct Bench {
    registry: Registry,
    pub(super) executor: InProcess,
    pub(super) events: Events,
    pub(super) reports: UnboundedReceiver<Vec<Report>>,
    unread: std::vec::IntoIter<Report>,
    started: u8,
    folder: Folder,
}

/// What a report says, without the parts that are checked once.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Saved(u64, String),
    Ended(Outcome),
}

impl Bench {
    pub(super) fn new(grace: Duration) -> Self {
        Self::named("actor", grace)
    }

    pub(super) fn named(name: &str, grace: Duration) -> Self {
        let folder = Folder::new();
        let ended = folder.ended().display().to_string();
        folder.build("actor.so", "actor.c", &[&format!("NAME=\"{name}\""), &format!("ENDED=\"{ended}\"")]);
        let registry = folder.scan();
        assert_eq!(registry.plugins()[0].error, None);
        let (sender, reports) = unbounded_channel();
        let events = Events::default();
        let executor = InProcess::new(sender, Arc::new(Taken), events.clone(), Arc::new(StoppedClock), grace);
        Self { registry, executor, events, reports, unread: Vec::new().into_iter(), started: 0, folder }
    }

    pub(super) fn attempt(&mut self, kind: &str, number: usize) -> Attempt {
        self.started = self.started.wrapping_add(1);
        let task = TaskId::new(UnixMicros::from_micros(0), [self.started; 10]);
        let kind = self.registry.find(&KindName::new(kind).unwrap()).expect("a kind of actor.c");
        let params = format!("{{\"n\":{number}}}").into_bytes();
        let lease = LeaseId::from_u64(7);
        Attempt {
            task,
            lease,
            attempt: 1,
            queue: QueueName::default(),
            kind,
            params,
            state: Vec::new(),
            context: b"{}".to_vec(),
            timeout: None,
            follow_ups: 0,
        }
    }

    pub(super) fn start(&mut self, kind: &str, number: usize) -> TaskId {
        let attempt = self.attempt(kind, number);
        let task = attempt.task;
        self.executor.start(vec![attempt]);
        task
    }

    pub(super) fn start_limited(&mut self, kind: &str, number: usize, timeout: Duration) {
        let attempt = self.attempt(kind, number);
        self.executor.start(vec![Attempt { timeout: Some(timeout), ..attempt }]);
    }

    pub(super) fn cancel(&self, task: TaskId) {
        self.executor.cancel(task, LeaseId::from_u64(7));
    }

    /// Shuts the plugin down, waits for that, and answers what it has ever been told: a line of milliseconds each time.
    pub(super) fn shut_down(&self) -> String {
        let ended = self.executor.shut_down(&self.registry.all(), Duration::from_millis(800));
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(ended);
        std::fs::read_to_string(self.folder.ended()).unwrap_or_default()
    }

    pub(super) fn report(&mut self) -> (TaskId, Said) {
        loop {
            match self.unread.next() {
                None => self.unread = self.reports.blocking_recv().expect("an executor").into_iter(),
                Some(Report::Saved { task, lease, ticket, state, .. }) => {
                    assert_eq!(lease.as_u64(), 7);
                    return (task, Said::Saved(ticket, String::from_utf8(state).unwrap()));
                }
                Some(Report::Logged { .. }) => {}
                Some(Report::Ended { task, lease, generation, outcome, .. }) => {
                    assert_eq!((lease.as_u64(), generation), (7, 1));
                    return (task, Said::Ended(outcome));
                }
            }
        }
    }

    pub(super) fn said(&mut self) -> Said {
        self.report().1
    }

    pub(super) fn outcome(&mut self) -> Outcome {
        match self.said() {
            Said::Ended(outcome) => outcome,
            Said::Saved(..) => panic!("a save where an end was expected"),
        }
    }

    /// Starts an attempt of this kind and answers how it ends.
    pub(super) fn run(&mut self, kind: &str, number: usize) -> Outcome {
        self.start(kind, number);
        self.outcome()
    }
}

pub(super) fn done(json: &str) -> Outcome {
    Outcome::Done(json.as_bytes().to_vec())
}

pub(super) fn failed(fatal: bool, code: &str, message: &str) -> Outcome {
    Outcome::Failed { fatal, delay: None, code: code.into(), message: message.into() }
}

pub(super) fn saved(ticket: u64, state: &str) -> Said {
    Said::Saved(ticket, state.to_owned())
}
