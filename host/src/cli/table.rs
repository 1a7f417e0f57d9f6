//! Tables: for people as wide as their terminal, for programs bare lines.
//!
//! Not here: fields and times (`render`). Start at [`table`].

use super::render::tame;

/// What a shortened cell keeps at least.
const SHORT: usize = 16;
/// How much of the last column, which is asked for most, the others make room for.
const LAST: usize = 40;

/// A column, and what it gives where the terminal is narrow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    title: &'static str,
    gives: Gives,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    Nothing,
    ItsMiddle,
    /// It is left out, before any name is shortened.
    Way,
    /// It is left out if shortened names do not make room enough.
    WayAtLast,
}

impl Column {
    /// Always whole.
    pub(super) const fn whole(title: &'static str) -> Self {
        Self { title, gives: Gives::Nothing }
    }

    /// Long cells lose their middle: names differ at the ends.
    pub(super) const fn name(title: &'static str) -> Self {
        Self { title, gives: Gives::ItsMiddle }
    }

    /// Left out before anything is shortened, the first one first.
    pub(super) const fn spare(title: &'static str) -> Self {
        Self { title, gives: Gives::Way }
    }

    /// Left out where shortened names do not make room enough.
    pub(super) const fn welcome(title: &'static str) -> Self {
        Self { title, gives: Gives::WayAtLast }
    }
}

/// A table with a header for a terminal of so many columns; elsewhere bare lines with tabs between the cells.
pub(super) fn table(header: &[Column], rows: &[Vec<String>], columns: Option<usize>) -> String {
    let tamed = rows.iter().map(|row| row.iter().map(|cell| tame(cell).replace('\n', " ")).collect());
    let rows: Vec<Vec<String>> = tamed.collect();
    let Some(columns) = columns else {
        return rows.iter().map(|row| row.join("\t") + "\n").collect();
    };
    let titles = header.iter().map(|column| column.title.to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(titles).chain(rows).collect();
    let shown = fit(header, &lines, columns);
    let line = |cells: &Vec<String>| {
        let padded = shown.iter().map(|&(column, width)| {
            let is_last = column + 1 == header.len();
            let cell = if is_last { cells[column].clone() } else { shorten(&cells[column], width) };
            format!("{cell:width$}")
        });
        cut(padded.collect::<Vec<_>>().join("  ").trim_end(), columns) + "\n"
    };
    lines.iter().map(line).collect()
}

/// Which columns are shown, and how wide each is.
fn fit(header: &[Column], lines: &[Vec<String>], columns: usize) -> Vec<(usize, usize)> {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let mut shown: Vec<(usize, usize)> = (0..header.len()).map(|column| (column, width(column))).collect();
    let last = header.len() - 1;
    let lacking = |shown: &[(usize, usize)]| {
        let widths = shown.iter().map(|&(column, width)| if column == last { width.min(LAST) } else { width });
        (widths.sum::<usize>() + 2 * (shown.len() - 1)).saturating_sub(columns)
    };
    let next = |shown: &[(usize, usize)], gives| shown.iter().position(|&(column, _)| header[column].gives == gives);
    while let (1.., Some(spare)) = (lacking(&shown), next(&shown, Gives::Way)) {
        shown.remove(spare);
    }
    loop {
        let mut shortened = shown.clone();
        shorten_names(header, &mut shortened, lacking(&shown));
        match next(&shown, Gives::WayAtLast) {
            Some(welcome) if lacking(&shortened) > 0 => shown.remove(welcome),
            _ => return shortened,
        };
    }
}

/// Takes so many columns from the names, as far as they have them: from the longest ones, until they are equally long.
fn shorten_names(header: &[Column], shown: &mut [(usize, usize)], lacking: usize) {
    for _ in 0..lacking {
        let names =
            shown.iter_mut().filter(|(column, width)| header[*column].gives == Gives::ItsMiddle && *width > SHORT);
        match names.max_by_key(|(_, width)| *width) {
            Some((_, width)) => *width -= 1,
            None => return,
        }
    }
}

/// The text without its middle, if it is longer.
fn shorten(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let end = width.saturating_sub(1) / 2;
    let begin = width.saturating_sub(1) - end;
    text.chars().take(begin).chain(['…']).chain(text.chars().skip(length - end)).collect()
}

/// The beginning of a line that is longer than a terminal is wide.
fn cut(line: &str, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line.to_owned();
    }
    line.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(cells: &[&str]) -> Vec<String> {
        cells.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_is_aligned_for_people_and_bare_for_programs() {
        let header = [Column::whole("KIND"), Column::whole("N")];
        let rows = [cells(&["files.checksum", "1"]), cells(&["é", "a\tb"])];
        assert_eq!(table(&header, &rows, Some(80)), "KIND            N\nfiles.checksum  1\né               a\\tb\n");
        assert_eq!(table(&header, &rows[..1], Some(12)), "KIND       …\nfiles.check…\n");
        assert_eq!(table(&header, &rows, None), "files.checksum\t1\né\ta\\tb\n");
    }

    #[test]
    fn a_narrow_table_gives_up_what_is_spare_then_the_middle_of_names_and_keeps_its_last_column() {
        let header = [Column::name("JOB"), Column::spare("DECLARED"), Column::welcome("FIRES"), Column::whole("NEXT")];
        let rows = [cells(&["job-01a20d58-1ec0-7fe4-a6f5-7c0e9c2dea77", "http", "every 1h", "in 59s"])];
        let at = |columns| table(&header, &rows, Some(columns)).lines().nth(1).unwrap().to_owned();
        assert_eq!(at(68), "job-01a20d58-1ec0-7fe4-a6f5-7c0e9c2dea77  http      every 1h  in 59s");
        assert_eq!(at(67), "job-01a20d58-1ec0-7fe4-a6f5-7c0e9c2dea77  every 1h  in 59s");
        assert_eq!(at(56), "job-01a20d58-1ec0-7…-a6f5-7c0e9c2dea77  every 1h  in 59s");
        assert_eq!(at(34), "job-01a2…c2dea77  every 1h  in 59s");
        assert_eq!(
            at(33),
            "job-01a20d58…7c0e9c2dea77  in 59s",
            "what shortening does not make room for is left out instead"
        );
        assert_eq!(at(20), "job-01a2…c2dea77  i…");
        assert!(table(&header, &rows, None).contains("http"), "a program gets every cell");
    }

    #[test]
    fn the_names_that_are_longest_are_shortened_to_the_same_width() {
        let header = [Column::name("A"), Column::name("B"), Column::whole("DETAIL")];
        let rows = [cells(&[&"a".repeat(40), &"b".repeat(30), &"long ".repeat(100)])];
        let shown = table(&header, &rows, Some(100));
        let line = shown.lines().nth(1).unwrap();
        assert_eq!(line.find("long"), Some(60 + 2 * ('…'.len_utf8() - 1)), "{line}");
        assert_eq!(line.chars().count(), 100, "{line}");
    }
}
