//! Plain text for people: fields and tables. Control characters of foreign text are shown, not obeyed.

/// A block of `name  value` lines, the values below each other. An empty value leaves its line out.
pub(super) fn fields(fields: &[(&str, String)]) -> String {
    let shown = || fields.iter().filter(|(_, value)| !value.is_empty());
    let width = shown().map(|(name, _)| name.len()).max().unwrap_or(0);
    let indent = format!("\n{:width$}  ", "");
    let lines = shown().map(|(name, value)| format!("{name:width$}  {}\n", tame(value).replace('\n', &indent)));
    lines.collect::<Vec<_>>().concat()
}

/// A table with a header for a terminal; elsewhere bare lines with tabs between the cells.
pub(super) fn table(header: &[&str], rows: &[Vec<String>], is_terminal: bool) -> String {
    let tamed = rows.iter().map(|row| row.iter().map(|cell| tame(cell).replace('\n', " ")).collect());
    let rows: Vec<Vec<String>> = tamed.collect();
    if !is_terminal {
        return rows.iter().map(|row| row.join("\t") + "\n").collect();
    }
    let header = header.iter().map(ToString::to_string).collect();
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let columns = lines[0].len();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
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
        assert_eq!(table(&["KIND", "N"], &rows, true), "KIND            N\nfiles.checksum  1\né               a\\tb\n");
        assert_eq!(table(&["KIND", "N"], &rows, false), "files.checksum\t1\né\ta\\tb\n");
    }
}
