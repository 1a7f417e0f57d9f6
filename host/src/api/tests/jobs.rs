//! `/api/v1/jobs`.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use super::bench::{Answer, Bench, NOW};
use crate::api::Source;

const BACKUP: &str = r#"{"name":"backup","kind":"files.checksum","params":{"path":"a","ratio":1.10},
    "schedule":{"cron":"0 3 * * *","timezone":"Europe/Berlin"},"tags":["x"]}"#;

async fn call(bench: &Bench, method: Method, path: &str, if_match: Option<&str>, body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(version) = if_match {
        request = request.header(header::IF_MATCH, version);
    }
    bench.call(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn patch(bench: &Bench, if_match: Option<&str>, body: &str) -> Answer {
    call(bench, Method::PATCH, "/api/v1/jobs/backup", if_match, body).await
}

async fn post(bench: &Bench, path: &str) -> Answer {
    call(bench, Method::POST, path, None, "").await
}

async fn delete(bench: &Bench, path: &str, if_match: Option<&str>) -> Answer {
    call(bench, Method::DELETE, path, if_match, "").await
}

#[tokio::test]
async fn a_declared_job_is_answered_with_its_next_time_and_shown_whole() {
    let bench = Bench::new(Source::Tcp);
    let declared = bench.post("/api/v1/jobs", BACKUP).await;
    assert_eq!(declared.status, StatusCode::CREATED, "{declared:?}");
    assert_eq!(declared.headers[header::LOCATION], "/api/v1/jobs/backup");
    let schedule = json!({"cron": "0 3 * * *", "timezone": "Europe/Berlin"});
    let next_at = "2026-12-25T02:00:00.000000Z";
    assert_eq!(declared.body, json!({"job_id": "backup", "schedule": schedule, "next_at": next_at}));
    let shown = bench.get("/api/v1/jobs/backup").await;
    assert_eq!(shown.headers[header::ETAG], declared.headers[header::ETAG]);
    assert_eq!(
        shown.body,
        json!({
            "job_id": "backup", "origin": "api", "line": null, "kind": "files.checksum",
            "params": {"path": "a", "ratio": 1.1}, "schedule": schedule, "queue": null, "priority": "normal",
            "timeout": null, "retry": {}, "expires_in": null, "tags": ["x"], "paused_since": null, "next_at": next_at,
            "held": null, "created_at": NOW, "updated_at": NOW,
        })
    );
}

#[tokio::test]
async fn jobs_of_the_file_and_of_the_api_are_listed_by_name_in_pages() {
    let bench = Bench::new(Source::Socket);
    bench.post("/api/v1/jobs", BACKUP).await;
    let names = |answer: &Answer| {
        let jobs = answer.body["jobs"].as_array().unwrap().iter();
        jobs.map(|job| (job["job_id"].as_str().unwrap().to_owned(), job["origin"].clone())).collect::<Vec<_>>()
    };
    let first = bench.get("/api/v1/jobs?limit=2").await;
    assert_eq!(names(&first), [("backup".to_owned(), json!("api")), ("nightly".to_owned(), json!("file"))]);
    assert_eq!(first.body["next_cursor"], "nightly");
    let second = bench.get("/api/v1/jobs?limit=2&cursor=nightly").await;
    assert_eq!(names(&second), [("shell".to_owned(), json!("file"))]);
    assert_eq!(second.body["next_cursor"], Value::Null);
    let file = bench.get("/api/v1/jobs/nightly").await;
    assert_eq!((&file.body["line"], &file.body["created_at"]), (&json!(2), &Value::Null));
    for refused in ["limit=0", "limit=201", "limit=x", "cursor=-"] {
        assert_eq!(bench.get(&format!("/api/v1/jobs?{refused}")).await.problem(), "invalid-query", "{refused}");
    }
}

#[tokio::test]
async fn a_job_without_a_name_gets_one() {
    let bench = Bench::new(Source::Tcp);
    let body = r#"{"kind":"files.checksum","schedule":{"every":"15m"}}"#;
    let declared = bench.post("/api/v1/jobs", body).await;
    let name = declared.text("/job_id");
    assert!(name.starts_with("job-"), "{name}");
    assert_eq!(declared.body["next_at"], "2026-12-24T18:15:00.000000Z");
    assert_eq!(bench.get(&format!("/api/v1/jobs/{name}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_will_not_do_is_refused_with_its_place() {
    let bench = Bench::new(Source::Tcp);
    for (body, problem, pointer) in [
        (r#"{"schedule":{"every":"1h"}}"#, "invalid-job", "/kind"),
        (r#"{"kind":"files.checksum","schedule":{"evry":"1h"}}"#, "invalid-job", "/schedule/evry"),
        (r#"{"kind":"files.checksum","schedule":{"cron":"61 * * * *"}}"#, "invalid-job", "/schedule/cron"),
        (r#"{"kind":"files.checksum","schedule":"@daily"}"#, "invalid-job", "/schedule"),
        (r#"{"kind":"files.checksum","params":[1]}"#, "invalid-job", "/params"),
        (r#"{"kind":"files.checksum","shedule":{}}"#, "invalid-job", "/shedule"),
        (r#"{"kind":"files.checksum","after":["nightly"]}"#, "not-supported", "/after"),
        (r#"{"name":"no name","kind":"files.checksum"}"#, "invalid-job", "/name"),
    ] {
        let answer = bench.post("/api/v1/jobs", body).await;
        assert_eq!((answer.problem(), answer.text("/errors/0/pointer")), (problem, pointer), "{body}");
    }
    for (body, problem) in [
        (r#"{"kind":"files.checksm"}"#, "unknown-kind"),
        (r#"{"kind":"files.checksum","queue":"mial"}"#, "unknown-queue"),
        (r#"{"kind":"command.run"}"#, "privileged-kind"),
        (r#"{"name":"nightly","kind":"files.checksum"}"#, "job-exists"),
        (r#"{"kind":"files.checksum","schedule":{"at":"2026-12-24T18:00:00Z"}}"#, "invalid-job"),
    ] {
        assert_eq!(bench.post("/api/v1/jobs", body).await.problem(), problem, "{body}");
    }
    assert_eq!(bench.get("/api/v1/jobs").await.body["jobs"].as_array().unwrap().len(), 2, "none was declared");
}

#[tokio::test]
async fn a_change_replaces_what_it_names_and_keeps_the_rest() {
    let bench = Bench::new(Source::Tcp);
    let first = bench.post("/api/v1/jobs", BACKUP).await.headers[header::ETAG].clone();
    let changed = patch(&bench, None, r#"{"schedule":{"every":"1h"},"tags":null,"priority":"high"}"#).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(changed.body["schedule"], json!({"every": "1h"}));
    assert_eq!((&changed.body["tags"], &changed.body["priority"]), (&json!([]), &json!("high")));
    assert_eq!(changed.body["params"], json!({"path": "a", "ratio": 1.1}));
    assert_eq!(changed.body["next_at"], "2026-12-24T19:00:00.000000Z");
    assert_ne!(changed.headers[header::ETAG], first);
    assert_eq!(patch(&bench, None, r#"{"params":{"path":"b"}}"#).await.body["params"], json!({"path": "b"}));
    assert_eq!(patch(&bench, None, r#"{"name":"other"}"#).await.problem(), "invalid-job");
    assert_eq!(patch(&bench, None, r#"{"kind":null}"#).await.problem(), "invalid-job");
}

#[tokio::test]
async fn a_version_that_was_changed_meanwhile_is_not_touched() {
    let bench = Bench::new(Source::Tcp);
    let first = bench.post("/api/v1/jobs", BACKUP).await.headers[header::ETAG].to_str().unwrap().to_owned();
    let second = patch(&bench, Some(&first), r#"{"priority":"low"}"#).await;
    assert_eq!(second.status, StatusCode::OK, "{second:?}");
    assert_eq!(patch(&bench, Some(&first), r#"{"priority":"high"}"#).await.problem(), "precondition-failed");
    assert_eq!(delete(&bench, "/api/v1/jobs/backup", Some(&first)).await.problem(), "precondition-failed");
    assert_eq!(patch(&bench, Some("x"), r#"{"priority":"high"}"#).await.problem(), "precondition-failed");
    let second = second.headers[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(delete(&bench, "/api/v1/jobs/backup", Some(&second)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_deleted_job_is_gone_and_its_name_is_free() {
    let bench = Bench::new(Source::Tcp);
    bench.post("/api/v1/jobs", BACKUP).await;
    let deleted = delete(&bench, "/api/v1/jobs/backup", None).await;
    assert_eq!(deleted.body, json!({"message": "Job backup is deleted; tasks that it has made stay"}));
    for gone in [bench.get("/api/v1/jobs/backup").await, delete(&bench, "/api/v1/jobs/backup", None).await] {
        assert_eq!((gone.status, gone.problem()), (StatusCode::NOT_FOUND, "job-not-found"));
    }
    assert_eq!(bench.post("/api/v1/jobs", BACKUP).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_job_of_the_file_is_paused_and_triggered_but_changed_in_the_file() {
    let bench = Bench::new(Source::Tcp);
    for refused in [
        call(&bench, Method::PATCH, "/api/v1/jobs/nightly", None, r#"{"priority":"high"}"#).await,
        delete(&bench, "/api/v1/jobs/nightly", None).await,
    ] {
        assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "job-in-file"));
        assert_eq!(refused.text("/detail"), "the job `nightly` is declared in tasks.toml on line 2");
    }
    let paused = post(&bench, "/api/v1/jobs/nightly/pause").await;
    assert_eq!(paused.body["paused_since"], NOW);
    let triggered = post(&bench, "/api/v1/jobs/nightly/trigger").await;
    assert_eq!(triggered.status, StatusCode::ACCEPTED, "{triggered:?}");
    let task = bench.get(&format!("/api/v1/tasks/{}", triggered.text("/task_id"))).await;
    assert_eq!((&task.body["job"], &task.body["tags"]), (&json!("nightly"), &json!(["night"])));
    assert_eq!(post(&bench, "/api/v1/jobs/nightly/resume").await.body["paused_since"], Value::Null);
    assert_eq!(post(&bench, "/api/v1/jobs/shell/trigger").await.problem(), "privileged-kind");
    assert_eq!(post(&bench, "/api/v1/jobs/nihgtly/pause").await.text("/hint"), "did you mean `nightly`?");
}

#[tokio::test]
async fn secret_params_of_a_job_are_hidden() {
    let bench = Bench::new(Source::Tcp);
    let body = r#"{"name":"login","kind":"site.login","params":{"user":"u","password":"hunter2"}}"#;
    assert_eq!(bench.post("/api/v1/jobs", body).await.status, StatusCode::CREATED);
    let shown = bench.get("/api/v1/jobs/login").await;
    assert_eq!(shown.body["params"], json!({"user": "u", "password": "[hidden]"}));
}

#[tokio::test]
async fn a_page_of_jobs_with_large_params_ends_early() {
    let bench = Bench::new(Source::Tcp);
    let path = "x".repeat(1_000_000);
    for at in 0..7 {
        let body = format!(r#"{{"name":"large-{at}","kind":"files.checksum","params":{{"path":"{path}"}}}}"#);
        assert_eq!(bench.post("/api/v1/jobs", body).await.status, StatusCode::CREATED);
    }
    let first = bench.get("/api/v1/jobs?limit=200").await;
    assert_eq!((first.body["jobs"].as_array().unwrap().len(), first.text("/next_cursor")), (5, "large-4"));
    let last = bench.get("/api/v1/jobs?limit=200&cursor=large-4").await;
    let names: Vec<_> =
        last.body["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap()).collect();
    assert_eq!((names, &last.body["next_cursor"]), (vec!["large-5", "large-6", "nightly", "shell"], &Value::Null));
}
