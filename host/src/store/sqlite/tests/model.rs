//! Random histories on the store and on the reference store: see [`model`]. Beneath the port, nothing is left of what is gone.

use std::path::Path;

use rusqlite::Connection;

use super::Files;
use crate::store::suite::model;

#[test]
fn every_history_goes_as_that_of_the_reference() {
    model::compare(|| Files::default().harness());
}

/// Nothing is left of what is gone, and whatever runs is known to the next start.
pub(super) fn compare_tables(path: &Path, tasks: u64, running: usize) {
    let file = Connection::open(path).unwrap();
    let count = |what: &str| file.query_row(what, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(u64::from(count("SELECT count(*) FROM task")), tasks);
    for table in ["task_params", "task_result", "task_state", "task_error", "task_log"] {
        let orphans = count(&format!("SELECT count(*) FROM {table} WHERE seq NOT IN (SELECT seq FROM task)"));
        assert_eq!(orphans, 0, "rows of {table} without a task");
    }
    assert!(count("SELECT count(*) FROM flight") as usize <= running, "a turn without a running task");
}
