//! Builds the parts of a daemon and starts its services.
//!
//! Not here: waiting for its end, and taking it down (`serve`). Start at [`start()`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use taskhost_core::config::Config;
use taskhost_core::ids::JobName;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;
use tracing::warn;

use super::origin::{Origin, ReloadParts};
use super::serve::{Daemon, Faces};
use super::services::Services;
use super::{BootError, Listeners, Places, store_options};
use crate::api::{self, Source};
use crate::applied::Applied;
use crate::chance::Chance;
use crate::clock::{Clock, SystemClock};
use crate::events::Events;
use crate::follow_ups::FollowUpIntake;
use crate::host::{Host, Parts, Phase};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::plugins::{Executor, InProcess, Kinds, Registry, Report};
use crate::pulse::Pulse;
use crate::secrets;
use crate::services::completer::Completer;
use crate::services::dispatcher::Dispatcher;
use crate::services::scheduler::Scheduler;
use crate::services::{announcer, maintainer, meter, runner, sweeper, watcher};
use crate::store::sqlite::SqliteStore;
use crate::store::{Assignment, Store, StoreError};
use crate::tally::Tally;
use crate::uploads::Uploads;

/// What is there before anything runs.
pub(super) struct Ground<'a> {
    pub(super) origin: Origin,
    pub(super) applied: Arc<Applied>,
    pub(super) registry: Arc<Registry>,
    pub(super) places: &'a Places,
}

/// A daemon that works, and what faces need of it.
pub(super) struct Started {
    pub(super) daemon: Daemon,
    pub(super) host: Host,
    pub(super) uploads: Uploads,
}

pub(super) async fn start(
    ground: Ground<'_>,
    asked: Arc<Notify>,
    services: &mut Services,
    pulse: &mut Pulse,
) -> Result<Started, BootError> {
    let Ground { origin, applied, registry, places } = ground;
    let config = Arc::new(origin.config.clone());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let chance = Arc::new(Chance::default());
    let events = events(services, &clock);
    let (assigned, assignments) = mpsc::unbounded_channel();
    let (reporting, reports) = mpsc::unbounded_channel();
    let (tally, metrics) = count(services);
    let store = open_store(&config, places, assigned, &events, &tally, &*clock)?;
    let kinds: Arc<dyn Kinds> = Arc::clone(&registry) as Arc<dyn Kinds>;
    let (changed, jobs_changed) = mpsc::unbounded_channel();
    let live = Arc::new(Live::new(Arc::clone(&config), store.kept()?, changed));
    tell_of_taken(&live, &config);
    let follow_ups = FollowUpIntake {
        live: Arc::clone(&live),
        kinds: Arc::clone(&kinds),
        clock: Arc::clone(&clock),
        chance: Arc::clone(&chance),
    };
    let executor = executor(follow_ups, reporting.clone(), events.clone(), config.host.cancel_grace);

    let completer = Completer {
        store: Arc::clone(&store),
        executor: Arc::clone(&executor),
        clock: Arc::clone(&clock),
        chance: Arc::clone(&chance),
    };
    services.start("completer", completer.run(reports));
    let (phase, phase_seen) = watch::channel(Phase::Ready);
    services.start("runner", runner(assignments, &kinds, &executor, reporting, phase_seen.clone()));
    let beat = pulse.beat_of("maintainer");
    services.start("maintainer", maintainer::run(Arc::clone(&store), Arc::clone(&clock), beat));
    let parts = Parts { live, applied, store, kinds, executor, events, metrics, clock, chance, phase: phase_seen };
    let (reloads, stopping) = watch::channel(false);
    let reload = Reload { origin, registry, places, asked, stopping };
    let makers = start_makers(&parts, reload, jobs_changed, services, pulse).await?;

    let uploads = keep_uploads(&config, places, &parts.store, services);
    let (live, store, kinds) = (Arc::clone(&parts.live), Arc::clone(&parts.store), Arc::clone(&parts.kinds));
    let (executor, clock) = (Arc::clone(&parts.executor), Arc::clone(&parts.clock));
    let daemon = Daemon { live, store, executor, kinds, clock, phase, reloads, makers };
    Ok(Started { daemon, host: Host::new(parts), uploads })
}

/// What follows the edits of the file.
struct Reload<'a> {
    origin: Origin,
    registry: Arc<Registry>,
    places: &'a Places,
    asked: Arc<Notify>,
    stopping: watch::Receiver<bool>,
}

/// Starts what makes new work, or says which there can be.
async fn start_makers(
    parts: &Parts,
    reload: Reload<'_>,
    jobs_changed: mpsc::UnboundedReceiver<Vec<JobName>>,
    services: &mut Services,
    pulse: &mut Pulse,
) -> Result<[AbortHandle; 5], BootError> {
    let Parts { live, applied, store, kinds, executor, metrics, clock, chance, .. } = parts;
    let Reload { origin, registry, places, asked, stopping } = reload;
    let (kinds_changed, looked) = (watch::Sender::new(0), watch::Sender::new(0));
    let mut dispatcher = Dispatcher {
        store: Arc::clone(store),
        kinds: Arc::clone(kinds),
        configs: live.configs(),
        clock: Arc::clone(clock),
        kinds_changed: kinds_changed.subscribe(),
        limits: BTreeMap::new(),
    };
    dispatcher.offer().await?;
    let scheduler = Scheduler {
        live: Arc::clone(live),
        changed: jobs_changed,
        kinds: Arc::clone(kinds),
        store: Arc::clone(store),
        clock: Arc::clone(clock),
        chance: Arc::clone(chance),
        metrics: Arc::clone(metrics),
        kinds_changed: kinds_changed.subscribe(),
        beat: pulse.beat_of("scheduler"),
    };
    let saved = Arc::<Notify>::default();
    let following = watcher::follow(applied.file().to_owned(), Arc::clone(&saved));
    let reload_parts = ReloadParts {
        applied: Arc::clone(applied),
        live: Arc::clone(live),
        registry: Arc::clone(&registry),
        executor: Arc::clone(executor),
        clock: Arc::clone(clock),
        saved,
        asked,
        looked: looked.subscribe(),
        kinds_changed: kinds_changed.clone(),
        stopping,
    };
    let reloader = origin.reloader(reload_parts, places);
    Ok([
        services.start("scheduler", scheduler.run()),
        services.start("dispatcher", dispatcher.run()),
        services.start("watcher of plugins", watcher::run(registry, kinds_changed, looked)),
        services.start("watcher of tasks.toml", following),
        services.start("reloader", reloader.run()),
    ])
}

/// A job of the file does not come to life while one of its name is there that was declared over HTTP.
fn tell_of_taken(live: &Live, declared: &Config) {
    for job in live.taken(declared) {
        warn!(%job, line = declared.jobs[job].line, "A job of the file is left out: one of its name was declared over HTTP. Rename it, or delete the other.");
    }
}

fn count(services: &mut Services) -> (Tally, Arc<Metrics>) {
    let tally = Tally::default();
    let metrics = Arc::new(Metrics::new(tally.clone()));
    services.start("meter", meter::run(tally.clone(), Arc::clone(&metrics)));
    (tally, metrics)
}

fn open_store(
    config: &Config,
    places: &Places,
    assigned: mpsc::UnboundedSender<Vec<Assignment>>,
    events: &Events,
    tally: &Tally,
    clock: &dyn Clock,
) -> Result<Arc<dyn Store>, StoreError> {
    let opened =
        SqliteStore::open(&store_options(config, places), assigned, events.clone(), tally.clone(), clock.now())?;
    if opened.reclaimed() > 0 {
        warn!(tasks = opened.reclaimed(), "The last daemon ended while these ran; they are queued again.");
    }
    Ok(Arc::new(opened))
}

fn keep_uploads(config: &Config, places: &Places, store: &Arc<dyn Store>, services: &mut Services) -> Uploads {
    let uploads = Uploads::new(places.state.join("uploads"), config.host.upload_limit.bytes());
    services.start("sweeper", sweeper::run(uploads.clone(), Arc::clone(store)));
    uploads
}

/// What is told of what happens, and what tells progress.
fn events(services: &mut Services, clock: &Arc<dyn Clock>) -> Events {
    let events = Events::since(clock.now());
    services.start("announcer", announcer::run(events.clone(), Arc::clone(clock)));
    events
}

/// What runs the attempts.
fn executor(
    follow_ups: FollowUpIntake,
    reports: mpsc::UnboundedSender<Vec<Report>>,
    events: Events,
    grace: Duration,
) -> Arc<dyn Executor> {
    let clock = Arc::clone(&follow_ups.clock);
    Arc::new(InProcess::new(reports, Arc::new(follow_ups), events, clock, grace))
}

/// What hands attempts to it.
fn runner(
    assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
    kinds: &Arc<dyn Kinds>,
    executor: &Arc<dyn Executor>,
    reports: mpsc::UnboundedSender<Vec<Report>>,
    mut phase: watch::Receiver<Phase>,
) -> impl Future<Output = ()> + use<> {
    // An error means that the daemon is gone: that is a stop too.
    let stopping = async move { drop(phase.wait_for(|phase| *phase == Phase::Draining).await) };
    runner::run(assignments, Arc::clone(kinds), Arc::clone(executor), secrets::system(), reports, stopping)
}

/// Serves both ways in until the answer says so.
pub(super) fn serve_faces(host: &Host, uploads: &Uploads, listeners: Listeners) -> Faces {
    let (stop, stopped) = watch::channel(false);
    let until = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the daemon is gone: that is a stop too.
        drop(stopped.wait_for(|stop| *stop).await);
    };
    let [tcp, socket] = api::routers(host, uploads, [Source::Tcp, Source::Socket]);
    let serving = [
        tokio::spawn(api::serve_tcp(listeners.tcp, tcp, until(stopped.clone()))),
        tokio::spawn(api::serve_socket(listeners.socket, socket, until(stopped))),
    ];
    Faces { stop, serving }
}
