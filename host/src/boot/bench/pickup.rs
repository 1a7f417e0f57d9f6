//! How long the host takes to pick up a task: from the submit to the entry of the plugin, one task each 10 ms.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::time::UnixMicros;

use super::BenchError;
use crate::clock::{monotonic, sleep};
use crate::host::{Host, Order};
use crate::store::{Store, StoreError};
use crate::submit::Params;

/// How far the submits lie apart, so that the host is idle at each.
const APART: Duration = Duration::from_millis(10);

/// How long it took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pickups {
    /// Half of them took no longer.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// None took longer.
    pub max: f64,
}

pub(super) fn kind() -> KindName {
    KindName::new("probe.clock").expect("a name of a kind")
}

/// What the kind answers.
#[derive(Deserialize)]
struct Entered {
    entered_us: i64,
}

/// A task that was submitted, and when.
type Sent = (TaskId, UnixMicros);

/// By a host that has nothing else to do.
pub(super) async fn idle(pickups: u32, host: &Host, store: &dyn Store) -> Result<Option<Pickups>, BenchError> {
    let mut sent = Vec::new();
    submit(pickups, host, &mut sent).await?;
    read(sent, host, store).await
}

/// By a host that has this to do, as long as it takes.
pub(super) async fn beside<T>(
    load: impl Future<Output = Result<T, BenchError>>,
    host: &Host,
    store: &dyn Store,
) -> Result<(T, Option<Pickups>), BenchError> {
    let mut sent = Vec::new();
    let done = tokio::select! {
        done = load => done?,
        failed = submit(u32::MAX, host, &mut sent) => return Err(failed.err().unwrap_or(BenchError::Stopped)),
    };
    Ok((done, read(sent, host, store).await?))
}

/// Submits so many, one each 10 ms, and notes each that was answered.
async fn submit(pickups: u32, host: &Host, sent: &mut Vec<Sent>) -> Result<(), BenchError> {
    let order = Order::kind(kind(), Params::from(json!({})));
    let start = monotonic();
    for number in 0..pickups {
        sleep((APART * number).saturating_sub(monotonic() - start)).await;
        let now = host.now();
        sent.push((host.submit(&order).await?.task, now));
    }
    Ok(())
}

/// Asks each when it began, once all have ended.
async fn read(sent: Vec<Sent>, host: &Host, store: &dyn Store) -> Result<Option<Pickups>, BenchError> {
    store.running().wait_for(|running| *running == 0).await.map_err(|_| StoreError::Closed)?;
    let mut waits = Vec::new();
    for (task, since) in sent {
        let report = host.task(task).await?;
        let result = report.and_then(|report| report.view.result);
        let entered = result.and_then(|json| serde_json::from_slice::<Entered>(&json).ok());
        let entered = entered.ok_or(BenchError::NoTime(task))?;
        waits.push(UnixMicros::from_micros(entered.entered_us).saturating_since(since));
    }
    Ok(Pickups::of(waits))
}

impl Pickups {
    fn of(mut waits: Vec<Duration>) -> Option<Self> {
        waits.sort_unstable();
        let at = |percent: usize| {
            let nth = (waits.len() * percent).div_ceil(100).saturating_sub(1);
            waits.get(nth).map(|wait| wait.as_secs_f64() * 1e3)
        };
        Some(Self { p50: at(50)?, p99: at(99)?, max: at(100)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_first_that_so_many_do_not_exceed() {
        let waits = |count: u64| (1..=count).rev().map(Duration::from_millis).collect();
        assert_eq!(Pickups::of(waits(200)), Some(Pickups { p50: 100.0, p99: 198.0, max: 200.0 }));
        assert_eq!(Pickups::of(waits(1)), Some(Pickups { p50: 1.0, p99: 1.0, max: 1.0 }));
        assert_eq!(Pickups::of(Vec::new()), None);
    }
}
