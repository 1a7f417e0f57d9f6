//! When a job fires.
//!
//! Not here: waiting for these times and making tasks of them (the host's `services`), which occurrences have been
//! (the store). Start at [`Schedule::next_after`].

mod cron;
mod document;
mod error;
mod line;
mod surprise;
mod zone;

#[cfg(test)]
mod crontab_tests;
#[cfg(test)]
mod dst_tests;

use std::fmt;
use std::time::Duration;

pub use cron::Cron;
pub use document::ScheduleError;
pub use error::{CronError, FieldProblem, ZoneError};
pub use surprise::{ClockChange, Surprise};
pub use zone::Zone;

use crate::duration::DurationText;
use crate::time::UnixMicros;

/// The rule that gives the nominal times of a job.
///
/// [`Display`](fmt::Display) gives one text per schedule, so that a changed schedule is seen as another one:
/// `cron 30 2 * * * Europe/Berlin`, `every 15m`, `at 2026-12-24T18:00:00.000000Z`, `delay 1h`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// At the times of a cron line.
    Cron(Cron),
    /// Again and again, counted from the anchor; the first time one interval after it.
    Every(Duration),
    /// Once, at that instant.
    At(UnixMicros),
    /// Once, that long after the anchor.
    Delay(Duration),
}

impl Schedule {
    /// The first nominal time after `after`; `None` if there is none any more.
    ///
    /// `anchor` is when the store first saw this schedule of the job.
    pub fn next_after(&self, anchor: UnixMicros, after: UnixMicros) -> Option<UnixMicros> {
        match self {
            Self::Cron(cron) => cron.next_after(after),
            Self::Every(interval) => next_multiple(anchor, *interval, after),
            Self::At(instant) => Some(*instant).filter(|&instant| instant > after),
            Self::Delay(delay) => anchor.checked_add(*delay).filter(|&instant| instant > after),
        }
    }
}

/// The first instant after `after` that is a positive number of intervals after the anchor.
fn next_multiple(anchor: UnixMicros, interval: Duration, after: UnixMicros) -> Option<UnixMicros> {
    // An interval of zero would never get anywhere.
    let interval = interval.as_micros().max(1);
    let passed = after.saturating_since(anchor).as_micros() / interval;
    let next = u64::try_from((passed + 1).checked_mul(interval)?).ok()?;
    anchor.checked_add(Duration::from_micros(next))
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(cron) => write!(formatter, "cron {cron}"),
            Self::Every(interval) => write!(formatter, "every {}", DurationText::from(*interval)),
            Self::At(instant) => write!(formatter, "at {instant}"),
            Self::Delay(delay) => write!(formatter, "delay {}", DurationText::from(*delay)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMicros {
        text.parse().unwrap()
    }

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn every_fires_first_one_interval_after_its_anchor_and_keeps_its_grid() {
        let (every, anchor) = (Schedule::Every(HOUR), at("2026-01-01T00:20:00Z"));
        for (after, next) in [
            ("2025-06-01T00:00:00Z", "2026-01-01T01:20:00Z"),
            ("2026-01-01T00:20:00Z", "2026-01-01T01:20:00Z"),
            ("2026-01-01T01:19:59.999999Z", "2026-01-01T01:20:00Z"),
            ("2026-01-01T01:20:00Z", "2026-01-01T02:20:00Z"),
            ("2026-03-01T12:00:00Z", "2026-03-01T12:20:00Z"),
        ] {
            assert_eq!(every.next_after(anchor, at(after)), Some(at(next)), "after {after}");
        }
        assert_eq!(every.next_after(anchor, UnixMicros::MAX), None);
    }

    #[test]
    fn at_and_delay_fire_once() {
        let anchor = at("2026-01-01T00:00:00Z");
        for schedule in [Schedule::At(at("2026-01-01T01:00:00Z")), Schedule::Delay(HOUR)] {
            let first = schedule.next_after(anchor, anchor);
            assert_eq!(first, Some(at("2026-01-01T01:00:00Z")));
            assert_eq!(schedule.next_after(anchor, first.unwrap()), None);
        }
        assert_eq!(Schedule::Delay(Duration::MAX).next_after(anchor, anchor), None);
    }

    #[test]
    fn each_schedule_has_its_text() {
        let cron = Cron::parse("30 2 * * *", "Europe/Berlin".parse().unwrap()).unwrap();
        for (schedule, text) in [
            (Schedule::Cron(cron), "cron 30 2 * * * Europe/Berlin"),
            (Schedule::Every(HOUR), "every 1h"),
            (Schedule::At(at("2026-12-24T18:00:00Z")), "at 2026-12-24T18:00:00.000000Z"),
            (Schedule::Delay(HOUR), "delay 1h"),
        ] {
            assert_eq!(schedule.to_string(), text);
        }
    }
}
