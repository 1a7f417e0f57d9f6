//! Statements that meet many rows find theirs by an index, in its order.

use rusqlite::Connection;

use taskhost_core::ids::QueueName;
use taskhost_core::query::TaskFilter;
use taskhost_core::task::Status;

use super::super::filter::Conditions;
use super::super::list::{Source, walk_select};
use super::super::{advance, again, claim, connect, lines, once, queues};
use super::{Files, options};

fn plan(connection: &Connection, statement: &str) -> String {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    // A parameter without a value is NULL; the plan does not depend on it.
    let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
    steps.collect::<Result<Vec<_>, _>>().unwrap().join(" | ")
}

fn empty_store(files: &Files) -> Connection {
    std::fs::create_dir(files.0.path().join("var")).unwrap();
    connect(&options(&files.path())).unwrap()
}

#[test]
fn a_list_gathers_from_a_small_table_and_walks_without_sorting() {
    let files = Files::default();
    let connection = empty_store(&files);
    let in_queue = TaskFilter { queue: Some(QueueName::default()), ..TaskFilter::default() };
    for filter in [TaskFilter::default(), in_queue] {
        for source in Status::ALL.into_iter().filter_map(Source::of) {
            let select = source.select(&source.conditions(&filter));
            let plan = plan(&connection, &select);
            assert!(!plan.contains(" task") && !plan.contains("TEMP B-TREE"), "{select}: {plan}");
        }
        let mut conditions = Conditions::of(&filter);
        conditions.any_status(&[Status::Queued, Status::Dead]);
        let select = walk_select(&conditions);
        let plan = plan(&connection, &select);
        assert!(plan.starts_with("SEARCH task USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{select}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{select}: {plan}");
    }
}

#[test]
fn keys_are_found_by_their_indexes() {
    let files = Files::default();
    let connection = empty_store(&files);
    let expired = plan(&connection, once::EXPIRED);
    assert_eq!(expired, "SEARCH idempotency_key USING COVERING INDEX idempotency_key_expiring (expires_at<?)");
}

#[test]
fn what_is_claimed_due_expired_or_ended_is_found_in_its_order_without_sorting() {
    let files = Files::default();
    let connection = empty_store(&files);
    let [due, expiring, ended] = advance::EARLIEST;
    let task = format!("SELECT {} FROM task WHERE id = ?1", super::super::rows::COLUMNS);
    let waiting = claim::select_waiting();
    let statements = [
        ("ready USING PRIMARY KEY (queue=? AND lane=?)", lines::FIRST),
        ("ready USING PRIMARY KEY (queue=? AND lane=? AND priority=?)", queues::OLDEST),
        ("task USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", waiting.as_str()),
        ("due USING PRIMARY KEY (at<?)", advance::DUE),
        ("expiring USING PRIMARY KEY (at<?)", advance::EXPIRED),
        ("ended USING PRIMARY KEY (at<?)", advance::ENDED),
        ("dead USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", again::DEAD),
        ("due USING PRIMARY KEY", due),
        ("expiring USING PRIMARY KEY", expiring),
        ("ended USING PRIMARY KEY", ended),
        ("task USING INDEX task_id (id=?)", task.as_str()),
    ];
    for (way, statement) in statements {
        let plan = plan(&connection, statement);
        assert_eq!(plan, format!("SEARCH {way}"), "{statement}");
    }
}
