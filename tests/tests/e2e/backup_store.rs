//! `taskhost backup-store`: copies of a store that is worked on, restored; and stores of other versions.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use taskhost_tests::{Client, Ran, Scene, repository};

use super::recovery::SmallDisk;

const STORE: &str = "var/taskhost.db";

fn backed_up(scene: &Scene, words: &[&str]) -> Ran {
    let ran = scene.taskhost(&[&["backup-store"], words].concat());
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    ran
}

/// As the guide of the operator says.
fn restore(scene: &Scene, backup: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let file = scene.file(&format!("{STORE}{suffix}"));
        if file.exists() {
            fs::rename(&file, scene.file(&format!("away{suffix}"))).expect("a file to move away");
        }
    }
    fs::copy(backup, scene.file(STORE)).expect("a copy");
}

fn submit_later(client: &Client, filler: &str) -> String {
    let document = json!({ "kind": "probe.echo", "params": { "filler": filler }, "delay": "1h" });
    let answer = client.post("/api/v1/tasks", &document);
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["task_id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_backup_under_load_restores_everything_that_was_acknowledged_before_it() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let filler = "x".repeat(60_000);
    let before: Vec<_> = (0..100).map(|_| submit_later(daemon.client(), &filler)).collect();
    let ended = daemon.client().submit("probe.echo", &json!({ "a": 1 }));
    daemon.client().ended(&ended);
    let running = daemon.client().submit("probe.sleep", &json!({ "ms": 600_000 }));
    daemon.client().until(&running, |task| task["status"] == "running");

    let client = daemon.client().clone();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let load = std::thread::spawn(move || {
        let mut tasks = Vec::new();
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            tasks.push(submit_later(&client, "meanwhile"));
        }
        tasks
    });
    for _ in 0..5 {
        backed_up(&scene, &["--to", "backup.db", "--force"]);
    }
    drop(stop);
    let meanwhile = load.join().expect("the load");
    assert!(!meanwhile.is_empty());
    for id in &meanwhile {
        assert_eq!(
            daemon.client().task(id)["status"],
            "scheduled",
            "nothing that was acknowledged meanwhile is harmed"
        );
    }
    daemon.kill();

    restore(&scene, &scene.file("backup.db"));
    let daemon = scene.start();
    for id in &before {
        assert_eq!(daemon.client().task(id)["status"], "scheduled");
    }
    assert_eq!(daemon.client().task(&ended)["result"], json!({ "a": 1 }));
    daemon.client().until(&running, |task| task["status"] == "running");
    let again = daemon.client().submit("probe.echo", &json!({ "a": 2 }));
    assert_eq!(daemon.client().ended(&again)["status"], "completed", "it goes on from there");
}

#[test]
fn without_a_place_it_is_named_after_the_time_and_needs_no_daemon() {
    let scene = Scene::new("");
    let (_, _) = scene.start().stop();
    let ran = backed_up(&scene, &["--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).expect("a document");
    let backup = PathBuf::from(document["backup"].as_str().expect("a path"));
    let found = fs::metadata(&backup).expect("the backup");
    assert_eq!((document["bytes"].as_u64(), found.permissions().mode() & 0o777), (Some(found.len()), 0o600));
    let store = scene.file(STORE).canonicalize().expect("the store");
    let told = PathBuf::from(document["store"].as_str().expect("a path"));
    assert_eq!(told.canonicalize().expect("the store"), store);
    assert!(document["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{document}");
    let name = backup.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(name.starts_with("taskhost-20") && name.ends_with("Z.db") && name.len() == 28, "{name}");
    assert_eq!(fs::read_dir(backup.parent().expect("its folder")).expect("its folder").count(), 1);
    restore(&scene, &backup);
    scene.start();
}

#[test]
fn it_is_made_whatever_else_is_wrong_with_the_file() {
    let scene = Scene::new("");
    let (_, _) = scene.start().stop();
    let text = fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("tasks.toml", format!("{text}[queues.mail]\nconcurency = 1\n"));
    backed_up(&scene, &["--to", "backup.db"]);
    scene.write("tasks.toml", "[host");
    let refused = scene.taskhost(&["backup-store", "--to", "other.db"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("hint: correct the file"), "{refused:?}");
}

#[test]
fn a_disk_that_is_full_has_nothing_left_on_it() {
    let scene = Scene::new("");
    let Some(_disk) = SmallDisk::mount(&scene) else { return };
    let daemon = scene.start();
    let filler = "x".repeat(200_000);
    for _ in 0..30 {
        submit_later(daemon.client(), &filler);
    }
    let refused = scene.taskhost(&["backup-store", "--to", "small/backup.db"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let is_told =
        refused.stderr.contains("small/backup.db is full") && refused.stderr.contains("hint: nothing is left");
    assert!(is_told, "{refused:?}");
    assert_eq!(fs::read_dir(scene.file("small")).expect("the disk").count(), 0);
    backed_up(&scene, &["--to", "backup.db"]);
}

#[test]
fn a_store_of_a_later_version_is_refused_by_whatever_opens_it() {
    let scene = Scene::new("");
    let (_, _) = scene.start().stop();
    let file = rusqlite::Connection::open(scene.file(STORE)).expect("the store");
    file.pragma_update(None, "user_version", 1_000).expect("another version");
    drop(file);
    let before = fs::read(scene.file(STORE)).expect("the store");
    for words in [&["run"][..], &["doctor"], &["backup-store", "--to", "backup.db"]] {
        let ran = scene.taskhost(words);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(1), "{words:?}: {said}");
        assert!(
            said.contains("was written by a later version (format 1000; this one knows up to "),
            "{words:?}: {said}"
        );
        assert!(
            said.contains("hint: run the version of taskhost that wrote it, restore a backup"),
            "{words:?}: {said}"
        );
    }
    assert!(fs::read(scene.file(STORE)).expect("the store") == before, "it stays as it is");
    assert!(!scene.file("backup.db").exists());
}

#[test]
fn a_store_of_the_first_version_is_backed_up_as_it_is_then_brought_up_to_date_and_served() {
    let scene = Scene::new("");
    fs::create_dir(scene.file("var")).expect("a folder");
    let text = fs::read_to_string(repository().join("tests/golden/store-v1.sql")).expect("the text of a store");
    let file = rusqlite::Connection::open(scene.file(STORE)).expect("a file");
    file.execute_batch(&format!("BEGIN; {text} COMMIT;")).expect("the store of the first version");
    drop(file);
    backed_up(&scene, &["--to", "first.db"]);
    let version = |path: &Path| {
        let file = rusqlite::Connection::open(path).expect("a store");
        file.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).expect("a version")
    };
    assert_eq!(version(&scene.file("first.db")), 1);
    let daemon = scene.start();
    let ran = scene.taskhost(&["tasks", "--tag", "golden", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).expect("a document");
    assert_eq!(document["tasks"].as_array().expect("a list").len(), 21);
    let id = daemon.client().submit("probe.echo", &json!({ "a": 1 }));
    assert_eq!(daemon.client().ended(&id)["status"], "completed");
    daemon.stop();
    assert!(version(&scene.file(STORE)) > 8);
}
