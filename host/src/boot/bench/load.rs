//! The load: tasks that do nothing, submitted in batches as fast as the store answers them.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use taskhost_core::ids::{KindName, QueueName};
use taskhost_core::task::Status;
use tokio::task::JoinHandle;

use super::BenchError;
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

pub(super) fn queue() -> QueueName {
    QueueName::new("bench").expect("a name of a queue")
}

/// Submits so many, and waits until all have ended.
pub(super) async fn run(tasks: u32, host: &Host, store: &dyn Store) -> Result<Load, BenchError> {
    let order = order();
    let start = monotonic();
    let mut outstanding = VecDeque::new();
    for first in (0..tasks).step_by(BATCH as usize) {
        if outstanding.len() == OUTSTANDING {
            answered(outstanding.pop_front()).await?;
        }
        let batch = (first..tasks.min(first + BATCH)).map(|_| host.prepare(&order)).collect::<Result<Vec<_>, _>>()?;
        let host = host.clone();
        outstanding.push_back(tokio::spawn(async move { host.store(batch).await }));
    }
    while !outstanding.is_empty() {
        answered(outstanding.pop_front()).await?;
    }
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

async fn answered(batch: Option<JoinHandle<Result<Vec<Submitted>, StoreError>>>) -> Result<(), StoreError> {
    match batch {
        // The join fails only while the runtime ends.
        Some(batch) => batch.await.unwrap_or(Err(StoreError::Closed)).map(drop),
        None => Ok(()),
    }
}

/// By the counts that the store keeps.
fn all_ended(store: &dyn Store) -> bool {
    let waits = |status: &Status| !status.is_ended();
    let queues = store.queues();
    let mut open = queues
        .iter()
        .flat_map(|queue| Status::ALL.iter().filter(|status| waits(status)).map(|status| queue.counts.get(*status)));
    open.all(|tasks| tasks == 0)
}

fn order() -> Order {
    let bare = json!({ "pad": "" }).to_string().len();
    let params = Params::from(json!({ "pad": "x".repeat(PARAMS - bare) }));
    let mut order = Order::kind(kind(), params);
    order.wishes.queue = Some(queue());
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::What;

    #[test]
    fn the_params_are_as_long_as_they_are_said_to_be() {
        let What::Kind(_, params) = order().what else { panic!("a task of a kind") };
        assert_eq!(params.json().len(), PARAMS);
    }
}
