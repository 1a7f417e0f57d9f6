//! What monitoring asks for: counts since the start, and how it stands now, in the text format of Prometheus.
//!
//! No label is ever a task's: labels are declared queues and jobs, known kinds and plugins, and fixed words. Not here:
//! gathering what the store does (`tally`), asking how it stands (`host`). Start at [`Metrics`].

mod family;
mod work;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::process_collector::ProcessCollector;
use prometheus::{Histogram, HistogramOpts, Registry, TextEncoder};
use taskhost_core::ids::JobName;
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;

use self::family::HOLDS;
use self::work::Work;
use crate::host::QueueReport;
use crate::plugins::PluginView;
use crate::store::StoreSizes;
use crate::tally::Tally;

/// The counts of a daemon.
#[derive(Debug)]
pub struct Metrics {
    tally: Tally,
    registry: Registry,
    work: Mutex<Work>,
    lag: Histogram,
    /// How often each job ran.
    occurrences: Mutex<BTreeMap<JobName, u64>>,
}

/// How it stands at one moment, beside the counts.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The queues.
    pub queues: Vec<QueueReport>,
    /// How large the store is, if it has files.
    pub store: Option<StoreSizes>,
    /// The scheduled jobs of the file.
    pub file_jobs: Vec<JobName>,
    /// Every plugin, also those refused.
    pub plugins: Vec<PluginView>,
    /// Whether `tasks.toml` as it is now is applied.
    pub is_config_good: bool,
    /// Since when what runs is applied.
    pub config_applied_at: UnixMicros,
}

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The upper ends of buckets, in seconds: how much later than its time an occurrence ran.
const LAGS: &[f64] = &[0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3_600.0, 86_400.0];

impl Metrics {
    /// Counts what gathers in `tally`.
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub fn new(tally: Tally) -> Self {
        let registry = Registry::new();
        let lag = HistogramOpts::from(family::SCHEDULE_LAG.opts()).buckets(LAGS.to_vec());
        let lag = Histogram::with_opts(lag).expect(HOLDS);
        registry.register(Box::new(lag.clone())).expect(HOLDS);
        registry.register(Box::new(ProcessCollector::for_self())).expect(HOLDS);
        let work = Mutex::new(Work::registered(&registry));
        Self { tally, registry, work, lag, occurrences: Mutex::default() }
    }

    /// Counts that a job ran, so much later than its nominal time.
    pub fn ran(&self, job: &JobName, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
        let mut occurrences = self.occurrences.lock().unwrap_or_else(PoisonError::into_inner);
        *occurrences.entry(job.clone()).or_default() += 1;
    }

    /// Forgets what was counted of jobs that are gone.
    pub fn forget(&self, jobs: &[JobName]) {
        let mut occurrences = self.occurrences.lock().unwrap_or_else(PoisonError::into_inner);
        occurrences.retain(|job, _| !jobs.contains(job));
    }

    /// Every family.
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub fn render(&self, snapshot: &Snapshot) -> String {
        self.settle();
        // Made anew each time, so that nothing is shown that is no longer so.
        let now = Registry::new();
        queues(&snapshot.queues, &now);
        self.occurrences(&snapshot.file_jobs, &now);
        plugins(&snapshot.plugins, &now);
        family::CONFIG_RELOAD_SUCCESS.gauge(&now, [([], i64::from(snapshot.is_config_good))]);
        let since_1970 = snapshot.config_applied_at.saturating_since(UnixMicros::from_micros(0));
        family::CONFIG_RELOAD_TIME.seconds(&now, [([], since_1970)]);
        store(snapshot.store, &now);
        family::BUILD_INFO.gauge(&now, [([env!("CARGO_PKG_VERSION")], 1)]);
        let mut families = self.registry.gather();
        families.extend(now.gather());
        families.sort_by(|one, other| one.name().cmp(other.name()));
        TextEncoder::new().encode_to_string(&families).expect("what a registry gathers can be written into a text")
    }

    /// Counts what has gathered in the tally.
    pub fn settle(&self) {
        // Held meanwhile: whoever takes next must not count earlier.
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        for counted in self.tally.take() {
            work.count(counted);
        }
    }

    fn occurrences(&self, file_jobs: &[JobName], now: &Registry) {
        let mut shown = self.occurrences.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for job in file_jobs {
            shown.entry(job.clone()).or_default();
        }
        family::OCCURRENCES.counter(now, shown.iter().map(|(job, count)| ([job.as_str(), "ran"], *count)));
    }
}

fn queues(queues: &[QueueReport], now: &Registry) {
    let count = |queue: &QueueReport, status| i64::try_from(queue.counts.get(status)).unwrap_or(i64::MAX);
    let each = || queues.iter().map(|queue| (queue.name.as_str(), queue));
    let of_status = |status: Status| each().map(move |(name, queue)| ([name, status.as_str()], count(queue, status)));
    family::TASKS.gauge(now, Status::ALL.into_iter().flat_map(of_status));
    family::QUEUE_LATENCY.seconds(now, each().map(|(name, queue)| ([name], queue.latency)));
    family::WORKERS_BUSY.gauge(now, each().map(|(name, queue)| ([name], count(queue, Status::Running))));
}

fn store(sizes: Option<StoreSizes>, now: &Registry) {
    let bytes = |bytes: u64| ([], i64::try_from(bytes).unwrap_or(i64::MAX));
    family::STORE_BYTES.gauge(now, sizes.map(|sizes| bytes(sizes.file)));
    family::STORE_LOG_BYTES.gauge(now, sizes.map(|sizes| bytes(sizes.log)));
}

fn plugins(plugins: &[PluginView], now: &Registry) {
    let loaded = || plugins.iter().filter(|plugin| plugin.generation > 0);
    let info = loaded().map(|plugin| ([plugin.name.as_str(), &plugin.version, &plugin.sha256], 1));
    let generations = loaded().map(|plugin| ([plugin.name.as_str()], i64::from(plugin.retired) + 1));
    family::PLUGIN_INFO.gauge(now, info);
    family::PLUGIN_GENERATIONS.gauge(now, generations);
}

#[cfg(test)]
mod tests {
    use taskhost_core::ids::QueueName;

    use super::*;
    use crate::tally::{AttemptOutcome, Counted};

    fn job(name: &str) -> JobName {
        JobName::new(name).expect("a name")
    }

    /// The lines of our own families that are no `# HELP` and no bucket, without what they are called alike.
    fn shown(metrics: &Metrics, snapshot: &Snapshot) -> Vec<String> {
        let text = metrics.render(snapshot);
        let lines = text.lines().filter_map(|line| line.strip_prefix("taskhost_"));
        lines.filter(|line| !line.contains("_bucket{") && !line.starts_with("build_info")).map(str::to_owned).collect()
    }

    #[test]
    fn a_kind_in_a_queue_begins_at_0_with_every_outcome() {
        let tally = Tally::default();
        let metrics = Metrics::new(tally.clone());
        let (queue, kind) = (1, 2);
        let names = [
            Counted::Queue(queue, QueueName::default()),
            Counted::Kind(kind, "mail.send".parse().expect("a name")),
            Counted::Claimed { queue, kind },
        ];
        tally.add(&mut names.to_vec());
        let begun = shown(&metrics, &Snapshot::default());
        assert!(begun.contains(&"tasks_total{kind=\"mail.send\",outcome=\"dead\",queue=\"default\"} 0".to_owned()));

        let (outcome, ran) = (AttemptOutcome::Failed, Duration::from_millis(1_500));
        let ends =
            [Counted::Ended { queue, kind, status: Status::Dead }, Counted::Attempt { queue, kind, outcome, ran }];
        tally.add(&mut ends.to_vec());
        let ended = shown(&metrics, &Snapshot::default());
        let counted: Vec<_> = ended.iter().filter(|line| !line.ends_with(" 0")).map(String::as_str).collect();
        assert_eq!(
            counted,
            [
                "attempts_total{kind=\"mail.send\",outcome=\"failed\",queue=\"default\"} 1",
                "task_duration_seconds_sum{kind=\"mail.send\",queue=\"default\"} 1.5",
                "task_duration_seconds_count{kind=\"mail.send\",queue=\"default\"} 1",
                "tasks_total{kind=\"mail.send\",outcome=\"dead\",queue=\"default\"} 1",
            ]
        );
    }

    #[test]
    fn a_job_of_the_file_begins_at_0_and_one_that_is_gone_is_forgotten() {
        let metrics = Metrics::new(Tally::default());
        let of_job = |snapshot: &Snapshot| {
            let lines = shown(&metrics, snapshot);
            lines.into_iter().filter(|line| line.starts_with("occurrences")).collect::<Vec<_>>()
        };
        let file = Snapshot { file_jobs: vec![job("nightly")], ..Snapshot::default() };
        assert_eq!(of_job(&file), ["occurrences_total{job=\"nightly\",outcome=\"ran\"} 0"]);
        metrics.ran(&job("hourly"), Duration::from_secs(2));
        assert_eq!(of_job(&file).len(), 2);
        metrics.forget(&[job("hourly")]);
        assert_eq!(of_job(&file).len(), 1);
    }

    #[test]
    fn a_refused_plugin_is_not_shown_and_a_value_may_hold_anything() {
        let plugin = |name: &str, generation| PluginView {
            name: name.to_owned(),
            version: "1\"\n".to_owned(),
            generation,
            retired: 2,
            path: "/".into(),
            sha256: "ab".to_owned(),
            kinds: Vec::new(),
            error: None,
        };
        let snapshot = Snapshot { plugins: vec![plugin("good", 3), plugin("bad", 0)], ..Snapshot::default() };
        let mut lines = shown(&Metrics::new(Tally::default()), &snapshot);
        lines.retain(|line| line.starts_with("plugin"));
        assert_eq!(
            lines,
            ["plugin_generations{name=\"good\"} 3", "plugin_info{name=\"good\",sha256=\"ab\",version=\"1\\\"\\n\"} 1",]
        );
    }
}
