//! Lists of tasks, and what is done with ended ones.

use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use taskhost_core::task::End;
use taskhost_core::view::Progress;

use super::bench::{Answer, Bench, NOW};
use crate::api::Source;
use crate::store::{Ending, Failure};

const ABSENT: &str = "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11";

fn fatal() -> Ending {
    let failure = Failure { generation: 1, code: "error".to_owned(), message: "no such file".to_owned() };
    let progress = Progress { current: 1, total: 4, ..Progress::default() };
    Ending {
        end: End::FailedFatally,
        result: None,
        state: None,
        failure: Some(failure),
        progress: Some(progress),
        follow_ups: Vec::new(),
    }
}

/// Submits a task that dies; answers its id.
async fn dead(bench: &mut Bench, json: &str) -> String {
    let id = bench.submit(json).await;
    let claimed = bench.claim().await;
    bench.end(&claimed, fatal()).await;
    id
}

fn ids(answer: &Answer) -> Vec<&str> {
    let tasks = answer.body["tasks"].as_array().unwrap_or_else(|| panic!("no list: {answer:?}"));
    tasks.iter().map(|task| task["task_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_listed_task_says_all_but_params_and_result() {
    let mut bench = Bench::new(Source::Tcp);
    let id = dead(&mut bench, r#"{"job":"nightly","priority":"low"}"#).await;
    let expected = json!({
        "task_id": id,
        "kind": "files.checksum",
        "queue": "default",
        "priority": "low",
        "status": "dead",
        "reason": "fatal",
        "error": "no such file",
        "attempt": 1,
        "max_attempts": 5,
        "progress": {
            "current": 1, "total": 4, "percentage": 25.0, "message": null, "unit": "bytes", "rate": null,
            "eta_seconds": null,
        },
        "job": "nightly",
        "tags": ["night"],
        "created_at": NOW,
        "scheduled_at": NOW,
        "started_at": NOW,
        "finished_at": NOW,
    });
    let whole = json!({ "tasks": [expected], "next_cursor": null });
    assert_eq!(bench.get("/api/v1/tasks").await.body, whole);
    assert_eq!(bench.get("/api/v1/dead").await.body, whole);
}

#[tokio::test]
async fn filters_find_their_tasks_and_cursors_go_on() {
    let mut bench = Bench::new(Source::Tcp);
    let dead = dead(&mut bench, r#"{"kind":"files.checksum","params":{"path":"a"},"tags":["x y"]}"#).await;
    let held = bench.submit(r#"{"kind":"probe.crash","queue":"mail","params":{"path":"b"}}"#).await;
    let later = bench.submit(r#"{"kind":"files.checksum","params":{"path":"c"},"delay":"1h"}"#).await;
    for (query, expected) in [
        ("", vec![&later, &held, &dead]),
        ("?status=dead,scheduled", vec![&later, &dead]),
        ("?status=queued", vec![&held]),
        ("?queue=mail", vec![&held]),
        ("?kind=files.checksum&status=dead", vec![&dead]),
        ("?job=nightly", vec![]),
        ("?tag=x%20y", vec![&dead]),
        ("?q=%22path%22%3A%22b%22", vec![&held]),
        ("?limit=2", vec![&later, &held]),
    ] {
        assert_eq!(ids(&bench.get(&format!("/api/v1/tasks{query}")).await), expected, "{query}");
    }
    let first = bench.get("/api/v1/tasks?limit=2").await;
    let second = bench.get(&format!("/api/v1/tasks?limit=2&cursor={}", first.text("/next_cursor"))).await;
    assert_eq!((ids(&second), &second.body["next_cursor"]), (vec![dead.as_str()], &Value::Null));
}

#[tokio::test]
async fn a_list_that_cannot_be_meant_is_refused() {
    let bench = Bench::new(Source::Tcp);
    for (query, expected) in [
        (
            "status=ded",
            "`status`: `ded` is not a status: it should be one of scheduled, blocked, queued, running, retrying, completed, cancelled, dead",
        ),
        (
            "status=",
            "`status`: `` is not a status: it should be one of scheduled, blocked, queued, running, retrying, completed, cancelled, dead",
        ),
        ("status=dead&status=queued", "`status` is given twice"),
        ("limit=0", "`limit`: a page holds 1 to 200 tasks"),
        ("cursor=2", "`cursor`: this is not a cursor that a list gave: pass `next_cursor` as it was answered"),
        (
            "kind=a/b",
            "`kind`: `a/b` is not a name for a kind: only ASCII letters, digits, `-`, `_` and `.` may stand in it",
        ),
        ("tag=", "`tag`: it is empty"),
        ("q=", "`q`: a text to look for has 1 to 200 bytes"),
    ] {
        let answer = bench.get(&format!("/api/v1/tasks?{query}")).await;
        assert_eq!((answer.problem(), answer.text("/detail")), ("invalid-query", expected), "{query}");
    }
}

#[tokio::test]
async fn an_ended_task_is_retried_and_no_other() {
    let mut bench = Bench::new(Source::Tcp);
    let id = dead(&mut bench, r#"{"kind":"files.checksum"}"#).await;
    let path = format!("/api/v1/tasks/{id}/retry");
    let retried = bench.post(&path, "").await;
    assert_eq!((retried.status, retried.body), (StatusCode::ACCEPTED, json!({ "task_id": id, "status": "queued" })));
    let again = bench.post(&path, "").await;
    assert_eq!((again.status, again.problem()), (StatusCode::CONFLICT, "task-not-ended"));
    assert_eq!(bench.post(&format!("/api/v1/tasks/{ABSENT}/retry"), "").await.problem(), "task-not-found");
}

#[tokio::test]
async fn a_dead_task_is_discarded_and_no_other() {
    let mut bench = Bench::new(Source::Tcp);
    let dead = dead(&mut bench, r#"{"kind":"files.checksum"}"#).await;
    let discarded = bench.post(&format!("/api/v1/tasks/{dead}/discard"), "").await;
    assert_eq!((discarded.status, discarded.text("/task_id")), (StatusCode::OK, dead.as_str()));
    assert_eq!(bench.get(&format!("/api/v1/tasks/{dead}")).await.problem(), "task-not-found");
    assert_eq!(bench.post(&format!("/api/v1/tasks/{dead}/discard"), "").await.problem(), "task-not-found");
    let waits = bench.submit(r#"{"kind":"files.checksum"}"#).await;
    let refused = bench.post(&format!("/api/v1/tasks/{waits}/discard"), "").await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "task-not-dead"));
}

#[tokio::test]
async fn what_is_done_with_many_has_to_be_told_with_which() {
    let mut bench = Bench::new(Source::Socket);
    let first = dead(&mut bench, r#"{"kind":"files.checksum","tags":["x"]}"#).await;
    dead(&mut bench, r#"{"kind":"files.checksum"}"#).await;
    for call in ["retry", "retry?all=false", "retry?all=true&tag=x", "discard", "discard?tag=x&all=true"] {
        let refused = bench.post(&format!("/api/v1/dead/{call}"), "").await;
        assert_eq!((refused.status, refused.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "no-filter"), "{call}");
    }
    assert_eq!(bench.post("/api/v1/dead/retry?all=yes", "").await.problem(), "invalid-query");
    assert_eq!(bench.post("/api/v1/dead/retry?tag=x", "").await.body, json!({ "count": 1 }));
    assert_eq!(ids(&bench.get("/api/v1/tasks?status=queued,running").await), [first.as_str()]);
    assert_eq!(bench.post("/api/v1/dead/discard?all=true", "").await.body, json!({ "count": 1 }));
    assert_eq!(bench.get("/api/v1/dead").await.body, json!({ "tasks": [], "next_cursor": null }));
}

#[tokio::test]
async fn over_the_network_no_program_is_started_again() {
    let bench = Bench::new(Source::Tcp);
    for (call, status) in [
        ("dead/retry?all=true", StatusCode::FORBIDDEN),
        ("dead/retry?kind=command.run", StatusCode::FORBIDDEN),
        ("dead/retry?kind=files.checksum", StatusCode::OK),
        ("dead/discard?all=true", StatusCode::OK),
    ] {
        assert_eq!(bench.post(&format!("/api/v1/{call}"), "").await.status, status, "{call}");
    }
    assert_eq!(Bench::new(Source::Socket).post("/api/v1/dead/retry?all=true", "").await.status, StatusCode::OK);
}

/// What would start a task of `files.checksum` again, and the problem that it is refused with; none if it is done.
async fn starting_again(source: Source, change: impl Fn(&Bench)) -> Vec<(&'static str, String)> {
    let mut bench = Bench::new(source);
    let id = dead(&mut bench, r#"{"kind":"files.checksum","tags":["x"]}"#).await;
    bench.post("/api/v1/jobs", r#"{"name":"sum","kind":"files.checksum"}"#).await;
    bench.kinds.take_away("command.run");
    change(&bench);
    let patch = Request::patch("/api/v1/jobs/sum").header(header::CONTENT_TYPE, "application/json");
    let answers = [
        ("dead/retry of a kind", bench.post("/api/v1/dead/retry?kind=files.checksum", "").await),
        ("dead/retry of a tag", bench.post("/api/v1/dead/retry?tag=x", "").await),
        ("dead/retry of all", bench.post("/api/v1/dead/retry?all=true", "").await),
        ("retry", bench.post(&format!("/api/v1/tasks/{id}/retry"), "").await),
        ("resume", bench.post("/api/v1/jobs/sum/resume", "").await),
        ("change", bench.call(patch.body(r#"{"priority":"high"}"#.into()).unwrap()).await),
        ("trigger", bench.post("/api/v1/jobs/sum/trigger", "").await),
    ];
    let refused = answers.iter().filter(|(_, answer)| !answer.status.is_success());
    refused.map(|(call, answer)| (*call, format!("{} | {}", answer.problem(), answer.text("/detail")))).collect()
}

#[tokio::test]
async fn over_the_network_nothing_starts_again_that_runs_programs_or_may_do_so() {
    let calls =
        ["dead/retry of a kind", "dead/retry of a tag", "dead/retry of all", "retry", "resume", "change", "trigger"];
    let runs = "privileged-kind | the kind `files.checksum` runs programs, so it is not taken from the network";
    let of_a_program = calls.map(|call| (call, runs.to_owned()));
    let privileged = starting_again(Source::Tcp, |bench| {
        bench.kinds.take_away("files.checksum");
        bench.kinds.add_privileged("files.checksum");
    });
    assert_eq!(privileged.await, of_a_program);

    let unknown = "unknown-kind | no plugin provides the kind `files.checksum`";
    let may =
        "privileged-kind | no plugin provides the kind `files.checksum` now, and it may be one that runs programs";
    let of_none =
        calls.map(|call| (call, (if ["change", "trigger"].contains(&call) { unknown } else { may }).to_owned()));
    let away = |bench: &Bench| bench.kinds.take_away("files.checksum");
    assert_eq!(starting_again(Source::Tcp, away).await, of_none);
    let left: Vec<_> = starting_again(Source::Socket, away).await.into_iter().map(|(call, _)| call).collect();
    assert_eq!(left, ["retry", "change", "trigger"], "it was queued again by then");
}
