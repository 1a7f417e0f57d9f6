//! The first kinds, held against the tools that people know.

use serde_json::json;
use taskhost_tests::{Scene, output};

#[test]
fn a_completed_checksum_shows_result_times_and_full_progress() {
    let scene = Scene::new("");
    let path = scene.write("data.bin", vec![7_u8; 3_000_000]);
    let daemon = scene.start();
    let task = daemon.client().ended(&daemon.client().submit("files.checksum", &json!({ "path": "data.bin" })));
    assert_eq!((&task["status"], &task["error"]), (&json!("completed"), &json!(null)), "{task}");
    let expected = output("sha256sum", &[path.to_str().expect("a path of text")], scene.path());
    assert_eq!(task["result"]["sha256"].as_str(), expected.split_whitespace().next(), "{task}");
    assert_eq!(task["result"]["bytes"], 3_000_000);
    assert_eq!(task["progress"]["percentage"], 100.0, "{task}");
    assert_eq!(task["progress"]["unit"], "bytes");
    let times =
        ["created_at", "scheduled_at", "started_at", "finished_at"].map(|time| task[time].as_str().expect("a time"));
    assert!(times.iter().all(|time| time.len() == 27 && time.ends_with('Z')), "{times:?}");
    assert!(times.is_sorted(), "text order is time order: {times:?}");
}

#[test]
fn a_checksum_of_what_is_not_there_is_dead_at_once_and_says_why() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let task = daemon.client().ended(&daemon.client().submit("files.checksum", &json!({ "path": "nowhere.bin" })));
    assert_eq!((&task["status"], &task["reason"], &task["attempt"]), (&json!("dead"), &json!("fatal"), &json!(1)));
    assert!(task["error"].as_str().is_some_and(|error| error.contains("nowhere.bin")), "{task}");
}

#[test]
fn stock_tar_unpacks_a_backup() {
    let scene = Scene::new("");
    scene.write("source/a.txt", "alpha");
    scene.write("source/deep/b.txt", "beta");
    std::os::unix::fs::symlink("a.txt", scene.file("source/link")).expect("a link");
    let daemon = scene.start();
    let params = json!({ "source": "source", "target": "backups" });
    let task = daemon.client().ended(&daemon.client().submit("backup.create", &params));
    assert_eq!(task["status"], "completed", "{task}");
    let archive = task["result"]["archive"].as_str().expect("a path");
    std::fs::create_dir(scene.file("unpacked")).expect("a folder");
    output("tar", &["--zstd", "-xf", archive, "-C", "unpacked"], scene.path());
    output("diff", &["-r", "--no-dereference", "source", "unpacked/source"], scene.path());
    assert_eq!(task["progress"]["percentage"], 100.0, "{task}");
}

#[test]
fn a_failure_is_tried_again_until_it_succeeds() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let document = json!({
        "kind": "probe.fail", "params": { "times": 2 },
        "retry": { "attempts": 3, "backoff": "fixed", "initial": "10ms", "jitter": 0.0 },
    });
    let id = daemon.client().post("/api/v1/tasks", &document).body["task_id"].as_str().expect("an id").to_owned();
    let task = daemon.client().ended(&id);
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(3)), "{task}");
    assert_eq!(task["errors"].as_array().map(Vec::len), Some(2), "{task}");
}

#[test]
fn a_panic_costs_an_attempt_and_names_its_line() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let document = json!({ "kind": "probe.panic", "retry": { "attempts": 1 } });
    let id = daemon.client().post("/api/v1/tasks", &document).body["task_id"].as_str().expect("an id").to_owned();
    let task = daemon.client().ended(&id);
    assert_eq!((&task["status"], &task["errors"][0]["code"]), (&json!("dead"), &json!("panic")), "{task}");
    assert!(task["error"].as_str().is_some_and(|error| error.contains(".rs:")), "{task}");
}

#[test]
fn a_running_task_is_cancelled_within_its_grace() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.sleep", &json!({ "ms": 600_000 }));
    daemon.client().until(&id, |task| task["status"] == "running");
    let answer = daemon.client().post(&format!("/api/v1/tasks/{id}/cancel"), &json!({}));
    assert_eq!(answer.status, 202, "{}", answer.body);
    let task = daemon.client().ended(&id);
    assert_eq!(task["status"], "cancelled", "{task}");
}

#[test]
fn a_timeout_ends_an_attempt_and_says_so() {
    let scene = Scene::new("cancel_grace = \"50ms\"\n");
    let daemon = scene.start();
    let document =
        json!({ "kind": "probe.sleep", "params": { "ms": 600_000 }, "timeout": "300ms", "retry": { "attempts": 1 } });
    let id = daemon.client().post("/api/v1/tasks", &document).body["task_id"].as_str().expect("an id").to_owned();
    let task = daemon.client().ended(&id);
    assert_eq!((&task["status"], &task["error"]), (&json!("dead"), &json!("timed out after 300 ms")), "{task}");
}

#[test]
fn a_line_of_tasks_toml_becomes_a_finished_task() {
    let scene = Scene::new(
        "[jobs.soon]\nkind = \"files.checksum\"\nparams = { path = \"tasks.toml\" }\nschedule = { delay = \"200ms\" }\n",
    );
    let mut daemon = scene.start();
    let fired = daemon.find_in_log("The job fired.");
    let id = fired.split("task_id=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an id").to_owned();
    let task = daemon.client().ended(&id);
    assert_eq!((&task["status"], &task["job"]), (&json!("completed"), &json!("soon")), "{task}");
}
