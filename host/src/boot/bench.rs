//! Measures what this machine makes of the real path: a daemon of its own on a scratch store, without its ways in.
//!
//! Everything is built as for a daemon (`start`), and tasks go in through `Host` as from any face. Not here: what is shown of
//! it (`cli`), other programs on the same disk to compare with (`cargo xtask bench`). Start at [`bench()`].

mod error;
mod load;
mod pickup;
mod scratch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use taskhost_core::config::Durability;
use taskhost_core::query::{PageLimit, TaskFilter, TaskQuery};
use taskhost_core::task::Status;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

pub use self::error::BenchError;
pub use self::pickup::Pickups;
use self::scratch::Site;
use super::BootError;
use super::serve::Daemon;
use super::services::Services;
use super::start::{Started, start};
use crate::host::Host;
use crate::pulse::Pulse;

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct BenchRequest {
    /// How many tasks the load has.
    pub tasks: u32,
    /// How many of them may run at once.
    pub slots: u32,
    /// How many tasks are picked up by the idle host, one each 10 ms.
    pub pickups: u32,
    /// Whether single tasks are picked up beside the load too, as long as it runs.
    pub loaded: bool,
    /// How many tasks wait in a paused queue meanwhile.
    pub backlog: u32,
    /// Over how many queues the load is spread; each has all the slots.
    pub queues: u32,
    /// How many jobs are declared whose times do not come.
    pub jobs: u32,
    /// Whether a commit reaches the disk before it is answered.
    pub durability: Durability,
    /// The folder with the library of `probe`; none: `plugins` beside this program.
    pub plugins: Option<PathBuf>,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BenchReport {
    /// Whole lives of tasks in a second: from the first submit to the commit of the last end.
    pub lifecycles_per_s: f64,
    /// Tasks that were durable in a second, from the first submit to the last answer, while the first of them ran already.
    pub enqueue_per_s: f64,
    /// How long the idle host took from a submit to the entry of the plugin; none if none was asked for.
    pub pickup: Option<Pickups>,
    /// The same beside the load; none if that was not asked for.
    pub loaded: Option<Pickups>,
    /// Tasks of the backlog that were durable in a second, while nothing ran; none without a backlog.
    pub backlog_per_s: Option<f64>,
    /// The resident memory of the process once all had ended, in MB; the load and its producer are in it.
    pub rss_mb: f64,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The backlog is stored.
    Backlog,
    /// The idle host picks up single tasks.
    Pickups,
    /// The load runs.
    Load,
    /// Every task of it is read back.
    Check,
}

/// Runs the load on a scratch store in the current folder, which is removed at the end; tells `hear` what begins. SIGINT and
/// SIGTERM end it early.
/// # Errors
/// [`BenchError`] if something needed is missing, if a task was not run once and completed, or if it was ended early.
pub fn bench(request: &BenchRequest, hear: &mut dyn FnMut(Stage)) -> Result<BenchReport, BenchError> {
    let here = std::path::Path::new(".");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| BootError::system("start threads in", here, source))?;
    let inside = runtime.enter();
    // First, so that whatever is made is removed.
    let unheard = |source| BootError::system("hear signals in", here, source);
    let interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    drop(inside);
    let site = Site::prepare(request)?;
    let measured = runtime.block_on(attend(&site, request, hear, [interrupt, terminate]));
    // What is stuck in plugin code must not hold the process.
    runtime.shutdown_background();
    measured
}

async fn attend(
    site: &Site,
    request: &BenchRequest,
    hear: &mut dyn FnMut(Stage),
    [mut interrupt, mut terminate]: [Signal; 2],
) -> Result<BenchReport, BenchError> {
    let (mut services, mut pulse) = (Services::default(), Pulse::default());
    let started = start(site.ground()?, Arc::<Notify>::default(), &mut services, &mut pulse).await?;
    let Started { daemon, host, .. } = started;
    let mut failure = daemon.store.failure();
    let measured = tokio::select! {
        measured = measure(request, &host, &daemon, hear) => measured,
        // Without an error the store is only closed, which nobody here does before.
        _ = failure.wait_for(Option::is_some) => Err(BenchError::failed(&*daemon.store)),
        name = services.panicked() => Err(BootError::ServicePanicked(name).into()),
        _ = interrupt.recv() => Err(BenchError::Stopped),
        _ = terminate.recv() => Err(BenchError::Stopped),
    };
    let report = measured?;
    daemon.drain().await?;
    daemon.store.close().await?;
    Ok(report)
}

/// The idle host first: the load leaves a warm disk.
async fn measure(
    request: &BenchRequest,
    host: &Host,
    daemon: &Daemon,
    hear: &mut dyn FnMut(Stage),
) -> Result<BenchReport, BenchError> {
    let store = &*daemon.store;
    hear(Stage::Backlog);
    let stored = load::put_aside(request.backlog, host).await?;
    hear(Stage::Pickups);
    let pickup = pickup::idle(request.pickups, host, store).await?;
    hear(Stage::Load);
    let load = load::run(request, host, store);
    let (load, loaded) = if request.loaded { pickup::beside(load, host, store).await? } else { (load.await?, None) };
    let rss_mb = resident_mb();
    hear(Stage::Check);
    check(request.tasks, host).await?;
    let per_s = |tasks: u32, elapsed: Duration| f64::from(tasks) / elapsed.as_secs_f64();
    Ok(BenchReport {
        lifecycles_per_s: per_s(request.tasks, load.ended),
        enqueue_per_s: per_s(request.tasks, load.answered),
        pickup,
        loaded,
        backlog_per_s: stored.map(|elapsed| per_s(request.backlog, elapsed)),
        rss_mb,
    })
}

/// Reads every task of the load back: each is there, has run once, and completed.
async fn check(tasks: u32, host: &Host) -> Result<(), BenchError> {
    // Nothing else of this kind runs, and what waits aside has another status.
    let filter = TaskFilter { kind: Some(load::kind()), ..TaskFilter::default() };
    let limit = PageLimit::new(PageLimit::MAX).expect("the most is allowed");
    let statuses = Status::ALL.into_iter().filter(|status| *status != Status::Queued).collect();
    let mut query = TaskQuery { statuses, filter, limit, ..TaskQuery::default() };
    let mut good = 0;
    loop {
        let page = host.list(query.clone()).await?;
        for listed in &page.tasks {
            let task = &listed.summary.task;
            if task.status() != Status::Completed || task.attempt != 1 {
                return Err(BenchError::NotOnce {
                    task: listed.summary.id,
                    status: task.status(),
                    attempts: task.attempt,
                });
            }
            good += 1;
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None if good == tasks => return Ok(()),
            None => return Err(BenchError::Lost { submitted: tasks, kept: good }),
        }
    }
}

/// What the system says; 0 where it says nothing.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() * 1024.0 / 1e6
}
