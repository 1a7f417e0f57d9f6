//! `POST /api/v1/tasks/batch`.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::bench::{Answer, Bench};
use crate::api::Source;

async fn post(bench: &Bench, body: impl Into<axum::body::Body>) -> Answer {
    bench.post("/api/v1/tasks/batch", body).await
}

async fn stored(bench: &Bench) -> Value {
    bench.get("/api/v1/tasks").await.body["tasks"].clone()
}

fn places(answer: &Answer) -> Vec<(&str, &str)> {
    let places = answer.body["errors"].as_array().unwrap().iter();
    places.map(|place| (place["pointer"].as_str().unwrap(), place["detail"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_batch_is_accepted_in_its_order() {
    let bench = Bench::new(Source::Tcp);
    let body = r#"{"tasks":[{"kind":"files.checksum","params":{"n":1.10}},{"job":"nightly"},{"kind":"files.checksum","delay":"1h"}]}"#;
    let answer = post(&bench, body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let statuses = [0, 1, 2].map(|at| answer.text(&format!("/tasks/{at}/status")));
    assert_eq!(statuses, ["queued", "queued", "scheduled"]);
    let first = bench.get(&format!("/api/v1/tasks/{}", answer.text("/tasks/0/task_id"))).await;
    assert!(first.written.contains(r#""params":{"n":1.10}"#), "as it was written: {first:?}");
    let second = bench.get(&format!("/api/v1/tasks/{}", answer.text("/tasks/1/task_id"))).await;
    assert_eq!(second.text("/job"), "nightly");
}

#[tokio::test]
async fn if_one_task_will_not_do_none_is_accepted_and_each_is_told_with_its_place() {
    let bench = Bench::new(Source::Tcp);
    let answer = post(
        &bench,
        r#"{"tasks":[{"kind":"files.checksum"},{"kind":"files.checksm"},{"kind":"files.checksum","queue":"mial","x":1},
            {"kind":"files.checksum","queue":"mial"},{"job":"daily"},7,{"kind":"site.login","params":{"password":1}},
            {"kind":"command.run"},{"kind":"files.checksum","unique":{"key":"a"}}]}"#,
    )
    .await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid-batch"));
    let detail = answer.text("/detail");
    assert_eq!(detail, "8 of 9 tasks will not do; at /tasks/1/kind: no plugin provides the kind `files.checksm`");
    assert_eq!(answer.text("/hint"), "did you mean `files.checksum`?");
    assert_eq!(
        places(&answer),
        [
            ("/tasks/1/kind", "no plugin provides the kind `files.checksm`"),
            ("/tasks/2/x", "unknown key `x`"),
            ("/tasks/3/queue", "the queue `mial` is not declared"),
            ("/tasks/4/job", "there is no job `daily`"),
            ("/tasks/5", "it is a number, it should be an object"),
            ("/tasks/6/params/password", "value is not of type \"string\""),
            ("/tasks/7", "the kind `command.run` runs programs, so it is not taken from the network"),
            ("/tasks/8/unique", "`unique` is not supported by this version"),
        ]
    );
    assert_eq!(stored(&bench).await, json!([]));
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_refused() {
    let bench = Bench::new(Source::Tcp);
    for (body, problem, detail) in [
        ("{}", "invalid-batch", "at /tasks: it is missing: what should run?"),
        (r#"{"tasks":[]}"#, "invalid-batch", "at /tasks: it is empty: what should run?"),
        (r#"{"tasks":{}}"#, "invalid-batch", "at /tasks: it should be a list"),
        (r#"{"tasks":null}"#, "invalid-batch", "at /tasks: it should be a list"),
        (r#"{"tasks":[{}],"tasks":[{}]}"#, "invalid-json", "the key `tasks` stands twice"),
        (r#"{"tasks":[{}],"task":1}"#, "invalid-batch", "unknown key `task`"),
        ("[1]", "invalid-batch", "invalid type: sequence, expected an object with the key `tasks` at line 1 column 0"),
        (r#"{"tasks":[{}"#, "invalid-json", "EOF while parsing a list at line 1 column 12"),
        ("", "invalid-json", "EOF while parsing a value at line 1 column 0"),
    ] {
        let answer = post(&bench, body).await;
        assert_eq!((answer.problem(), answer.text("/detail")), (problem, detail), "{body}");
    }
}

#[tokio::test]
async fn a_batch_has_its_bounds() {
    let bench = Bench::new(Source::Tcp);
    let of = |tasks: usize| format!("{{\"tasks\":[{}]}}", vec![r#"{"kind":"files.checksum"}"#; tasks].join(","));
    let all = post(&bench, of(10_000)).await;
    assert_eq!((all.status, all.body["tasks"].as_array().map(Vec::len)), (StatusCode::ACCEPTED, Some(10_000)));
    let more = post(&bench, of(10_001)).await;
    assert_eq!(more.text("/detail"), "at /tasks: it has 10001 tasks, a batch has 10000 at most");
    let large = post(&bench, format!("{{\"tasks\":[\"{}\"]}}", "x".repeat(16 << 20))).await;
    assert_eq!((large.status, large.problem()), (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"));
    assert_eq!(large.text("/hint"), "send it in parts");
    let params = format!(r#"{{"kind":"files.checksum","params":{{"x":"{}"}}}}"#, "x".repeat(1 << 20));
    let large = post(&bench, format!("{{\"tasks\":[{params}]}}")).await;
    assert_eq!(places(&large)[0].0, "/tasks/0/params");
}

#[tokio::test]
async fn of_many_wrong_tasks_a_hundred_places_are_told() {
    let bench = Bench::new(Source::Tcp);
    let answer = post(&bench, format!("{{\"tasks\":[{}]}}", vec!["{}"; 150].join(","))).await;
    assert_eq!((answer.problem(), places(&answer).len()), ("invalid-batch", 100));
    assert!(answer.text("/detail").starts_with("150 of 150 tasks will not do; at /tasks/0/kind: "), "{answer:?}");
}

#[tokio::test]
async fn a_privileged_kind_is_taken_from_the_socket() {
    let bench = Bench::new(Source::Socket);
    assert_eq!(post(&bench, r#"{"tasks":[{"kind":"command.run"}]}"#).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_store_that_failed_is_told() {
    let bench = Bench::new(Source::Tcp);
    bench.close_store().await;
    assert_eq!(post(&bench, r#"{"tasks":[{"kind":"files.checksum"}]}"#).await.problem(), "store-unavailable");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_large_batches_are_read_at_once_and_small_ones_always() {
    let bench = Bench::new(Source::Tcp);
    let large = |body: Body| {
        let request = Request::post("/api/v1/tasks/batch").header(header::CONTENT_TYPE, "application/json");
        bench.call(request.body(body).unwrap())
    };
    let endless = || Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let slow: FuturesUnordered<_> = (0..crate::api::batch::LARGE_MAX).map(|_| large(endless())).collect();
    let slow = slow.collect::<Vec<_>>();
    let others = async {
        let begun = tokio::time::Instant::now();
        let refused = large(endless()).await;
        assert_eq!((refused.status, refused.problem()), (StatusCode::SERVICE_UNAVAILABLE, "too-busy"));
        assert_eq!((begun.elapsed().as_secs(), &refused.headers[header::RETRY_AFTER]), (10, &"5".parse().unwrap()));
        let body = r#"{"tasks":[{"kind":"files.checksum"}]}"#;
        let small = Request::post("/api/v1/tasks/batch").header(header::CONTENT_TYPE, "application/json");
        let small = small.header(header::CONTENT_LENGTH, body.len()).body(Body::from(body)).unwrap();
        assert_eq!(bench.call(small).await.status, StatusCode::ACCEPTED);
    };
    let (slow, ()) = tokio::join!(slow, others);
    assert!(slow.iter().all(|answer| answer.problem() == "body-too-slow"), "{slow:?}");
}
