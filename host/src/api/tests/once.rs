//! `Idempotency-Key`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use rusqlite::Connection;

use super::bench::{Answer, Bench};
use crate::api::Source;

const TASK: &str = r#"{"kind":"files.checksum","params":{"path":"a"}}"#;

async fn post(bench: &Bench, path: &str, key: &str, body: &str) -> Answer {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json").header("Idempotency-Key", key);
    bench.call(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn stored(bench: &Bench) -> usize {
    bench.get("/api/v1/tasks").await.body["tasks"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_call_that_is_sent_again_is_answered_alike_and_makes_nothing() {
    let bench = Bench::new(Source::Tcp);
    let batch = format!(r#"{{"tasks":[{TASK},{TASK}]}}"#);
    for (path, key, body, tasks) in [
        ("/api/v1/tasks", "a", TASK, 1),
        ("/api/v1/tasks/batch", "b", &*batch, 3),
        ("/api/v1/jobs/nightly/trigger", "c", "", 4),
    ] {
        let first = post(&bench, path, key, body).await;
        assert_eq!(first.status, StatusCode::ACCEPTED, "{first:?}");
        for key in [key.to_owned(), format!("\"{key}\"")] {
            let again = post(&bench, path, &key, body).await;
            assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
            assert_eq!(again.headers.get(header::LOCATION), first.headers.get(header::LOCATION));
        }
        assert_eq!(stored(&bench).await, tasks, "{path}");
    }
}

#[tokio::test]
async fn a_key_of_another_call_is_refused() {
    let bench = Bench::new(Source::Tcp);
    assert_eq!(post(&bench, "/api/v1/tasks", "a", TASK).await.status, StatusCode::ACCEPTED);
    for (path, body) in [
        ("/api/v1/tasks", format!("{TASK} ")),
        ("/api/v1/tasks/batch", TASK.to_owned()),
        ("/api/v1/jobs/nightly/trigger", String::new()),
    ] {
        let refused = post(&bench, path, "a", &body).await;
        assert_eq!((refused.status, refused.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"));
    }
    assert_eq!(stored(&bench).await, 1);
}

#[tokio::test]
async fn a_call_that_was_refused_leaves_its_key_free() {
    let bench = Bench::new(Source::Tcp);
    let refused = post(&bench, "/api/v1/tasks", "a", r#"{"kind":"files.checksm"}"#).await;
    assert_eq!(refused.problem(), "unknown-kind");
    assert_eq!(post(&bench, "/api/v1/tasks", "a", TASK).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_call_that_comes_while_the_first_is_under_way_is_told_so() {
    let bench = Arc::new(Bench::new(Source::Tcp));
    // The writer waits for the file, and the first call for the writer.
    let other = Connection::open(bench.store_file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let calling = Arc::clone(&bench);
    let first = tokio::spawn(async move { post(&calling, "/api/v1/tasks", "a", TASK).await });
    tokio::task::yield_now().await;
    let second = post(&bench, "/api/v1/tasks", "a", TASK).await;
    assert_eq!((second.status, second.problem()), (StatusCode::CONFLICT, "idempotency-key-in-flight"));
    other.execute_batch("ROLLBACK").unwrap();
    let first = first.await.unwrap();
    assert_eq!(first.status, StatusCode::ACCEPTED, "{first:?}");
    assert_eq!(post(&bench, "/api/v1/tasks", "a", TASK).await.body, first.body);
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let bench = Bench::new(Source::Tcp);
    let wrong = post(&bench, "/api/v1/tasks", "a b", TASK).await;
    assert_eq!((wrong.status, wrong.problem()), (StatusCode::BAD_REQUEST, "invalid-idempotency-key"));
    assert_eq!(stored(&bench).await, 0);
}
