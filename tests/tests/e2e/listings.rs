//! The listings of the command line, and what is done with what they show. What `--json` prints is a snapshot: programs
//! read it. `INSTA_UPDATE=always cargo test -p taskhost-tests listings` writes them anew, and the difference is the review.

use serde_json::{Value, json};
use taskhost_tests::{Client, Scene, built_plugins};

const FILE: &str = "\
[queues.mail]
concurrency = 4

[jobs.nightly]
kind = \"probe.echo\"
params = { a = 1 }
schedule = { cron = \"30 2 * * *\", timezone = \"Europe/Berlin\" }
queue = \"mail\"
priority = \"high\"
timeout = \"30m\"
tags = [\"night\"]

[jobs.typo]
kind = \"probe.ecoh\"
";

/// Ids, times, places and what depends on the machine differ from run to run.
fn settings(scene: &Scene) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(&scene.path().display().to_string(), "[scene]");
    settings.add_filter(&built_plugins().display().to_string(), "[plugins]");
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "[id]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "[time]");
    settings.add_filter(r#""(host|sha256|file_sha256)": "[^"]*""#, r#""$1": "[$1]""#);
    settings.add_filter(r#"("attempted_by": \[\s*)"[^"]*""#, r#"$1"[host]""#);
    settings.add_filter(r#""(latency_seconds|rate)": [\d.]+"#, r#""$1": "[$1]""#);
    settings
}

/// What a listing prints as one document, easy to read.
#[track_caller]
fn document(scene: &Scene, words: &[&str]) -> String {
    let ran = scene.taskhost(&[words, &["--json"]].concat());
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{words:?}");
    let document: Value = serde_json::from_str(&ran.stdout).expect("one document on stdout");
    format!("{document:#}\n")
}

/// A task that fails for good with its first attempt.
fn fails(client: &Client, queue: &str) -> String {
    let task = json!({
        "kind": "probe.fail", "params": { "times": 1 }, "queue": queue, "retry": { "attempts": 1 }, "tags": ["t"],
    });
    let id = client.post("/api/v1/tasks", &task).body["task_id"].as_str().expect("an id").to_owned();
    client.ended(&id);
    id
}

#[test]
fn what_the_listings_print_for_programs_is_as_it_was() {
    let scene = Scene::new(FILE);
    let daemon = scene.start();
    let client = daemon.client();
    fails(client, "mail");
    client.ended(&client.submit("probe.progress", &json!({ "steps": 2, "step_ms": 0 })));
    client.post("/api/v1/tasks", &json!({ "kind": "probe.noop", "delay": "1h" }));
    let added = ["jobs", "add", "probe.noop", "--name", "api", "--every", "1h"];
    assert_eq!(scene.taskhost(&added).code, Some(0));
    let _bound = settings(&scene).bind_to_scope();
    insta::assert_snapshot!("json_tasks", document(&scene, &["tasks"]));
    insta::assert_snapshot!("json_dead", document(&scene, &["dead"]));
    insta::assert_snapshot!("json_queues", document(&scene, &["queues"]));
    insta::assert_snapshot!("json_config", document(&scene, &["config"]));
    insta::assert_snapshot!("json_jobs", document(&scene, &["jobs"]));
    let files_only = |mut plugins: Value| {
        let of_files = |plugin: &Value| plugin["name"] == "files";
        plugins["plugins"].as_array_mut().expect("plugins").retain(of_files);
        format!("{plugins:#}\n")
    };
    let plugins = serde_json::from_str(&document(&scene, &["plugins"])).expect("a document");
    insta::assert_snapshot!("json_plugins", files_only(plugins));
    let dead = client.get("/api/v1/dead").body["tasks"][0]["task_id"].as_str().expect("an id").to_owned();
    insta::assert_snapshot!("json_task", document(&scene, &["tasks", "show", &dead]));
    insta::assert_snapshot!("json_queue", document(&scene, &["queues", "show", "mail"]));
}

#[test]
fn tasks_are_found_by_what_is_said_of_them() {
    let scene = Scene::new(FILE);
    let daemon = scene.start();
    let client = daemon.client();
    let dead = fails(client, "mail");
    let echo = client.submit("probe.echo", &json!({ "said": "a needle" }));
    client.ended(&echo);
    let found = |words: &[&str]| {
        let ran = scene.taskhost(&[&["tasks"], words].concat());
        assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.stderr);
        ran.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&[]), [&*echo, &*dead], "the newest first");
    assert_eq!(found(&["--status", "dead"]), [&*dead]);
    assert_eq!(found(&["list", "--status", "completed,running"]), [&*echo]);
    assert_eq!(found(&["list", "--queue", "mail", "--tag", "t"]), [&*dead]);
    assert_eq!(found(&["list", "--search", "a needle"]), [&*echo]);
    assert_eq!(found(&["list", "--job", "nightly"]), [""; 0]);
    let cut = scene.taskhost(&["tasks", "-n", "1"]);
    assert_eq!((cut.stdout.lines().count(), &*cut.stderr), (1, "the first 1; there may be more: --limit N or --all\n"));
}

#[test]
fn more_tasks_than_a_page_holds_are_listed_if_all_are_asked_for() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let ids: Vec<String> = (0..205).map(|_| daemon.client().submit("probe.noop", &json!({}))).collect();
    let ran = scene.taskhost(&["tasks", "--all"]);
    assert_eq!((ran.stdout.lines().count(), &*ran.stderr), (ids.len(), ""));
    assert_eq!(scene.taskhost(&["tasks"]).stdout.lines().count(), 50);
}

#[test]
fn dead_tasks_are_queued_again_and_deleted_by_a_filter_or_all() {
    let scene = Scene::new(FILE);
    let daemon = scene.start();
    let client = daemon.client();
    let ids: Vec<String> = ["mail", "mail", "default"].iter().map(|queue| fails(client, queue)).collect();
    let said = |words: &[&str]| {
        let ran = scene.taskhost(words);
        assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.stderr);
        ran.stdout
    };
    assert_eq!(said(&["tasks", "retry", &ids[0]]), format!("task {} is queued\n", ids[0]));
    assert_eq!(client.ended(&ids[0])["status"], "completed", "it fails once only");
    assert_eq!(said(&["dead", "retry", "--queue", "mail"]), "1 task is queued again\n");
    client.ended(&ids[1]);
    assert_eq!(scene.taskhost(&["dead", "discard"]).code, Some(2), "whom is meant has to be said");
    assert_eq!(scene.taskhost(&["dead", "discard", "--all", "--queue", "mail"]).code, Some(2));
    assert_eq!(said(&["dead", "discard", "--all"]), "1 task is deleted\n");
    assert_eq!(said(&["dead"]), "");
    assert_eq!(said(&["dead", "discard", "--all", "--json"]), "{\"count\":0}\n");
    assert_eq!(scene.taskhost(&["tasks", "discard", &ids[0]]).code, Some(1), "it is not dead");
}

#[test]
fn a_paused_queue_starts_nothing_until_it_is_resumed() {
    let scene = Scene::new(FILE);
    let daemon = scene.start();
    let client = daemon.client();
    assert_eq!(scene.taskhost(&["queues", "pause", "mail"]).stdout, "queue mail is paused\n");
    let task = json!({ "kind": "probe.noop", "queue": "mail" });
    let waits = client.post("/api/v1/tasks", &task).body["task_id"].as_str().expect("an id").to_owned();
    let listed = scene.taskhost(&["queues"]).stdout;
    let mail = listed.lines().find(|line| line.starts_with("mail\t")).expect("the queue");
    assert!(mail.starts_with("mail\t0/4\t1\t0\t0\t0\t") && mail.contains("\tpaused since 20"), "{listed}");
    assert_eq!(scene.taskhost(&["queues", "resume", "mail"]).stdout, "queue mail is resumed\n");
    assert_eq!(client.ended(&waits)["status"], "completed");
    assert_eq!(scene.taskhost(&["queues", "show", "mial"]).code, Some(3));
}
