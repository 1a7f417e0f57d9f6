//! Cron lines without changes of the clocks: crontab's rules by hand, and against another implementation.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::sample::select;

use super::{Cron, Zone};
use crate::time::UnixMicros;

fn utc(line: &str) -> Cron {
    Cron::parse(line, Zone::UTC).unwrap()
}

/// The first times of a line in UTC after an instant, as `2026-11-24 04:20:06`.
fn times<const N: usize>(line: &str, after: &str) -> [String; N] {
    let cron = utc(line);
    let mut times = cron.upcoming(after.parse().unwrap()).map(|instant| {
        let text = instant.to_string();
        text.strip_suffix(".000000Z").unwrap().replace('T', " ")
    });
    std::array::from_fn(|_| times.next().unwrap())
}

/// The days on which a line fires at midnight in November 2026, which begins on a Sunday.
fn november(line: &str) -> Vec<String> {
    let end: UnixMicros = "2026-12-01T00:00:00Z".parse().unwrap();
    let cron = utc(line);
    let days = cron.upcoming("2026-10-31T12:00:00Z".parse().unwrap()).take_while(|&instant| instant < end);
    days.map(|instant| instant.to_string()[8..10].to_owned()).collect()
}

#[test]
fn five_fields_fire_on_the_full_minute_and_six_begin_with_seconds() {
    assert_eq!(
        times("*/15 9-10 * * *", "2026-11-24T10:20:00Z"),
        ["2026-11-24 10:30:00", "2026-11-24 10:45:00", "2026-11-25 09:00:00"]
    );
    assert_eq!(times("10,40 30 2 * * *", "2026-11-24T02:30:10Z"), ["2026-11-24 02:30:40", "2026-11-25 02:30:10"]);
}

#[test]
fn a_time_is_found_only_after_the_given_instant() {
    assert_eq!(times("0 2 * * *", "2026-11-24T01:59:59.999999Z"), ["2026-11-24 02:00:00"]);
    assert_eq!(times("0 2 * * *", "2026-11-24T02:00:00Z"), ["2026-11-25 02:00:00"]);
    assert_eq!(times("0 2 * * *", "2026-11-24T02:00:00.000001Z"), ["2026-11-25 02:00:00"]);
    assert_eq!(times("* * * * * *", "2026-12-31T23:59:58.5Z"), ["2026-12-31 23:59:59", "2027-01-01 00:00:00"]);
}

#[test]
fn weekdays_are_numbered_from_sunday_and_seven_is_sunday_too() {
    assert_eq!(november("0 0 * * 1-5"), november("0 0 * * MON-FRI"));
    assert_eq!(november("0 0 * * 1-5")[..6], ["02", "03", "04", "05", "06", "09"]);
    assert_eq!(november("0 0 * * 0"), ["01", "08", "15", "22", "29"]);
    assert_eq!(november("0 0 * * 7"), november("0 0 * * 0"));
    assert_eq!(november("0 0 * * 0,7"), november("0 0 * * sun"));
    assert_eq!(november("0 0 * * 5-7"), ["01", "06", "07", "08", "13", "14", "15", "20", "21", "22", "27", "28", "29"]);
    assert_eq!(november("0 0 * * FRI-SUN"), november("0 0 * * 5-7"));
    assert_eq!(november("0 0 * * SUN-TUE"), november("0 0 * * 0-2"));
    assert_eq!(november("0 0 * * SUN-SUN"), november("0 0 * * 0"));
    assert_eq!(november("0 0 * * */2"), november("0 0 * * SUN,TUE,THU,SAT"));
    assert_eq!(november("0 0 * * 1-7/2"), november("0 0 * * 0,1,3,5"));
}

#[test]
fn of_two_restricted_day_fields_either_may_match() {
    assert_eq!(november("0 0 13 * FRI"), ["06", "13", "20", "27"]);
    assert_eq!(november("0 0 1,15 * MON"), ["01", "02", "09", "15", "16", "23", "30"]);
    assert_eq!(times("0 0 29 2 1", "2028-02-25T00:00:00Z"), ["2028-02-28 00:00:00", "2028-02-29 00:00:00"]);
}

#[test]
fn a_day_field_is_unrestricted_only_as_a_plain_star() {
    assert_eq!(november("0 0 * * MON").len(), 5);
    assert_eq!(november("0 0 10 * *"), ["10"]);
    assert_eq!(november("0 0 */10 * MON"), ["01", "02", "09", "11", "16", "21", "23", "30"]);
    assert_eq!(november("0 0 10 * */1").len(), 30);
    assert_eq!(november("0 0 10 * *,*").len(), 30);
}

#[test]
fn nicknames_stand_for_their_lines() {
    for (nickname, line) in [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * SUN"),
        (" @monthly ", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 JAN *"),
    ] {
        let after = "2026-11-24T04:20:06Z";
        assert_eq!(times::<5>(nickname, after), times::<5>(line, after), "{nickname}");
    }
}

#[test]
fn a_line_that_never_fires_ends() {
    let start = "2026-11-24T00:00:00Z".parse().unwrap();
    assert_eq!(utc("0 0 30 2 *").next_after(start), None);
    assert_eq!(utc("0 0 31 2,4,6,9,11 *").next_after(start), None);
    assert_eq!(times("0 0 29 2 *", "2026-11-24T00:00:00Z"), ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]);
}

#[test]
fn every_instant_that_can_be_asked_about_has_an_answer() {
    let cron = Cron::parse("0 0 1 1 *", "Pacific/Apia".parse().unwrap()).unwrap();
    assert_eq!(cron.next_after(UnixMicros::from_micros(i64::MIN)), None);
    assert_eq!(cron.next_after(UnixMicros::MAX), None);
    assert_eq!(times("0 0 1 1 *", "1812-01-01T00:00:00Z"), ["1970-01-01 00:00:00"]);
}

#[test]
fn each_refusal_names_the_field_the_part_and_what_is_allowed() {
    for (line, marked, message) in [
        ("61 * * * *", "61", "minute field \"61\": 61 is outside 0-59"),
        ("0 1,24 * * *", "24", "hour field \"1,24\": 24 is outside 0-23"),
        ("60 0 0 * * *", "60", "second field \"60\": 60 is outside 0-59"),
        ("0 0 0 * *", "0", "day-of-month field \"0\": 0 is outside 1-31"),
        ("0 0 * 13 *", "13", "month field \"13\": 13 is outside 1-12 and JAN-DEC"),
        ("0 0 * * 1-8", "8", "day-of-week field \"1-8\": 8 is outside 0-7 (0 and 7 are Sunday) and SUN-SAT"),
        (
            "0 0 * * FOO",
            "FOO",
            "day-of-week field \"FOO\": `FOO` is no value here; allowed are 0-7 (0 and 7 are Sunday) and SUN-SAT",
        ),
        ("0 0 * MON *", "MON", "month field \"MON\": `MON` is no value here; allowed are 1-12 and JAN-DEC"),
        ("-5 * * * *", "-5", "minute field \"-5\": a value is missing"),
        ("99999999999 * * * *", "99999999999", "minute field \"99999999999\": 99999999999 is outside 0-59"),
        ("30-10 * * * *", "30-10", "minute field \"30-10\": 30-10 runs backwards"),
        ("*/0 * * * *", "0", "minute field \"*/0\": step `0` is not a number of 1-60"),
        ("*/90 * * * *", "90", "minute field \"*/90\": step `90` is not a number of 1-60"),
        ("*/ * * * *", "*/", "minute field \"*/\": step `` is not a number of 1-60"),
        (
            "5/15 * * * *",
            "5/15",
            "minute field \"5/15\": `5/15` steps from a single value, which crontab does not know",
        ),
        ("1,,2 * * * *", "1,,2", "minute field \"1,,2\": a value is missing"),
        ("0 0 L * *", "L", "day-of-month field \"L\": `L` is not supported by this version"),
        ("0 0 * * FRI#2", "FRI#2", "day-of-week field \"FRI#2\": `FRI#2` is not supported by this version"),
        ("0 0 * * 5l", "5l", "day-of-week field \"5l\": `5l` is not supported by this version"),
        ("0 0 ? * *", "?", "day-of-month field \"?\": `?` is no value here; allowed are 1-31"),
        ("* * * *", "* * * *", "a cron line has 5 fields, or 6 with the seconds first; this one has 4"),
        ("", "", "a cron line has 5 fields, or 6 with the seconds first; this one has 0"),
        (
            "@often",
            "@often",
            "unknown nickname `@often`; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually",
        ),
    ] {
        let refused = Cron::parse(line, Zone::UTC).unwrap_err();
        assert_eq!(refused.to_string(), message);
        assert_eq!(&line[refused.span()], marked, "{message}");
    }
}

#[test]
fn where_the_intention_is_clear_the_hint_writes_it() {
    for (line, hint) in [
        ("0 22-6 * * *", "write it as two ranges: `22-23,0-6`"),
        ("0 0 * * SAT-MON", "write it as two ranges: `6-7,1-1`"),
        ("5/15 * * * *", "write `5-59/15`"),
        ("0 0 ? * *", "write `*` for any value"),
        ("* * *", "the fields are minute, hour, day-of-month, month, day-of-week, like `30 2 * * *`"),
    ] {
        assert_eq!(Cron::parse(line, Zone::UTC).unwrap_err().hint().as_deref(), Some(hint));
    }
}

/// A field of 1 to 3 items: values, ranges and steps between `min` and `max`.
fn field(min: u32, max: u32) -> impl Strategy<Value = String> {
    let range = (min..=max, min..=max).prop_map(|(one, other)| (one.min(other), one.max(other)));
    let item = prop_oneof![
        4 => (min..=max).prop_map(|value| value.to_string()),
        2 => range.clone().prop_map(|(from, to)| format!("{from}-{to}")),
        1 => (range, 1..=max).prop_map(|((from, to), step)| format!("{from}-{to}/{step}")),
        1 => (2..=max).prop_map(|step| format!("*/{step}")),
    ];
    prop_oneof![1 => Just("*".to_owned()), 3 => prop::collection::vec(item, 1..=3).prop_map(|items| items.join(","))]
}

fn weekday() -> impl Strategy<Value = String> {
    let names = select(vec!["SUN", "mon", "Tue", "WED", "THU", "FRI", "SAT", "MON-FRI", "tue-sat", "1-3,SAT"]);
    prop_oneof![2 => Just("*".to_owned()), 2 => field(0, 7), 1 => names.prop_map(str::to_owned)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn another_implementation_agrees_in_a_zone_without_changes(
        fields in (field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), weekday()),
        with_seconds in any::<bool>(),
        start in 1_700_000_000_000_000..2_500_000_000_000_000_i64,
    ) {
        let (seconds, minutes, hours, month_days, months, weekdays) = fields;
        let seconds = if with_seconds { seconds + " " } else { String::new() };
        let line = format!("{seconds}{minutes} {hours} {month_days} {months} {weekdays}");
        let oracle = croner::Cron::from_str(&line).expect("the oracle reads what the strategy writes");
        let start = UnixMicros::from_micros(start);
        let oracle_start = DateTime::<Utc>::from_timestamp_micros(start.as_micros()).unwrap();
        let theirs: Vec<i64> = oracle.iter_after(oracle_start).take(20).map(|time| time.timestamp_micros()).collect();
        let ours: Vec<i64> = utc(&line).upcoming(start).take(theirs.len()).map(UnixMicros::as_micros).collect();
        prop_assert_eq!(ours, theirs, "{}", line);
    }

    #[test]
    fn no_text_panics(text in "[-0-9*/,@# a-zA-Z?é]{0,24}") {
        if let Err(refused) = Cron::parse(&text, Zone::UTC) {
            prop_assert!(text.get(refused.span()).is_some());
        }
    }
}
