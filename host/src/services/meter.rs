//! Counts what the store has done, off its thread, whenever much has gathered. What has not is counted when somebody asks for
//! the metrics.

use std::sync::Arc;

use crate::metrics::Metrics;
use crate::tally::Tally;

/// Counts for ever.
pub async fn run(tally: Tally, metrics: Arc<Metrics>) {
    loop {
        tally.much().await;
        metrics.settle();
    }
}
