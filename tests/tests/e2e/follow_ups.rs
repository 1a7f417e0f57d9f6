//! Tasks that a task makes: there exactly when what made them counts, and once.

use serde_json::{Value, json};
use taskhost_tests::{Client, Scene};

/// Submits a task that makes `times` echoes in each attempt, of which so many fail.
fn maker(client: &Client, times: u32, fails: u32, attempts: u32) -> String {
    let document = json!({
        "kind": "probe.enqueue",
        "params": { "kind": "probe.echo", "params": { "a": 1 }, "times": times, "fails": fails },
        "retry": { "attempts": attempts, "backoff": "fixed", "initial": "10ms", "jitter": 0.0 },
    });
    client.post("/api/v1/tasks", &document).body["task_id"].as_str().expect("an id").to_owned()
}

#[test]
fn what_a_completed_task_made_runs() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let task = daemon.client().ended(&maker(daemon.client(), 3, 0, 1));
    let made = task["result"].as_array().expect("ids");
    assert_eq!(made.len(), 3, "{task}");
    for id in made {
        let echo = daemon.client().ended(id.as_str().expect("an id"));
        assert_eq!((&echo["status"], &echo["result"]), (&json!("completed"), &json!({ "a": 1 })), "{echo}");
    }
}

#[test]
fn what_a_failed_task_made_was_never_there() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let task = daemon.client().ended(&maker(daemon.client(), 2, 1, 1));
    assert_eq!(task["status"], "dead", "{task}");
    let made: Vec<&str> = task["errors"][0]["message"].as_str().expect("ids").split(' ').collect();
    assert_eq!(made.len(), 2, "{task}");
    for id in made {
        assert_eq!(daemon.client().get(&format!("/api/v1/tasks/{id}")).status, 404, "{task}");
    }
}

#[test]
fn a_retry_makes_the_same_tasks_and_a_restart_keeps_them() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let task = daemon.client().ended(&maker(daemon.client(), 2, 2, 3));
    let made: Vec<&str> = task["result"].as_array().expect("ids").iter().filter_map(Value::as_str).collect();
    let failed = task["errors"].as_array().expect("errors").iter().map(|error| error["message"].as_str());
    assert_eq!(failed.collect::<Vec<_>>(), [Some(&*made.join(" ")); 2], "{task}");
    daemon.kill();
    let daemon = scene.start();
    for id in made {
        assert_eq!(daemon.client().ended(id)["status"], "completed");
    }
}

#[test]
fn a_refused_follow_up_is_fatal_and_the_log_says_why() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.enqueue", &json!({ "kind": "probe.ecoh", "times": 1 }));
    let task = daemon.client().ended(&id);
    assert_eq!(task["status"], "dead", "{task}");
    let (_, log) = daemon.stop();
    assert!(log.contains("no plugin provides the kind `probe.ecoh`: did you mean `probe.echo`?"), "{log}");
}
