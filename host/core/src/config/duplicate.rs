//! Says of a key that TOML calls a duplicate which one it is, and where it stands first.
//!
//! Start at [`explain`].

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::lines::Lines;

/// What the parser says of a key or a table that is set twice.
pub(super) const DUPLICATE: &str = "duplicate key";

/// What is to be said of the key at `second`; `table` is what could be read of the text.
pub(super) fn explain(lines: &Lines<'_>, table: &DeTable<'_>, second: &Range<usize>) -> String {
    let text = lines.text();
    let name = text.get(second.clone()).unwrap_or_default();
    let way = way(text, second);
    let found = way.as_ref().and_then(|way| find(table, way)).filter(|first| first.start < second.start);
    let found = found.or_else(|| last_before(table, name, second.start)).map(|first| lines.line(first.start));
    // A table that is opened twice has its second place in what was read.
    let header = way.as_ref().and_then(|way| header_before(text, way, lines.line(second.start)));
    match header.or(found) {
        Some(first) => format!("`{name}` stands here a second time; it is set first on line {first}"),
        None => format!("`{name}` stands here a second time"),
    }
}

/// The line, before another, that opens the table at these keys.
fn header_before(text: &str, way: &[String], line: usize) -> Option<usize> {
    let opens = |line: &str| header(line).and_then(keys).is_some_and(|keys| keys == way);
    text.lines().take(line - 1).position(opens).map(|index| index + 1)
}

/// What stands between the brackets of a line that opens a table; of such a line's beginning, what stands behind them.
fn header(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let inner = line.trim_start_matches('[');
    (inner.len() < line.len()).then(|| inner.split_once(']').map_or(inner, |(inner, _)| inner))
}

/// The keys that lead to the one that ends the span, if that is a header or the key of a line.
fn way(text: &str, span: &Range<usize>) -> Option<Vec<String>> {
    let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..span.end].trim_start();
    if let Some(header) = header(line) {
        return keys(header);
    }
    let above = text[..start].lines().rev().find_map(header);
    let mut way = above.map_or_else(|| Some(Vec::new()), keys)?;
    way.extend(keys(line)?);
    Some(way)
}

/// The parts of a dotted key.
fn keys(dotted: &str) -> Option<Vec<String>> {
    let text = format!("{dotted} = 0");
    let parsed = DeTable::parse(&text).ok()?;
    let mut keys = Vec::new();
    let mut table = Some(parsed.get_ref());
    while let Some((key, value)) = table.and_then(|table| table.iter().next()) {
        keys.push(key.get_ref().to_string());
        table = value.get_ref().as_table();
    }
    Some(keys)
}

fn find(table: &DeTable<'_>, way: &[String]) -> Option<Range<usize>> {
    let (last, above) = way.split_last()?;
    let table = above.iter().try_fold(table, |table, key| table.get(key.as_str())?.get_ref().as_table())?;
    table.get_key_value(last.as_str()).map(|(key, _)| key.span())
}

/// The last key of this name before a place: in an inline table that is the one.
fn last_before(table: &DeTable<'_>, name: &str, place: usize) -> Option<Range<usize>> {
    let below = |value: &DeValue<'_>| match value {
        DeValue::Table(table) => last_before(table, name, place),
        DeValue::Array(values) => {
            let tables = values.iter().filter_map(|value| value.get_ref().as_table());
            tables.filter_map(|table| last_before(table, name, place)).max_by_key(|span| span.start)
        }
        _ => None,
    };
    let found = table.iter().flat_map(|(key, value)| {
        let own = Some(key.span()).filter(|_| key.get_ref() == name);
        own.into_iter().chain(below(value.get_ref()))
    });
    found.filter(|span| span.start < place).max_by_key(|span| span.start)
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[track_caller]
    fn check(text: &str, message: &str, line: usize) {
        let found = Config::parse(text).unwrap_err();
        assert_eq!((&*found[0].message, found[0].line, found.len()), (message, line, 1), "{found:?}");
    }

    #[test]
    fn the_first_place_is_told() {
        let kind = "`kind` stands here a second time; it is set first on line 4";
        check("[jobs.a]\nkind = \"x\"\n[jobs.b]\nkind = \"x\"\nparams.kind = 3\nkind = \"y\"\n", kind, 6);
        let job = "`a` stands here a second time; it is set first on line 1";
        check("[jobs.a]\nkind = \"x\"\n[jobs.b]\nkind = \"x\"\nparams = { a = 1 }\n[jobs.a] # again\n", job, 6);
        check("[jobs.b]\nparams = { c = 1, c = 2 }\n", "`c` stands here a second time; it is set first on line 2", 2);
        check(
            "[jobs.b]\nparams.c.d = 1\nparams.c.d = 2\n",
            "`d` stands here a second time; it is set first on line 2",
            3,
        );
        check("[jobs.\"a b\"]\n[jobs.\"a b\"]\n", "`\"a b\"` stands here a second time; it is set first on line 1", 2);
    }
}
