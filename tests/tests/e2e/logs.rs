//! Each task's own log: what its attempts say, and what the daemon says of them.

use std::ffi::OsStr;

use serde_json::{Value, json};
use taskhost_tests::{Client, Scene};

fn logs(client: &Client, id: &str, query: &str) -> Value {
    client.get(&format!("/api/v1/tasks/{id}/logs{query}")).body
}

/// The messages of a page of lines.
fn messages(page: &Value) -> Vec<&str> {
    let lines = page["logs"].as_array().unwrap_or_else(|| panic!("no log: {page}"));
    lines.iter().map(|line| line["message"].as_str().expect("a message")).collect()
}

const STARTED: &str = "Attempt 1 started, on generation 1 of the plugin probe.";

#[test]
fn what_a_task_says_is_kept_with_it_and_told_by_the_command_line() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let id = client.submit("probe.log", &json!({ "text": "here\u{1b}[2J", "lines": 2 }));
    client.ended(&id);
    let page = logs(client, &id, "");
    assert_eq!(messages(&page), [STARTED, "here\u{1b}[2J", "here\u{1b}[2J"], "a trace is not kept: {page}");
    let line = &page["logs"][2];
    assert_eq!((&line["n"], &line["attempt"], &line["level"]), (&json!(3), &json!(1), &json!("info")));
    assert_eq!((&line["target"], &line["fields"]), (&json!("probe"), &json!({ "line": 2, "lines": 2 })));

    let shown = scene.taskhost(&["tasks", "logs", &id]);
    let last = shown.stdout.lines().last().expect("a line");
    assert!(last.ends_with("info  #1 probe: here\\u{1b}[2J line=2 lines=2"), "{shown:?}");
    let as_json = scene.taskhost(&["tasks", "logs", &id, "--json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&as_json).expect("JSON"), page);
    assert_eq!(scene.taskhost(&["tasks", "logs", &id, "--level", "warn"]).stdout, "");
    let unknown = scene.taskhost(&["tasks", "logs", "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11"]);
    assert_eq!(unknown.code, Some(3), "{unknown:?}");
}

#[test]
fn a_task_that_says_nothing_has_no_log_unless_it_goes_wrong() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let quiet = client.submit("probe.noop", &json!({}));
    let fails =
        json!({ "kind": "probe.fail", "params": { "times": 2 }, "retry": { "attempts": 2, "initial": "10ms" } });
    let fails = client.post("/api/v1/tasks", &fails).body["task_id"].as_str().expect("an id").to_owned();
    client.ended(&quiet);
    assert_eq!(logs(client, &quiet, "")["logs"], json!([]));
    client.ended(&fails);
    let page = logs(client, &fails, "?level=info");
    let said = messages(&page);
    let starts = [
        STARTED,
        "The attempt failed: attempt 1 of 2 that were asked to fail",
        "The next attempt is at 20",
        "Attempt 2 started, on generation 1 of the plugin probe.",
        "The attempt failed: attempt 2 of 2 that were asked to fail",
        "The task is dead",
    ];
    assert!(
        said.len() == starts.len() && said.iter().zip(starts).all(|(said, start)| said.starts_with(start)),
        "{page}"
    );
    assert!(page["logs"].as_array().expect("lines").iter().all(|line| line["target"] == "taskhost"), "{page}");
}

#[test]
fn a_later_attempt_that_succeeds_says_so() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let fails = json!({ "kind": "probe.fail", "params": { "times": 1 }, "retry": { "initial": "10ms" } });
    let fails = client.post("/api/v1/tasks", &fails).body["task_id"].as_str().expect("an id").to_owned();
    client.ended(&fails);
    let page = logs(client, &fails, "");
    let said = messages(&page);
    assert!(
        said.len() == 5 && said[3].starts_with("Attempt 2 started") && said[4] == "The attempt succeeded.",
        "{page}"
    );
}

#[test]
fn a_log_is_followed_line_by_line_until_the_task_has_ended() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let id = client.submit("probe.log", &json!({ "text": "tick", "lines": 5, "step_ms": 60 }));
    // The first line is answered long before the task has ended, and before anything of it is stored.
    let first = logs(client, &id, "?wait=30s");
    assert_eq!((&first["status"], first["logs"][1]["n"].as_u64()), (&json!("running"), Some(2)), "{first}");
    let followed = scene.taskhost(&["tasks", "logs", &id, "--follow", "--json"]);
    let lines: Vec<Value> = followed.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.iter().map(|line| line["n"].as_u64()).collect::<Vec<_>>(), (1..=6).map(Some).collect::<Vec<_>>());
    assert_eq!(client.task(&id)["status"], "completed");
}

#[test]
fn a_killed_daemon_loses_at_most_the_last_second_of_a_log() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let talks = client.submit("probe.log", &json!({ "text": "tick", "lines": 1, "step_ms": 600_000 }));
    let other = client.submit("probe.log", &json!({ "text": "tock", "lines": 12, "step_ms": 100 }));
    // It says more than a second long what the first one has said at its beginning.
    client.ended(&other);
    client.ended(&client.submit("probe.sleep", &json!({ "ms": 300 })));
    daemon.kill();

    let daemon = scene.start();
    let page = logs(daemon.client(), &talks, "?limit=3");
    assert_eq!(messages(&page), [STARTED, "tick", "The daemon ended while this attempt ran."], "{page}");
    assert_eq!(page["logs"][2]["attempt"], 1, "{page}");
    assert_eq!(messages(&logs(daemon.client(), &other, "")).len(), 13);
    let again = logs(daemon.client(), &talks, "?after=3&wait=30s");
    assert_eq!(messages(&again)[1..], ["tick"], "the next attempt goes on with the numbers: {again}");
    assert_eq!(again["logs"][0]["n"], 4);
}

#[test]
fn a_task_that_floods_its_log_keeps_the_latest_lines() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let id = client.submit("probe.log", &json!({ "text": "tick", "lines": 20_000 }));
    client.ended(&id);
    let page = logs(client, &id, "");
    let (first, dropped) = (&page["logs"][0]["n"], &page["dropped"]);
    assert_eq!((first, dropped, &page["next_cursor"]), (&json!(19_002), &json!(19_001), &json!("20001")));
    assert_eq!(page["logs"].as_array().expect("lines").len(), 1_000);
    let shown = scene.taskhost(&["tasks", "logs", &id]);
    assert_eq!(shown.stderr, "the first 19001 lines are kept no longer\n");
}

#[test]
fn a_job_that_fires_and_goes_well_costs_the_daemons_log_one_line() {
    let job = "[jobs.soon]\nkind = \"probe.log\"\nparams = { text = \"said\", lines = 2 }\nschedule = { delay = \"200ms\" }\n";
    let everything = [("TASKHOST_LOG", OsStr::new("info"))];
    for (variables, lines) in [(&[][..], 1), (&everything, 3)] {
        let scene = Scene::new(job);
        let mut daemon = scene.start_with(variables);
        let fired = daemon.find_in_log("The job fired.");
        let id = fired.split("task_id=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an id");
        daemon.client().ended(id);
        let (_, log) = daemon.stop();
        assert_eq!(log.lines().filter(|line| line.contains(id)).count(), lines, "{log}");
    }
}

#[test]
fn what_a_plugin_says_cannot_pass_for_a_line_of_the_daemon() {
    let scene = Scene::new("");
    let daemon = scene.start_with(&[("TASKHOST_LOG", OsStr::new("info"))]);
    let forged = "2026-11-24T10:00:00.000000Z ERROR taskhost::boot: forged";
    let text = format!("first\n{forged}\r{forged}\u{1b}[2J");
    daemon.client().ended(&daemon.client().submit("probe.log", &json!({ "text": text, "lines": 1 })));
    let (_, log) = daemon.stop();
    assert!(log.contains("plugin: first") && log.contains(&format!("    {forged}\\r{forged}")), "{log}");
    assert!(!log.lines().any(|line| line.starts_with(forged)) && !log.contains(['\r', '\u{1b}']), "{log}");
}
