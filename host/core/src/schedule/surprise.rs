//! Finds the times of a cron line that the clocks of its zone skip or show twice, to be told beforehand.
//!
//! Not here: what is done about them (`cron`). Start at [`Zone::clock_changes`] and [`Cron::surprise`].

use std::fmt;

use chrono::NaiveDateTime;

use super::cron::Cron;
use super::zone::{SECOND, Zone, utc};
use crate::time::UnixMicros;

/// A moment at which the clocks of a zone are put forward or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockChange {
    /// What they would have shown, and what they show.
    before: NaiveDateTime,
    after: NaiveDateTime,
}

/// A time that a line names and that the clocks skip or show twice.
///
/// Its text is a sentence: `02:30 does not exist on 2027-03-28; runs at 03:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surprise {
    named: NaiveDateTime,
    change: ClockChange,
}

impl Zone {
    /// The changes of its clocks after `from` and up to `until`, in order. Those that last less than a day are not seen.
    pub fn clock_changes(self, from: UnixMicros, until: UnixMicros) -> Vec<ClockChange> {
        let (Some(mut from), Some(until)) = (utc(from), utc(until)) else { return Vec::new() };
        let mut changes = Vec::new();
        while let Some(change) = self.next_change(from, until) {
            let (before, after) = (self.offset_at(change - SECOND), self.offset_at(change));
            changes.push(ClockChange { before: change + before, after: change + after });
            from = change;
        }
        changes
    }
}

impl Cron {
    /// The first time of the line that the clocks skip or show twice at this change.
    ///
    /// None for a line whose minutes or hours begin with `*`: it counts what passes, and nobody waits for one of its times.
    pub fn surprise(&self, change: &ClockChange) -> Option<Surprise> {
        if self.is_elapsed() {
            return None;
        }
        let named = self.next_wall(change.before.min(change.after) - SECOND)?;
        (named < change.before.max(change.after)).then_some(Surprise { named, change: *change })
    }
}

impl fmt::Display for Surprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { named, change } = self;
        let (date, time) = (named.date(), clock(*named));
        if change.before < change.after {
            write!(f, "{time} does not exist on {date}; runs at {}", clock(change.after))
        } else {
            write!(f, "{time} comes twice on {date}; runs the first time")
        }
    }
}

/// `02:30`, with the seconds only if there are some.
fn clock(time: NaiveDateTime) -> String {
    let text = time.format("%H:%M:%S").to_string();
    text.strip_suffix(":00").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a line for the year from November 2026 on.
    fn told(line: &str, zone: &str) -> Vec<String> {
        let zone: Zone = zone.parse().unwrap();
        let (from, until) = ("2026-09-01T00:00:00Z".parse().unwrap(), "2027-09-01T00:00:00Z".parse().unwrap());
        let cron = Cron::parse(line, zone).unwrap();
        zone.clock_changes(from, until)
            .iter()
            .filter_map(|change| cron.surprise(change))
            .map(|it| it.to_string())
            .collect()
    }

    #[test]
    fn a_time_that_the_clocks_skip_or_repeat_is_told_with_its_day() {
        let twice = "02:30 comes twice on 2026-10-25; runs the first time";
        let skipped = "02:30 does not exist on 2027-03-28; runs at 03:00";
        assert_eq!(told("30 2 * * *", "Europe/Berlin"), [twice, skipped]);
        assert_eq!(told("15 30 2 * * *", "Europe/Berlin")[1], "02:30:15 does not exist on 2027-03-28; runs at 03:00");
        assert_eq!(told("@daily", "Asia/Beirut"), ["00:00 does not exist on 2027-03-28; runs at 01:00"]);
        assert_eq!(told("15 2 * * *", "Australia/Lord_Howe")[0], "02:15 does not exist on 2026-10-04; runs at 02:30");
    }

    #[test]
    fn a_line_that_no_change_concerns_or_that_counts_what_passes_is_not_told() {
        for line in ["30 3 * * *", "30 2 * * MON", "*/5 * * * *", "0 * * * *", "@hourly", "0 30 */2 * * *"] {
            assert_eq!(told(line, "Europe/Berlin"), [""; 0], "{line}");
        }
        assert_eq!(told("30 2 * * *", "UTC"), [""; 0]);
    }
}
