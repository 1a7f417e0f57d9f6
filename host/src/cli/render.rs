//! Plain text for people: fields, tables, times. Control characters of foreign text are shown, not obeyed.

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

/// A table with a header for a terminal of so many columns; elsewhere bare lines with tabs between the cells.
pub(super) fn table(header: &[&str], rows: &[Vec<String>], columns: Option<usize>) -> String {
    let tamed = rows.iter().map(|row| row.iter().map(|cell| tame(cell).replace('\n', " ")).collect());
    let rows: Vec<Vec<String>> = tamed.collect();
    let Some(columns) = columns else {
        return rows.iter().map(|row| row.join("\t") + "\n").collect();
    };
    let header = header.iter().map(ToString::to_string).collect();
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cut(padded.collect::<Vec<_>>().join("  ").trim_end(), columns) + "\n"
    };
    lines.iter().map(line).collect()
}

/// The beginning of a line that is longer than a terminal is wide.
pub(super) fn cut(line: &str, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line.to_owned();
    }
    line.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
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

    /// `2026-12-24 18:00:00Z`; for programs the time itself.
    pub(super) fn to_the_second(self, time: &str) -> String {
        match (self.now, time.split_once('.')) {
            (Some(_), Some((second, _))) => format!("{}Z", second.replace('T', " ")),
            _ => time.to_owned(),
        }
    }

    /// The time to the second and how far away it is; for programs the time itself.
    pub(super) fn show_both(self, time: &str) -> String {
        if self.now.is_none() { time.to_owned() } else { format!("{}, {}", self.to_the_second(time), self.show(time)) }
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
    fn a_table_is_aligned_for_people_and_bare_for_programs() {
        let rows = [vec!["files.checksum".to_owned(), "1".to_owned()], vec!["é".to_owned(), "a\tb".to_owned()]];
        assert_eq!(
            table(&["KIND", "N"], &rows, Some(80)),
            "KIND            N\nfiles.checksum  1\né               a\\tb\n"
        );
        assert_eq!(table(&["KIND", "N"], &rows[..1], Some(12)), "KIND       …\nfiles.check…\n");
        assert_eq!(table(&["KIND", "N"], &rows, None), "files.checksum\t1\né\ta\\tb\n");
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
        assert_eq!(now.show_both("2026-12-24T20:00:00.000000Z"), "2026-12-24 20:00:00Z, in 2h");
        assert_eq!(Times::exact().show_both("T1"), "T1");
    }
}
