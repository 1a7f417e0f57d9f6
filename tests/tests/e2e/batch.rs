//! Many tasks in one call, in the real daemon.

use serde_json::{Value, json};
use taskhost_tests::{Client, Scene};

fn count(client: &Client, status: &str) -> Value {
    client.get("/api/v1/queues/default").body["counts"][status].clone()
}

#[test]
fn ten_thousand_tasks_are_accepted_in_one_call_and_all_of_them_run() {
    let scene = Scene::new("[queues.default]\nconcurrency = 100\n");
    let daemon = scene.start();
    let tasks: Vec<Value> = (0..10_000).map(|at| json!({ "kind": "probe.echo", "params": { "at": at } })).collect();
    let answer = daemon.client().post("/api/v1/tasks/batch", &json!({ "tasks": tasks }));
    assert_eq!(answer.status, 202, "{}", answer.body);
    let accepted = answer.body["tasks"].as_array().expect("a list");
    assert_eq!(accepted.len(), 10_000);
    for at in [0, 4_999, 9_999] {
        let task = daemon.client().ended(accepted[at]["task_id"].as_str().expect("an id"));
        assert_eq!(task["result"], json!({ "at": at }), "{task}");
    }
    for task in accepted {
        let task = daemon.client().ended(task["task_id"].as_str().expect("an id"));
        assert_eq!(task["status"], "completed", "{task}");
    }
    assert_eq!(count(daemon.client(), "completed"), 10_000);
}

#[test]
fn of_a_batch_with_one_wrong_task_nothing_is_kept() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let mut tasks = vec![json!({ "kind": "probe.sleep", "params": { "ms": 1 } }); 500];
    tasks[317]["params"]["ms"] = json!("soon");
    let answer = daemon.client().post("/api/v1/tasks/batch", &json!({ "tasks": tasks }));
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["pointer"], "/tasks/317/params/ms", "{}", answer.body);
    assert_eq!((count(daemon.client(), "queued"), count(daemon.client(), "completed")), (json!(0), json!(0)));
}
