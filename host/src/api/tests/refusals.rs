//! What is refused, with which problem.

use axum::body::Body;
use axum::http::{Request, StatusCode, Version, header};
use serde_json::json;

use super::bench::Bench;
use crate::api::Source;

const TASKS: &str = "/api/v1/tasks";

/// Submits each body and compares `<status> <type> | <detail> | <hint>`.
async fn check(bodies: &[(&str, &str)]) {
    let bench = Bench::new(Source::Tcp);
    for (body, expected) in bodies {
        let answer = bench.post(TASKS, (*body).to_owned()).await;
        let hint = answer.body["hint"].as_str().map(|hint| format!(" | {hint}")).unwrap_or_default();
        let said = format!("{} {} | {}{hint}", answer.status.as_u16(), answer.problem(), answer.text("/detail"));
        assert_eq!(said, *expected, "{body}");
    }
}

#[tokio::test]
async fn a_body_that_describes_no_task_is_refused() {
    check(&[
        (r#"{"kind": }"#, "400 invalid-json | expected value at line 1 column 10"),
        ("", "400 invalid-json | EOF while parsing a value at line 1 column 0"),
        ("[]", "422 invalid-task | the body is a list, it should be an object"),
        ("{}", "422 invalid-task | at /kind: it is missing: what should run?"),
        (r#"{"kind":"files.checksum","job":"nightly"}"#, "422 invalid-task | at /job: it should be either `kind` or `job`, not both"),
        (r#"{"job":"nightly","params":{}}"#, "422 invalid-task | at /params: a job has its own params"),
        (r#"{"kind":7}"#, "422 invalid-task | at /kind: it is a number, it should be a string"),
        (r#"{"kind":"files.checksum","prams":{}}"#, "422 invalid-task | at /prams: unknown key `prams` | did you mean `params`?"),
        (r#"{"kind":"files.checksum","priority":"urgent"}"#, "422 invalid-task | at /priority: `urgent` is not a priority: it should be one of critical, high, normal, low"),
        (r#"{"kind":"files.checksum","delay":"soon"}"#, "422 invalid-task | at /delay: duration `soon`: expected a whole number at `soon`"),
        (r#"{"kind":"files.checksum","delay":"99999999d"}"#, "422 invalid-task | at /delay: the delay ends after 9999-12-31T23:59:59.999999Z | give a shorter one"),
        (r#"{"kind":"files.checksum","delay":"1s","run_at":"2027-01-01T00:00:00Z"}"#, "422 invalid-task | at /run_at: it should be either `delay` or `run_at`, not both"),
        (r#"{"kind":"files.checksum","run_at":"tomorrow"}"#, "422 invalid-task | at /run_at: `tomorrow` is not a time: it should be RFC 3339, such as 2026-12-24T18:00:00Z"),
        (r#"{"kind":"files.checksum","retry":{"attempts":0}}"#, "422 invalid-task | at /retry: attempts = 0 is outside 1-1000"),
        (r#"{"kind":"files.checksum","retry":3}"#, "422 invalid-task | at /retry: it is a number, it should be an object like {\"attempts\": 3}"),
        (r#"{"kind":"files.checksum","tags":"x"}"#, "422 invalid-task | at /tags: it should be a list of strings"),
        (r#"{"kind":"files.checksum","tags":["x",""]}"#, "422 invalid-task | at /tags: a tag is empty"),
        (r#"{"kind":"files.checksum","tags":["x","y","x"]}"#, "422 invalid-task | at /tags: `x` stands there twice"),
        (r#"{"kind":"files.checksum","params":{"a":[{"b":1,"b":1}]}}"#, "400 invalid-json | the key `b` stands here twice at line 1 column 50"),
    ])
    .await;
}

#[tokio::test]
async fn what_later_versions_do_is_refused() {
    check(&[
        (
            r#"{"kind":"files.checksum","unique":{"key":"a"}}"#,
            "422 not-supported | at /unique: `unique` is not supported by this version",
        ),
        (
            r#"{"kind":"files.checksum","depends_on":[]}"#,
            "422 not-supported | at /depends_on: `depends_on` is not supported by this version",
        ),
    ])
    .await;
}

#[tokio::test]
async fn names_that_nothing_has_are_refused_with_the_nearest() {
    check(&[
        (
            r#"{"kind":"files.cheksum"}"#,
            "422 unknown-kind | no plugin provides the kind `files.cheksum` | did you mean `files.checksum`?",
        ),
        (
            r#"{"kind":"files.checksum","queue":"mial"}"#,
            "422 unknown-queue | the queue `mial` is not declared | did you mean `mail`?",
        ),
        (r#"{"job":"nihgtly"}"#, "422 unknown-job | there is no job `nihgtly` | did you mean `nightly`?"),
    ])
    .await;
}

#[tokio::test]
async fn every_error_of_a_body_is_told_at_once() {
    let bench = Bench::new(Source::Tcp);
    let answer = bench.post(TASKS, r#"{"kind":"files.checksum","timeout":5,"a/b":1,"queue":"a b"}"#).await;
    let pointers: Vec<_> =
        answer.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/a~1b", "/queue", "/timeout"]);
}

#[tokio::test]
async fn params_that_do_not_fit_are_pointed_at() {
    let kind = taskhost_core::ids::KindName::new("k").unwrap();
    let errors = vec![crate::host::ParamError { pointer: "/path".to_owned(), message: "is not a string".to_owned() }];
    let problem = crate::api::problem::Problem::from(crate::submit::SubmitError::Params { kind, errors });
    let response = axum::response::IntoResponse::into_response(problem);
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    let expected = json!({
        "type": "/problems/invalid-params",
        "title": "Invalid params",
        "status": 422,
        "detail": "the params do not fit the kind `k`",
        "errors": [{ "pointer": "/params/path", "detail": "is not a string" }],
        "hint": "`taskhost plugins show k` lists the params that it takes",
    });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap(), expected);
}

#[tokio::test]
async fn too_large_is_refused_whether_it_is_the_params_or_the_body() {
    let bench = Bench::new(Source::Tcp);
    let with_params_of = |length: usize| format!(r#"{{"kind":"files.checksum","params":"{}"}}"#, "x".repeat(length));
    let largest = bench.post(TASKS, with_params_of((1 << 20) - 2)).await;
    assert_eq!(largest.status, StatusCode::ACCEPTED);
    let params = bench.post(TASKS, with_params_of(1 << 20)).await;
    assert_eq!((params.status, params.problem()), (StatusCode::PAYLOAD_TOO_LARGE, "params-too-large"));
    let body = bench.post(TASKS, with_params_of(2 << 20)).await;
    assert_eq!((body.status, body.problem()), (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"));
}

#[tokio::test]
async fn errors_of_the_framework_are_problems_too() {
    let bench = Bench::new(Source::Tcp);
    let nowhere = bench.get("/api/v1/task").await;
    assert_eq!((nowhere.status, nowhere.problem()), (StatusCode::NOT_FOUND, "no-route"));
    let method = bench.call(Request::delete("/api/v1/plugins").body(Body::empty()).unwrap()).await;
    assert_eq!((method.status, method.problem()), (StatusCode::METHOD_NOT_ALLOWED, "no-method"));
    assert_eq!(method.headers[header::ALLOW], "GET, HEAD, OPTIONS");
    let asked = bench.call(Request::options(TASKS).body(Body::empty()).unwrap()).await;
    assert_eq!(
        (asked.status, &asked.headers[header::ALLOW]),
        (StatusCode::NO_CONTENT, &"GET, HEAD, POST, OPTIONS".parse().unwrap())
    );
    let typeless = bench.call(Request::post(TASKS).body(Body::from("{}")).unwrap()).await;
    assert_eq!((typeless.status, typeless.problem()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type"));
    for path in ["/api/v1/tasks/%FF", "/api/v1/tasks/nonsense", "/api/v1/tasks/01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11"] {
        let answer = bench.get(path).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::NOT_FOUND, "task-not-found"), "{path}");
        assert_eq!(answer.text("/title"), "Task not found");
    }
}

#[tokio::test]
async fn a_deeply_nested_body_is_refused_and_harms_nothing() {
    let bench = Bench::new(Source::Tcp);
    let nested = format!(r#"{{"kind":"files.checksum","params":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(bench.post(TASKS, nested).await.problem(), "invalid-json");
}

#[tokio::test]
async fn a_query_that_means_nothing_is_refused() {
    let bench = Bench::new(Source::Tcp);
    let id = bench.submit(r#"{"kind":"files.checksum"}"#).await;
    for query in ["wait=61s", "wait=5", "wiat=5s", "wait="] {
        let answer = bench.get(&format!("/api/v1/tasks/{id}?{query}")).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid-query"), "{query}");
    }
}

#[tokio::test]
async fn a_foreign_host_is_refused_on_tcp_alone() {
    let named = |host: &str| Request::get("/livez").header(header::HOST, host).body(Body::empty()).unwrap();
    let tcp = Bench::new(Source::Tcp);
    let refused = tcp.call(named("rebound.example:7878")).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::MISDIRECTED_REQUEST, "wrong-host"));
    assert_eq!(tcp.call(named("127.0.0.1:7878")).await.status, StatusCode::OK);
    let nowhere = Request::get("/nowhere").header(header::HOST, "rebound.example").body(Body::empty()).unwrap();
    assert_eq!(tcp.call(nowhere).await.problem(), "wrong-host");
    assert_eq!(Bench::new(Source::Socket).call(named("taskhost")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_kind_that_runs_programs_takes_the_socket() {
    for body in [r#"{"kind":"command.run"}"#, r#"{"job":"shell"}"#] {
        let refused = Bench::new(Source::Tcp).post(TASKS, body).await;
        assert_eq!((refused.status, refused.problem()), (StatusCode::FORBIDDEN, "privileged-kind"), "{body}");
        assert_eq!(Bench::new(Source::Socket).post(TASKS, body).await.status, StatusCode::ACCEPTED, "{body}");
    }
}

#[tokio::test]
async fn a_closed_store_says_to_come_back() {
    let bench = Bench::new(Source::Tcp);
    bench.close_store().await;
    let answer = bench.post(TASKS, r#"{"kind":"files.checksum"}"#).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable"));
    assert_eq!(answer.headers[header::RETRY_AFTER], "5");
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_submitted_and_shows_what_is_there() {
    let (bench, disk) = Bench::on_disk(Source::Tcp);
    let task = bench.submit(r#"{"kind":"files.checksum"}"#).await;
    disk.leave_room(Some(0));
    let answer = bench.post(TASKS, r#"{"kind":"files.checksum"}"#).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::INSUFFICIENT_STORAGE, "store-full"));
    assert!(answer.text("/detail").starts_with("the disk that holds the store"), "{answer:?}");
    assert_eq!(answer.text("/hint"), "free some space on that disk, then try again; everything acknowledged is safe");
    assert_eq!(bench.get(&format!("{TASKS}/{task}")).await.text("/status"), "queued");
    assert_eq!(bench.get("/livez").await.status, StatusCode::OK);
    let unready = bench.get("/readyz").await;
    assert_eq!((unready.status, unready.problem()), (StatusCode::SERVICE_UNAVAILABLE, "not-ready"));
    assert!(unready.text("/detail").starts_with("store: the disk that holds"), "{unready:?}");
    disk.leave_room(None);
    bench.submit(r#"{"kind":"files.checksum"}"#).await;
    assert_eq!(bench.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_and_a_program_may() {
    let (free, forbidden) = (StatusCode::OK, StatusCode::FORBIDDEN);
    for (source, site, origin, status) in [
        (Source::Tcp, "cross-site", "", forbidden),
        (Source::Tcp, "same-site", "", forbidden),
        (Source::Tcp, "same-origin", "http://localhost:5173", free),
        (Source::Tcp, "none", "", free),
        (Source::Tcp, "", "", free),
        (Source::Tcp, "", "http://localhost:7878", free),
        (Source::Tcp, "", "http://evil.example", forbidden),
        (Source::Tcp, "", "http://localhost:7879", forbidden),
        (Source::Tcp, "", "null", forbidden),
        (Source::Socket, "cross-site", "http://evil.example", free),
    ] {
        let bench = Bench::new(source);
        let call = async |method: &str, path: &str| {
            let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost:7878");
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                request = if value.is_empty() { request } else { request.header(name, value) };
            }
            bench.call(request.body(Body::empty()).unwrap()).await.status
        };
        assert_eq!(call("POST", "/api/v1/jobs/nightly/pause").await, status, "{source:?} {site} {origin}");
        assert_eq!(call("GET", "/api/v1/jobs/nightly").await, free, "looking is free");
    }
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let named = |hosts: &[&str], version| {
        let request = Request::get("/livez").version(version);
        hosts.iter().fold(request, |request, host| request.header(header::HOST, *host)).body(Body::empty()).unwrap()
    };
    for source in [Source::Tcp, Source::Socket] {
        let bench = Bench::new(source);
        for hosts in [&[][..], &["localhost", "localhost"]] {
            let answer = bench.call_as_it_is(named(hosts, Version::HTTP_11)).await;
            assert_eq!((answer.status, answer.problem()), (StatusCode::BAD_REQUEST, "invalid-host"), "{hosts:?}");
        }
        let old = bench.call_as_it_is(named(&[], Version::HTTP_10)).await;
        assert_eq!(old.status, StatusCode::OK, "HTTP/1.0 has none");
    }
}

#[tokio::test]
async fn a_body_that_is_coded_is_not_taken_for_what_it_is_not() {
    let bench = Bench::new(Source::Tcp);
    let send = async |path: &str, media_type: &str, coding: &str| {
        let request = Request::post(path).header(header::CONTENT_TYPE, media_type);
        let request = request.header(header::CONTENT_ENCODING, coding);
        bench.call(request.body(Body::from(r#"{"kind":"files.checksum"}"#)).unwrap()).await
    };
    for (path, media_type, coding) in [
        (TASKS, "application/json", "gzip"),
        (TASKS, "application/json", "identity, br"),
        (TASKS, "application/json; charset=latin1", ""),
        (TASKS, "application/json;a=b;CHARSET=\"utf-16\"", ""),
        ("/api/v1/files", "multipart/form-data; boundary=x", "zstd"),
    ] {
        let answer = send(path, media_type, coding).await;
        let expected = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type");
        assert_eq!((answer.status, answer.problem()), expected, "{media_type} {coding}");
    }
    let plain = send(TASKS, "Application/JSON ; charset=\"UTF-8\"", "identity").await;
    assert_eq!(plain.status, StatusCode::ACCEPTED, "{plain:?}");
}

#[tokio::test]
async fn a_huge_body_that_is_announced_is_refused_before_it_comes() {
    let bench = Bench::new(Source::Tcp);
    let never = || Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>());
    for (path, length, expect) in
        [(TASKS, "9999999999", ""), (TASKS, "2000000", "100-continue"), ("/api/v1/tasks/batch", "9999999999", "")]
    {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        if !expect.is_empty() {
            request = request.header(header::EXPECT, expect);
        }
        let answer = bench.call(request.header(header::CONTENT_LENGTH, length).body(never()).unwrap()).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"), "{path}");
    }
}
