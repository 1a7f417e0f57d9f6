//! The load: tasks that do nothing, submitted in batches as fast as the store answers them.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use taskhost_core::ids::{KindName, QueueName};
use taskhost_core::task::Status;
use tokio::task::JoinHandle;

use super::{BenchError, BenchRequest};
use crate::clock::monotonic;
use crate::host::{Host, Order, Submitted};
use crate::store::{Store, StoreError};
use crate::submit::Params;

/// How many tasks are submitted together.
const BATCH: u32 = 1_000;
/// How many batches wait for their answers: while one is committed the next is there.
const OUTSTANDING: usize = 2;
/// How long the params are, in bytes of JSON.
const PARAMS: usize = 100;

/// How long it took from the first submit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// To the last answer to a submit.
    pub(super) answered: Duration,
    /// To the commit of the last end.
    pub(super) ended: Duration,
}

pub(super) fn kind() -> KindName {
    KindName::new("probe.noop").expect("a name of a kind")
}

/// Those of the load.
pub(super) fn queue(number: u32) -> QueueName {
    QueueName::new(&format!("bench-{number}")).expect("a name of a queue")
}

/// Where the backlog waits.
pub(super) fn aside() -> QueueName {
    QueueName::new("aside").expect("a name of a queue")
}

/// Stores so many where nothing starts; answers how long that took.
pub(super) async fn put_aside(tasks: u32, host: &Host) -> Result<Option<Duration>, BenchError> {
    if tasks == 0 {
        return Ok(None);
    }
    host.pause_queue(&aside(), true).await?;
    let start = monotonic();
    submit(tasks, &[order(aside())], host).await?;
    Ok(Some(monotonic() - start))
}

/// Submits the load, and waits until all of it has ended.
pub(super) async fn run(request: &BenchRequest, host: &Host, store: &dyn Store) -> Result<Load, BenchError> {
    let orders: Vec<_> = (0..request.queues).map(|number| order(queue(number))).collect();
    let start = monotonic();
    submit(request.tasks, &orders, host).await?;
    let answered = monotonic() - start;
    let mut running = store.running();
    loop {
        // Closed: the store has failed, which is told elsewhere.
        running.wait_for(|running| *running == 0).await.map_err(|_| StoreError::Closed)?;
        let ended = monotonic() - start;
        // What the turn after it has answered shows the counts of the one before.
        store.advance(host.now()).await?;
        if all_ended(store) {
            return Ok(Load { answered, ended });
        }
    }
}

/// Submits so many, in turn as these orders say, and waits until all are durable.
async fn submit(tasks: u32, orders: &[Order], host: &Host) -> Result<(), BenchError> {
    let mut outstanding = VecDeque::new();
    let mut orders = orders.iter().cycle();
    for first in (0..tasks).step_by(BATCH as usize) {
        if outstanding.len() == OUTSTANDING {
            answered(outstanding.pop_front()).await?;
        }
        let size = BATCH.min(tasks - first) as usize;
        let batch = orders.by_ref().take(size).map(|order| host.prepare(order)).collect::<Result<Vec<_>, _>>()?;
        let host = host.clone();
        outstanding.push_back(tokio::spawn(async move { host.store(batch).await }));
    }
    while !outstanding.is_empty() {
        answered(outstanding.pop_front()).await?;
    }
    Ok(())
}

async fn answered(batch: Option<JoinHandle<Result<Vec<Submitted>, StoreError>>>) -> Result<(), StoreError> {
    match batch {
        // The join fails only while the runtime ends.
        Some(batch) => batch.await.unwrap_or(Err(StoreError::Closed)).map(drop),
        None => Ok(()),
    }
}

/// By the counts that the store keeps.
fn all_ended(store: &dyn Store) -> bool {
    let queues = store.queues();
    let of_load = queues.iter().filter(|queue| queue.name != aside());
    let is_open = |status: &Status| !status.is_ended();
    let mut open =
        of_load.flat_map(|queue| Status::ALL.into_iter().filter(is_open).map(|status| queue.counts.get(status)));
    open.all(|tasks| tasks == 0)
}

fn order(queue: QueueName) -> Order {
    let bare = json!({ "pad": "" }).to_string().len();
    let params = Params::from(json!({ "pad": "x".repeat(PARAMS - bare) }));
    let mut order = Order::kind(kind(), params);
    order.wishes.queue = Some(queue);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::What;

    #[test]
    fn the_params_are_as_long_as_they_are_said_to_be() {
        let What::Kind(_, params) = order(queue(0)).what else { panic!("a task of a kind") };
        assert_eq!(params.json().len(), PARAMS);
    }
}
