//! Files that are not right, not ours, not free or full; and how many commits a burst costs.

use std::sync::Arc;

use rusqlite::Connection;
use taskhost_core::task::Status;
use tokio::sync::mpsc;

use super::super::schema;
use super::{Files, SqliteStore, options, start};
use crate::events::Events;
use crate::store::StoreError;
use crate::store::suite::Harness;
use crate::tally::Tally;

/// Opens a folder whose file holds these bytes.
fn open_bytes(bytes: &[u8]) -> Result<SqliteStore, StoreError> {
    let files = Files::default();
    std::fs::create_dir(files.0.path().join("var")).unwrap();
    std::fs::write(files.path(), bytes).unwrap();
    let opened = files.open();
    if let Err(StoreError::Foreign { .. }) = &opened {
        assert!(std::fs::read(files.path()).unwrap() == bytes, "a file that is not ours stays as it is");
    }
    opened
}

/// The bytes of a closed store's file after these statements.
fn file_after(statements: &str) -> Vec<u8> {
    let files = Files::default();
    drop(Harness::new(Arc::new(files.open().unwrap()), mpsc::unbounded_channel().1, start(), ()));
    let connection = Connection::open(files.path()).unwrap();
    connection.execute_batch(statements).unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).unwrap();
    drop(connection);
    std::fs::read(files.path()).unwrap()
}

#[test]
fn a_second_store_is_kept_off_the_file() {
    let files = Files::default();
    let first = files.open().unwrap();
    let refused = files.open().unwrap_err();
    assert!(matches!(&refused, StoreError::InUse { path } if *path == files.path().display().to_string()));
    assert!(refused.hint().contains("stop the other daemon"));
    let harness = Harness::new(Arc::new(first), mpsc::unbounded_channel().1, start(), ());
    drop(harness);
    files.open().expect("the first has let go");
}

#[test]
fn a_folder_that_is_not_there_is_made() {
    let files = Files::default();
    files.open().unwrap();
    assert!(files.path().exists());
}

#[test]
fn a_path_that_cannot_be_a_file_is_refused() {
    let files = Files::default();
    std::fs::create_dir_all(files.path()).unwrap();
    assert!(matches!(files.open(), Err(StoreError::Open { .. })));
    let under_a_file = options(&files.path().join("../../file/taskhost.db"));
    std::fs::write(files.0.path().join("file"), b"").unwrap();
    let (assign, _assignments) = mpsc::unbounded_channel();
    let refused = SqliteStore::open(&under_a_file, assign, Events::default(), Tally::default(), start());
    assert!(matches!(refused, Err(StoreError::Open { .. })));
}

#[test]
fn a_file_of_noise_is_damaged() {
    for length in [2, 100, 4_096, 10_000] {
        let noise: Vec<u8> = (0..length).map(|at: usize| (at * 7 % 251 + 1).to_le_bytes()[0]).collect();
        let refused = open_bytes(&noise);
        assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{length} bytes: {refused:?}");
    }
}

#[test]
fn a_file_with_noise_in_the_middle_is_damaged() {
    let mut bytes = file_after("");
    let length = bytes.len();
    bytes[4_096..length - 100].fill(0xA5);
    assert!(matches!(open_bytes(&bytes), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_file_that_was_cut_short_is_damaged() {
    let bytes = file_after("");
    assert!(matches!(open_bytes(&bytes[..4_096]), Err(StoreError::Damaged { .. })));
}

#[test]
fn damage_that_is_met_later_ends_the_store() {
    let files = Files::default();
    let path = files.path();
    let mut h = files.harness();
    let task = h.task();
    let id = h.submit(task);
    let connection = Connection::open(&path).unwrap();
    connection.execute("UPDATE task SET state = 77", []).unwrap();
    assert!(matches!(h.store.task(id), Err(StoreError::Damaged { .. })));
    let cancelled = h.outcome(h.store.cancel(id, h.now));
    assert!(matches!(cancelled, Err(StoreError::Closed)));
    let failure = h.failure();
    assert!(matches!(&*failure, StoreError::Damaged { .. }), "{failure:?}");
}

#[test]
fn a_file_of_another_program_is_foreign_and_stays_as_it_is() {
    let other = |application_id: i32| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE song (title TEXT); INSERT INTO song VALUES ('x')").unwrap();
        connection.pragma_update(None, "application_id", application_id).unwrap();
        drop(connection);
        std::fs::read(&path).unwrap()
    };
    for application_id in [0, 77] {
        let refused = open_bytes(&other(application_id));
        assert!(matches!(refused, Err(StoreError::Foreign { .. })), "{refused:?}");
    }
}

#[test]
fn a_file_of_a_later_version_is_foreign() {
    let next = i64::try_from(schema::MIGRATIONS.len()).unwrap() + 1;
    for version in [next, 1_000, -1] {
        let refused = open_bytes(&file_after(&format!("PRAGMA user_version = {version}")));
        assert!(matches!(refused, Err(StoreError::Foreign { .. })), "{refused:?}");
    }
}

#[test]
fn an_older_file_is_opened_again() {
    open_bytes(&file_after("")).unwrap();
}

#[test]
fn a_good_end_says_how_many_tasks_there_are_and_the_next_start_counts_none() {
    let files = Files::default();
    let path = files.path();
    let mut h = Harness::new(Arc::new(files.open().unwrap()), mpsc::unbounded_channel().1, start(), ());
    let tasks = (0..3).map(|_| h.task()).collect();
    h.submit_all(tasks);
    drop(h);
    let file = Connection::open(&path).unwrap();
    let said = "SELECT group_concat(status || ' ' || tasks) FROM queue_count";
    let said = |file: &Connection| file.query_row(said, [], |row| row.get::<_, Option<String>>(0)).unwrap();
    assert_eq!(said(&file).as_deref(), Some("queued 3"));
    // What nobody has counted shows that it is believed.
    file.execute("UPDATE queue_count SET tasks = 7", []).unwrap();
    let h = files.harness();
    assert_eq!(h.store.queues()[0].counts.get(Status::Queued), 7);
    assert_eq!(said(&file), None, "it is true no longer");
}

/// How many commits the log holds: a frame that ends one carries the size of the file.
fn commits(path: &std::path::Path) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4_096;
    let log = std::fs::read(format!("{}-wal", path.display())).unwrap();
    let frames = log[HEADER..].chunks_exact(FRAME).filter(|frame| frame[8..16] == log[16..24]);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

#[test]
fn a_burst_of_submits_costs_few_commits() {
    let files = Files::default();
    let path = files.path();
    let mut h = files.harness();
    h.serve(10);
    let before = commits(&path);
    // While another holds the file, the writer waits with its first turn; all the rest waits for the second.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let tasks: Vec<_> = (0..400).map(|_| h.task()).collect();
    let replies: Vec<_> = tasks.into_iter().map(|task| h.store.submit(vec![task], h.now)).collect();
    other.execute_batch("ROLLBACK").unwrap();
    for reply in replies {
        assert_eq!(h.answer(reply), [Status::Queued]);
    }
    assert_eq!(h.claims().len(), 10);
    let commits = commits(&path) - before;
    assert!((1..=2).contains(&commits), "400 submits cost {commits} commits");
}
