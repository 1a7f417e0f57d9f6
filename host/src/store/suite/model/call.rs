//! The calls that a history is made of, and how they are chosen.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use taskhost_core::priority::Priority;
use taskhost_core::retry::Backoff;
use taskhost_core::task::Status;

use crate::store::{Action, Rest};

pub(super) const KINDS: [&str; 2] = ["work", "rest"];
pub(super) const QUEUES: [&str; 2] = ["default", "mail"];
pub(super) const JOBS: [&str; 2] = ["nightly", "hourly"];
pub(super) const TAGS: [&str; 2] = ["red", "blue"];
const SCHEDULES: [&str; 2] = ["every 15m", "every 1h"];
/// How far a clock is set from the beginning at most.
const SPAN: Duration = Duration::from_hours(10 * 24);

/// A call of the port.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Submit(Vec<Shape>),
    SubmitOnce {
        key: &'static str,
        fingerprint: u8,
        shapes: Vec<Shape>,
    },
    Offer {
        slots: Vec<(&'static str, u32)>,
        kinds: Vec<&'static str>,
    },
    Report(Vec<Report>),
    Cancel(Index),
    Pause(&'static str, bool),
    Retry(Index),
    Discard(Index),
    Sweep(Action, Filter),
    /// How long completed, cancelled and dead tasks are kept; by default, and in the second queue.
    Retain([Duration; 3], Option<[Duration; 3]>),
    Job(JobCall),
    List {
        statuses: Vec<Status>,
        filter: Filter,
        limit: u32,
    },
    Pass(Duration),
    SetClock(Duration),
    Crash,
}

/// A call about one of the [`JOBS`].
#[derive(Debug, Clone)]
pub(super) enum JobCall {
    Fire { job: &'static str, schedule: &'static str, after: Duration, shape: Shape },
    Adopt(Vec<(&'static str, &'static str)>, Rest),
    Retire(Vec<&'static str>),
    Keep { job: &'static str, schedule: Option<&'static str>, version: u64 },
    Drop(&'static str),
    Pause(&'static str, bool),
}

/// What a new task is like.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) kind: &'static str,
    pub(super) queue: &'static str,
    pub(super) priority: Priority,
    pub(super) params: usize,
    pub(super) run_in: Option<Duration>,
    pub(super) expires_in: Option<Duration>,
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) tags: Vec<&'static str>,
    pub(super) job: Option<&'static str>,
    /// It has the id of a task that was there before.
    pub(super) replays: Option<Index>,
}

/// What an attempt reports.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) attempt: Index,
    /// One that is over or gone may say it too.
    pub(super) any: bool,
    pub(super) what: Saying,
    pub(super) log: Vec<Lines>,
}

/// Some lines of a log.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    /// How many lines were left out before these.
    pub(super) left_out: u64,
    pub(super) count: u64,
    pub(super) bytes: usize,
}

/// What an attempt says.
#[derive(Debug, Clone)]
pub(super) enum Saying {
    Saves { state: u8, makes: Vec<Shape> },
    Logs,
    Ends { how: How, size: usize, progress: Option<u64>, makes: Vec<Shape> },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    Done,
    Failed(Option<Duration>),
    FailedFatally,
    Suspended(Duration),
    RateLimited(Duration),
    Interrupted,
    TimedOut,
}

/// A filter of tasks.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) queue: Option<&'static str>,
    pub(super) kind: Option<&'static str>,
    pub(super) job: Option<&'static str>,
    pub(super) tag: Option<&'static str>,
    pub(super) text: Option<Text>,
}

/// What a search looks for.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Word(&'static str),
    Id(Index),
    PartOfId(Index),
}

pub(super) fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => shapes(1..5).prop_map(Call::Submit),
        2 => (select(&["a", "b", "c"][..]), 0..2_u8, shapes(1..3))
            .prop_map(|(key, fingerprint, shapes)| Call::SubmitOnce { key, fingerprint, shapes }),
        4 => offer(),
        14 => report().prop_map(|report| Call::Report(vec![report])),
        4 => prop::collection::vec(report(), 1..5).prop_map(Call::Report),
        3 => any::<Index>().prop_map(Call::Cancel),
        3 => any::<Index>().prop_map(Call::Retry),
        1 => any::<Index>().prop_map(Call::Discard),
        1 => (select(&QUEUES[..]), any::<bool>()).prop_map(|(queue, paused)| Call::Pause(queue, paused)),
        1 => (select(&[Action::Retry, Action::Discard][..]), filter())
            .prop_map(|(action, filter)| Call::Sweep(action, filter)),
        1 => (kept(), prop::option::of(kept())).prop_map(|(usual, of_queue)| Call::Retain(usual, of_queue)),
        4 => job().prop_map(Call::Job),
        2 => (subsequence(Status::ALL.to_vec(), 0..4), filter(), 1..4_u32)
            .prop_map(|(statuses, filter, limit)| Call::List { statuses, filter, limit }),
        8 => time().prop_map(Call::Pass),
        1 => (0..SPAN.as_secs()).prop_map(|seconds| Call::SetClock(Duration::from_secs(seconds))),
        1 => Just(Call::Crash),
    ]
}

fn shapes(how_many: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Shape>> {
    prop::collection::vec(shape(), how_many)
}

fn job() -> impl Strategy<Value = JobCall> {
    let (name, schedule) = (|| select(&JOBS[..]), || select(&SCHEDULES[..]));
    let sightings = prop::collection::vec((name(), schedule()), 0..3);
    prop_oneof![
        6 => (name(), schedule(), time(), shape())
            .prop_map(|(job, schedule, after, shape)| JobCall::Fire { job, schedule, after, shape }),
        4 => (sightings, select(&[Rest::Stays, Rest::Gone][..])).prop_map(|(jobs, rest)| JobCall::Adopt(jobs, rest)),
        1 => subsequence(JOBS.to_vec(), 0..=2).prop_map(JobCall::Retire),
        2 => (name(), prop::option::of(schedule()), 1..9_u64)
            .prop_map(|(job, schedule, version)| JobCall::Keep { job, schedule, version }),
        1 => name().prop_map(JobCall::Drop),
        2 => (name(), any::<bool>()).prop_map(|(job, paused)| JobCall::Pause(job, paused)),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let text = prop_oneof![
        2 => select(&["11", "33", "work", "-"][..]).prop_map(Text::Word),
        1 => any::<Index>().prop_map(Text::Id),
        1 => any::<Index>().prop_map(Text::PartOfId),
    ];
    let of = |names: &'static [&'static str]| prop::option::weighted(0.2, select(names));
    let names = (of(&QUEUES), of(&KINDS), of(&JOBS), of(&TAGS));
    (names, prop::option::weighted(0.3, text)).prop_map(|((queue, kind, job, tag), text)| Filter {
        queue,
        kind,
        job,
        tag,
        text,
    })
}

fn kept() -> impl Strategy<Value = [Duration; 3]> {
    let hours = || (1..60_u64).prop_map(Duration::from_hours);
    [hours(), hours(), hours()]
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
    let words = (subsequence(TAGS.to_vec(), 0..=2), prop::option::weighted(0.2, select(&JOBS[..])));
    let replays = prop::option::weighted(0.03, any::<Index>());
    (place, times, retry, words, replays).prop_map(|(place, times, retry, (tags, job), replays)| {
        let ((kind, queue, priority, params), (run_in, expires_in), (attempts, backoff)) = (place, times, retry);
        Shape { kind, queue, priority, params, run_in, expires_in, attempts, backoff, tags, job, replays }
    })
}

fn report() -> impl Strategy<Value = Report> {
    let log = prop::collection::vec(lines(), 0..3);
    (any::<Index>(), prop::bool::weighted(0.2), saying(), log).prop_map(|(attempt, any, what, log)| Report {
        attempt,
        any,
        what,
        log,
    })
}

fn lines() -> impl Strategy<Value = Lines> {
    let many = prop_oneof![8 => 1..5_u64, 1 => 300..600_u64];
    let bytes = prop_oneof![8 => 1..9_usize, 1 => 60_000..200_000_usize];
    let left_out = prop_oneof![8 => Just(0), 1 => 1..9_u64];
    (left_out, many, bytes).prop_map(|(left_out, count, bytes)| Lines { left_out, count, bytes })
}

fn saying() -> impl Strategy<Value = Saying> {
    let how = prop_oneof![
        3 => Just(How::Done),
        3 => prop::option::weighted(0.2, time()).prop_map(How::Failed),
        1 => Just(How::FailedFatally),
        1 => time().prop_map(How::Suspended),
        1 => time().prop_map(How::RateLimited),
        3 => Just(How::Interrupted),
        1 => Just(How::TimedOut),
    ];
    let ends = (how, select(&[1_usize, 512, 513][..]), prop::option::of(0..9_u64), shapes(0..3));
    prop_oneof![
        2 => (any::<u8>(), shapes(0..3)).prop_map(|(state, makes)| Saying::Saves { state, makes }),
        1 => Just(Saying::Logs),
        6 => ends.prop_map(|(how, size, progress, makes)| Saying::Ends { how, size, progress, makes }),
    ]
}
