//! The documents of the API, over TCP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use taskhost_tests::Scene;

#[test]
fn a_submit_is_accepted_with_its_place() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let answer = daemon.client().post("/api/v1/tasks", &json!({ "kind": "probe.echo", "params": { "a": [1, 2] } }));
    assert_eq!(answer.status, 202, "{}", answer.body);
    let id = answer.body["task_id"].as_str().expect("an id");
    assert_eq!(answer.body, json!({ "task_id": id, "status": "queued" }));
    assert_eq!(answer.location, format!("/api/v1/tasks/{id}"));
    let task = daemon.client().ended(id);
    assert_eq!(task["result"], json!({ "a": [1, 2] }), "{task}");
}

#[test]
fn params_reach_the_plugin_digit_by_digit() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let body = br#"{"kind":"probe.echo","params":{"large":12345678901234567890123,"exact":1.10}}"#;
    let answer = daemon.client().post_raw("/api/v1/tasks", "application/json", body);
    let id = answer.body["task_id"].as_str().expect("an id");
    let task = daemon.client().ended(id);
    // Read as text: a JSON value would round what it is to show.
    let shown = daemon.client().get_text(&format!("/api/v1/tasks/{id}"));
    let digits = r#"{"large":12345678901234567890123,"exact":1.10}"#;
    assert_eq!(shown.matches(digits).count(), 2, "in params and result of {task}: {shown}");
}

#[test]
fn a_delayed_task_is_scheduled_and_can_be_cancelled() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let answer = daemon.client().post("/api/v1/tasks", &json!({ "kind": "probe.noop", "delay": "1h" }));
    assert_eq!(answer.body["status"], "scheduled", "{}", answer.body);
    let id = answer.body["task_id"].as_str().expect("an id");
    let cancel = format!("/api/v1/tasks/{id}/cancel");
    assert_eq!(daemon.client().post(&cancel, &json!({})).body["status"], "cancelled");
    assert_eq!(daemon.client().post(&cancel, &json!({})).status, 409, "it has ended");
}

#[test]
fn a_kind_that_needs_a_process_of_its_own_is_held_with_that_reason() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.crash", &json!({ "signal": 11 }));
    let task = daemon.client().task(&id);
    let held = "held: kind `probe.crash` runs only isolated, which is not supported by this version";
    assert_eq!((&task["status"], &task["reason"]), (&json!("queued"), &json!(held)), "{task}");
}

#[test]
fn the_health_calls_answer() {
    let scene = Scene::new("");
    let daemon = scene.start();
    assert_eq!(daemon.client().get("/livez").status, 200);
    assert_eq!(daemon.client().get("/readyz").status, 200);
    assert_eq!(daemon.client().get("/nowhere").content_type, "application/problem+json");
}

/// What is answered to bytes that are sent as they are.
fn raw(address: &str, request: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).expect("a daemon that listens");
    connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a connection with a limit");
    connection.write_all(request).expect("a connection that takes bytes");
    let mut answer = [0; 1024];
    let length = connection.read(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[test]
fn a_head_that_is_none_or_too_long_is_answered_and_the_daemon_lives() {
    let scene = Scene::new("");
    let daemon = scene.start();
    assert!(raw(daemon.address(), b"nonsense\r\n\r\n").starts_with("HTTP/1.1 400 Bad Request"));
    let long = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: x\r\n".repeat(200));
    let answer = raw(daemon.address(), long.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 431 Request Header Fields Too Large"), "{answer}");
    assert_eq!(daemon.client().get("/livez").status, 200);
}

#[test]
fn an_integer_that_no_plugin_could_read_is_refused_before_it_kills_a_task() {
    let scene = Scene::new("");
    let daemon = scene.start();
    for (ms, said) in
        [("1.0", "without a point"), ("1e3", "without an exponent"), ("-1", ""), ("99999999999999999999", "")]
    {
        let body = format!("{{\"kind\":\"probe.sleep\",\"params\":{{\"ms\":{ms}}}}}");
        let answer = daemon.client().post_raw("/api/v1/tasks", "application/json", body.as_bytes());
        assert_eq!(
            (answer.status, &answer.body["errors"][0]["pointer"]),
            (422, &json!("/params/ms")),
            "{}",
            answer.body
        );
        assert!(answer.body.to_string().contains(said), "{}", answer.body);
    }
}
