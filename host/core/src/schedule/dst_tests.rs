//! Cron lines where clocks are changed. No other implementation agrees with all of these, so they are written by hand;
//! what must always hold (in order, none doubled) is checked on random lines.

use proptest::prelude::*;
use proptest::sample::select;

use super::{Cron, Zone};
use crate::time::UnixMicros;

/// The occurrences of `line` in `zone` after `from` and up to `to`, each with its offset.
fn between(line: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
    let zone: Zone = zone.parse().unwrap();
    let cron = Cron::parse(line, zone).unwrap();
    let end: UnixMicros = to.parse().unwrap();
    let occurrences = cron.upcoming(from.parse().unwrap()).take_while(|&instant| instant <= end);
    occurrences.map(|instant| zone.format(instant)).collect()
}

/// The night of 2027-03-28 in Berlin: 02:00 to 03:00 does not exist.
fn spring(line: &str) -> Vec<String> {
    between(line, "Europe/Berlin", "2027-03-28T01:00:00+01:00", "2027-03-28T04:00:00+02:00")
}

/// The night of 2026-10-25 in Berlin: 02:00 to 03:00 exists twice.
fn autumn(line: &str) -> Vec<String> {
    between(line, "Europe/Berlin", "2026-10-25T01:00:00+02:00", "2026-10-25T04:00:00+01:00")
}

#[test]
fn a_time_in_a_gap_runs_at_the_first_moment_behind_it() {
    assert_eq!(spring("30 2 * * *"), ["2027-03-28T03:00:00+02:00"]);
    assert_eq!(spring("0 2 28 3 *"), ["2027-03-28T03:00:00+02:00"]);
}

#[test]
fn times_that_land_on_one_instant_are_one_occurrence() {
    assert_eq!(spring("0,30 2 * * *"), ["2027-03-28T03:00:00+02:00"]);
    assert_eq!(spring("30 2,3 * * *"), ["2027-03-28T03:00:00+02:00", "2027-03-28T03:30:00+02:00"]);
    assert_eq!(spring("0 2,3 * * *"), ["2027-03-28T03:00:00+02:00"]);
}

#[test]
fn lines_that_begin_with_a_star_go_on_over_the_gap() {
    let half_hours = ["01:30:00+01:00", "03:00:00+02:00", "03:30:00+02:00", "04:00:00+02:00"];
    assert_eq!(spring("*/30 * * * *"), half_hours.map(|time| format!("2027-03-28T{time}")));
    assert_eq!(spring("30 */2 * * *"), [""; 0], "02:30 is not shown, and nobody waits for it");
    assert_eq!(spring("0 * * * *"), ["2027-03-28T03:00:00+02:00", "2027-03-28T04:00:00+02:00"]);
}

#[test]
fn lines_that_begin_with_a_star_run_in_both_hours_that_are_shown_twice() {
    let times = ["02:00:00+02:00", "02:30:00+02:00", "02:00:00+01:00", "02:30:00+01:00", "03:00:00+01:00"];
    let times = times.map(|time| format!("2026-10-25T{time}"));
    assert_eq!(autumn("*/30 2,3 * * *")[..5], times);
    assert_eq!(autumn("0 * * * *")[..3], [&*times[0], &times[2], &times[4]]);
    assert_eq!(autumn("@hourly"), autumn("0 * * * *"));
    assert_eq!(autumn("30 */2 * * *"), [&*times[1], &times[3]]);
    // The clocks go back at 03:00, so the second fold begins with a time of the line.
    assert_eq!(autumn("0 0 */2 * * *"), [&*times[0], &times[2], "2026-10-25T04:00:00+01:00"]);
}

#[test]
fn a_time_that_is_shown_twice_runs_the_first_time() {
    assert_eq!(autumn("30 2 * * *"), ["2026-10-25T02:30:00+02:00"]);
    assert_eq!(autumn("0,30 2 * * *"), ["2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00"]);
    assert_eq!(autumn("0 2,3 * * *"), ["2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"]);
}

#[test]
fn a_search_that_begins_in_the_repeated_hour_finds_nothing_old() {
    let after = |line, from| between(line, "Europe/Berlin", from, "2026-10-25T03:20:00+01:00");
    for from in ["2026-10-25T02:40:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:59:59.999999+01:00"] {
        let next = ["2026-10-25T03:00:00+01:00", "2026-10-25T03:20:00+01:00"];
        assert_eq!(after("0-40/20 2,3 * * *", from), next, "after {from}");
    }
    assert_eq!(after("0-40/20 2,3 * * *", "2026-10-25T02:39:59+02:00")[0], "2026-10-25T02:40:00+02:00");
    assert_eq!(after("*/20 * * * *", "2026-10-25T02:40:00+02:00")[0], "2026-10-25T02:00:00+01:00");
    assert_eq!(after("*/20 * * * *", "2026-10-25T02:59:59.999999+02:00")[0], "2026-10-25T02:00:00+01:00");
    assert_eq!(after("*/20 * * * *", "2026-10-25T02:00:00+01:00")[0], "2026-10-25T02:20:00+01:00");
}

#[test]
fn a_change_of_half_an_hour_is_no_other() {
    // Lord Howe: 02:00 goes to 02:30 on 2026-10-04, and 02:00 back to 01:30 on 2027-04-04.
    let lord_howe = |line, from, to| between(line, "Australia/Lord_Howe", from, to);
    assert_eq!(
        lord_howe("0,15,30,45 2 * * *", "2026-10-03T14:00:00Z", "2026-10-03T16:00:00Z"),
        ["2026-10-04T02:30:00+11:00", "2026-10-04T02:45:00+11:00"]
    );
    assert_eq!(lord_howe("45 1 * * *", "2027-04-03T14:00:00Z", "2027-04-03T16:00:00Z"), ["2027-04-04T01:45:00+11:00"]);
}

#[test]
fn a_whole_day_that_a_zone_skipped_is_a_gap_like_any_other() {
    // Samoa had no 2011-12-30.
    assert_eq!(
        between("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"),
        ["2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"]
    );
}

#[test]
fn a_gap_at_midnight_moves_the_daily_run_to_one_o_clock() {
    // Cairo: 2027-04-30 begins at 01:00.
    assert_eq!(
        between("@daily", "Africa/Cairo", "2027-04-29T12:00:00Z", "2027-04-30T12:00:00Z"),
        ["2027-04-30T01:00:00+03:00"]
    );
}

#[test]
fn the_changes_of_later_decades_are_known() {
    let summer = |year: u32| {
        between("0 12 1 7 *", "Europe/Berlin", &format!("{year}-06-30T00:00:00Z"), &format!("{year}-07-02T00:00:00Z"))
    };
    assert_eq!(summer(2060), ["2060-07-01T12:00:00+02:00"]);
}

/// Lines whose times lie around the hours at which clocks are changed.
fn night_line() -> impl Strategy<Value = String> {
    let minutes = select(vec!["*", "*/7", "0", "30", "0,30", "15-45/15", "59"]);
    let hours = select(vec!["*", "*/2", "0-3", "1,2", "2", "2,3", "3"]);
    let seconds = select(vec!["", "0 ", "*/20 ", "59 "]);
    (seconds, minutes, hours).prop_map(|(seconds, minutes, hours)| format!("{seconds}{minutes} {hours} * * *"))
}

/// Zones with their changes as instants: Berlin and New York both ways, Lord Howe, Cairo at midnight, Samoa's lost day.
const CHANGES: [(&str, &str); 7] = [
    ("Europe/Berlin", "2027-03-28T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2027-03-14T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2027-04-03T15:00:00Z"),
    ("Africa/Cairo", "2027-04-29T22:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
];

proptest! {
    #[test]
    fn occurrences_are_in_order_and_none_is_doubled_or_depends_on_where_the_search_began(
        line in night_line(),
        change in select(&CHANGES),
        before_minutes in 0..240_i64,
        skipped in 0..30_usize,
    ) {
        let (zone, change) = change;
        let cron = Cron::parse(&line, zone.parse().unwrap()).unwrap();
        let change: UnixMicros = change.parse().unwrap();
        let start = UnixMicros::from_micros(change.as_micros() - before_minutes * 60_000_000);
        let all: Vec<UnixMicros> = cron.upcoming(start).take(60).collect();
        prop_assert!(all[0] > start && all.is_sorted_by(|one, next| one < next), "{} in {}", line, zone);
        let between = UnixMicros::from_micros(all[skipped + 1].as_micros() - 1);
        prop_assert_eq!(cron.next_after(between), Some(all[skipped + 1]), "{} in {}", line, zone);
    }
}
