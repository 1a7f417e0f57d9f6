//! Lists of tasks, and the dead-letter queue, in the real daemon.

use serde_json::{Value, json};
use taskhost_tests::{Client, Scene};

/// Submits a task that fails for good at its only attempt, and waits for that.
fn dead(client: &Client, tag: &str) -> String {
    let task = json!({ "kind": "probe.fail", "params": { "times": 1 }, "retry": { "attempts": 1 }, "tags": [tag] });
    let answer = client.post("/api/v1/tasks", &task);
    let id = answer.body["task_id"].as_str().unwrap_or_else(|| panic!("not accepted: {}", answer.body)).to_owned();
    assert_eq!(client.ended(&id)["status"], "dead");
    id
}

fn ids(list: &Value) -> Vec<&str> {
    let tasks = list["tasks"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    tasks.iter().map(|task| task["task_id"].as_str().expect("an id")).collect()
}

#[test]
fn tasks_are_found_by_what_they_are_page_by_page() {
    let scene = Scene::new("[queues.other]\n");
    let daemon = scene.start();
    let client = daemon.client();
    let mut newest_first: Vec<String> = (0..5).map(|n| client.submit("probe.echo", &json!({ "n": n }))).collect();
    newest_first.reverse();
    client.ended(&newest_first[0]);
    let later = client.post("/api/v1/tasks", &json!({ "kind": "probe.noop", "queue": "other", "delay": "1h" }));
    let later = later.body["task_id"].as_str().expect("an id");
    let first = client.get("/api/v1/tasks?limit=4").body;
    let second = client.get(&format!("/api/v1/tasks?limit=4&cursor={}", first["next_cursor"].as_str().unwrap())).body;
    assert_eq!([ids(&first), ids(&second)].concat()[1..], newest_first);
    for query in ["status=scheduled", "queue=other", "kind=probe.noop", &format!("q={later}")] {
        assert_eq!(ids(&client.get(&format!("/api/v1/tasks?{query}")).body), [later], "{query}");
    }
}

#[test]
fn a_dead_task_is_retried_to_its_end() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let id = dead(client, "x");
    let retried = client.post(&format!("/api/v1/tasks/{id}/retry"), &json!({}));
    assert_eq!((retried.status, &retried.body), (202, &json!({ "task_id": id, "status": "queued" })));
    let task = client.ended(&id);
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(2)), "{task}");
}

#[test]
fn the_dead_of_a_filter_are_retried_and_the_rest_is_discarded() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let [retried, one, rest] = ["again", "one", "rest"].map(|tag| dead(client, tag));
    assert_eq!(ids(&client.get("/api/v1/dead?limit=2").body), [rest.as_str(), &one]);
    assert_eq!(client.post("/api/v1/dead/retry?tag=again", &json!({})).body, json!({ "count": 1 }));
    assert_eq!(client.ended(&retried)["status"], "completed");
    assert_eq!(client.post(&format!("/api/v1/tasks/{one}/discard"), &json!({})).status, 200);
    assert_eq!(client.post("/api/v1/dead/discard", &json!({})).status, 422, "all of them have to be meant");
    assert_eq!(client.post("/api/v1/dead/discard?all=true", &json!({})).body, json!({ "count": 1 }));
    for gone in [one, rest] {
        assert_eq!(client.get(&format!("/api/v1/tasks/{gone}")).status, 404);
    }
}
