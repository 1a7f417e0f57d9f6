//! The daemon's hours: signals are waited for, and everything is taken down in order.
//!
//! Not here: building and starting it (`start`). Start at [`serve`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tracing::{debug, info, warn};

use super::services::Services;
use super::signals::Signals;
use super::start::{Ground, Started, serve_faces, start};
use super::{BootError, Listeners};
use crate::clock::{Clock, sleep};
use crate::host::Phase;
use crate::live::Live;
use crate::plugins::{Executor, Kinds};
use crate::pulse::Pulse;
use crate::service_manager;
use crate::services::{dispatcher, watchdog};
use crate::store::{Store, StoreError};

/// What is told to stop, and how far that has come.
pub(super) struct Daemon {
    pub(super) live: Arc<Live>,
    pub(super) store: Arc<dyn Store>,
    pub(super) executor: Arc<dyn Executor>,
    pub(super) kinds: Arc<dyn Kinds>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) phase: watch::Sender<Phase>,
    /// True once nothing is reloaded any more; closed once no reload runs.
    pub(super) reloads: watch::Sender<bool>,
    /// What makes new work, and is to end first.
    pub(super) makers: [AbortHandle; 5],
}

/// The ways in, and how they are told to stop.
pub(super) struct Faces {
    pub(super) stop: watch::Sender<bool>,
    pub(super) serving: [JoinHandle<()>; 2],
}

/// After its drain time is over, what still runs is given back; that costs one commit.
const GIVE_BACK_TIME: Duration = Duration::from_secs(5);

/// How long a stop waits for an edit of `tasks.toml` that is being built: what it brings up is to be shut down too.
const RELOAD_TIME: Duration = Duration::from_secs(1);

/// How long plugins may take to end their threads.
const PLUGIN_TIME: Duration = Duration::from_secs(1);

/// How long the rest of a stop may take: the last answers, the last commit.
const END_TIME: Duration = Duration::from_secs(5);

pub(super) async fn serve(ground: Ground<'_>, listeners: Listeners) -> Result<(), BootError> {
    let asked = Arc::<Notify>::default();
    let mut signals = Signals::new(Arc::clone(&asked))
        .map_err(|source| BootError::system("hear signals in", ".".as_ref(), source))?;
    let config = &ground.origin.config;
    let listen = listeners.tcp.local_addr().unwrap_or(config.host.listen);
    let mut services = Services::default();
    let mut pulse = Pulse::default();
    let (kinds, jobs) = (ground.registry.all().len(), config.jobs.len());
    let status = format!("Listening on {listen}; {kinds} kinds, {jobs} jobs in the file.");
    let Started { daemon, host, uploads } = start(ground, asked, &mut services, &mut pulse).await?;
    let mut faces = serve_faces(&host, &uploads, listeners);
    if let Some(limit) = service_manager::watchdog() {
        services.start("watchdog", watchdog::run(pulse, limit));
    }
    info!(%listen, "taskhost is ready.");
    service_manager::ready(&status);
    let mut failure = daemon.store.failure();
    let drained = tokio::select! {
        // Without an error the store is only closed, which is how a drain ends.
        Ok(_) = failure.wait_for(Option::is_some) => Err(StoreError::Closed),
        name = services.panicked() => return Err(BootError::ServicePanicked(name)),
        drained = daemon.until_drained(&mut signals) => drained?,
    };
    tokio::select! {
        () = faces.close() => {}
        () = signals.stop() => return Err(BootError::StoppedAtOnce),
    }
    let closed = daemon.store.close().await;
    if let Some(failed) = daemon.store.failure().borrow().clone() {
        return Err(BootError::StoreFailed(failed));
    }
    drained.and(closed)?;
    info!("taskhost has stopped.");
    Ok(())
}

impl Daemon {
    /// Waits for a signal, and drains; another signal cuts that short.
    async fn until_drained(&self, signals: &mut Signals) -> Result<Result<(), StoreError>, BootError> {
        signals.stop().await;
        tokio::select! {
            drained = self.drain() => Ok(drained),
            () = signals.stop() => Err(BootError::StoppedAtOnce),
        }
    }

    /// Stops taking work, lets running tasks end or save their state, and gives the rest back with their attempts unspent.
    pub(super) async fn drain(&self) -> Result<(), StoreError> {
        let limit = self.live.config().host.drain_timeout;
        // First: no reload tells the service manager that the daemon is ready after it has heard of the stop.
        self.reloads.send_replace(true);
        let within = limit + GIVE_BACK_TIME + RELOAD_TIME + PLUGIN_TIME + END_TIME;
        service_manager::stopping(within, "Stopping: running tasks may end.");
        self.phase.send_replace(Phase::Draining);
        self.makers.iter().for_each(AbortHandle::abort);
        dispatcher::offer_nothing(&*self.store, self.clock.now()).await?;
        self.executor.drain();
        let mut running = self.store.running();
        info!(running = *running.borrow(), ?limit, "Stopping: running tasks may end or save their state.");
        let ended = tokio::select! {
            ended = running.wait_for(|running| *running == 0) => ended.is_ok(),
            () = sleep(limit) => false,
        };
        if !ended {
            let left = *running.borrow();
            service_manager::status("Stopping: what still runs is given back.");
            warn!(running = left, "The time to stop is over; what still runs is given back.");
            self.executor.give_back();
            tokio::select! {
                given = running.wait_for(|running| *running == 0) => drop(given),
                () = sleep(GIVE_BACK_TIME) => {}
            }
        }
        tokio::select! {
            () = self.reloads.closed() => {}
            () = sleep(RELOAD_TIME) => debug!("An edit of tasks.toml took too long to be built."),
        }
        tokio::select! {
            () = self.executor.shut_down(&self.kinds.all(), PLUGIN_TIME) => {}
            () = sleep(PLUGIN_TIME) => debug!("A plugin took too long to shut down."),
        }
        Ok(())
    }
}

impl Faces {
    /// Lets held answers out and ends; the faces see to it that this takes a second at most.
    async fn close(&mut self) {
        self.stop.send_replace(true);
        for face in &mut self.serving {
            // A face that panicked is closed too.
            drop(face.await);
        }
    }
}
