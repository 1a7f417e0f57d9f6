//! What an attempt costs at the plugin boundary, and what a task costs that waits inside a plugin.
//!
//! It prints a JSON document. `cargo xtask bench boundary` builds the plugins that it needs and runs it. Both measure the executor
//! as the daemon uses it, with the built plugin `probe`; no store and no network are in it. Start at [`main`].

use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use taskhost::clock::{SystemClock, monotonic};
use taskhost::events::Events;
use taskhost::plugins::describe::DescribeOptions;
use taskhost::plugins::{
    Attempt, Executor as _, FollowUp, FollowUps, InProcess, Kind, Kinds as _, Outcome, Registry, Report, Search,
};
use taskhost_core::ids::{KindName, LeaseId, QueueName, TaskId};
use taskhost_core::submit::NewTask;
use taskhost_core::time::UnixMicros;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How many attempts one measurement of the boundary has, and how often it is taken: the best counts.
const NOOPS: usize = 100_000;
const ROUNDS: usize = 7;
/// How many attempts are handed over at a time.
const BATCH: usize = 1_000;
const SLEEPERS: usize = 10_000;
/// Longer than the bench takes.
const SLEEP: &str = "{\"ms\":600000}";

fn main() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let bench = Bench::new(&beside("plugins"), scratch.path());
    let (noop, waiting) = (bench.noop_nanos(), bench.waiting());
    let document = serde_json::json!({
        "noop_ns": noop,
        "waiting_threads": waiting.threads,
        "waiting_bytes": waiting.bytes_each,
    });
    writeln!(std::io::stdout(), "{document}").expect("somebody reads");
}

/// What lies beside this program.
fn beside(name: &str) -> PathBuf {
    let path = std::env::current_exe().expect("the path of the bench").with_file_name(name);
    assert!(path.exists(), "{} is not there: run `cargo xtask bench`, which builds it", path.display());
    path
}

struct Bench {
    registry: Registry,
}

/// An executor, and what it reports.
struct Run {
    executor: InProcess,
    reports: UnboundedReceiver<Vec<Report>>,
}

struct Waiting {
    threads: usize,
    bytes_each: usize,
}

/// `probe` makes none.
#[derive(Debug)]
struct NoFollowUps;

impl FollowUps for NoFollowUps {
    fn prepare(&self, _: &Kind, _: &FollowUp<'_>) -> Result<NewTask, String> {
        Err("not here".to_owned())
    }
}

impl Bench {
    fn new(plugins: &Path, state: &Path) -> Self {
        let describe = DescribeOptions { program: beside("taskhost"), ..DescribeOptions::default() };
        let search =
            Search { folders: vec![plugins.to_owned()], state: state.to_owned(), settings: [].into(), describe };
        Self { registry: Registry::scan(search).expect("plugins that load") }
    }

    /// First attempts of tasks with these numbers.
    fn attempts(&self, kind: &str, params: &str, numbers: Range<usize>) -> Vec<Attempt> {
        let kind = self.registry.find(&KindName::new(kind).expect("a name")).expect("a kind of probe");
        let attempt = |number: usize| Attempt {
            task: task(number),
            // A later one would say in its log that it succeeded.
            lease: LeaseId::FIRST,
            attempt: 1,
            queue: QueueName::default(),
            kind: Arc::clone(&kind),
            params: params.as_bytes().to_vec(),
            state: Vec::new(),
            context: b"{\"max_attempts\":5,\"queue\":\"default\"}".to_vec(),
            timeout: None,
            follow_ups: 0,
        };
        numbers.map(attempt).collect()
    }

    /// From handing over to the report: create, poll, finish and drop, and the executor's work for them.
    fn noop_nanos(&self) -> f64 {
        let mut run = Run::new();
        (0..ROUNDS).map(|_| self.noops(&mut run)).min().map_or(f64::NAN, |best| best.as_secs_f64() * 1e9)
            / f64::from(u32::try_from(NOOPS).expect("a small number"))
    }

    fn noops(&self, run: &mut Run) -> Duration {
        let batches: Vec<_> = (0..NOOPS / BATCH).map(|_| self.attempts("probe.noop", "{}", 0..BATCH)).collect();
        let start = monotonic();
        for batch in batches {
            run.executor.start(batch);
            run.wait_for(BATCH);
        }
        monotonic() - start
    }

    fn waiting(&self) -> Waiting {
        let mut run = Run::new();
        // Starts the poller.
        run.executor.start(self.attempts("probe.noop", "{}", 0..BATCH));
        run.wait_for(BATCH);
        let (threads, bytes) = (threads(), resident_bytes());
        for first in (0..SLEEPERS).step_by(BATCH) {
            run.executor.start(self.attempts("probe.sleep", SLEEP, first..first + BATCH));
            // Behind them in the poller's mailbox: when this has ended, those wait.
            run.executor.start(self.attempts("probe.echo", "{}", SLEEPERS..SLEEPERS + 1));
            run.wait_for(1);
        }
        assert_eq!(run.executor.running(), SLEEPERS, "all sleep");
        let (threads_after, bytes_after) = (self::threads(), resident_bytes());
        run.executor.give_back();
        run.wait_for(SLEEPERS);
        Waiting { threads: threads_after - threads, bytes_each: bytes_after.saturating_sub(bytes) / SLEEPERS }
    }
}

impl Run {
    fn new() -> Self {
        let (sender, reports) = unbounded_channel();
        let (follow_ups, clock) = (Arc::new(NoFollowUps), Arc::new(SystemClock));
        let executor = InProcess::new(sender, follow_ups, Events::default(), clock, Duration::from_secs(2));
        Self { executor, reports }
    }

    /// Reads until so many attempts have ended well.
    fn wait_for(&mut self, count: usize) {
        let mut ended = 0;
        while ended < count {
            for report in self.reports.blocking_recv().expect("an executor") {
                let Report::Ended { outcome: Outcome::Done(_) | Outcome::Interrupted, .. } = report else {
                    panic!("{report:?}");
                };
                ended += 1;
            }
        }
    }
}

/// What runs at the same time differs by it.
fn task(number: usize) -> TaskId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    TaskId::new(UnixMicros::from_micros(0), random)
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("the threads of this process").count()
}

fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("what the system says of this process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the resident memory");
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<usize>().ok());
    kilobytes.expect("a number") * 1024
}
