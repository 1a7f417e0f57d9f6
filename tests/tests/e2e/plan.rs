//! `taskhost plan`: what an edit would change, before it is saved where the daemon sees it.

use std::io::Read as _;
use std::os::unix::net::{UnixListener, UnixStream};

use serde_json::{Value, json};
use taskhost_tests::{Program, Scene, binary};

const OLD: &str = r#"
[queues.mail]
concurrency = 2
[queues.gone]

[jobs.nightly]
kind     = "probe.noop"
schedule = { cron = "30 2 * * *", timezone = "Europe/Berlin" }

[jobs.often]
kind     = "probe.noop"
schedule = { every = "1h" }

[jobs.removed]
kind     = "probe.noop"
schedule = { at = 2126-12-24T18:00:00Z }

[jobs.same]
kind = "probe.noop"
"#;

const NEW: &str = r#"
[queues.mail]
concurrency = 3

[jobs.nightly]
kind     = "probe.noop"
schedule = { cron = "0 3 * * *", timezone = "Europe/Berlin" }
priority = "high"

[jobs.often]
kind     = "probe.noop"
schedule = { every = "2h" }

[jobs.new]
kind     = "probe.noop"
schedule = { at = 2126-12-24T18:00:00Z }

[jobs.same]
kind = "probe.noop"
tags = ["x"]
"#;

/// A scene with the new text, where the old one is what was applied last.
fn edited() -> Scene {
    let scene = Scene::new(OLD);
    let old = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("var/last-good/tasks.toml", &old);
    scene.write("tasks.toml", old.replace(OLD, NEW).replace("[host]", "[host]\nstate = \"var\""));
    scene
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d", "[a time in this format..]");
    settings
}

#[test]
fn an_edit_shows_what_it_changes_with_the_times_before_and_after() {
    let ran = edited().taskhost(&["plan"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    settings().bind(|| insta::assert_snapshot!("plan_without_daemon", format!("{}{}", ran.stderr, ran.stdout)));
}

#[test]
fn a_running_daemon_knows_when_its_jobs_fire() {
    let scene = Scene::new(OLD);
    let _daemon = scene.start();
    let old = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("var/last-good/tasks.toml", &old);
    let new = scene.write("new.toml", old.replace(OLD, NEW)).display().to_string();
    let ran = scene.taskhost(&["plan", &new, "--json"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    let plan: Value = serde_json::from_str(&ran.stdout).expect("one document on stdout");
    assert_eq!(
        (&plan["daemon"], &plan["compared_with"], &plan["load"]),
        (&true.into(), &"applied".into(), &Value::Array(vec![]))
    );
    let often =
        plan["jobs"].as_array().and_then(|jobs| jobs.iter().find(|job| job["name"] == "often")).expect("it changes");
    assert_eq!((&often["change"], &often["keys"][0]), (&"changed".into(), &"schedule".into()));
    assert_eq!(often["before"].as_array().map(Vec::len), Some(5), "{often}");
}

#[test]
fn the_waiting_tasks_that_an_edit_concerns_are_counted() {
    let slow = "\n[jobs.slow]\nkind = \"probe.noop\"\nqueue = \"gone\"\n";
    let scene = Scene::new(&format!("{OLD}{slow}"));
    let daemon = scene.start();
    assert_eq!(daemon.client().post("/api/v1/queues/gone/pause", &serde_json::json!({})).status, 200);
    for _ in 0..3 {
        daemon.client().post("/api/v1/tasks", &serde_json::json!({ "job": "slow" }));
    }
    let removed = daemon.client().post("/api/v1/tasks", &serde_json::json!({ "job": "removed", "delay": "1h" }));
    assert_eq!(removed.status, 202, "{removed:?}");
    let old = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    let slower = "\n[jobs.slow]\nkind = \"probe.noop\"\npriority = \"low\"\n";
    let new = old.replace(OLD, NEW).replace(slow, slower);
    let new = scene.write("new.toml", new).display().to_string();
    let ran = scene.taskhost(&["plan", &new]);
    for line in [
        "~ job slow: queue, priority; not for 3 waiting tasks\n",
        "- job removed: its 1 waiting task stays\n",
        "~ queue mail: concurrency\n",
        "- queue gone: its 3 waiting tasks are still run\n",
    ] {
        assert!(ran.stdout.contains(line), "{line}{}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn where_nothing_was_applied_everything_is_new() {
    let ran = Scene::new(OLD).taskhost(&["plan"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("Nothing was applied yet"), "{}", ran.stderr);
    assert!(ran.stdout.contains("+ job nightly: cron 30 2 * * * Europe/Berlin\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("restart"), "{}", ran.stdout);
}

#[test]
fn an_edit_with_errors_has_no_plan() {
    let ran = Scene::new("[jobs.a]\nkind = \"probe.nop\"\n").taskhost(&["plan"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""));
    assert!(ran.stderr.contains("did you mean `probe.noop`?"), "{}", ran.stderr);
    assert!(
        ran.stderr.ends_with("hint: an edit with errors changes nothing: what was applied last goes on\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_name_that_a_job_of_the_api_has_is_an_error_while_the_daemon_runs() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let made = daemon.client().post("/api/v1/jobs", &json!({ "name": "dup", "kind": "probe.noop", "params": {} }));
    assert_eq!(made.status, 201, "{}", made.body);
    let text = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("draft.toml", format!("{text}[jobs.dup]\nkind = \"probe.noop\"\n"));
    let ran = scene.taskhost(&["plan", "draft.toml"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""), "{}", ran.stderr);
    for told in [
        "error: [jobs.dup] has the name of a job that was declared over HTTP\n",
        "hint: give it another name, or remove the other: `taskhost jobs remove dup`\n",
    ] {
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    assert_eq!(scene.taskhost(&["jobs", "remove", "dup"]).code, Some(0));
    assert_eq!(scene.taskhost(&["plan", "draft.toml"]).code, Some(0));
}

/// Listens where the daemon of the scene would.
fn stuck(scene: &Scene) -> UnixListener {
    UnixListener::bind(scene.file("var/taskhost.sock")).expect("a free place")
}

/// A call that has come in, and gets no answer.
fn call(listener: &UnixListener) -> UnixStream {
    let (mut stream, _) = listener.accept().expect("a call");
    assert!(stream.read(&mut [0; 4096]).expect("its head") > 0);
    stream
}

#[test]
fn ctrl_c_ends_a_plan_that_waits_for_a_stuck_daemon() {
    let scene = edited();
    let listener = stuck(&scene);
    let binary = binary();
    let plan = Program::start(&[binary.as_os_str(), "plan".as_ref()], scene.path(), &[]);
    let _call = call(&listener);
    plan.signal(libc::SIGINT);
    let (status, said) = plan.wait();
    assert_eq!(status.code(), Some(130), "{said}");
}

#[test]
fn a_daemon_that_does_not_answer_is_not_told_as_none() {
    let scene = edited();
    let listener = stuck(&scene);
    let hangs_up = std::thread::spawn(move || drop(call(&listener)));
    let ran = scene.taskhost(&["plan"]);
    hangs_up.join().expect("a call");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("the daemon did not answer: the daemon on "), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("\nCompared with what was applied last.\n"), "{}", ran.stderr);
    assert!(ran.stdout.contains("+ job new"), "{}", ran.stdout);
}
