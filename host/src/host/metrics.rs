//! How it stands, for monitoring.

use taskhost_core::ids::JobName;

use super::Host;
use crate::metrics::Snapshot;

impl Host {
    /// The counts since the start and how it stands now, in the text format of Prometheus. What was answered to anybody
    /// before is counted. If the store cannot be read, there is nothing about queues in it.
    pub async fn metrics(&self) -> String {
        let queues = self.queues().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "The metrics lack the queues: the store cannot be read.");
            Vec::new()
        });
        let parts = &*self.0;
        let config = parts.live.config();
        let scheduled = config.jobs.iter().filter(|(_, declared)| declared.job.schedule.is_some());
        let snapshot = Snapshot {
            queues,
            file_jobs: scheduled.map(|(name, _)| JobName::clone(name)).collect(),
            plugins: parts.kinds.plugins(),
        };
        parts.metrics.render(&snapshot, |job| parts.live.job(job).is_some())
    }
}
