//! What is different between two configs: which jobs, queues and plugins come, change and go, and what needs a restart.
//!
//! Not here: when the jobs fire then (`plan`), a line about it (`headline`), applying it (the host). Start at [`Diff::between`].

use std::collections::BTreeMap;

use super::{Config, HostConfig, PluginConfig, QueueConfig};
use crate::ids::{JobName, PluginName, QueueName};
use crate::job::Job;

/// The keys of `[host]` that a running daemon cannot change.
pub(super) const NEED_RESTART: [&str; 5] = ["store", "state", "listen", "durability", "upload_limit"];

/// What is different in a new config. Sections that only moved in the file are the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// `[jobs]`.
    pub jobs: Changes<JobName>,
    /// `[queues]`.
    pub queues: Changes<QueueName>,
    /// `[plugins]`: what the file says of them, not which there are.
    pub plugins: Changes<PluginName>,
    /// The keys of `[host]` that have another value.
    pub host: Vec<&'static str>,
}

/// The sections of one table that come, change and go, each sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes<N> {
    /// Those that were not there before.
    pub added: Vec<N>,
    /// Those that are not the same, with the keys that have another value.
    pub changed: Vec<(N, Vec<&'static str>)>,
    /// Those that are not there any more.
    pub removed: Vec<N>,
}

impl<N> Default for Changes<N> {
    fn default() -> Self {
        Self { added: Vec::new(), changed: Vec::new(), removed: Vec::new() }
    }
}

impl<N: Ord + Clone> Changes<N> {
    /// Whether all is as before.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    fn between<T>(old: &BTreeMap<N, T>, new: &BTreeMap<N, T>, keys: impl Fn(&T, &T) -> Vec<&'static str>) -> Self {
        let missing_in = |map: &BTreeMap<N, T>, name: &&N| !map.contains_key(*name);
        let both = new.iter().filter_map(|(name, new)| Some((name, old.get(name)?, new)));
        let changed = both.map(|(name, old, new)| (name.clone(), keys(old, new))).filter(|(_, keys)| !keys.is_empty());
        Self {
            added: new.keys().filter(|name| missing_in(old, name)).cloned().collect(),
            changed: changed.collect(),
            removed: old.keys().filter(|name| missing_in(new, name)).cloned().collect(),
        }
    }
}

impl Diff {
    /// What `new` changes of `old`.
    pub fn between(old: &Config, new: &Config) -> Self {
        Self {
            jobs: Changes::between(&old.jobs, &new.jobs, |old, new| of_job(&old.job, &new.job)),
            queues: Changes::between(&old.queues, &new.queues, of_queue),
            plugins: Changes::between(&old.plugins, &new.plugins, of_plugin),
            host: of_host(&old.host, &new.host),
        }
    }

    /// Whether both say the same.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.queues.is_empty() && self.plugins.is_empty() && self.host.is_empty()
    }

    /// The changed keys of `[host]` that a running daemon goes on without.
    pub fn needs_restart(&self) -> impl Iterator<Item = &'static str> {
        self.host.iter().copied().filter(|key| NEED_RESTART.contains(key))
    }
}

/// The names of the pairs whose values differ.
fn differing<const N: usize>(pairs: [(&'static str, bool); N]) -> Vec<&'static str> {
    pairs.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
}

// Each destructures one side whole, so that a new key cannot be forgotten here.

fn of_job(old: &Job, new: &Job) -> Vec<&'static str> {
    let Job { kind, params, schedule, queue, priority, timeout, retry, expires_in, tags } = old;
    differing([
        ("kind", *kind == new.kind),
        ("params", params.value() == new.params.value()),
        ("schedule", *schedule == new.schedule),
        ("queue", *queue == new.queue),
        ("priority", *priority == new.priority),
        ("timeout", *timeout == new.timeout),
        ("retry", *retry == new.retry),
        ("expires_in", *expires_in == new.expires_in),
        ("tags", *tags == new.tags),
    ])
}

fn of_queue(old: &QueueConfig, new: &QueueConfig) -> Vec<&'static str> {
    let QueueConfig { concurrency, retention } = old;
    differing([("concurrency", *concurrency == new.concurrency), ("retention", *retention == new.retention)])
}

fn of_plugin(old: &PluginConfig, new: &PluginConfig) -> Vec<&'static str> {
    let PluginConfig { config, allow_in_process, line: _ } = old;
    differing([
        ("config", config.get_ref() == new.config.get_ref()),
        ("allow_in_process", *allow_in_process == new.allow_in_process),
    ])
}

fn of_host(old: &HostConfig, new: &HostConfig) -> Vec<&'static str> {
    let HostConfig {
        store,
        state,
        listen,
        plugins,
        timezone,
        durability,
        drain_timeout,
        cancel_grace,
        upload_limit,
        retention,
    } = old;
    differing([
        ("store", *store == new.store),
        ("state", *state == new.state),
        ("listen", *listen == new.listen),
        ("plugins", *plugins == new.plugins),
        ("timezone", *timezone == new.timezone),
        ("durability", *durability == new.durability),
        ("drain_timeout", *drain_timeout == new.drain_timeout),
        ("cancel_grace", *cancel_grace == new.cancel_grace),
        ("upload_limit", *upload_limit == new.upload_limit),
        ("retention", *retention == new.retention),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> Diff {
        Diff::between(&Config::parse(old).unwrap(), &Config::parse(new).unwrap())
    }

    fn names<N: ToString>(names: &[N]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    const OLD: &str = "
[host]
listen = \"127.0.0.1:1\"
[plugins.p]
config = { a = 1 }
[queues.q]
concurrency = 1
[queues.gone]
[jobs.same]
kind = \"k\"
[jobs.other]
kind = \"k\"
params = { a = 1 }
schedule = { cron = \"0 0 * * *\" }
[jobs.gone]
kind = \"k\"
";

    #[test]
    fn what_comes_changes_and_goes_is_told_with_its_keys() {
        let new = "
# A comment, and the sections in another order.
[jobs.new]
kind = \"k\"
[jobs.other]
kind = \"k\"
queue = \"q\"
params = { a = 2 }
schedule = { cron = \"0 0 * * *\" }
[jobs.same]
kind = \"k\"
params = {}
[queues.q]
concurrency = 2
[queues.default]
concurrency = 10
[plugins.p]
config = { a = 2 }
[host]
listen = \"127.0.0.1:2\"
drain_timeout = \"1s\"
";
        let diff = diff(OLD, new);
        assert_eq!((names(&diff.jobs.added), names(&diff.jobs.removed)), (vec!["new".into()], vec!["gone".into()]));
        assert_eq!(diff.jobs.changed, [(JobName::new("other").unwrap(), vec!["params", "queue"])]);
        assert_eq!(diff.queues.changed, [(QueueName::new("q").unwrap(), vec!["concurrency"])]);
        assert_eq!((names(&diff.queues.added), names(&diff.queues.removed)), (Vec::new(), vec!["gone".into()]));
        assert_eq!(diff.plugins.changed, [(PluginName::new("p").unwrap(), vec!["config"])]);
        assert_eq!(diff.host, ["listen", "drain_timeout"]);
        assert_eq!(diff.needs_restart().collect::<Vec<_>>(), ["listen"]);
    }

    #[test]
    fn the_zone_of_the_host_changes_the_schedules_that_follow_it() {
        let old = "[jobs.a]\nkind = \"k\"\nschedule = { cron = \"@daily\" }\n";
        let diff = diff(old, &format!("[host]\ntimezone = \"Asia/Tokyo\"\n{old}"));
        assert_eq!(
            (diff.host, diff.jobs.changed),
            (vec!["timezone"], vec![(JobName::new("a").unwrap(), vec!["schedule"])])
        );
    }

    #[test]
    fn a_file_is_the_same_as_itself() {
        assert!(diff(OLD, &format!("# another line\n{OLD}")).is_empty());
    }
}
