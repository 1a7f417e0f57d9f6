//! `/api/v1/queues`.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use taskhost_core::task::End;

use super::bench::{Answer, Bench, NOW};
use crate::api::Source;
use crate::store::Ending;

async fn post(bench: &Bench, path: &str) -> Answer {
    bench.call(Request::post(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn queues_are_listed_by_name_with_what_stands_in_them() {
    let mut bench = Bench::new(Source::Tcp);
    bench.submit(r#"{"kind":"files.checksum"}"#).await;
    bench.submit(r#"{"kind":"files.checksum","queue":"mail","delay":"1h"}"#).await;
    let claimed = bench.claim().await;
    bench.submit(r#"{"kind":"files.checksum"}"#).await;
    bench.submit(r#"{"kind":"files.checksum"}"#).await;
    let listed = bench.get("/api/v1/queues").await;
    let counts = json!({
        "scheduled": 0, "blocked": 0, "queued": 2, "running": 1, "retrying": 0, "completed": 0, "cancelled": 0, "dead": 0,
    });
    let default = json!({
        "name": "default", "declared": true, "paused": false, "paused_since": null, "concurrency": 10, "running": 1,
        "counts": counts, "oldest_queued_at": NOW, "latency_seconds": 0.0,
    });
    assert_eq!(listed.body["queues"][0], default);
    assert_eq!(listed.body["queues"][1]["name"], "mail");
    assert_eq!(listed.body["queues"][1]["counts"]["scheduled"], 1);
    assert_eq!((&listed.body["queues"][2], &listed.body["next_cursor"]), (&Value::Null, &Value::Null));
    let (end, follow_ups) = (End::Done, Vec::new());
    bench.end(&claimed, Ending { end, result: None, state: None, failure: None, progress: None, follow_ups }).await;
    let shown = bench.get("/api/v1/queues/default").await;
    assert_eq!(
        (&shown.body["counts"]["completed"], &shown.body["running"]),
        (&json!(1), &json!(1)),
        "the next one runs"
    );
}

#[tokio::test]
async fn a_pause_is_answered_and_shown_until_it_is_resumed() {
    let bench = Bench::new(Source::Tcp);
    let paused = post(&bench, "/api/v1/queues/mail/pause").await;
    assert_eq!(paused.status, StatusCode::OK, "{paused:?}");
    assert_eq!((&paused.body["paused"], paused.text("/paused_since")), (&json!(true), NOW));
    assert_eq!(bench.get("/api/v1/queues/mail").await.body, paused.body);
    assert_eq!(post(&bench, "/api/v1/queues/mail/pause").await.body, paused.body, "asked twice");
    let resumed = post(&bench, "/api/v1/queues/mail/resume").await;
    assert_eq!((&resumed.body["paused"], &resumed.body["paused_since"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn a_queue_that_is_only_paused_is_resumed_and_is_none_any_more() {
    let bench = Bench::new(Source::Tcp);
    bench.pause_queue("left").await;
    let resumed = post(&bench, "/api/v1/queues/left/resume").await;
    assert_eq!((resumed.status, &resumed.body["paused"]), (StatusCode::OK, &json!(false)), "{resumed:?}");
    assert_eq!(bench.get("/api/v1/queues/left").await.problem(), "queue-not-found");
}

#[tokio::test]
async fn an_unknown_queue_is_not_found() {
    let bench = Bench::new(Source::Tcp);
    for answer in [bench.get("/api/v1/queues/mial").await, post(&bench, "/api/v1/queues/mial/pause").await] {
        assert_eq!((answer.status, answer.problem()), (StatusCode::NOT_FOUND, "queue-not-found"));
        assert_eq!(answer.text("/hint"), "did you mean `mail`?");
    }
    assert_eq!(bench.get("/api/v1/queues/no%20name").await.problem(), "queue-not-found");
}

#[tokio::test]
async fn a_store_that_failed_is_told() {
    let bench = Bench::new(Source::Tcp);
    bench.close_store().await;
    assert_eq!(post(&bench, "/api/v1/queues/mail/pause").await.problem(), "store-unavailable");
}
