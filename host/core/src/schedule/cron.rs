//! The times of a cron line in a zone, by crontab's rules.
//!
//! The `cron` crate enumerates the wall-clock times; crontab's two day fields and the changes of the clocks are ours.
//! Not here: reading the text (`line`). Start at [`Cron::next_after`].

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime};

use super::error::CronError;
use super::line::{Line, Values, WEEKDAY_NAMES};
use super::zone::{SECOND, Zone, instant, utc};
use crate::time::UnixMicros;

/// A cron line in a time zone. Cheap to clone.
///
/// It has 5 fields (minute, hour, day-of-month, month, day-of-week) or 6 with the seconds first, or is one of `@hourly`,
/// `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`. Weekday 0 and 7 are Sunday. A day field is
/// unrestricted only if it is exactly `*`; if both are restricted, either may match.
///
/// Where the clocks go back, a time that they show twice counts once, the first time. Where they go forward, a time that
/// they skip is the first moment behind the gap. Two times that land on one instant are one occurrence. But a line whose
/// minute or hour field begins with `*` goes by the time that passes: it runs whenever the clocks show one of its times, so
/// in both hours that they show twice, and in none that they skip.
///
/// ```
/// use taskhost_core::schedule::Cron;
///
/// let berlin = "Europe/Berlin".parse()?;
/// let cron = Cron::parse("30 2 * * *", berlin)?;
/// let next = cron.next_after("2027-03-27T12:00:00Z".parse()?).expect("it fires every day");
/// assert_eq!(berlin.format(next), "2027-03-28T03:00:00+02:00"); // 02:30 does not exist on that day
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Cron {
    text: Arc<str>,
    zone: Zone,
    is_elapsed: bool,
    /// One enumerator, or two where either of two day fields may match.
    days: Arc<[cron::Schedule]>,
}

impl Cron {
    /// Reads a line.
    /// # Errors
    /// [`CronError`] with the field, the offending part and what is allowed.
    pub fn parse(text: &str, zone: Zone) -> Result<Self, CronError> {
        let line = Line::parse(text)?;
        let days = match (line.month_days, line.weekdays) {
            (Some(month_days), Some(weekdays)) => {
                vec![enumerator(&line, Some(month_days), None), enumerator(&line, None, Some(weekdays))]
            }
            (month_days, weekdays) => vec![enumerator(&line, month_days, weekdays)],
        };
        Ok(Self { text: text.into(), zone, is_elapsed: line.is_elapsed, days: days.into() })
    }

    /// The line as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The zone whose clocks it follows.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The first occurrence after `after`; `None` if there is none until 2100, as for `0 0 30 2 *`.
    pub fn next_after(&self, after: UnixMicros) -> Option<UnixMicros> {
        if self.is_elapsed { self.next_shown(after) } else { self.next_named(after) }
    }

    /// Whether it goes by the time that passes, not by what the clocks show: nobody waits for one of its times.
    pub(super) fn is_elapsed(&self) -> bool {
        self.is_elapsed
    }

    /// The first instant after `after` at which the clocks show a time of the line.
    fn next_shown(&self, after: UnixMicros) -> Option<UnixMicros> {
        let mut from = utc(after)?;
        let mut wall = (from + self.zone.offset_at(from)).max(BEFORE_ALL);
        loop {
            let offset = self.zone.offset_at(from);
            let next = self.next_wall(wall)? - offset;
            let Some(change) = self.zone.next_change(from, next) else { return Some(instant(next)) };
            // From here on the clocks go otherwise, and the first time that they show may be one of the line.
            from = change;
            wall = (change + self.zone.offset_at(change) - SECOND).max(BEFORE_ALL);
        }
    }

    /// The first instant after `after` that a time of the line stands for.
    fn next_named(&self, after: UnixMicros) -> Option<UnixMicros> {
        let mut wall = self.zone.wall(after)?.max(BEFORE_ALL);
        loop {
            wall = self.next_wall(wall)?;
            let instant = self.zone.first_instant(wall);
            // When the clocks show an hour again, its times have had their instant.
            if instant > after {
                return Some(instant);
            }
        }
    }

    /// All occurrences after `after`, in order.
    pub fn upcoming(&self, after: UnixMicros) -> impl Iterator<Item = UnixMicros> + '_ {
        std::iter::successors(self.next_after(after), |&last| self.next_after(last))
    }

    /// The first time after `wall` that the line names, as if no clock were ever changed.
    pub(super) fn next_wall(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let wall = wall.and_utc();
        self.days.iter().filter_map(|days| days.after(&wall).next()).min().map(|next| next.naive_utc())
    }
}

/// Lines begin in 1970: the enumerator knows no year before.
const BEFORE_ALL: NaiveDateTime =
    DateTime::UNIX_EPOCH.naive_utc().checked_sub_signed(SECOND).expect("the calendar has 1969");

/// The crate's schedule for these values; days that are `None` are unrestricted.
fn enumerator(line: &Line, month_days: Option<Values>, weekdays: Option<Values>) -> cron::Schedule {
    let any = || "*".to_owned();
    let fields = [
        list(line.seconds, |value| value.to_string()),
        list(line.minutes, |value| value.to_string()),
        list(line.hours, |value| value.to_string()),
        month_days.map_or_else(any, |days| list(days, |value| value.to_string())),
        list(line.months, |value| value.to_string()),
        // By name: the crate's numbers begin with 1 on Sunday.
        weekdays.map_or_else(any, |days| list(days, |value| WEEKDAY_NAMES[value as usize].to_owned())),
    ];
    fields.join(" ").parse().expect("lists of values within each field's range are a line of the crate")
}

/// The values as a list of the crate's syntax.
fn list(values: Values, name: impl Fn(u32) -> String) -> String {
    let named: Vec<String> = (0..Values::BITS).filter(|value| values >> value & 1 == 1).map(name).collect();
    named.join(",")
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.zone) == (&other.text, other.zone)
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.text, self.zone)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Cron({self})")
    }
}
