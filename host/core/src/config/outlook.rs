//! What a good file leads to that may surprise who wrote it: times that the clocks skip or repeat, schedules that never fire.
//!
//! Not here: what the plugins say (`misfit`). Start at [`outlook`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::place::Places;
use super::{Config, Diagnostic, Lines};
use crate::ids::JobName;
use crate::schedule::{ClockChange, Cron, Schedule};
use crate::time::UnixMicros;

/// How far the clocks are looked at.
const YEAR: Duration = Duration::from_hours(366 * 24);

/// What `config`, which was read from `text`, leads to in the year after `now`: a warning if a job never fires, a note if the
/// clocks move a time.
pub fn outlook(text: &str, config: &Config, now: UnixMicros) -> Vec<Diagnostic> {
    let mut changes: BTreeMap<String, Vec<ClockChange>> = BTreeMap::new();
    let (places, lines) = (Places::read(text), Lines::of(text));
    let told = |name: &JobName, schedule: &Schedule, message: String, hint: Option<&str>| {
        let key = key(schedule);
        let span = places.span_of(&format!("/jobs/{name}/schedule/{key}")).unwrap_or_default();
        let message = format!("`{key}` in [jobs.{name}.schedule]: {message}");
        Diagnostic::at(&lines, span, message, hint.map(str::to_owned))
    };
    let mut found = Vec::new();
    for (name, job) in &config.jobs {
        let Some(schedule) = &job.job.schedule else { continue };
        if let Some((message, hint)) = never(schedule, now) {
            found.push(told(name, schedule, message, Some(hint)).warning());
        } else if let Schedule::Cron(cron) = schedule {
            let zone = cron.zone();
            let known = changes.entry(zone.to_string());
            let changes = known.or_insert_with(|| zone.clock_changes(now, now.saturating_add(YEAR)));
            let surprises = changes.iter().filter_map(|change| cron.surprise(change));
            found.extend(surprises.map(|surprise| told(name, schedule, format!("{surprise} ({zone})"), None).note()));
        }
    }
    found
}

/// Why the schedule never fires, and what helps.
fn never(schedule: &Schedule, now: UnixMicros) -> Option<(String, &'static str)> {
    if schedule.next_after(now, now).is_some() {
        return None;
    }
    Some(match schedule {
        Schedule::Cron(cron) => {
            (never_of(cron), "no day has all that the line asks for; `taskhost cron next` shows the times of a line")
        }
        Schedule::At(instant) => {
            (format!("{instant} is past: the job does not fire any more"), "remove the job, or set a later time")
        }
        Schedule::Every(_) | Schedule::Delay(_) => {
            ("the job never fires: that is beyond the year 9999".to_owned(), "set a shorter time")
        }
    })
}

fn never_of(cron: &Cron) -> String {
    format!("`{}` never fires", cron.text())
}

fn key(schedule: &Schedule) -> &'static str {
    match schedule {
        Schedule::Cron(_) => "cron",
        Schedule::Every(_) => "every",
        Schedule::At(_) => "at",
        Schedule::Delay(_) => "delay",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    fn told(schedule: &str, now: &str) -> Vec<(String, String, Severity)> {
        let text = format!("[host]\ntimezone = \"Europe/Berlin\"\n[jobs.a]\nkind = \"k\"\nschedule = {schedule}\n");
        let found = outlook(&text, &Config::parse(&text).unwrap(), now.parse().unwrap());
        found.into_iter().map(|found| (text[found.span].to_owned(), found.message, found.severity)).collect()
    }

    #[test]
    fn what_the_clocks_do_to_a_line_is_told_at_the_line() {
        let found = told("{ cron = \"30 2 * * *\" }", "2026-11-24T00:00:00Z");
        let place = "`cron` in [jobs.a.schedule]: ";
        assert_eq!(found[0].0, "\"30 2 * * *\"");
        assert_eq!(found[0].1, format!("{place}02:30 does not exist on 2027-03-28; runs at 03:00 (Europe/Berlin)"));
        assert_eq!(found[1].1, format!("{place}02:30 comes twice on 2027-10-31; runs the first time (Europe/Berlin)"));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|found| found.2 == Severity::Note), "it is as it is said to be");
    }

    #[test]
    fn a_schedule_that_never_fires_is_told() {
        let now = "2026-11-24T00:00:00Z";
        assert_eq!(
            told("{ cron = \"0 0 30 2 *\" }", now)[0].1,
            "`cron` in [jobs.a.schedule]: `0 0 30 2 *` never fires"
        );
        let (marked, message, severity) = told("{ at = 2026-01-01T00:00:00Z }", now).remove(0);
        assert_eq!((&*marked, severity), ("2026-01-01T00:00:00Z", Severity::Warning));
        assert_eq!(
            message,
            "`at` in [jobs.a.schedule]: 2026-01-01T00:00:00.000000Z is past: the job does not fire any more"
        );
        assert_eq!(told("{ every = \"1h\" }", now), []);
    }
}
