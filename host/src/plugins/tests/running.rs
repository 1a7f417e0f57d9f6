//! Attempts of the kinds of `actor.c`, from start to report.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use taskhost_core::ids::{KindName, LeaseId, TaskId};
use taskhost_core::submit::RESULT_MAX;
use taskhost_core::time::UnixMicros;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::{Attempt, Executor as _, InProcess, Kinds as _, Outcome, Registry, Report};
use super::Folder;
use crate::clock::Clock;

/// A test in which this passes hangs visibly.
const LONG: Duration = Duration::from_secs(3_600);
const NO_GRACE: Duration = Duration::ZERO;

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

/// An executor with the kinds of `actor.c`.
struct Bench {
    registry: Registry,
    executor: InProcess,
    reports: UnboundedReceiver<Vec<Report>>,
    unread: std::vec::IntoIter<Report>,
    started: u8,
    _folder: Folder,
}

/// What a report says, without the parts that are checked once.
#[derive(Debug, PartialEq)]
enum Said {
    Saved(u64, String),
    Ended(Outcome),
}

impl Bench {
    fn new(grace: Duration) -> Self {
        Self::named("actor", grace)
    }

    fn named(name: &str, grace: Duration) -> Self {
        let folder = Folder::new();
        folder.build("actor.so", "actor.c", &[&format!("NAME=\"{name}\"")]);
        let registry = folder.scan();
        assert_eq!(registry.plugins()[0].error, None);
        let (sender, reports) = unbounded_channel();
        let executor = InProcess::new(sender, Arc::new(StoppedClock), grace);
        Self { registry, executor, reports, unread: Vec::new().into_iter(), started: 0, _folder: folder }
    }

    fn attempt(&mut self, kind: &str, number: usize) -> Attempt {
        self.started = self.started.wrapping_add(1);
        let task = TaskId::new(UnixMicros::from_micros(0), [self.started; 10]);
        let kind = self.registry.find(&KindName::new(kind).unwrap()).expect("a kind of actor.c");
        let params = format!("{{\"n\":{number}}}").into_bytes();
        let lease = LeaseId::from_u64(7);
        Attempt { task, lease, attempt: 1, kind, params, state: Vec::new(), context: b"{}".to_vec(), timeout: None }
    }

    fn start(&mut self, kind: &str, number: usize) -> TaskId {
        let attempt = self.attempt(kind, number);
        let task = attempt.task;
        self.executor.start(vec![attempt]);
        task
    }

    fn start_limited(&mut self, kind: &str, number: usize, timeout: Duration) {
        let attempt = self.attempt(kind, number);
        self.executor.start(vec![Attempt { timeout: Some(timeout), ..attempt }]);
    }

    fn cancel(&self, task: TaskId) {
        self.executor.cancel(task, LeaseId::from_u64(7));
    }

    fn report(&mut self) -> (TaskId, Said) {
        loop {
            match self.unread.next() {
                None => self.unread = self.reports.blocking_recv().expect("an executor").into_iter(),
                Some(Report::Saved { task, lease, ticket, state }) => {
                    assert_eq!(lease.as_u64(), 7);
                    return (task, Said::Saved(ticket, String::from_utf8(state).unwrap()));
                }
                Some(Report::Ended { task, lease, generation, outcome, .. }) => {
                    assert_eq!((lease.as_u64(), generation), (7, 1));
                    return (task, Said::Ended(outcome));
                }
            }
        }
    }

    fn said(&mut self) -> Said {
        self.report().1
    }

    fn outcome(&mut self) -> Outcome {
        match self.said() {
            Said::Ended(outcome) => outcome,
            Said::Saved(..) => panic!("a save where an end was expected"),
        }
    }

    /// Starts an attempt of this kind and answers how it ends.
    fn run(&mut self, kind: &str, number: usize) -> Outcome {
        self.start(kind, number);
        self.outcome()
    }
}

fn done(json: &str) -> Outcome {
    Outcome::Done(json.as_bytes().to_vec())
}

fn failed(fatal: bool, code: &str, message: &str) -> Outcome {
    Outcome::Failed { fatal, delay: None, code: code.into(), message: message.into() }
}

fn saved(ticket: u64, state: &str) -> Said {
    Said::Saved(ticket, state.to_owned())
}

#[test]
fn a_task_is_woken_by_the_timer_by_itself_and_by_a_thread_of_its_own() {
    let mut bench = Bench::new(LONG);
    assert_eq!(bench.run("act.sleep", 5), done("{\"slept\":true}"));
    assert_eq!(bench.run("act.spin", 1_000), done("{}"));
    assert_eq!(bench.run("act.thread", 0), done("{}"));
    assert_eq!(bench.executor.running(), 0);
}

#[test]
fn each_outcome_has_its_meaning() {
    let mut bench = Bench::new(LONG);
    let said = "{\"said\":\"it\"}";
    let until = UnixMicros::from_micros(5_000_000);
    let delay = Some(Duration::from_secs(3));
    let expected = [
        done(said),
        Outcome::Failed { fatal: false, delay, code: "error".into(), message: said.into() },
        failed(true, "error", said),
        failed(true, "cancelled", "cancelled by the plugin"),
        Outcome::RateLimited { until, message: said.into() },
        Outcome::Suspended { until, state: said.into() },
        failed(false, "panic", said),
        failed(true, "error", said),
    ];
    for (number, outcome) in expected.into_iter().enumerate() {
        assert_eq!(bench.run("act.end", number), outcome, "outcome {number}");
    }
    assert_eq!(bench.run("act.refuse", 0), failed(false, "error", "not today"));
}

#[test]
fn a_breach_of_the_contract_is_a_fatal_failure() {
    let mut bench = Bench::new(LONG);
    let breach = |message| failed(true, "contract", message);
    assert_eq!(bench.run("act.forget", 0), breach("the plugin returned READY without a result"));
    assert_eq!(bench.run("act.answer", 7), breach("the plugin's `poll` returned 7"));
    assert_eq!(bench.run("act.block-wrong", 0), breach("a blocking kind returned PENDING"));
    let too_large = format!("the result has {} bytes, the most is {RESULT_MAX}", RESULT_MAX + 1);
    assert_eq!(bench.run("act.big", RESULT_MAX + 1), failed(true, "result-too-large", &too_large));
    assert!(matches!(bench.run("act.big", 0), Outcome::Failed { fatal: true, code, .. } if code == "contract"));
}

#[test]
fn only_the_first_finish_counts() {
    assert_eq!(Bench::new(LONG).run("act.twice", 0), done("1"));
}

#[test]
fn a_save_is_durable_when_the_host_says_so() {
    let mut bench = Bench::new(LONG);
    for kind in ["act.save", "act.block-save"] {
        let task = bench.start(kind, 0);
        assert_eq!(bench.report(), (task, saved(1, "{\"step\":1}")));
        bench.executor.saved(task, LeaseId::from_u64(7), 1);
        assert_eq!(bench.report(), (task, Said::Ended(done("\"saved\""))));
    }
}

#[test]
fn what_an_attempt_says_after_it_lost_its_lease_does_not_count() {
    let mut bench = Bench::new(LONG);
    for kind in ["act.save", "act.block-save", "act.progress"] {
        let task = bench.start(kind, 0);
        assert!(matches!(bench.said(), Said::Saved(1, _)));
        bench.executor.lease_lost(task, LeaseId::from_u64(7));
        assert_eq!(bench.outcome(), Outcome::Interrupted);
    }
}

#[test]
fn a_task_that_ignores_a_cancel_is_dropped_after_the_grace() {
    let mut bench = Bench::new(NO_GRACE);
    let task = bench.start("act.hang", 0);
    bench.cancel(task);
    assert_eq!(bench.report(), (task, Said::Ended(Outcome::Cancelled)));
}

#[test]
fn a_task_that_heeds_a_cancel_ends_as_it_says() {
    let mut bench = Bench::new(LONG);
    for (number, outcome) in
        [(0, done("{\"at\":7}")), (2, failed(true, "error", "{\"at\":7}")), (3, Outcome::Cancelled)]
    {
        let task = bench.start("act.heed", number);
        bench.cancel(task);
        assert_eq!(bench.outcome(), outcome);
    }
}

#[test]
fn a_cancel_that_meets_no_attempt_is_ignored() {
    let mut bench = Bench::new(LONG);
    let attempt = bench.attempt("act.noop", 0);
    bench.cancel(attempt.task);
    let task = attempt.task;
    bench.executor.start(vec![attempt]);
    assert_eq!(bench.outcome(), done("{}"));
    bench.cancel(task);
    bench.executor.cancel(task, LeaseId::from_u64(6));
    assert_eq!(bench.run("act.noop", 0), done("{}"));
}

#[test]
fn after_the_timeout_only_a_result_within_the_grace_counts() {
    let limit = Duration::from_millis(5);
    let mut bench = Bench::new(LONG);
    for (number, outcome) in [
        (0, done("{\"at\":7}")),
        (1, Outcome::TimedOut(limit)),
        (3, Outcome::TimedOut(limit)),
        (5, Outcome::TimedOut(limit)),
    ] {
        bench.start_limited("act.heed", number, limit);
        assert_eq!(bench.outcome(), outcome, "outcome {number}");
    }
    let mut bench = Bench::new(NO_GRACE);
    bench.start_limited("act.hang", 0, limit);
    assert_eq!(bench.outcome(), Outcome::TimedOut(limit));
}

#[test]
fn a_task_hears_that_its_deadline_comes_up() {
    let mut bench = Bench::new(LONG);
    bench.start_limited("act.hurry", 0, Duration::from_millis(20));
    assert_eq!(bench.outcome(), done("{}"));
}

#[test]
fn a_blocking_attempt_that_ignores_a_cancel_is_stuck_until_it_returns() {
    let mut bench = Bench::new(NO_GRACE);
    let task = bench.start("act.block", 200);
    assert_eq!(bench.report(), (task, saved(1, "1")));
    assert!(!bench.executor.is_stuck(task));
    bench.cancel(task);
    // Its timer is later than the end of the grace, so when it ends that has passed.
    assert_eq!(bench.run("act.sleep", 1), done("{\"slept\":true}"));
    assert!(bench.executor.is_stuck(task));
    assert_eq!(bench.report(), (task, Said::Ended(done("\"late but done\""))));
    assert!(!bench.executor.is_stuck(task));
}

#[test]
fn a_blocking_attempt_sees_that_it_is_told_to_stop() {
    let mut bench = Bench::new(LONG);
    let task = bench.start("act.block-told", 3);
    bench.cancel(task);
    assert_eq!(bench.outcome(), Outcome::Cancelled);
    let limit = Duration::from_millis(5);
    bench.start_limited("act.block-told", 2, limit);
    assert_eq!(bench.outcome(), Outcome::TimedOut(limit));
}

#[test]
fn a_drain_interrupts_and_loses_no_state() {
    let mut bench = Bench::new(LONG);
    let suspends = bench.start("act.heed", 5);
    let cancels = bench.start("act.heed", 3);
    // When this one has ended the two wait.
    assert_eq!(bench.run("act.noop", 0), done("{}"));
    let attempt = bench.attempt("act.noop", 0);
    bench.executor.drain();
    let mut reports = [bench.report(), bench.report(), bench.report()];
    reports.sort_by_key(|(task, _)| *task);
    let expected = [
        (suspends, saved(1, "{\"at\":7}")),
        (suspends, Said::Ended(Outcome::Interrupted)),
        (cancels, Said::Ended(Outcome::Interrupted)),
    ];
    assert_eq!(reports, expected);
    bench.executor.start(vec![attempt]);
    assert_eq!(bench.outcome(), Outcome::Interrupted);
    assert_eq!(bench.executor.running(), 0);
}

#[test]
fn what_is_given_back_is_interrupted_once_whatever_it_says_later() {
    let mut bench = Bench::new(LONG);
    bench.start("act.hang", 0);
    bench.start("act.block", 20);
    assert_eq!(bench.said(), saved(1, "1"));
    bench.executor.give_back();
    assert_eq!([bench.outcome(), bench.outcome()], [Outcome::Interrupted, Outcome::Interrupted]);
    assert_eq!(bench.executor.running(), 0);
    // While this one blocks the first returns.
    let task = bench.start("act.block", 100);
    assert_eq!(bench.report(), (task, saved(1, "1")));
    assert_eq!(bench.report(), (task, Said::Ended(done("\"late but done\""))));
}

#[test]
fn a_ctx_that_is_kept_after_the_end_can_do_no_harm() {
    let mut bench = Bench::new(LONG);
    assert_eq!(bench.run("act.keep", 0), done("{}"));
    // All four of its calls that may be refused were.
    assert_eq!(bench.run("act.haunt", 0), done("4"));
    assert_eq!(bench.run("act.noop", 0), done("{}"));
}

#[test]
fn progress_is_the_latest_and_goes_with_the_end() {
    let mut bench = Bench::new(NO_GRACE);
    let task = bench.start("act.progress", 0);
    assert_eq!(bench.said(), saved(1, "5"));
    let progress = bench.executor.progress(task).expect("progress");
    assert_eq!((progress.first, progress.current, progress.total, progress.message.as_str()), (2, 5, 10, "half"));
    bench.cancel(task);
    let reports = bench.reports.blocking_recv().expect("an executor");
    let [Report::Ended { progress: last, .. }] = &reports[..] else { panic!("one end") };
    assert_eq!(last.as_ref(), Some(&progress));
    assert_eq!(bench.executor.progress(task), None);
}

#[test]
fn a_burst_is_reported_in_a_few_vectors() {
    let mut bench = Bench::new(LONG);
    let attempts: Vec<Attempt> = (0..1_000_u64)
        .map(|number| Attempt { lease: LeaseId::from_u64(number), ..bench.attempt("act.noop", 0) })
        .collect();
    bench.executor.start(attempts);
    let (mut vectors, mut reports) = (0, 0);
    while reports < 1_000 {
        reports += bench.reports.blocking_recv().expect("an executor").len();
        vectors += 1;
    }
    assert!(reports == 1_000 && vectors < 100, "{vectors} vectors");
}

#[test]
#[cfg(target_os = "linux")]
fn two_thousand_waiting_tasks_need_one_thread() {
    let mut bench = Bench::named("crowd", NO_GRACE);
    let attempts: Vec<Attempt> = (0..2_000_u64)
        .map(|number| Attempt { lease: LeaseId::from_u64(number), ..bench.attempt("act.hang", 0) })
        .collect();
    let all: Vec<_> = attempts.iter().map(|attempt| (attempt.task, attempt.lease)).collect();
    bench.executor.start(attempts);
    assert_eq!(bench.run("act.noop", 0), done("{}"));
    assert_eq!(bench.executor.running(), 2_000);
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).ok());
    assert_eq!(names.filter(|name| name.starts_with("crowd#")).count(), 1);
    all.into_iter().for_each(|(task, lease)| bench.executor.cancel(task, lease));
    let mut ended = 0;
    while ended < 2_000 {
        ended += bench.reports.blocking_recv().expect("an executor").len();
    }
    assert_eq!(bench.executor.running(), 0);
}
