//! What an edit leads to before it is applied: when the jobs that it adds or changes fire, and when they did.
//!
//! Not here: what is different (`diff`), the plugins (the host). Start at [`Plan::of`].

use std::collections::BTreeMap;

use super::{Config, Diff};
use crate::ids::JobName;
use crate::schedule::Schedule;
use crate::time::UnixMicros;

/// How many firings of a job are shown.
const FIRINGS: usize = 5;

/// An edit, and what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is different.
    pub diff: Diff,
    /// The next firings of each job that is added, changed in its schedule, or removed.
    pub firings: BTreeMap<JobName, Firings>,
}

/// The next five firings of a job; fewer if it has no more, or no schedule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Firings {
    /// As it is now. None: they count from a time that is not known here.
    pub before: Option<Vec<UnixMicros>>,
    /// Once the edit is applied, if that is now.
    pub after: Vec<UnixMicros>,
}

impl Plan {
    /// What `new` leads to in the place of `old` if it is applied at `now`. Without an old one everything is added.
    ///
    /// `next_at` is what a daemon says of a job's next firing. Without it nobody knows when `every` and `delay` fire, which
    /// count from the time at which the job was first seen.
    pub fn of(
        old: Option<&Config>,
        new: &Config,
        now: UnixMicros,
        next_at: impl Fn(&JobName) -> Option<UnixMicros>,
    ) -> Self {
        let nothing = Config { host: new.host.clone(), ..Config::default() };
        let old = old.unwrap_or(&nothing);
        let diff = Diff::between(old, new);
        let rescheduled = diff.jobs.changed.iter().filter(|(_, keys)| keys.contains(&"schedule")).map(|(name, _)| name);
        let names = diff.jobs.added.iter().chain(rescheduled).chain(&diff.jobs.removed);
        let schedule = |config: &Config, name: &JobName| config.jobs.get(name).and_then(|job| job.job.schedule.clone());
        let firings = names.map(|name| {
            let before = schedule(old, name).map_or(Some(Vec::new()), |schedule| before(&schedule, now, next_at(name)));
            let after = schedule(new, name).map(|schedule| after(&schedule, now)).unwrap_or_default();
            (name.clone(), Firings { before, after })
        });
        let firings = firings.collect();
        Self { diff, firings }
    }
}

/// A schedule that is first seen now counts from now.
fn after(schedule: &Schedule, now: UnixMicros) -> Vec<UnixMicros> {
    from(schedule, now, schedule.next_after(now, now))
}

fn before(schedule: &Schedule, now: UnixMicros, next_at: Option<UnixMicros>) -> Option<Vec<UnixMicros>> {
    match schedule {
        Schedule::Cron(_) | Schedule::At(_) => Some(after(schedule, now)),
        Schedule::Every(_) => next_at.map(|next_at| from(schedule, next_at, Some(next_at))),
        Schedule::Delay(_) => next_at.map(|next_at| vec![next_at]),
    }
}

/// The firings from the first one on. `anchor` is any time of the grid of `every`.
fn from(schedule: &Schedule, anchor: UnixMicros, first: Option<UnixMicros>) -> Vec<UnixMicros> {
    std::iter::successors(first, |&last| schedule.next_after(anchor, last)).take(FIRINGS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn job(schedule: &str) -> String {
        format!(
            "[jobs.a]\nkind = \"k\"\n{}",
            if schedule.is_empty() { String::new() } else { format!("schedule = {schedule}\n") }
        )
    }

    /// The firings of job `a` as `before -> after`, days and hours only.
    fn firings(old: &str, new: &str, next_at: Option<&str>) -> Option<String> {
        let next_at = next_at.map(|time| time.parse().unwrap());
        let plan =
            Plan::of(Some(&Config::parse(old).unwrap()), &Config::parse(new).unwrap(), NOW.parse().unwrap(), |_| {
                next_at
            });
        let shown = |times: &[UnixMicros]| {
            times.iter().map(|time| time.to_string()[8..16].to_owned()).collect::<Vec<_>>().join(" ")
        };
        let Firings { before, after } = plan.firings.into_values().next()?;
        Some(format!("{} -> {}", before.map_or("?".to_owned(), |before| shown(&before)), shown(&after)))
    }

    #[test]
    fn a_changed_schedule_shows_five_times_before_and_after() {
        let (old, new) = (job("{ cron = \"0 0 * * *\" }"), job("{ cron = \"0 */6 * * *\" }"));
        let before = "25T00:00 26T00:00 27T00:00 28T00:00 29T00:00";
        let after = "24T18:00 25T00:00 25T06:00 25T12:00 25T18:00";
        assert_eq!(firings(&old, &new, None).unwrap(), format!("{before} -> {after}"));
    }

    #[test]
    fn what_counts_from_the_first_sight_is_known_to_the_daemon_alone() {
        let (old, new) = (job("{ every = \"2h\" }"), job("{ every = \"3h\" }"));
        let after = "24T15:00 24T18:00 24T21:00 25T00:00 25T03:00";
        assert_eq!(firings(&old, &new, None).unwrap(), format!("? -> {after}"));
        let next_at = Some("2026-11-24T13:30:00Z");
        let before = "24T13:30 24T15:30 24T17:30 24T19:30 24T21:30";
        assert_eq!(firings(&old, &new, next_at).unwrap(), format!("{before} -> {after}"));
        assert_eq!(firings(&job("{ delay = \"1h\" }"), "", next_at).unwrap(), "24T13:30 -> ");
    }

    #[test]
    fn jobs_come_and_go_with_their_times() {
        let at = job("{ at = 2026-12-24T18:00:00Z }");
        assert_eq!(firings("", &at, None).unwrap(), " -> 24T18:00");
        assert_eq!(firings(&at, "", None).unwrap(), "24T18:00 -> ");
        assert_eq!(firings("", &job(""), None).unwrap(), " -> ");
    }

    #[test]
    fn without_an_old_config_everything_is_added_and_nothing_restarts() {
        let new = Config::parse("[host]\nlisten = \"127.0.0.1:1\"\n[queues.q]\n[jobs.a]\nkind = \"k\"\n").unwrap();
        let Diff { jobs, queues, host, .. } = Plan::of(None, &new, NOW.parse().unwrap(), |_| None).diff;
        assert_eq!((jobs.added.len(), queues.added.len(), host), (1, 1, Vec::new()));
    }

    #[test]
    fn a_job_that_fires_as_before_is_not_listed() {
        let old = job("{ every = \"1h\" }");
        assert_eq!(firings(&old, &format!("{old}priority = \"high\"\n"), None), None);
    }
}
