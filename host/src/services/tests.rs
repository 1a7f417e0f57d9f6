//! Scheduler and maintainer under a clock that is moved by hand.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use taskhost_core::config::Config;
use taskhost_core::ids::{JobName, KindName};
use taskhost_core::retention::Retentions;
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::dispatcher::Dispatcher;
use super::maintainer;
use super::scheduler::Scheduler;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::events::{Events, Listener};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::plugins::{Kind, Kinds, PluginView};
use crate::pulse::Beat;
use crate::store::Store;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::submit::{Intake, Start, Wishes};
use crate::tally::Tally;

#[derive(Debug)]
struct HandClock(watch::Sender<UnixMicros>);

impl HandClock {
    fn forward(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.saturating_add(by));
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixMicros {
        *self.0.borrow()
    }

    fn wait_until(&self, time: UnixMicros) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut seen = self.0.subscribe();
        Box::pin(async move {
            seen.wait_for(|now| *now >= time).await.expect("the clock outlives who waits for it");
        })
    }
}

/// One kind, which may be away.
#[derive(Debug)]
struct OneKind(Arc<Kind>, AtomicBool);

impl Kinds for OneKind {
    fn find(&self, name: &KindName) -> Option<Arc<Kind>> {
        Some(Arc::clone(&self.0)).filter(|kind| kind.name == *name && !self.1.load(SeqCst))
    }

    fn all(&self) -> Vec<Arc<Kind>> {
        vec![Arc::clone(&self.0)]
    }

    fn plugins(&self) -> Vec<PluginView> {
        Vec::new()
    }
}

/// A store, a clock, and the services on them. Nothing is offered, so tasks stay where their time puts them.
struct Stage {
    _folder: tempfile::TempDir,
    clock: Arc<HandClock>,
    kinds: Arc<OneKind>,
    kinds_changed: watch::Sender<u64>,
    store: Arc<dyn Store>,
    heard: Listener,
}

/// A file with one job.
fn declared(schedule: &str) -> String {
    format!("[jobs.work]\nkind = \"demo.work\"\nschedule = {{ {schedule} }}\n")
}

const MINUTE: Duration = Duration::from_mins(1);

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let start: UnixMicros = "2026-11-24T12:00:30Z".parse().expect("a time");
        let events = Events::default();
        let heard = events.listen();
        let (host, retentions) = ("here".to_owned(), Retentions::default());
        let options = SqliteOptions { path: folder.path().join("db"), durable: false, host, retentions };
        let (assigned, _assignments) = mpsc::unbounded_channel();
        let store = SqliteStore::open(&options, assigned, events, Tally::default(), start).expect("a new store");
        Self {
            _folder: folder,
            clock: Arc::new(HandClock(watch::Sender::new(start))),
            kinds: Arc::new(OneKind(Arc::new(Kind::fake("demo.work")), AtomicBool::new(false))),
            kinds_changed: watch::Sender::new(0),
            store: Arc::new(store),
            heard,
        }
    }

    fn schedule(&self, schedule: &str) -> JoinHandle<()> {
        self.serve(&declared(schedule)).1
    }

    /// A scheduler on a file, and what is declared then.
    fn serve(&self, file: &str) -> (Arc<Live>, JoinHandle<()>) {
        let (told, changed) = mpsc::unbounded_channel();
        let config = Arc::new(Config::parse(file).expect("a good file"));
        let live = Arc::new(Live::new(config, self.store.kept().expect("a store that can be read"), told));
        let scheduler = Scheduler {
            live: Arc::clone(&live),
            changed,
            kinds: Arc::clone(&self.kinds) as Arc<dyn Kinds>,
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            chance: Arc::new(Chance::default()),
            metrics: Arc::new(Metrics::new(Tally::default())),
            kinds_changed: self.kinds_changed.subscribe(),
            beat: Beat::default(),
        };
        (live, tokio::spawn(scheduler.run()))
    }

    /// Another file is applied, and the scheduler has seen it.
    async fn edit(&self, live: &Live, file: &str) {
        live.edit().await.apply(Arc::new(Config::parse(file).expect("a good file")));
        settle(self).await;
    }

    /// The nominal time of the next task that is made.
    async fn next_fired(&mut self) -> String {
        let batch = self.heard.next().await.expect("nothing is missed");
        let [change] = batch.changes() else { panic!("one task at a time: {batch:?}") };
        let task = self.store.task(change.task).expect("a store that can be read").expect("the task that was made");
        let origin = task.submitted.origin.expect("a job made it");
        origin.nominal_at.expect("a schedule fired it").to_string()
    }
}

/// When the job fires next, as far as it is planned.
fn next_at(live: &Live) -> Option<String> {
    let job = live.job(&JobName::new("work").expect("a name")).expect("it is declared");
    job.next_at().map(|time| time.to_string())
}

/// The scheduler has looked at its jobs once this is answered: the store takes calls in their order.
async fn settle(stage: &Stage) {
    tokio::task::yield_now().await;
    stage.store.retire(Vec::new(), stage.clock.now()).await.expect("an open store");
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn each_nominal_time_becomes_one_task() {
    let mut stage = Stage::new();
    let _scheduler = stage.schedule("cron = \"* * * * *\"");
    settle(&stage).await;
    for expected in ["2026-11-24T12:01:00.000000Z", "2026-11-24T12:02:00.000000Z", "2026-11-24T12:03:00.000000Z"] {
        stage.clock.forward(MINUTE);
        assert_eq!(stage.next_fired().await, expected);
    }
}

#[tokio::test]
async fn an_interval_counts_from_the_first_sight_of_the_job() {
    let mut stage = Stage::new();
    let _scheduler = stage.schedule("every = \"1m\"");
    settle(&stage).await;
    stage.clock.forward(MINUTE);
    assert_eq!(stage.next_fired().await, "2026-11-24T12:01:30.000000Z");
}

#[tokio::test]
async fn times_missed_while_no_daemon_ran_are_made_up_for_once() {
    let mut stage = Stage::new();
    let scheduler = stage.schedule("every = \"1m\"");
    settle(&stage).await;
    scheduler.abort();
    stage.clock.forward(10 * MINUTE);
    let _restarted = stage.schedule("every = \"1m\"");
    assert_eq!(stage.next_fired().await, "2026-11-24T12:01:30.000000Z", "the first missed time, once");
    stage.clock.forward(MINUTE);
    assert_eq!(stage.next_fired().await, "2026-11-24T12:11:30.000000Z", "then on as before");
}

#[tokio::test]
async fn a_delay_fires_once_however_often_the_daemon_starts() {
    let mut stage = Stage::new();
    stage.schedule("delay = \"1m\"");
    settle(&stage).await;
    stage.clock.forward(MINUTE);
    assert_eq!(stage.next_fired().await, "2026-11-24T12:01:30.000000Z");
    let (live, _restarted) = stage.serve(&declared("delay = \"1m\""));
    settle(&stage).await;
    assert_eq!(next_at(&live), None, "nothing is left to fire");
}

#[tokio::test]
async fn a_job_whose_kind_is_away_fires_once_it_is_there() {
    for schedule in ["delay = \"1m\"", "every = \"1m\""] {
        let mut stage = Stage::new();
        stage.kinds.1.store(true, SeqCst);
        let scheduler = stage.schedule(schedule);
        settle(&stage).await;
        stage.clock.forward(3 * MINUTE);
        settle(&stage).await;
        stage.kinds.1.store(false, SeqCst);
        stage.kinds_changed.send_modify(|count| *count += 1);
        assert_eq!(stage.next_fired().await, "2026-11-24T12:01:30.000000Z", "what it missed, once");
        scheduler.abort();
    }
}

#[tokio::test]
async fn a_changed_schedule_never_replays_times_before_the_change() {
    let mut stage = Stage::new();
    let scheduler = stage.schedule("cron = \"0 12 * * *\"");
    settle(&stage).await;
    scheduler.abort();
    stage.clock.forward(10 * MINUTE);
    let _changed = stage.schedule("cron = \"*/5 * * * *\"");
    settle(&stage).await;
    stage.clock.forward(5 * MINUTE);
    assert_eq!(stage.next_fired().await, "2026-11-24T12:15:00.000000Z", "12:05 and 12:10 came before the change");
}

#[tokio::test]
async fn a_job_that_is_gone_for_a_while_goes_on_in_its_grid_and_makes_up_for_nothing() {
    let mut stage = Stage::new();
    let (live, _scheduler) = stage.serve(&declared("every = \"1m\""));
    settle(&stage).await;
    stage.edit(&live, "").await;
    stage.clock.forward(10 * MINUTE);
    settle(&stage).await;
    stage.clock.forward(MINUTE / 2);
    stage.edit(&live, &declared("every = \"1m\"")).await;
    assert_eq!(next_at(&live).as_deref(), Some("2026-11-24T12:11:30.000000Z"));
    stage.clock.forward(MINUTE);
    assert_eq!(stage.next_fired().await, "2026-11-24T12:11:30.000000Z");
}

#[tokio::test]
async fn an_edit_of_another_job_delays_nothing() {
    let mut stage = Stage::new();
    let (live, _scheduler) = stage.serve(&declared("every = \"1m\""));
    settle(&stage).await;
    stage.clock.forward(MINUTE / 2);
    let file = format!("[jobs.other]\nkind = \"demo.work\"\n{}", declared("every = \"1m\""));
    stage.edit(&live, &file).await;
    stage.clock.forward(MINUTE / 2);
    assert_eq!(stage.next_fired().await, "2026-11-24T12:01:30.000000Z");
    stage.edit(&live, &declared("every = \"1m\"")).await;
    assert_eq!(
        next_at(&live).as_deref(),
        Some("2026-11-24T12:02:30.000000Z"),
        "planned by the scheduler before the edit"
    );
}

#[tokio::test]
async fn an_edited_schedule_applies_at_once_and_replays_nothing() {
    let mut stage = Stage::new();
    let (live, _scheduler) = stage.serve(&declared("cron = \"0 12 * * *\""));
    settle(&stage).await;
    stage.clock.forward(10 * MINUTE);
    stage.edit(&live, &declared("cron = \"*/5 * * * *\"")).await;
    stage.clock.forward(5 * MINUTE);
    assert_eq!(stage.next_fired().await, "2026-11-24T12:15:00.000000Z");
}

#[tokio::test]
async fn a_paused_job_does_not_fire_and_its_end_makes_up_for_nothing() {
    let mut stage = Stage::new();
    let (live, _scheduler) = stage.serve(&declared("every = \"1m\""));
    settle(&stage).await;
    let job = JobName::new("work").expect("a name");
    for (paused, since) in [(true, Some(stage.clock.now())), (false, None)] {
        stage.store.pause_job(job.clone(), paused, stage.clock.now()).await.expect("an open store");
        live.edit().await.pause(&job, since, None);
        settle(&stage).await;
        stage.clock.forward(10 * MINUTE);
        settle(&stage).await;
        if paused {
            assert_eq!(next_at(&live), None);
        }
    }
    assert_eq!(stage.next_fired().await, "2026-11-24T12:11:30.000000Z", "the first time after the pause");
}

#[tokio::test]
async fn a_delayed_task_is_queued_when_its_time_comes() {
    let mut stage = Stage::new();
    tokio::spawn(maintainer::run(
        Arc::clone(&stage.store),
        Arc::clone(&stage.clock) as Arc<dyn Clock>,
        Beat::default(),
    ));
    let now = stage.clock.now();
    let config = Config::parse("").expect("an empty file");
    let intake = Intake { config: &config, kinds: &*stage.kinds, chance: &Chance::default(), now };
    let wishes = Wishes { start: Some(Start::After(MINUTE)), ..Wishes::default() };
    let task = intake.prepare(&stage.kinds.0.name, &serde_json::json!({}).into(), &wishes).expect("a good task");
    let id = task.id;
    assert_eq!(stage.store.submit(vec![task], now).await.expect("an open store"), [Status::Scheduled]);
    let batch = stage.heard.next().await.expect("nothing is missed");
    assert_eq!(batch.changes()[0].status(), Some(Status::Scheduled));
    stage.clock.forward(MINUTE);
    let batch = stage.heard.next().await.expect("nothing is missed");
    assert_eq!((batch.changes()[0].task, batch.changes()[0].status()), (id, Some(Status::Queued)));
}

#[tokio::test]
async fn an_edit_of_retention_counts_for_what_has_ended_before() {
    let stage = Stage::new();
    let (live, _scheduler) = stage.serve(&declared("every = \"1h\""));
    let dispatcher = Dispatcher {
        store: Arc::clone(&stage.store),
        kinds: Arc::clone(&stage.kinds) as Arc<dyn Kinds>,
        configs: live.configs(),
        clock: Arc::clone(&stage.clock) as Arc<dyn Clock>,
        kinds_changed: stage.kinds_changed.subscribe(),
        limits: BTreeMap::new(),
    };
    tokio::spawn(dispatcher.run());
    let now = stage.clock.now();
    let intake = Intake { config: &live.config(), kinds: &*stage.kinds, chance: &Chance::default(), now };
    let kind = KindName::new("demo.work").expect("a name");
    let task = intake.prepare(&kind, &serde_json::json!({}).into(), &Wishes::default()).expect("a task");
    let id = task.id;
    stage.store.submit(vec![task], now).await.expect("an open store");
    stage.store.cancel(id, now).await.expect("an open store").expect("it waits");
    let edited = format!("[host]\nretention = {{ cancelled = \"5m\" }}\n{}", declared("every = \"1h\""));
    stage.edit(&live, &edited).await;
    // The minute for which old tasks are gathered included.
    let expected = now.saturating_add(6 * MINUTE);
    let mut next_due = stage.store.next_due();
    next_due.wait_for(|due| *due == Some(expected)).await.expect("an open store");
}
