//! The calls that a history is made of, and how they are chosen.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use taskhost_core::ids::{KindName, QueueName};
use taskhost_core::priority::Priority;
use taskhost_core::retry::{Backoff, RetryPolicy};
use taskhost_core::submit::NewTask;
use taskhost_core::task::End;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::Progress;

use super::SPAN;
use crate::store::suite::{Harness, after, failure};
use crate::store::{Action, Change, Ending};

const KINDS: [&str; 2] = ["work", "rest"];
const QUEUES: [&str; 2] = ["default", "mail"];

/// A call of the port.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Submit(Vec<Shape>),
    Offer {
        slots: Vec<(&'static str, u32)>,
        kinds: Vec<&'static str>,
    },
    Report {
        attempt: Index,
        what: Saying,
    },
    Reports(Vec<(Index, Saying)>),
    Cancel(Index),
    Pause(&'static str, bool),
    Retry(Index),
    Discard(Index),
    Sweep(Action),
    /// How long completed, cancelled and dead tasks are kept.
    Retain([Duration; 3]),
    Pass(Duration),
    SetClock(Duration),
    Crash,
}

/// What a new task is like.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    kind: &'static str,
    queue: &'static str,
    priority: Priority,
    params: usize,
    run_in: Option<Duration>,
    expires_in: Option<Duration>,
    attempts: u32,
    backoff: Backoff,
}

impl Shape {
    pub(super) fn task(&self, h: &mut Harness) -> NewTask {
        let task = h.task();
        NewTask {
            kind: KindName::new(self.kind).unwrap(),
            queue: QueueName::new(self.queue).unwrap(),
            priority: self.priority,
            params: vec![b'1'; self.params],
            run_at: self.run_in.map(|run_in| after(h.now, run_in)),
            expires_at: self.expires_in.map(|expires_in| after(h.now, expires_in)),
            retry: RetryPolicy { attempts: self.attempts, backoff: self.backoff, ..task.retry },
            ..task
        }
    }
}

/// What an attempt says.
#[derive(Debug, Clone)]
pub(super) enum Saying {
    Saves { state: u8, makes: Vec<Shape> },
    Ends { how: How, size: usize, progress: Option<u64>, makes: Vec<Shape> },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    Done,
    Failed,
    FailedFatally,
    Suspended(Duration),
    RateLimited(Duration),
    Interrupted,
    TimedOut,
}

impl Saying {
    pub(super) fn change(&self, h: &mut Harness) -> Change {
        let (Self::Saves { makes, .. } | Self::Ends { makes, .. }) = self;
        let follow_ups = makes.iter().map(|shape| shape.task(h)).collect();
        match self {
            Self::Saves { state, .. } => Change::Checkpoint { state: state.to_string().into_bytes(), follow_ups },
            Self::Ends { how, size, progress, .. } => {
                Change::Ended(Box::new(Ending { follow_ups, ..how.ending(*size, *progress, h.now) }))
            }
        }
    }
}

impl How {
    fn ending(self, size: usize, progress: Option<u64>, now: UnixMicros) -> Ending {
        let end = match self {
            Self::Done => End::Done,
            Self::Failed => End::Failed { delay: None, chance: 0.5 },
            Self::FailedFatally => End::FailedFatally,
            Self::Suspended(time) => End::Suspended(after(now, time)),
            Self::RateLimited(time) => End::RateLimited(after(now, time)),
            Self::Interrupted => End::Interrupted,
            Self::TimedOut => End::TimedOut { chance: 0.5 },
        };
        let fails = matches!(self, Self::Failed | Self::FailedFatally | Self::TimedOut);
        let suspends = matches!(self, Self::Suspended(_));
        Ending {
            end,
            result: matches!(self, Self::Done).then(|| vec![b'2'; size]),
            state: suspends.then(|| b"\"suspended\"".to_vec()),
            failure: fails.then(|| failure("no")),
            progress: progress.map(|current| Progress { current, ..Progress::default() }),
            follow_ups: Vec::new(),
        }
    }
}

pub(super) fn calls() -> impl Strategy<Value = Vec<Call>> {
    prop::collection::vec(call(), 1..60)
}

fn call() -> impl Strategy<Value = Call> {
    let reports = prop::collection::vec((any::<Index>(), saying()), 1..5);
    prop_oneof![
        6 => prop::collection::vec(shape(), 1..5).prop_map(Call::Submit),
        3 => offer(),
        10 => (any::<Index>(), saying()).prop_map(|(attempt, what)| Call::Report { attempt, what }),
        3 => reports.prop_map(Call::Reports),
        3 => any::<Index>().prop_map(Call::Cancel),
        3 => any::<Index>().prop_map(Call::Retry),
        1 => any::<Index>().prop_map(Call::Discard),
        1 => (select(&QUEUES[..]), any::<bool>()).prop_map(|(queue, paused)| Call::Pause(queue, paused)),
        1 => select(&[Action::Retry, Action::Discard][..]).prop_map(Call::Sweep),
        1 => [kept(), kept(), kept()].prop_map(Call::Retain),
        6 => time().prop_map(Call::Pass),
        1 => (0..SPAN.as_secs()).prop_map(|seconds| Call::SetClock(Duration::from_secs(seconds))),
        1 => Just(Call::Crash),
    ]
}

fn kept() -> impl Strategy<Value = Duration> {
    (1..60_u64).prop_map(Duration::from_hours)
}

fn offer() -> impl Strategy<Value = Call> {
    let slots = (subsequence(QUEUES.to_vec(), 0..=2), 0..4_u32, 0..4_u32);
    (slots, subsequence(KINDS.to_vec(), 0..=2)).prop_map(|((queues, first, second), kinds)| Call::Offer {
        slots: queues.into_iter().zip([first, second]).collect(),
        kinds,
    })
}

/// Mostly seconds, so that backoffs, expiries and delays meet; sometimes long enough to prune.
fn time() -> impl Strategy<Value = Duration> {
    let seconds = (0..40_u64).prop_map(Duration::from_secs);
    let hours = (0..60_u64).prop_map(Duration::from_hours);
    prop_oneof![6 => seconds, 1 => hours]
}

fn shape() -> impl Strategy<Value = Shape> {
    let times = (prop::option::of(time()), prop::option::weighted(0.3, time()));
    let retry = (1..4_u32, select(&Backoff::ALL[..]));
    let place = (select(&KINDS[..]), select(&QUEUES[..]), select(&Priority::ALL[..]), select(&[1, 512, 513][..]));
    (place, times, retry).prop_map(|((kind, queue, priority, params), (run_in, expires_in), (attempts, backoff))| {
        Shape { kind, queue, priority, params, run_in, expires_in, attempts, backoff }
    })
}

fn saying() -> impl Strategy<Value = Saying> {
    let how = prop_oneof![
        3 => Just(How::Done),
        3 => Just(How::Failed),
        1 => Just(How::FailedFatally),
        1 => time().prop_map(How::Suspended),
        1 => time().prop_map(How::RateLimited),
        3 => Just(How::Interrupted),
        1 => Just(How::TimedOut),
    ];
    let makes = || prop::collection::vec(shape(), 0..3);
    let ends = (how, select(&[1_usize, 512, 513][..]), prop::option::of(0..9_u64), makes());
    prop_oneof![
        1 => (any::<u8>(), makes()).prop_map(|(state, makes)| Saying::Saves { state, makes }),
        3 => ends.prop_map(|(how, size, progress, makes)| Saying::Ends { how, size, progress, makes }),
    ]
}
