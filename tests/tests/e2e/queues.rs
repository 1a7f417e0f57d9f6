//! Queues in the real daemon: pauses and counts.

use serde_json::{Value, json};
use taskhost_tests::{Client, Scene};

fn queue(client: &Client, name: &str) -> Value {
    let answer = client.get(&format!("/api/v1/queues/{name}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn submit(client: &Client, queue: &str) -> String {
    let answer = client.post("/api/v1/tasks", &json!({ "kind": "probe.noop", "queue": queue }));
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["task_id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_paused_queue_starts_nothing_also_after_kill_9_and_an_edit_until_it_is_resumed() {
    let scene = Scene::new("[queues.mail]\nconcurrency = 2\n");
    let daemon = scene.start();
    let paused = daemon.client().post("/api/v1/queues/mail/pause", &json!({}));
    assert_eq!((paused.status, &paused.body["paused"]), (200, &json!(true)), "{}", paused.body);
    let ids: Vec<String> = (0..3).map(|_| submit(daemon.client(), "mail")).collect();
    let other = submit(daemon.client(), "default");
    daemon.client().ended(&other);
    daemon.kill();

    let file = scene.file("tasks.toml");
    let edited = std::fs::read_to_string(&file).expect("the file").replace("concurrency = 2", "concurrency = 3");
    std::fs::write(&file, edited).expect("the file");
    let daemon = scene.start();
    let other = submit(daemon.client(), "default");
    daemon.client().ended(&other);
    let mail = queue(daemon.client(), "mail");
    assert_eq!((&mail["paused_since"], &mail["concurrency"]), (&paused.body["paused_since"], &json!(3)), "{mail}");
    assert_eq!((&mail["counts"]["queued"], &mail["running"]), (&json!(3), &json!(0)), "{mail}");
    assert!(mail["latency_seconds"].as_f64().is_some_and(|latency| latency > 0.0), "{mail}");
    let first = daemon.client().task(&ids[0]);
    assert_eq!(mail["oldest_queued_at"], first["created_at"], "{mail}");

    daemon.client().post("/api/v1/queues/mail/resume", &json!({}));
    for id in &ids {
        daemon.client().ended(id);
    }
    let mail = queue(daemon.client(), "mail");
    assert_eq!((&mail["counts"]["completed"], &mail["oldest_queued_at"]), (&json!(3), &Value::Null), "{mail}");
}

#[test]
fn a_shorter_retention_counts_for_what_had_ended_before_the_edit() {
    let scene = Scene::new("retention = { completed = \"2h\" }\n[queues.mail]\n");
    let daemon = scene.start();
    let (mail, other) = (submit(daemon.client(), "mail"), submit(daemon.client(), "default"));
    for id in [&mail, &other] {
        daemon.client().ended(id);
    }
    daemon.stop();

    let file = scene.file("tasks.toml");
    let edited = std::fs::read_to_string(&file).expect("the file");
    let edited = edited.replace("[queues.mail]", "[queues.mail]\nretention = { completed = \"1ms\" }");
    std::fs::write(&file, edited).expect("the file");
    let daemon = scene.start();
    daemon.client().until(&mail, |answer| answer["type"] == "/problems/task-not-found");
    assert_eq!(daemon.client().task(&other)["status"], "completed");
}

#[test]
fn a_queue_that_is_not_declared_any_more_is_listed_while_it_holds_tasks() {
    let scene = Scene::new("[queues.old]\n");
    let daemon = scene.start();
    let id = submit(daemon.client(), "old");
    daemon.client().ended(&id);
    daemon.stop();

    let file = scene.file("tasks.toml");
    let edited = std::fs::read_to_string(&file).expect("the file").replace("[queues.old]", "");
    std::fs::write(&file, edited).expect("the file");
    let daemon = scene.start();
    let listed = daemon.client().get("/api/v1/queues").body;
    let names = listed["queues"].as_array().expect("a list").iter().map(|queue| (&queue["name"], &queue["declared"]));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [(&json!("default"), &json!(true)), (&json!("old"), &json!(false))],
        "{listed}"
    );
    assert_eq!(listed["queues"][1]["counts"]["completed"], 1, "{listed}");
}
