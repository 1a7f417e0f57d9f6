//! The log of a task as it is answered.

use axum::http::StatusCode;
use serde_json::{Value, json};
use taskhost_core::ids::LeaseId;
use taskhost_core::log::{LogChunk, LogLevel, LogLine, kept_fields};
use taskhost_core::task::End;

use super::bench::{Answer, Bench, NOW};
use crate::api::Source;
use crate::plugins::LiveLog;
use crate::store::{Change, Claimed, Ending};

fn chunk(first: u64, lines: &[(LogLevel, &str, &str)]) -> LogChunk {
    let mut chunk = LogChunk { attempt: 1, first, count: 0, body: String::new() };
    for (level, message, fields) in lines {
        let line = LogLine::of_host(NOW.parse().unwrap(), *level, *message);
        chunk.push(&LogLine { fields: kept_fields(fields, 1_000), ..line }.packed());
    }
    chunk
}

/// A task that runs and has said two lines.
async fn talking(bench: &mut Bench) -> Claimed {
    bench.submit(r#"{"kind":"files.checksum"}"#).await;
    let claimed = bench.claim().await;
    let said = chunk(0, &[(LogLevel::Info, "begins", ""), (LogLevel::Warn, "slow", r#"{"ms":5}"#)]);
    bench.report(&claimed, Change::Logged, vec![said]).await;
    claimed
}

async fn logs(bench: &Bench, task: &Claimed, query: &str) -> Answer {
    bench.get(&format!("/api/v1/tasks/{}/logs{query}", task.id)).await
}

fn messages(answer: &Answer) -> Vec<&str> {
    let lines = answer.body["logs"].as_array().unwrap();
    lines.iter().map(|line| line["message"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_log_of_a_task_is_numbered_lines_and_where_they_go_on() {
    let mut bench = Bench::new(Source::Tcp);
    let task = talking(&mut bench).await;
    let expected = json!({
        "logs": [
            { "n": 1, "at": NOW, "level": "info", "attempt": 1, "target": "taskhost", "message": "begins", "fields": null },
            { "n": 2, "at": NOW, "level": "warn", "attempt": 1, "target": "taskhost", "message": "slow", "fields": { "ms": 5 } },
        ],
        "dropped": 0,
        "next_cursor": "2",
        "status": "running",
    });
    assert_eq!(logs(&bench, &task, "").await.body, expected);
    assert_eq!(messages(&logs(&bench, &task, "?level=warn").await), ["slow"]);
    let first = logs(&bench, &task, "?limit=1").await;
    assert_eq!((messages(&first), first.text("/next_cursor")), (vec!["begins"], "1"));
    assert_eq!(messages(&logs(&bench, &task, "?after=1").await), ["slow"]);
}

#[tokio::test]
async fn what_is_not_stored_yet_is_answered_at_once() {
    let mut bench = Bench::new(Source::Tcp);
    let task = talking(&mut bench).await;
    let waits = logs(&bench, &task, "?after=2&wait=1m");
    let says = async { bench.executor.say(task.id, task.lease, chunk(2, &[(LogLevel::Info, "only just", "")])) };
    let (answer, ()) = tokio::join!(waits, says);
    assert_eq!((messages(&answer), answer.text("/next_cursor")), (vec!["only just"], "3"));
    let later = LeaseId::from_u64(0);
    bench.executor.say(task.id, later, chunk(0, &[(LogLevel::Info, "from the past", "")]));
    assert_eq!(messages(&logs(&bench, &task, "").await).len(), 2);
}

#[tokio::test]
async fn a_held_answer_comes_with_the_end_of_the_task_or_of_its_time() {
    let mut bench = Bench::new(Source::Tcp);
    let task = talking(&mut bench).await;
    let nothing = logs(&bench, &task, "?after=2&wait=1ms").await;
    assert_eq!((messages(&nothing), nothing.text("/next_cursor"), nothing.text("/status")), (vec![], "2", "running"));
    let ending =
        Ending { end: End::Done, result: None, state: None, failure: None, progress: None, follow_ups: Vec::new() };
    let (answer, _) = tokio::join!(logs(&bench, &task, "?after=2&wait=1m"), bench.end(&task, ending));
    assert_eq!((messages(&answer), answer.text("/status")), (vec![], "completed"));
}

#[tokio::test]
async fn a_log_is_asked_for_in_known_words() {
    let mut bench = Bench::new(Source::Tcp);
    let task = talking(&mut bench).await;
    for query in ["?limit=0", "?limit=1001", "?level=loud", "?after=-1", "?wait=2m", "?since=1"] {
        let refused = logs(&bench, &task, query).await;
        assert_eq!((refused.status, refused.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid-query"), "{query}");
    }
    let unknown = bench.get("/api/v1/tasks/01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11/logs").await;
    assert_eq!((unknown.status, unknown.problem()), (StatusCode::NOT_FOUND, "task-not-found"));
    bench.submit(r#"{"kind":"files.checksum","delay":"1h"}"#).await;
    let silent = bench.submit(r#"{"kind":"files.checksum","delay":"1h"}"#).await;
    let expected = json!({ "logs": Vec::<Value>::new(), "dropped": 0, "next_cursor": "0", "status": "scheduled" });
    assert_eq!(bench.get(&format!("/api/v1/tasks/{silent}/logs")).await.body, expected);
}

impl super::bench::FakeExecutor {
    fn say(&self, task: taskhost_core::ids::TaskId, lease: LeaseId, chunk: LogChunk) {
        *self.log.lock().unwrap() = Some(LiveLog { lease, chunk });
        self.followers.tell(task);
    }
}
