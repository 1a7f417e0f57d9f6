//! The documents of the API, over TCP.

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
