//! Time zones: between instants and what the clocks of a place show.
//!
//! Not here: which times a cron line names (`cron`). Start at [`Zone`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, SecondsFormat, TimeDelta, TimeZone, Timelike};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};

use super::error::ZoneError;
use crate::suggest::closest;
use crate::time::UnixMicros;

/// An IANA time zone, like `Europe/Berlin`. The default is `UTC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The version of the rules of all zones, such as `2025b`.
    pub fn database() -> &'static str {
        chrono_tz::IANA_TZDB_VERSION
    }

    /// Every name that can be written.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TZ_VARIANTS.iter().map(|zone| zone.name())
    }

    /// The instant as RFC 3339 with the zone's offset, like `2027-03-28T03:00:00+02:00`; a fraction only if there is one.
    pub fn format(self, instant: UnixMicros) -> String {
        match DateTime::from_timestamp_micros(instant.as_micros()) {
            Some(time) => time.with_timezone(&self.0).to_rfc3339_opts(SecondsFormat::AutoSi, false),
            // Outside the calendar (262,000 years before 1970) there is no local time.
            None => instant.to_string(),
        }
    }

    /// The instant as people of the zone say it at the instant `now`: `02:30 CET`, with the date, `2027-03-28 03:00 CEST`, if it
    /// is a day away or more.
    pub fn say(self, instant: UnixMicros, now: UnixMicros) -> String {
        let Some(time) = DateTime::from_timestamp_micros(instant.as_micros()) else { return instant.to_string() };
        let is_near = instant.saturating_since(now) < DAY;
        time.with_timezone(&self.0).format(if is_near { "%H:%M %Z" } else { "%Y-%m-%d %H:%M %Z" }).to_string()
    }

    /// What the clocks show at that instant; `None` outside the calendar.
    pub(super) fn wall(self, instant: UnixMicros) -> Option<NaiveDateTime> {
        DateTime::from_timestamp_micros(instant.as_micros()).map(|time| time.with_timezone(&self.0).naive_local())
    }

    /// How far the clocks are before UTC at that moment of UTC.
    pub(super) fn offset_at(self, utc: NaiveDateTime) -> TimeDelta {
        TimeDelta::seconds(self.0.offset_from_utc_datetime(&utc).fix().local_minus_utc().into())
    }

    /// The first instant at which the clocks show `wall`, or, where they skip it, the first one behind the gap.
    pub(super) fn first_instant(self, wall: NaiveDateTime) -> UnixMicros {
        let utc = match self.0.offset_from_local_datetime(&wall) {
            MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => wall - offset.fix(),
            MappedLocalTime::None => self.end_of_gap(wall),
        };
        instant(utc)
    }

    /// The first moment of UTC behind `after`, up to `until`, at which the clocks are changed. Changes that last less than a day
    /// are not seen.
    pub(super) fn next_change(self, after: NaiveDateTime, until: NaiveDateTime) -> Option<NaiveDateTime> {
        // Clocks are changed at whole seconds.
        let mut low = after.with_nanosecond(0)?;
        let before = self.offset_at(low);
        let mut high = low;
        while self.offset_at(high) == before {
            if high >= until {
                return None;
            }
            low = high;
            high = (high + DAY_OF_CLOCK).min(until);
        }
        while high - low > SECOND {
            let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
            if self.offset_at(middle) == before { low = middle } else { high = middle }
        }
        Some(high)
    }

    /// The instant, as UTC, at which the clocks jump over `wall`.
    fn end_of_gap(self, wall: NaiveDateTime) -> NaiveDateTime {
        let begin = GapInfo::new(&wall, &self.0).and_then(|gap| gap.begin);
        let (last_before, offset) = begin.expect("a time that the clocks skip lies between two spans of the zone");
        last_before - offset.fix()
    }
}

/// From where on a time of the clock alone says too little.
const DAY: Duration = Duration::from_hours(24);

const DAY_OF_CLOCK: TimeDelta = TimeDelta::days(1);

/// The instant as UTC; none outside the calendar.
pub(super) fn utc(instant: UnixMicros) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(instant.as_micros()).map(|time| time.naive_utc())
}

/// The instant of a moment of UTC.
pub(super) fn instant(utc: NaiveDateTime) -> UnixMicros {
    UnixMicros::from_micros(utc.and_utc().timestamp_micros())
}

/// One second: cron's grain.
pub(super) const SECOND: TimeDelta = TimeDelta::seconds(1);

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        text.parse().map(Self).map_err(|_| ZoneError {
            text: text.to_owned(),
            suggestion: closest(text, TZ_VARIANTS.iter().map(|zone| zone.name())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_zone_is_refused_with_the_nearest_name() {
        let refused = "Europe/Berln".parse::<Zone>().unwrap_err();
        assert_eq!(refused.to_string(), "unknown time zone `Europe/Berln`");
        assert_eq!(refused.hint(), "did you mean `Europe/Berlin`?");
        assert_eq!("europe/berlin".parse::<Zone>().unwrap_err().hint(), "did you mean `Europe/Berlin`?");
        assert!("".parse::<Zone>().unwrap_err().hint().contains("IANA"));
    }

    #[test]
    fn a_near_instant_is_said_without_its_date() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let now: UnixMicros = "2027-03-27T16:30:00Z".parse().unwrap();
        assert_eq!(berlin.say("2027-03-28T01:00:00Z".parse().unwrap(), now), "03:00 CEST");
        assert_eq!(berlin.say("2027-11-28T01:30:00Z".parse().unwrap(), now), "2027-11-28 02:30 CET");
        assert_eq!(Zone::UTC.say(now, now), "16:30 UTC");
    }

    #[test]
    fn an_instant_is_written_with_the_offset_of_its_zone() {
        let instant: UnixMicros = "2027-03-28T01:00:00Z".parse().unwrap();
        let written = |zone: &str| zone.parse::<Zone>().unwrap().format(instant);
        assert_eq!(written("Europe/Berlin"), "2027-03-28T03:00:00+02:00");
        assert_eq!(written("UTC"), "2027-03-28T01:00:00+00:00");
        let fraction = instant.saturating_add(std::time::Duration::from_millis(5));
        assert_eq!(Zone::UTC.format(fraction), "2027-03-28T01:00:00.005+00:00");
    }
}
