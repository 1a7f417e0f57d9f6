//! The documents, whole: another shape of one of these is another API.

use std::time::Duration;

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use taskhost_core::task::{End, Status};
use taskhost_core::view::Progress;

use super::bench::{Bench, NOW};
use crate::api::Source;
use crate::host::Phase;
use crate::store::{Ending, Failure};

fn done(result: &str) -> Ending {
    Ending {
        end: End::Done,
        result: Some(result.as_bytes().to_vec()),
        state: None,
        failure: None,
        progress: Some(progress(2_048)),
        follow_ups: Vec::new(),
    }
}

fn failed(message: &str) -> Ending {
    let failure = Failure { generation: 3, code: "error".to_owned(), message: message.to_owned() };
    let end = End::Failed { delay: None, chance: 0.5 };
    Ending { end, result: None, state: None, failure: Some(failure), progress: None, follow_ups: Vec::new() }
}

fn progress(current: u64) -> Progress {
    let elapsed = Duration::from_secs(3);
    Progress { current, total: 2_048, message: "hashing".to_owned(), elapsed, first: 0 }
}

#[tokio::test]
async fn an_accepted_task_is_answered_with_its_place() {
    let bench = Bench::new(Source::Tcp);
    let answer = bench.post("/api/v1/tasks", r#"{"kind":"files.checksum","params":{"path":"a"}}"#).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let id = answer.text("/task_id");
    assert_eq!(answer.headers[header::LOCATION], format!("/api/v1/tasks/{id}"));
    assert_eq!(answer.body, json!({ "task_id": id, "status": "queued" }));
}

#[tokio::test]
async fn a_new_task_says_everything_that_was_asked_for() {
    let bench = Bench::new(Source::Tcp);
    let id = bench
        .submit(
            r#"{"kind":"files.checksum","params":{"b":1,"a":[1.50,"x"]},"queue":"mail","priority":"high","delay":"1h",
                "timeout":"2m","expires_in":"2h","retry":{"attempts":3},"tags":["x","y"]}"#,
        )
        .await;
    let expected = json!({
        "task_id": id,
        "kind": "files.checksum",
        "queue": "mail",
        "priority": "high",
        "status": "scheduled",
        "reason": null,
        "params": { "a": [1.5, "x"], "b": 1 },
        "result": null,
        "error": null,
        "errors": [],
        "attempt": 0,
        "max_attempts": 3,
        "attempted_by": [],
        "progress": null,
        "job": null,
        "tags": ["x", "y"],
        "created_at": NOW,
        "scheduled_at": "2026-12-24T19:00:00.000000Z",
        "started_at": null,
        "finished_at": null,
    });
    assert_eq!(bench.get(&format!("/api/v1/tasks/{id}")).await.body, expected);
}

#[tokio::test]
async fn a_completed_task_shows_its_result_and_its_last_progress() {
    let mut bench = Bench::new(Source::Tcp);
    let id = bench.submit(r#"{"kind":"files.checksum","params":{"path":"a"}}"#).await;
    let claimed = bench.claim().await;
    assert_eq!(bench.end(&claimed, done(r#"{"sha256":"ab"}"#)).await, Status::Completed);
    let expected = json!({
        "task_id": id,
        "kind": "files.checksum",
        "queue": "default",
        "priority": "normal",
        "status": "completed",
        "reason": null,
        "params": { "path": "a" },
        "result": { "sha256": "ab" },
        "error": null,
        "errors": [],
        "attempt": 1,
        "max_attempts": 5,
        "attempted_by": ["host-a"],
        "progress": {
            "current": 2048, "total": 2048, "percentage": 100.0, "message": "hashing", "unit": "bytes",
            "rate": 682.66, "eta_seconds": null,
        },
        "job": null,
        "tags": [],
        "created_at": NOW,
        "scheduled_at": NOW,
        "started_at": NOW,
        "finished_at": NOW,
    });
    assert_eq!(bench.get(&format!("/api/v1/tasks/{id}")).await.body, expected);
}

#[tokio::test]
async fn a_failed_attempt_is_listed_and_told() {
    let mut bench = Bench::new(Source::Tcp);
    let id = bench.submit(r#"{"job":"nightly","retry":{"initial":"10s","jitter":0}}"#).await;
    let claimed = bench.claim().await;
    assert_eq!(bench.end(&claimed, failed("no such file")).await, Status::Retrying);
    let task = bench.get(&format!("/api/v1/tasks/{id}")).await;
    assert_eq!(task.text("/error"), "no such file");
    assert_eq!(
        task.body["errors"],
        json!([{ "attempt": 1, "at": NOW, "host": "host-a", "generation": 3, "code": "error", "message": "no such file" }])
    );
    assert_eq!((task.text("/job"), &task.body["tags"]), ("nightly", &json!(["night"])));
    assert_eq!(task.text("/scheduled_at"), "2026-12-24T18:00:10.000000Z");
    assert_eq!(task.body["finished_at"], Value::Null);
}

#[tokio::test]
async fn a_secret_of_the_params_is_shown_to_nobody() {
    let bench = Bench::new(Source::Socket);
    let id = bench.submit(r#"{"kind":"site.login","params":{"user":"anna","password":"hunter2"}}"#).await;
    let task = bench.get(&format!("/api/v1/tasks/{id}")).await;
    assert_eq!(task.body["params"], json!({ "user": "anna", "password": "[hidden]" }));
    let refused = bench.post("/api/v1/tasks", r#"{"kind":"site.login","params":{"password":["hunter2"]}}"#).await;
    assert_eq!(refused.problem(), "invalid-params");
    assert!(!refused.body.to_string().contains("hunter2"), "{refused:?}");
}

#[tokio::test]
async fn a_running_task_tells_how_far_it_is() {
    let mut bench = Bench::new(Source::Tcp);
    let id = bench.submit(r#"{"kind":"files.checksum"}"#).await;
    let none = bench.get(&format!("/api/v1/tasks/{id}/progress")).await;
    assert_eq!((none.status, none.problem()), (StatusCode::NOT_FOUND, "no-progress"));
    assert_eq!(none.text("/detail"), "Task doesn't support progress tracking");
    bench.claim().await;
    *bench.executor.progress.lock().unwrap() = Some(progress(512));
    let expected = json!({
        "task_id": id,
        "status": "running",
        "progress": {
            "current": 512, "total": 2048, "percentage": 25.0, "message": "hashing", "unit": "bytes",
            "rate": 170.66, "eta_seconds": 9.0,
        },
    });
    assert_eq!(bench.get(&format!("/api/v1/tasks/{id}/progress")).await.body, expected);
    let unknown = Progress { current: 7, ..Progress::default() };
    *bench.executor.progress.lock().unwrap() = Some(unknown);
    let bare = json!({
        "current": 7, "total": null, "percentage": null, "message": null, "unit": "bytes", "rate": null,
        "eta_seconds": null,
    });
    assert_eq!(bench.get(&format!("/api/v1/tasks/{id}/progress")).await.body["progress"], bare);
}

#[tokio::test]
async fn a_cancel_says_where_the_task_stands() {
    let mut bench = Bench::new(Source::Tcp);
    let waiting = bench.submit(r#"{"kind":"files.checksum","delay":"1h"}"#).await;
    let answer = bench.post(&format!("/api/v1/tasks/{waiting}/cancel"), "").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.body, json!({ "task_id": waiting, "status": "cancelled", "reason": null }));
    let again = bench.post(&format!("/api/v1/tasks/{waiting}/cancel"), "").await;
    assert_eq!((again.status, again.problem()), (StatusCode::CONFLICT, "task-ended"));
    let running = bench.submit(r#"{"kind":"files.checksum"}"#).await;
    bench.claim().await;
    let answer = bench.post(&format!("/api/v1/tasks/{running}/cancel"), "").await;
    assert_eq!(answer.body, json!({ "task_id": running, "status": "running", "reason": "cancelling" }));
}

#[tokio::test]
async fn plugins_are_listed_with_what_is_wrong_with_them() {
    let bench = Bench::new(Source::Tcp);
    let answer = bench.get("/api/v1/plugins").await;
    let expected = json!({
        "plugins": [
            {
                "name": "files", "version": "1.2.3", "generation": 1, "retired": 0, "path": "plugins/libfiles.so", "sha256": "ab",
                "kinds": [
                    { "name": "files.checksum", "title": "Hash a file.", "unit": "bytes", "params_schema": true, "held": null },
                    { "name": "probe.crash", "title": "", "unit": null, "params_schema": true, "held": "runs only isolated" },
                ],
                "error": null,
            },
            {
                "name": "libbroken.so", "version": "", "generation": 0, "retired": 0, "path": "plugins/libbroken.so", "sha256": "00",
                "kinds": [], "error": "it is cut off",
            },
        ],
        "next_cursor": null,
    });
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn health_tells_ready_from_draining_and_broken() {
    let bench = Bench::new(Source::Tcp);
    assert_eq!(bench.get("/livez").await.body, json!({ "status": "live" }));
    assert_eq!(bench.get("/readyz").await.body, json!({ "status": "ready" }));
    let checks = json!([
        { "name": "store", "ok": true, "detail": "it answers" },
        { "name": "work", "ok": true, "detail": "plugins are scanned, work is taken" },
        { "name": "config", "ok": true, "detail": "generation 1 is applied" },
    ]);
    assert_eq!(bench.get("/readyz?verbose").await.body, json!({ "status": "ready", "checks": checks }));
    bench.phase.send_replace(crate::host::Phase::Draining);
    let draining = bench.get("/readyz?verbose").await;
    assert_eq!((draining.status, draining.problem()), (StatusCode::SERVICE_UNAVAILABLE, "not-ready"));
    assert_eq!(draining.text("/detail"), "work: the daemon is draining");
    assert_eq!(draining.body["checks"][1]["ok"], false);
    assert_eq!(bench.get("/livez").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_held_answer_comes_when_the_task_ends_or_the_time_is_over() {
    let mut bench = Bench::new(Source::Tcp);
    let id = bench.submit(r#"{"kind":"files.checksum"}"#).await;
    let early = bench.get(&format!("/api/v1/tasks/{id}?wait=1ms")).await;
    assert_eq!(early.text("/status"), "queued");
    let claimed = bench.claim().await;
    let path = format!("/api/v1/tasks/{id}?wait=1m");
    let (held, ended) = tokio::join!(bench.get(&path), bench.end(&claimed, done("1")));
    assert_eq!((held.text("/status"), ended), ("completed", Status::Completed));
}

#[tokio::test]
async fn the_host_says_how_much_it_runs_and_whether_it_stops() {
    let mut bench = Bench::new(Source::Tcp);
    bench.submit(r#"{"kind":"files.checksum"}"#).await;
    bench.claim().await;
    bench.phase.send_replace(Phase::Draining);
    let name = crate::host::host_name();
    let started_at = "1970-01-01T00:00:00.000000Z";
    let version = env!("CARGO_PKG_VERSION");
    let host = json!({
        "name": name, "version": version, "started_at": started_at, "slots": 20, "running": 1, "draining": true,
    });
    assert_eq!(bench.get("/api/v1/hosts").await.body, json!({ "hosts": [host], "next_cursor": null }));
}
