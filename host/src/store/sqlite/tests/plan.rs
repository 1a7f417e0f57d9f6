//! Statements that meet many rows find theirs by an index, in its order.

use rusqlite::Connection;

use super::super::{advance, claim, connect};
use super::{Files, options};

fn plan(connection: &Connection, statement: &str) -> String {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    // A parameter without a value is NULL; the plan does not depend on it.
    let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
    steps.collect::<Result<Vec<_>, _>>().unwrap().join(" | ")
}

#[test]
fn what_is_claimed_due_expired_or_ended_is_found_by_its_index_without_sorting() {
    let files = Files::default();
    std::fs::create_dir(files.0.path().join("var")).unwrap();
    let connection = connect(&options(&files.path())).unwrap();
    let [due, expiring, ended] = advance::EARLIEST.map(str::to_owned);
    let statements = [
        ("task_ready", claim::select_waiting()),
        ("task_due", advance::select(advance::DUE)),
        ("task_expiring", advance::select(advance::EXPIRED)),
        ("task_ended", advance::select(advance::ENDED)),
        ("task_due", due),
        ("task_expiring", expiring),
        ("task_ended", ended),
        ("task_id", format!("SELECT {} FROM task WHERE id = ?1", super::super::rows::COLUMNS)),
    ];
    for (index, statement) in statements {
        let plan = plan(&connection, &statement);
        assert!(
            plan.starts_with("SEARCH task USING") && plan.contains(&format!("INDEX {index}")),
            "{statement}: {plan}"
        );
        assert!(!plan.contains("TEMP B-TREE") && !plan.contains('|'), "{statement}: {plan}");
    }
}
