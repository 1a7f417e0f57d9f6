//! A plan as text and as JSON.
//!
//! Start at [`Sheet::text`] and [`Sheet::document`].

use std::fmt::{Display, Write as _};

use serde_json::{Value, json};
use taskhost_core::config::{Changes, Config, Firings, Plan};
use taskhost_core::ids::JobName;
use taskhost_core::schedule::{Schedule, Zone};
use taskhost_core::time::UnixMicros;

use super::waiting::{Count, Waiting};
use crate::boot::tools::Manifest;
use crate::cli::render::tame;

/// Whether a daemon had its say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    Answered,
    /// There is one, but it did not answer, and why.
    Silent(String),
    Absent,
}

/// A plan and what is shown beside it.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    pub(super) plan: &'a Plan,
    /// What the plan starts from; none: nothing is known.
    pub(super) old: Option<&'a Config>,
    pub(super) new: &'a Config,
    /// The plugins that are not loaded yet.
    pub(super) load: Vec<&'a Manifest>,
    pub(super) reach: Reach,
    pub(super) waiting: Waiting,
}

impl Sheet<'_> {
    fn has_daemon(&self) -> bool {
        self.reach == Reach::Answered
    }

    /// What the plan starts from, for people.
    pub(super) fn compared_with(&self) -> String {
        let with = match (self.old.is_some(), &self.reach) {
            (true, Reach::Answered) => "Compared with what the daemon runs.",
            (true, Reach::Absent) => "Compared with what was applied last; no daemon runs.",
            (true, Reach::Silent(_)) => "Compared with what was applied last.",
            (false, Reach::Answered) => "What the daemon runs is not kept, so everything counts as new.",
            (false, Reach::Absent | Reach::Silent(_)) => "Nothing was applied yet, so everything counts as new.",
        };
        format!("{with}\n")
    }

    /// The plan for people: a line for each change, the times of its firings below it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for name in &self.plan.diff.jobs.added {
            line(&mut text, '+', "job", name, &self.schedule(name));
            self.push_times(&mut text, name, false);
        }
        for (name, keys) in &self.plan.diff.jobs.changed {
            line(&mut text, '~', "job", name, &(keys.join(", ") + &stay(self.waiting.jobs.get(name))));
            self.push_times(&mut text, name, true);
        }
        for name in &self.plan.diff.jobs.removed {
            line(&mut text, '-', "job", name, &its(self.waiting.jobs.get(name), "stay", "stays"));
            self.push_times(&mut text, name, true);
        }
        self.push_queues(&mut text);
        lines(&mut text, "plugin section", &self.plan.diff.plugins);
        let restart: Vec<_> = self.plan.diff.needs_restart().collect();
        for key in &self.plan.diff.host {
            line(&mut text, '~', "host", key, if restart.contains(key) { "needs a restart" } else { "" });
        }
        // Without a daemon that is every plugin, at the next start.
        for manifest in self.load.iter().filter(|_| self.has_daemon() || self.old.is_none()) {
            line(&mut text, '+', "plugin", &manifest.name, &format!("{}, to be loaded", tame(&manifest.version)));
        }
        if text.is_empty() { "nothing changes\n".to_owned() } else { text }
    }

    fn push_queues(&self, text: &mut String) {
        let Changes { added, changed, removed } = &self.plan.diff.queues;
        for name in added {
            line(text, '+', "queue", name, "");
        }
        for (name, keys) in changed {
            let count = self.waiting.queues.get(name).filter(|count| count.tasks > 0);
            let count = count.map(|count| format!("; it has {count}")).unwrap_or_default();
            line(text, '~', "queue", name, &(keys.join(", ") + &count));
        }
        for name in removed {
            line(text, '-', "queue", name, &its(self.waiting.queues.get(name), "are still run", "is still run"));
        }
    }

    fn schedule(&self, name: &JobName) -> String {
        let schedule = self.new.jobs.get(name).and_then(|job| job.job.schedule.as_ref());
        schedule.map_or_else(|| "no schedule".to_owned(), Schedule::to_string)
    }

    /// The firings of a job, with those before in a column of their own if it was there.
    fn push_times(&self, text: &mut String, name: &JobName, was_there: bool) {
        let Some(Firings { before, after }) = self.plan.firings.get(name) else { return };
        let shown = |config: &Config, times: &[UnixMicros]| -> Vec<String> {
            let zone = zone(config, name);
            times.iter().map(|time| zone.format(to_the_second(*time))).collect()
        };
        let (old, after) = (self.old.unwrap_or(self.new), shown(self.new, after));
        if !was_there {
            push_rows(text, after.into_iter());
            return;
        }
        let before = before.as_ref().map_or_else(
            || vec![(if self.has_daemon() { "unknown" } else { "unknown without the daemon" }).to_owned()],
            |times| shown(old, times),
        );
        let width = before.iter().map(|time| time.chars().count()).max().unwrap_or(0).max("never".len());
        let never = |times: &[String], row: usize| match times.get(row) {
            Some(time) => time.clone(),
            None if row == 0 => "never".to_owned(),
            None => String::new(),
        };
        let rows = 0..before.len().max(after.len()).max(1);
        push_rows(text, rows.map(|row| format!("{:width$}  ->  {}", never(&before, row), never(&after, row))));
    }

    /// The plan for programs.
    pub(super) fn document(&self, file: &str) -> Value {
        let diff = &self.plan.diff;
        let restart: Vec<_> = diff.needs_restart().collect();
        let host = diff.host.iter().map(|key| json!({ "key": key, "needs_restart": restart.contains(key) }));
        let load = self.load.iter().map(|manifest| json!({ "name": manifest.name, "version": manifest.version }));
        json!({
            "file": file, "compared_with": if self.old.is_some() { json!("applied") } else { Value::Null },
            "daemon": self.has_daemon(),
            "jobs": changes(&diff.jobs, |name| self.times(name)),
            "queues": changes(&diff.queues, |name| waiting(self.waiting.queues.get(name))), "plugins": changes(&diff.plugins, |_| json!({})),
            "host": host.collect::<Vec<_>>(), "load": load.collect::<Vec<_>>(),
        })
    }

    fn times(&self, name: &JobName) -> Value {
        let mut document = waiting(self.waiting.jobs.get(name));
        if let Some(Firings { before, after }) = self.plan.firings.get(name) {
            document["before"] = json!(before);
            document["after"] = json!(after);
        }
        document
    }
}

/// The zone in which people read the times of a job.
fn zone(config: &Config, name: &JobName) -> Zone {
    match config.jobs.get(name).and_then(|job| job.job.schedule.as_ref()) {
        Some(Schedule::Cron(cron)) => cron.zone(),
        Some(Schedule::Every(_) | Schedule::At(_) | Schedule::Delay(_)) | None => config.host.timezone,
    }
}

/// What counts from now on does so only roughly: nobody applies it in this very moment.
fn to_the_second(time: UnixMicros) -> UnixMicros {
    UnixMicros::from_micros(time.as_micros() - time.as_micros().rem_euclid(1_000_000))
}

fn push_rows(text: &mut String, rows: impl Iterator<Item = String>) {
    for row in rows {
        writeln!(text, "    {}", row.trim_end()).expect("a String takes all text");
    }
}

fn line(text: &mut String, sign: char, what: &str, name: &impl Display, more: &str) {
    let more = if more.is_empty() { String::new() } else { format!(": {more}") };
    writeln!(text, "{sign} {what} {name}{more}").expect("a String takes all text");
}

/// What becomes of the tasks of something that is removed.
fn its(count: Option<&Count>, verb: &str, of_one: &str) -> String {
    match count {
        None => format!("its waiting tasks {verb}"),
        Some(Count { tasks: 0, .. }) => "none of its tasks waits".to_owned(),
        Some(count @ Count { tasks: 1, .. }) => format!("its {count} {of_one}"),
        Some(count) => format!("its {count} {verb}"),
    }
}

/// That what waits already keeps the policies that it was given.
fn stay(count: Option<&Count>) -> String {
    let count = count.filter(|count| count.tasks > 0);
    count.map(|count| format!("; not for {count}")).unwrap_or_default()
}

fn waiting(count: Option<&Count>) -> Value {
    match count {
        None => json!({ "waiting_tasks": null }),
        Some(Count { tasks, is_least }) => json!({ "waiting_tasks": tasks, "waiting_tasks_at_least": is_least }),
    }
}

fn lines<N: Display>(text: &mut String, what: &str, changes: &Changes<N>) {
    changes.added.iter().for_each(|name| line(text, '+', what, name, ""));
    changes.changed.iter().for_each(|(name, keys)| line(text, '~', what, name, &keys.join(", ")));
    changes.removed.iter().for_each(|name| line(text, '-', what, name, ""));
}

/// Each change as an object; `more` adds to it.
fn changes<N: Display>(all: &Changes<N>, more: impl Fn(&N) -> Value) -> Vec<Value> {
    let entry = |name: &N, change: &str, keys: &[&str]| {
        let mut entry = json!({ "name": name.to_string(), "change": change, "keys": keys });
        if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more(name)) {
            entry.extend(more);
        }
        entry
    };
    let added = all.added.iter().map(|name| entry(name, "added", &[]));
    let changed = all.changed.iter().map(|(name, keys)| entry(name, "changed", keys));
    let removed = all.removed.iter().map(|name| entry(name, "removed", &[]));
    added.chain(changed).chain(removed).collect()
}
