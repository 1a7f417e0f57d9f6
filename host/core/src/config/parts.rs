//! `[plugins.NAME]` and `[queues.NAME]`.
//!
//! Start at [`PluginConfig`] and [`QueueConfig`].

use std::collections::BTreeMap;

use toml::Spanned;

use super::retention;
use super::section::{NOT_SUPPORTED, Reader, Section};
use super::value::{Problem, boolean, integer, word};
use crate::ids::{PluginName, QueueName};
use crate::retention::PartialRetention;

/// `[plugins.NAME]`; the name is the plugin's own.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginConfig {
    /// What the plugin is given when it starts: a JSON object, `{}` unless set. The span is the value's, or else the
    /// section's.
    pub config: Spanned<serde_json::Value>,
    /// Whether kinds that ask for a process of their own may run in the daemon. Default: `false`.
    pub allow_in_process: bool,
    /// The line on which it is declared, from 1.
    pub line: usize,
}

/// `[queues.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    /// How many of its tasks run at once on this host: 1 to 10,000. Default: 10.
    pub concurrency: u32,
    /// How long its ended tasks are kept; what it does not say is that of `[host]`.
    pub retention: PartialRetention,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { concurrency: 10, retention: PartialRetention::default() }
    }
}

const PLUGIN_KEYS: [&str; 3] = ["config", "allow_in_process", "isolation"];
const QUEUE_KEYS: [&str; 2] = ["concurrency", "retention"];
const QUEUE_LATER_KEYS: [&str; 3] = ["concurrency_total", "paused", "rate"];

/// Every plugin of `[plugins]`.
pub(super) fn read_plugins(reader: &mut Reader<'_>, plugins: &Section<'_>) -> BTreeMap<PluginName, PluginConfig> {
    let mut read = BTreeMap::new();
    for section in plugins.sections(reader) {
        section.check_keys(reader, &PLUGIN_KEYS, &[]);
        section.read(reader, "isolation", |value| match word(value, &[("in-process", true), ("process", false)]) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Problem::new(format!("`process` is {NOT_SUPPORTED}"))),
            Err(problem) => Err(problem),
        });
        let plugin = PluginConfig {
            config: section.read_object(reader, "config"),
            allow_in_process: section.read(reader, "allow_in_process", boolean).unwrap_or_default(),
            line: reader.lines.line(section.span.start),
        };
        if let Some(name) = section.read_name(reader) {
            read.insert(name, plugin);
        }
    }
    read
}

/// Every queue of `[queues]`; `default` is there whether declared or not.
pub(super) fn read_queues(reader: &mut Reader<'_>, queues: Option<&Section<'_>>) -> BTreeMap<QueueName, QueueConfig> {
    let mut read = BTreeMap::from([(QueueName::default(), QueueConfig::default())]);
    for section in queues.map(|queues| queues.sections(reader)).unwrap_or_default() {
        section.check_keys(reader, &QUEUE_KEYS, &QUEUE_LATER_KEYS);
        let concurrency = section.read(reader, "concurrency", |value| integer(value, 1..=10_000));
        let queue = QueueConfig {
            concurrency: concurrency.unwrap_or(QueueConfig::default().concurrency),
            retention: retention::read(reader, &section),
        };
        if let Some(name) = section.read_name(reader) {
            read.insert(name, queue);
        }
    }
    read
}
