//! Plain text for people: fields, times. Control characters of foreign text are shown, not obeyed.
//!
//! Not here: tables (`table`).

use std::time::Duration;

use taskhost_core::time::UnixMicros;

/// A block of `name  value` lines, the values below each other. An empty value leaves its line out.
pub(super) fn fields(fields: &[(&str, String)]) -> String {
    let shown = || fields.iter().filter(|(_, value)| !value.is_empty());
    let width = shown().map(|(name, _)| name.len()).max().unwrap_or(0);
    let indent = format!("\n{:width$}  ", "");
    let lines = shown().map(|(name, value)| format!("{name:width$}  {}\n", tame(value).replace('\n', &indent)));
    lines.collect::<Vec<_>>().concat()
}

/// How times are shown: as they were answered, or as seen from now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    now: Option<UnixMicros>,
}

impl Times {
    /// For programs.
    pub(super) fn exact() -> Self {
        Self { now: None }
    }

    /// For people, at this time.
    pub(super) fn seen_from(now: UnixMicros) -> Self {
        Self { now: Some(now) }
    }

    /// `3m 20s ago`, `in 14h 3m`; for programs the time itself.
    pub(super) fn show(self, time: &str) -> String {
        let (Some(now), Ok(at)) = (self.now, time.parse::<UnixMicros>()) else { return time.to_owned() };
        let seconds = |span: Duration| span.as_secs_f64();
        if at > now {
            format!("in {}", span(seconds(at.saturating_since(now))))
        } else {
            format!("{} ago", span(seconds(now.saturating_since(at))))
        }
    }

    /// `paused 3m ago`, for programs `paused since 2026-12-24T18:00:00.000000Z`: since when it is so.
    pub(super) fn paused(self, since: &str) -> String {
        if self.now.is_some() { format!("paused {}", self.show(since)) } else { format!("paused since {since}") }
    }

    /// `2026-12-24 18:00:00 UTC`; for programs the time itself.
    pub(super) fn to_the_second(self, time: &str) -> String {
        match (self.now, time.split_once('.')) {
            (Some(_), Some((second, _))) => format!("{} UTC", second.replace('T', " ")),
            _ => time.to_owned(),
        }
    }

    /// How far away the time is, and the time to the second; for programs the time itself.
    pub(super) fn show_both(self, time: &str) -> String {
        if self.now.is_none() { time.to_owned() } else { format!("{}, {}", self.show(time), self.to_the_second(time)) }
    }
}

/// A span of time in its two largest units: `12s`, `3m 20s`, `14h 3m`, `9d 2h`.
pub(super) fn span(seconds: f64) -> String {
    let seconds = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX).as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let joined = |large: u64, unit: &str, small: u64, below: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit} {small}{below}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => joined(minutes, "m", seconds % 60, "s"),
        (0, ..) => joined(hours, "h", minutes % 60, "m"),
        _ => joined(days, "d", hours % 24, "h"),
    }
}

/// The text without the power to move the cursor or to change colours.
pub(super) fn tame(text: &str) -> String {
    let tame = |char: char| {
        if char.is_control() && char != '\n' { char.escape_default().to_string() } else { char.to_string() }
    };
    text.chars().map(tame).collect()
}

/// JSON without that power, which still says the same.
pub(super) fn tame_json(json: &str) -> String {
    let tame = |char: char| match char {
        '\n' => "\n".to_owned(),
        // As such they stand only between values; those of ASCII are written out in a text.
        '\0'..='\u{1f}' => " ".to_owned(),
        '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(char)),
        plain => plain.to_string(),
    };
    // A list may be long, and is hardly ever wild.
    if json.contains(char::is_control) { json.chars().map(tame).collect() } else { json.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_below_each_other() {
        let text = fields(&[
            ("task", "1".to_owned()),
            ("reason", String::new()),
            ("status", "dead".to_owned()),
            ("error", "a\nb\u{1b}[2J".to_owned()),
        ]);
        assert_eq!(text, "task    1\nstatus  dead\nerror   a\n        b\\u{1b}[2J\n");
    }

    #[test]
    fn tame_json_moves_no_cursor_and_says_the_same() {
        let json = "{\"a\":\r\"\u{9b}2J\u{7f}\u{e4}\\u001b\",\t\"b\":\n1.10}";
        let tamed = tame_json(json);
        assert!(!tamed.chars().any(|char| char.is_control() && char != '\n'), "{tamed:?}");
        let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(read(&tamed), read(json));
    }

    #[test]
    fn a_time_is_seen_from_now_by_people_and_exact_for_programs() {
        let now = Times::seen_from("2026-12-24T18:00:00Z".parse().unwrap());
        let cases = [
            ("2026-12-24T17:59:59.400000Z", "0s ago"),
            ("2026-12-24T17:56:40.000000Z", "3m 20s ago"),
            ("2026-12-25T08:03:30.000000Z", "in 14h 3m"),
            ("2027-01-02T20:00:00.000000Z", "in 9d 2h"),
            ("2026-12-24T20:00:00.000000Z", "in 2h"),
        ];
        for (time, seen) in cases {
            assert_eq!((now.show(time).as_str(), Times::exact().show(time).as_str()), (seen, time));
        }
        assert_eq!(now.show_both("2026-12-24T20:00:00.000000Z"), "in 2h, 2026-12-24 20:00:00 UTC");
        assert_eq!(Times::exact().show_both("T1"), "T1");
    }
}
