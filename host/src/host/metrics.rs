//! How it stands, for monitoring.

use taskhost_core::ids::JobName;

use super::{Host, QueueReport};
use crate::metrics::Snapshot;

impl Host {
    /// The counts since the start and how it stands now, in the text format of Prometheus. What was answered to anybody
    /// before is counted. If the store cannot be read, there is nothing about queues in it.
    pub async fn metrics(&self) -> String {
        let queues = self.queues().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "The metrics lack the queues: the store cannot be read.");
            Vec::new()
        });
        // There may be many jobs, and the numbers of the process are read from files.
        let host = self.clone();
        let rendered = tokio::task::spawn_blocking(move || host.render(queues)).await;
        // The join fails only while the runtime ends.
        rendered.unwrap_or_default()
    }

    fn render(&self, queues: Vec<QueueReport>) -> String {
        let parts = &*self.0;
        let config = parts.live.config();
        let scheduled = config.jobs.iter().filter(|(_, declared)| declared.job.schedule.is_some());
        let standing = parts.applied.standing();
        let snapshot = Snapshot {
            queues,
            store: parts.store.sizes(),
            file_jobs: scheduled.map(|(name, _)| JobName::clone(name)).collect(),
            plugins: parts.kinds.plugins(),
            is_config_good: standing.refused.is_none(),
            config_applied_at: standing.generation.applied_at,
        };
        parts.metrics.render(&snapshot)
    }
}
