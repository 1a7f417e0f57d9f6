//! What an edit changes, in a line: `+1 job (nightly), next 02:30 CET (in 9 h); ~1 queue (mail)`.
//!
//! Not here: finding what is different (`diff`). Start at [`Diff::headline`].

use std::fmt::Display;
use std::time::Duration;

use super::{Changes, Config, Diff};
use crate::ids::JobName;
use crate::schedule::{Schedule, Zone};
use crate::time::UnixMicros;

/// More names than these are only counted.
const NAMES_MAX: usize = 5;

impl Diff {
    /// What comes (`+`), changes (`~`) and goes (`-`), and when the jobs that come or change fire first; `new` is the config that
    /// this leads to, applied at `now`.
    pub fn headline(&self, new: &Config, now: UnixMicros) -> String {
        let Self { jobs, queues, plugins, host } = self;
        let mut parts = words(jobs, "job", "jobs");
        if let (Some(next), Some(first)) = (next(jobs, new, now), parts.first_mut()) {
            *first += &next;
        }
        parts.extend(words(queues, "queue", "queues"));
        parts.extend(words(plugins, "plugin section", "plugin sections"));
        if !host.is_empty() {
            parts.push(format!("~[host] {}", host.join(", ")));
        }
        if parts.is_empty() { "nothing but the text".to_owned() } else { parts.join("; ") }
    }
}

fn words<N: Display>(changes: &Changes<N>, one: &str, many: &str) -> Vec<String> {
    let Changes { added, changed, removed } = changes;
    let (added, removed) = (added.iter().collect(), removed.iter().collect());
    let parts: [(char, Vec<&N>); 3] =
        [('+', added), ('~', changed.iter().map(|(name, _)| name).collect()), ('-', removed)];
    let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
    parts.map(|(sign, names)| part(sign, &names, if names.len() == 1 { one } else { many })).collect()
}

fn part<N: Display>(sign: char, names: &[&N], noun: &str) -> String {
    let shown: Vec<String> = names.iter().take(NAMES_MAX).map(ToString::to_string).collect();
    let rest = if names.len() > NAMES_MAX { ", …" } else { "" };
    format!("{sign}{} {noun} ({}{rest})", names.len(), shown.join(", "))
}

/// `, next 02:30 CET (in 9 h)`: the first time of those that are new or fire otherwise than before.
fn next(jobs: &Changes<JobName>, new: &Config, now: UnixMicros) -> Option<String> {
    let rescheduled = jobs.changed.iter().filter(|(_, keys)| keys.contains(&"schedule")).map(|(name, _)| name);
    let schedules = jobs.added.iter().chain(rescheduled).filter_map(|name| new.jobs[name].job.schedule.as_ref());
    let (time, schedule) = schedules
        .filter_map(|schedule| Some((schedule.next_after(now, now)?, schedule)))
        .min_by_key(|(time, _)| *time)?;
    let zone = zone(schedule, new);
    Some(format!(", next {} (in {})", zone.say(time, now), rough(time.saturating_since(now))))
}

fn zone(schedule: &Schedule, config: &Config) -> Zone {
    match schedule {
        Schedule::Cron(cron) => cron.zone(),
        Schedule::Every(_) | Schedule::At(_) | Schedule::Delay(_) => config.host.timezone,
    }
}

/// `9 h`: a length of time in its largest unit of which there are two.
fn rough(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str, expected: &str) {
        let now = "2026-11-24T16:20:00Z".parse().unwrap();
        let (before, after) = (Config::parse(before).unwrap(), Config::parse(after).unwrap());
        assert_eq!(Diff::between(&before, &after).headline(&after, now), expected);
    }

    const NIGHTLY: &str =
        "[jobs.nightly]\nkind = \"a.b\"\nschedule = { cron = \"30 2 * * *\", timezone = \"Europe/Berlin\" }\n";

    #[test]
    fn a_new_job_is_told_with_its_first_time() {
        check("", NIGHTLY, "+1 job (nightly), next 02:30 CET (in 9 h)");
        let yearly = NIGHTLY.replace("30 2 * * *", "30 2 1 7 *");
        check("", &yearly, "+1 job (nightly), next 2027-07-01 02:30 CEST (in 218 d)");
        check(NIGHTLY, &yearly, "~1 job (nightly), next 2027-07-01 02:30 CEST (in 218 d)");
        check("", "[jobs.a]\nkind = \"a.b\"\nschedule = { every = \"90s\" }\n", "+1 job (a), next 16:21 UTC (in 90 s)");
    }

    #[test]
    fn each_part_of_an_edit_is_told() {
        check(NIGHTLY, "", "-1 job (nightly)");
        check(NIGHTLY, &format!("# a comment\n{NIGHTLY}"), "nothing but the text");
        check(
            NIGHTLY,
            &format!("{NIGHTLY}priority = \"high\"\n[jobs.b]\nkind = \"a.b\"\n"),
            "+1 job (b); ~1 job (nightly)",
        );
        let queues = "[queues.mail]\nconcurrency = 3\n[queues.default]\nconcurrency = 1\n";
        check("", queues, "+1 queue (mail); ~1 queue (default)");
        check("[plugins.a]\n", "[plugins.a]\nconfig = { x = 1 }\n", "~1 plugin section (a)");
        check("", "[host]\ndrain_timeout = \"1s\"\nlisten = \"127.0.0.1:1\"\n", "~[host] listen, drain_timeout");
    }

    #[test]
    fn many_names_are_counted() {
        let jobs: Vec<_> = (0..7).map(|n| format!("[jobs.j{n}]\nkind = \"a.b\"\n")).collect();
        check("", &jobs.concat(), "+7 jobs (j0, j1, j2, j3, j4, …)");
    }
}
