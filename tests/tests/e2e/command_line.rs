//! The command line, as a person or a script uses it.

use serde_json::{Value, json};
use taskhost_tests::Scene;

#[test]
fn enqueue_with_wait_answers_the_result() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    let ran = scene.taskhost(&["enqueue", "probe.echo", "--params", r#"{"hello":"world"}"#, "--wait", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let task: Value = serde_json::from_str(&ran.stdout).expect("one document on stdout");
    assert_eq!((&task["status"], &task["result"]), (&json!("completed"), &json!({ "hello": "world" })), "{task}");

    let id = task["task_id"].as_str().expect("an id");
    let shown = scene.taskhost(&["tasks", "show", id, "--json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).expect("one document on stdout");
    assert_eq!(shown, task);
}

#[test]
fn enqueue_with_wait_fails_if_the_task_does() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    let ran = scene.taskhost(&["enqueue", "files.checksum", "--params", r#"{"path":"nowhere"}"#, "--wait"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
}

#[test]
fn a_job_is_enqueued_by_its_name() {
    let scene = Scene::new("[jobs.hello]\nkind = \"probe.echo\"\nparams = { said = \"hello\" }\n");
    let _daemon = scene.start();
    let ran = scene.taskhost(&["enqueue", "--job", "hello", "--wait", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let task: Value = serde_json::from_str(&ran.stdout).expect("one document on stdout");
    assert_eq!((&task["job"], &task["result"]), (&json!("hello"), &json!({ "said": "hello" })), "{task}");
}

#[test]
fn without_a_daemon_a_command_says_how_to_start_one() {
    let scene = Scene::new("");
    let ran = scene.taskhost(&["enqueue", "probe.noop"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("taskhost run"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_task_says_why_it_waits() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    let id = scene.taskhost(&["enqueue", "probe.noop", "--delay", "1h", "--attempts", "7"]).stdout;
    let why = scene.taskhost(&["tasks", "why", id.trim()]);
    assert_eq!(why.code, Some(0), "{}", why.stderr);
    assert!(why.stdout.starts_with("scheduled: It is due at 20"), "{}", why.stdout);
    let shown = scene.taskhost(&["tasks", "show", id.trim()]).stdout;
    assert!(shown.contains("attempt    0 of 7\n"), "{shown}");
}

#[test]
fn an_unknown_task_is_3() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    let ran = scene.taskhost(&["tasks", "show", "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
}

#[test]
fn cron_next_follows_the_zone_through_its_changes() {
    let scene = Scene::new("");
    let words =
        ["cron", "next", "30 2 * * *", "--tz", "Europe/Berlin", "--from", "2027-03-27T00:00:00Z", "--count", "3"];
    let ran = scene.taskhost(&[&words[..], &["--json"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let times: Value = serde_json::from_str(&ran.stdout).expect("one document on stdout");
    let expected = json!(["2027-03-27T02:30:00+01:00", "2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]);
    assert_eq!(times, expected);
}

#[test]
fn a_line_that_never_fires_is_an_empty_list_and_1() {
    let scene = Scene::new("");
    let ran = scene.taskhost(&["cron", "next", "0 0 30 2 *", "--json"]);
    assert_eq!((ran.code, ran.stdout.trim()), (Some(1), "[]"), "{}", ran.stderr);
}

#[test]
fn a_wrong_word_is_2() {
    let scene = Scene::new("");
    assert_eq!(scene.taskhost(&["enqueu"]).code, Some(2));
    assert_eq!(scene.taskhost(&["cron", "next", "61 * * * *"]).code, Some(2));
}

#[test]
fn a_running_daemon_is_reached_while_its_file_is_broken() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    scene.write("tasks.toml", "[host]\nlisten = \n");
    let ran = scene.taskhost(&["enqueue", "probe.noop", "--wait"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn a_running_daemon_is_reached_while_its_file_is_gone() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    std::fs::remove_file(scene.file("tasks.toml")).expect("the file of the scene");
    let ran = scene.taskhost(&["--config", "tasks.toml", "queues"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), "tasks.toml is gone; its daemon runs on without it\n"));
}
