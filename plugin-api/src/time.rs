//! Unix time, and how the host writes it: RFC 3339 in UTC.
//!
//! Not here: the host's monotonic clock (`host`).

use std::time::{Duration, SystemTime};

use crate::outcome::whole_ms;

const DAY: u64 = 86_400;

#[expect(
    clippy::disallowed_methods,
    reason = "deadlines of the ABI are Unix time, and the host's table has no such clock"
)]
pub(crate) fn unix_ms_after(delay: Duration) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    whole_ms(now.saturating_add(delay))
}

/// Unix milliseconds, rounded up; what was before 1970 is 0.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    whole_ms(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// `2026-12-24T18:00:00.000000Z`. What was before 1970 is written as its beginning.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / DAY, since.as_secs() % DAY);
    // Days to a civil date, counted from 0000-03-01, so that a leap day ends its year (H. Hinnant, "chrono-compatible
    // low-level date algorithms").
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z", since.subsec_micros())
}

/// What [`rfc3339`] writes, with any number of digits of a second; `None` for anything else.
pub(crate) fn from_rfc3339(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(whole, ':')?;
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year / 400, year % 400);
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    let days = (era * 146_097 + of_era).checked_sub(719_468)?;
    let nanos: u32 = if fraction.is_empty() { 0 } else { format!("{fraction:0<9.9}").parse().ok()? };
    let since = Duration::new(days * DAY + hour * 3_600 + minute * 60 + second, nanos);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut parts = text.split(separator).map(|part| part.parse().ok().filter(|number| *number <= 9_999));
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, micros: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros)
    }

    #[test]
    fn times_are_written_and_read_in_the_hosts_form() {
        for (seconds, micros, text) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, 999_999, "2000-02-28T23:59:59.999999Z"),
            (951_868_799, 1, "2000-02-29T23:59:59.000001Z"),
            (1_709_164_800, 0, "2024-02-29T00:00:00.000000Z"),
            (1_798_135_200, 500, "2026-12-24T18:00:00.000500Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(rfc3339(at(seconds, micros)), text);
            assert_eq!(from_rfc3339(text), Some(at(seconds, micros)), "{text}");
        }
    }

    #[test]
    fn each_day_of_130_years_comes_back() {
        for day in 0..130 * 365 {
            let time = at(day * DAY + 1, 0);
            assert_eq!(from_rfc3339(&rfc3339(time)), Some(time));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "tomorrow", "2026-12-24", "2026-12-24T18:00:00", "2026-13-24T18:00:00Z", "2026-1-2-3T1:2:3Z"] {
            assert_eq!(from_rfc3339(text), None, "{text}");
        }
        assert_eq!(from_rfc3339("2026-12-24T18:00:00Z"), Some(at(1_798_135_200, 0)));
    }
}
