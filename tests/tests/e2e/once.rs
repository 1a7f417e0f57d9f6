//! Calls that are sent again, in the real daemon.

use std::sync::Barrier;

use serde_json::{Value, json};
use taskhost_tests::{Client, Scene};

fn tasks(client: &Client) -> usize {
    client.get("/api/v1/tasks").body["tasks"].as_array().expect("a list").len()
}

#[test]
fn a_call_that_is_sent_again_after_kill_9_makes_no_second_task() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let body = json!({ "kind": "probe.echo", "params": { "a": 1 } });
    let batch = json!({ "tasks": [body, body] });
    let first = daemon.client().post_once("/api/v1/tasks", "8e03978e-40d5-43dd-bc93-6894a57f9324", &body);
    let first_batch = daemon.client().post_once("/api/v1/tasks/batch", "batch", &batch);
    assert_eq!((first.status, first_batch.status), (202, 202), "{} {}", first.body, first_batch.body);
    daemon.kill();

    let daemon = scene.start();
    let again = daemon.client().post_once("/api/v1/tasks", "8e03978e-40d5-43dd-bc93-6894a57f9324", &body);
    assert_eq!((again.status, &again.body, &again.location), (202, &first.body, &first.location));
    let again = daemon.client().post_once("/api/v1/tasks/batch", "batch", &batch);
    assert_eq!((again.status, &again.body), (202, &first_batch.body));
    assert_eq!(tasks(daemon.client()), 3);
    let other = daemon.client().post_once("/api/v1/tasks", "batch", &body);
    assert_eq!(
        (other.status, &other.body["type"]),
        (422, &json!("/problems/idempotency-key-reused")),
        "{}",
        other.body
    );
}

#[test]
fn of_twenty_equal_calls_at_once_one_makes_a_task() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let (client, body) = (daemon.client(), json!({ "kind": "probe.noop" }));
    let together = Barrier::new(20);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let call = || {
            together.wait();
            client.post_once("/api/v1/tasks", "one", &body)
        };
        let calls: Vec<_> = (0..20).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let ids: Vec<&Value> =
        answers.iter().filter(|answer| answer.status == 202).map(|answer| &answer.body["task_id"]).collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let others = answers.iter().filter(|answer| answer.status != 202);
    for other in others {
        assert_eq!((other.status, &other.body["type"]), (409, &json!("/problems/idempotency-key-in-flight")));
    }
    assert_eq!(tasks(client), 1);
}

#[test]
fn a_command_with_a_key_answers_the_task_that_it_made_first() {
    let scene = Scene::new("[jobs.hello]\nkind = \"probe.noop\"\n");
    let daemon = scene.start();
    let commands = [["enqueue", "probe.noop", "--key", "a"].as_slice(), &["jobs", "trigger", "hello", "--key", "b"]];
    for words in commands {
        let (first, again) = (scene.taskhost(words), scene.taskhost(words));
        assert_eq!((first.code, again.code), (Some(0), Some(0)), "{} {}", first.stderr, again.stderr);
        assert_eq!(first.stdout, again.stdout, "{words:?}");
    }
    assert_eq!(tasks(daemon.client()), 2);
    let other = scene.taskhost(&["enqueue", "probe.echo", "--key", "a"]);
    assert_eq!(other.code, Some(1), "{}", other.stderr);
    assert!(other.stderr.contains("the idempotency key came with another call before"), "{}", other.stderr);
    assert_eq!(scene.taskhost(&["enqueue", "probe.noop", "--key", "a b"]).code, Some(2));
}
