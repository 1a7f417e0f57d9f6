//! A store's file as text that people can read and compare, and back.
//!
//! Start at [`dump`] and [`restore`].

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// All that is in a file: the numbers of its header, its tables as they were made, and their rows.
pub(super) fn dump(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    let mut text = String::new();
    for name in ["application_id", "user_version"] {
        let value: i64 = connection.pragma_query_value(None, name, |row| row.get(0)).unwrap();
        writeln!(text, "PRAGMA {name} = {value};").unwrap();
    }
    let objects = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid";
    let mut select = connection.prepare(objects).unwrap();
    let objects = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let objects: Vec<(String, String, String)> = objects.collect::<Result<_, _>>().unwrap();
    for (_, _, sql) in &objects {
        writeln!(text, "{sql};").unwrap();
    }
    for (_, table, _) in objects.iter().filter(|(what, ..)| what == "table") {
        text.push_str(&rows(&connection, table));
    }
    text
}

fn rows(connection: &Connection, table: &str) -> String {
    let mut select = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns: Vec<_> = select.column_names().map(str::to_owned).collect();
    let rows = select.query_map([], |row| {
        let values = (0..columns.len()).map(|column| row.get_ref(column).map(literal));
        Ok(format!("({})", values.collect::<Result<Vec<_>, _>>()?.join(", ")))
    });
    let rows: Vec<_> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    if rows.is_empty() {
        return String::new();
    }
    format!("INSERT INTO {table} ({}) VALUES\n{};\n", columns.join(", "), rows.join(",\n"))
}

/// A value in SQL. What is text or JSON stays readable.
fn literal(value: ValueRef<'_>) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) => quoted(std::str::from_utf8(bytes).unwrap()),
        ValueRef::Blob(bytes) if bytes.first() == Some(&b'{') => {
            format!("CAST({} AS BLOB)", quoted(std::str::from_utf8(bytes).unwrap()))
        }
        ValueRef::Blob(bytes) => {
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02X}").unwrap();
                hex
            });
            format!("X'{hex}'")
        }
    }
}

/// The file of which [`dump`] has made this text.
pub(super) fn restore(text: &str, path: &Path) {
    let connection = Connection::open(path).unwrap();
    // As every version of the store has it.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
    connection.execute_batch(&format!("BEGIN; {text} COMMIT;")).unwrap();
}
