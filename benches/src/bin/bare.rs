//! What this disk and SQLite alone do, to hold the real path against: `bare sqlite TASKS`, `bare scattered TASKS`
//! and `bare fdatasync WRITES`.
//!
//! `cargo xtask bench` runs both in turn with `taskhost bench`; each works in the current folder, leaves nothing and prints a
//! JSON document. SQLite is the one that the daemon is built with. Start at [`main`].

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

/// How many tasks share a commit, and how many are inserted before they are claimed.
const TOGETHER: usize = 512;
const PARAMS: [u8; 100] = [b'x'; 100];
/// What a write of the second yardstick has, and how far apart they are.
const BLOCK: [u8; 16 * 1024] = [7; 16 * 1024];
const APART: Duration = Duration::from_millis(10);
/// The file is that long before, so that no write makes it longer; then it starts over.
const BLOCKS: u64 = 1_024;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let scratch = tempfile::tempdir_in(".").expect("a folder here");
    let number = |word: &str| word.parse::<u32>().unwrap_or_else(|_| panic!("`{word}` is no number"));
    let document = match words.as_slice() {
        ["sqlite", tasks] => lives(number(tasks), id, scratch.path()),
        ["scattered", tasks] => lives(number(tasks), scattered_id, scratch.path()),
        ["fdatasync", writes] => {
            let waits = waits(number(writes), scratch.path());
            let at = |percent: usize| waits[(waits.len() * percent).div_ceil(100) - 1].as_secs_f64() * 1e3;
            serde_json::json!({ "p50": at(50), "p99": at(99), "max": at(100) })
        }
        _ => panic!("usage: bare sqlite TASKS | bare scattered TASKS | bare fdatasync WRITES"),
    };
    writeln!(std::io::stdout(), "{document}").expect("somebody reads");
}

fn lives(tasks: u32, id: fn(u32) -> [u8; 16], folder: &Path) -> serde_json::Value {
    serde_json::json!({ "lifecycles_per_s": lives_per_second(tasks, id, folder).round() })
}

/// Three prepared statements a task on one thread: insert with two indexes, claim, end; each 512 tasks a transaction.
fn lives_per_second(tasks: u32, id: fn(u32) -> [u8; 16], folder: &Path) -> f64 {
    let database = Connection::open(folder.join("bare.db")).expect("a database");
    database.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).expect("a log");
    database.pragma_update(None, "synchronous", "FULL").expect("a setting");
    let tables = "CREATE TABLE task (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, state INTEGER NOT NULL, \
                  ready_at INTEGER NOT NULL, finished_at INTEGER, params BLOB NOT NULL); \
                  CREATE INDEX task_state ON task (state, ready_at)";
    database.execute_batch(tables).expect("a table");
    let mut insert = database
        .prepare("INSERT INTO task (seq, id, state, ready_at, params) VALUES (?1, ?2, 2, ?1, ?3)")
        .expect("a statement");
    let mut claim = database.prepare("UPDATE task SET state = 3 WHERE seq = ?1").expect("a statement");
    let mut end = database.prepare("UPDATE task SET state = 8, finished_at = ?2 WHERE seq = ?1").expect("a statement");
    let transaction = |work: &mut dyn FnMut()| {
        database.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
        work();
        database.execute_batch("COMMIT").expect("a commit");
    };
    let start = monotonic();
    let seqs: Vec<u32> = (1..=tasks).collect();
    // A pipeline: what is inserted in one commit is claimed in the next and ends in the one after.
    let empty: &[u32] = &[];
    let (mut inserted, mut claimed) = (empty, empty);
    for new in seqs.chunks(TOGETHER).chain([empty, empty]) {
        transaction(&mut || {
            for seq in claimed {
                end.execute([seq, seq]).expect("an end");
            }
            for seq in inserted {
                claim.execute([seq]).expect("a claim");
            }
            for seq in new {
                insert.execute(params![seq, id(*seq), PARAMS]).expect("an insert");
            }
        });
        (inserted, claimed) = (new, inserted);
    }
    let elapsed = monotonic() - start;
    let ended: u32 = database
        .query_row("SELECT count(*) FROM task WHERE state = 8 AND finished_at = seq", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(ended, tasks, "every task has ended");
    f64::from(tasks) / elapsed.as_secs_f64()
}

/// Ids that begin with a time and end with chance, as those of tasks.
fn id(seq: u32) -> [u8; 16] {
    let spread = u64::from(seq).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((u128::from(seq / 64) << 80) | u128::from(spread)).to_be_bytes()
}

/// Ids all by chance (UUIDv4): each goes to another page of their index.
fn scattered_id(seq: u32) -> [u8; 16] {
    u128::from(seq).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes()
}

/// How long each write of 16 KiB with its sync took, sorted.
fn waits(writes: u32, folder: &Path) -> Vec<Duration> {
    let file = File::create_new(folder.join("bare.log")).expect("a file");
    for block in 0..BLOCKS {
        write(&file, block);
    }
    file.sync_all().expect("a sync");
    let begin = monotonic();
    let mut waits: Vec<Duration> = (0..writes)
        .map(|number| {
            std::thread::sleep((APART * number).saturating_sub(monotonic() - begin));
            let start = monotonic();
            write(&file, u64::from(number) % BLOCKS);
            file.sync_data().expect("a sync");
            monotonic() - start
        })
        .collect();
    waits.sort_unstable();
    waits
}

fn write(file: &File, block: u64) {
    file.write_all_at(&BLOCK, block * BLOCK.len() as u64).expect("a write");
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch, not the time of a task")]
fn monotonic() -> Instant {
    Instant::now()
}
