//! The names of the metrics, what they mean, and their labels. They are a promise: people build alerts on them.

use std::time::Duration;

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// A metric as it is declared.
#[derive(Debug)]
pub(super) struct Family {
    name: &'static str,
    help: &'static str,
    pub(super) labels: &'static [&'static str],
}

/// Why making a family of this module cannot fail.
pub(super) const HOLDS: &str = "names, labels and buckets are right, and each name comes once";

pub(super) const TASKS_ENDED: Family = Family {
    name: "taskhost_tasks_total",
    help: "Tasks that ended, by how: completed, cancelled or dead.",
    labels: &["queue", "kind", "outcome"],
};

pub(super) const ATTEMPTS: Family = Family {
    name: "taskhost_attempts_total",
    help: "Attempts that ended, by how; a task may take several.",
    labels: &["queue", "kind", "outcome"],
};

pub(super) const TASK_DURATION: Family = Family {
    name: "taskhost_task_duration_seconds",
    help: "How long attempts ran, from their claim to their end.",
    labels: &["queue", "kind"],
};

pub(super) const TASKS: Family =
    Family { name: "taskhost_tasks", help: "Tasks that are kept, by where they stand.", labels: &["queue", "status"] };

pub(super) const QUEUE_LATENCY: Family = Family {
    name: "taskhost_queue_latency_seconds",
    help: "How long the oldest queued task has waited; 0 if none waits.",
    labels: &["queue"],
};

pub(super) const WORKERS_BUSY: Family =
    Family { name: "taskhost_workers_busy", help: "Slots of the queue in which a task runs now.", labels: &["queue"] };

pub(super) const OCCURRENCES: Family = Family {
    name: "taskhost_occurrences_total",
    help: "Nominal times of a job's schedule, by what became of them.",
    labels: &["job", "outcome"],
};

pub(super) const SCHEDULE_LAG: Family = Family {
    name: "taskhost_schedule_lag_seconds",
    help: "How much later than its nominal time an occurrence made its task.",
    labels: &[],
};

pub(super) const CONFIG_RELOAD_SUCCESS: Family = Family {
    name: "taskhost_config_reload_success",
    help: "Whether tasks.toml as it is now is applied; 0 after an edit that was refused.",
    labels: &[],
};

pub(super) const CONFIG_RELOAD_TIME: Family = Family {
    name: "taskhost_config_reload_success_timestamp_seconds",
    help: "Since when the config that runs is applied; a restart on the same text leaves it.",
    labels: &[],
};

pub(super) const PLUGIN_INFO: Family = Family {
    name: "taskhost_plugin_info",
    help: "The copy of each plugin that new attempts get; always 1.",
    labels: &["name", "version", "sha256"],
};

pub(super) const PLUGIN_GENERATIONS: Family = Family {
    name: "taskhost_plugin_generations",
    help: "Copies of the plugin that are loaded: the one that serves, and those before it.",
    labels: &["name"],
};

pub(super) const STORE_BYTES: Family =
    Family { name: "taskhost_store_bytes", help: "The size of the store's file, without its log.", labels: &[] };

pub(super) const STORE_LOG_BYTES: Family = Family {
    name: "taskhost_store_wal_bytes",
    help: "The size of the store's write-ahead log, which is made anew again and again.",
    labels: &[],
};

pub(super) const BUILD_INFO: Family =
    Family { name: "taskhost_build_info", help: "The daemon; always 1.", labels: &["version"] };

impl Family {
    pub(super) fn opts(&self) -> Opts {
        Opts::new(self.name, self.help)
    }

    /// Puts the family into `registry`, with these lines: values of the labels, and the number.
    pub(super) fn gauge<'a, const N: usize>(
        &self,
        registry: &Registry,
        lines: impl IntoIterator<Item = ([&'a str; N], i64)>,
    ) {
        let gauges = IntGaugeVec::new(self.opts(), self.labels).expect(HOLDS);
        for (labels, value) in lines {
            gauges.with_label_values(&labels).set(value);
        }
        registry.register(Box::new(gauges)).expect(HOLDS);
    }

    /// As [`Family::gauge`], for a length of time, or a time since 1970.
    pub(super) fn seconds<'a, const N: usize>(
        &self,
        registry: &Registry,
        lines: impl IntoIterator<Item = ([&'a str; N], Duration)>,
    ) {
        let gauges = GaugeVec::new(self.opts(), self.labels).expect(HOLDS);
        for (labels, value) in lines {
            gauges.with_label_values(&labels).set(value.as_secs_f64());
        }
        registry.register(Box::new(gauges)).expect(HOLDS);
    }

    /// As [`Family::gauge`], for what only grows.
    pub(super) fn counter<'a, const N: usize>(
        &self,
        registry: &Registry,
        lines: impl IntoIterator<Item = ([&'a str; N], u64)>,
    ) {
        let counters = IntCounterVec::new(self.opts(), self.labels).expect(HOLDS);
        for (labels, value) in lines {
            counters.with_label_values(&labels).inc_by(value);
        }
        registry.register(Box::new(counters)).expect(HOLDS);
    }
}
