//! Statements that meet many rows find theirs by an index, in its order.

use rusqlite::Connection;

use taskhost_core::ids::QueueName;
use taskhost_core::query::TaskFilter;
use taskhost_core::task::Status;

use super::super::filter::Conditions;
use super::super::list::{Source, walk_select};
use super::super::{advance, again, claim, connect, once, queues};
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
fn a_list_gathers_from_an_index_alone_and_walks_without_sorting() {
    let files = Files::default();
    let connection = empty_store(&files);
    let in_queue = TaskFilter { queue: Some(QueueName::default()), ..TaskFilter::default() };
    for filter in [TaskFilter::default(), in_queue] {
        for source in Status::ALL.into_iter().filter_map(Source::of) {
            let select = source.select(&source.conditions(&filter));
            let plan = plan(&connection, &select);
            // That of all ended tasks does not hold which of them completed.
            let alone =
                if select.contains("task_ended") { " task USING INDEX " } else { " task USING COVERING INDEX " };
            assert!(plan.contains(alone) && !plan.contains("TEMP B-TREE"), "{select}: {plan}");
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
fn what_is_claimed_due_expired_or_ended_is_found_by_its_index_without_sorting() {
    let files = Files::default();
    let connection = empty_store(&files);
    let [due, expiring, ended] = advance::EARLIEST.map(str::to_owned);
    let statements = [
        ("task_ready", claim::select_waiting()),
        ("task_due", advance::select(advance::DUE)),
        ("task_expiring", advance::select(advance::EXPIRED)),
        ("task_ended", advance::select(advance::ENDED)),
        ("task_dead", again::DEAD.to_owned()),
        ("task_ready", queues::OLDEST.to_owned()),
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
