//! Plugins that come, change and go while the daemon runs.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use serde_json::{Value, json};
use taskhost_tests::{Client, Daemon, Scene, output, repository};

/// A scene whose plugins are in its folder `plugins`, which is there and empty.
fn scene(rest: &str) -> Scene {
    let scene = Scene::with_plugins(rest, &["plugins".into()]);
    fs::create_dir(scene.file("plugins")).expect("a folder for plugins");
    scene
}

/// Builds this version of the plugin `versions`, outside of the plugin folder.
fn build(scene: &Scene, version: u32) -> PathBuf {
    let include = repository().join("plugin-api/include").display().to_string();
    let source = repository().join("tests/fixtures/c/versions.c").display().to_string();
    let (define, file) = (format!("-DVERSION={version}"), format!("version-{version}.so"));
    let flags = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden"];
    let words: Vec<&str> = flags.into_iter().chain(["-I", &include, &define, "-o", &file, &source]).collect();
    output("cc", &words, scene.path());
    scene.file(&file)
}

const SERVED: &str = "plugins/libversions.so";

/// Builds this version and puts it in place as a build does: by renaming.
fn serve(scene: &Scene, version: u32) {
    fs::rename(build(scene, version), scene.file(SERVED)).expect("rename into the plugin folder");
}

fn version_of(client: &Client, task: &str) -> Value {
    let task = client.ended(task);
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(1)), "{task}");
    task["result"]["version"].clone()
}

/// The version that runs a new task.
fn version_now(daemon: &Daemon) -> Value {
    version_of(daemon.client(), &daemon.client().submit("versions.work", &json!({})))
}

/// The only plugin, as `GET /plugins` shows it.
fn shown(daemon: &Daemon) -> Value {
    let answer = daemon.client().get("/api/v1/plugins").body;
    assert_eq!(answer["plugins"].as_array().map(Vec::len), Some(1), "{answer}");
    answer["plugins"][0].clone()
}

#[test]
fn a_new_plugin_serves_without_a_restart() {
    let scene = scene("");
    let mut daemon = scene.start();
    let unknown = daemon.client().post("/api/v1/tasks", &json!({ "kind": "versions.work", "params": {} }));
    assert_eq!(unknown.status, 422, "{}", unknown.body);
    serve(&scene, 1);
    daemon.wait_for_log("Plugin loaded.");
    assert_eq!(version_now(&daemon), 1);
}

#[test]
fn a_changed_plugin_takes_new_attempts_and_running_ones_end_on_the_old() {
    let scene = scene("");
    serve(&scene, 1);
    let mut daemon = scene.start();
    let waits = daemon.client().submit("versions.wait", &json!({}));
    daemon.client().until(&waits, |task| task["status"] == "running");
    serve(&scene, 2);
    let line = daemon.wait_for_log("Plugin swapped.");
    assert!(line.contains("plugin=versions generation=2"), "{line}");
    assert_eq!(version_now(&daemon), 2);
    scene.write("gate", "");
    assert_eq!(version_of(daemon.client(), &waits), 1);
    let plugin = shown(&daemon);
    assert_eq!((&plugin["generation"], &plugin["retired"], &plugin["error"]), (&json!(2), &json!(1), &Value::Null));
}

#[test]
fn a_broken_file_leaves_the_old_plugin_serving_and_says_so() {
    let scene = scene("");
    serve(&scene, 1);
    let mut daemon = scene.start();
    let next = fs::read(build(&scene, 2)).expect("what was built");
    scene.write(SERVED, &next[..next.len() / 2]);
    daemon.wait_for_log("A plugin library was refused.");
    let plugin = shown(&daemon);
    assert_eq!((&plugin["generation"], &plugin["version"]), (&json!(1), &json!("1")), "{plugin}");
    assert!(plugin["error"].as_str().is_some_and(|error| error.contains("not whole")), "{plugin}");
    assert_eq!(version_now(&daemon), 1);
    let listed = scene.taskhost(&["plugins"]);
    assert!(listed.stdout.contains("versions.work") && listed.stderr.contains("not whole"), "{listed:?}");
    assert!(listed.stderr.contains("generation 1 serves on"), "{}", listed.stderr);

    scene.write(SERVED, next);
    daemon.wait_for_log("Plugin swapped.");
    assert_eq!(version_now(&daemon), 2);
    assert_eq!(shown(&daemon)["error"], Value::Null);
}

#[test]
fn a_file_that_is_gone_holds_its_tasks_until_it_is_back() {
    let scene = scene("[queues.default]\nconcurrency = 1\n");
    serve(&scene, 1);
    let mut daemon = scene.start();
    let client = daemon.client().clone();
    let waits = client.submit("versions.wait", &json!({}));
    let behind = client.submit("versions.work", &json!({}));
    client.until(&waits, |task| task["status"] == "running");
    fs::rename(scene.file(SERVED), scene.file("away.so")).expect("take it away");
    daemon.wait_for_log("The file of a plugin is gone");
    scene.write("gate", "");
    assert_eq!(version_of(&client, &waits), 1, "what runs ends");
    client.until(&behind, |task| task["reason"] == "held: no plugin provides the kind `versions.work`");
    fs::rename(scene.file("away.so"), scene.file(SERVED)).expect("bring it back");
    assert_eq!(client.ended(&behind)["status"], "completed");
}

#[test]
fn a_plugin_folder_that_is_made_anew_or_reached_by_a_turned_link_is_found_again() {
    let scene = Scene::with_plugins("", &["current/plugins".into()]);
    for version in [1, 2, 3] {
        let folder = scene.file(&format!("releases/{version}/plugins"));
        fs::create_dir_all(&folder).expect("a folder of a release");
        fs::rename(build(&scene, version), folder.join("libversions.so")).expect("release it");
    }
    symlink("releases/1", scene.file("current")).expect("a link");
    let mut daemon = scene.start();
    symlink("releases/2", scene.file("next")).expect("another link");
    fs::rename(scene.file("next"), scene.file("current")).expect("turn the link");
    daemon.wait_for_log("Plugin swapped.");
    assert_eq!(version_now(&daemon), 2);

    fs::remove_dir_all(scene.file("releases/2")).expect("remove the release");
    daemon.wait_for_log("The file of a plugin is gone");
    fs::rename(scene.file("releases/3"), scene.file("releases/2")).expect("another in its place");
    daemon.wait_for_log("Plugin loaded.");
    assert_eq!(version_now(&daemon), 3);
}

#[test]
fn a_stream_of_tasks_under_five_swaps_loses_and_doubles_none() {
    const TASKS: usize = 500;
    let scene = scene("[queues.default]\nconcurrency = 20\n");
    serve(&scene, 1);
    let mut daemon = scene.start();
    let client = daemon.client().clone();
    let swapped = AtomicBool::new(false);
    let ids: Vec<String> = std::thread::scope(|scope| {
        let stream = scope.spawn(|| {
            let mut ids = Vec::new();
            while ids.len() < TASKS || !swapped.load(SeqCst) {
                ids.push(client.submit("versions.work", &json!({})));
            }
            ids
        });
        for version in 2..=6 {
            serve(&scene, version);
            daemon.wait_for_log("Plugin swapped.");
        }
        swapped.store(true, SeqCst);
        stream.join().expect("a stream of tasks")
    });
    let versions: BTreeSet<String> = ids.iter().map(|id| version_of(daemon.client(), id).to_string()).collect();
    assert!(versions.len() > 2, "tasks ran on {versions:?} alone");
    let runs = fs::read_to_string(scene.file("runs")).expect("what ran");
    let mut ran: Vec<&str> = runs.lines().collect();
    ran.sort_unstable();
    let mut expected: Vec<String> = ids.iter().map(|id| id.replace('-', "")).collect();
    expected.sort_unstable();
    assert_eq!(ran, expected, "each ran once");
}

#[test]
fn a_library_that_crashes_when_it_is_described_does_not_harm_the_daemon() {
    let scene = scene("");
    let mut daemon = scene.start();
    let source = scene.write(
        "crash.c",
        "#include <stdlib.h>\nint taskhost_plugin_v1; __attribute__((constructor)) void begin(void) { abort(); }",
    );
    let built = scene.file("crash.so").display().to_string();
    output("cc", &["-shared", "-fPIC", "-o", &built, &source.display().to_string()], scene.path());
    fs::rename(built, scene.file("plugins/crash.so")).expect("rename into the plugin folder");
    daemon.wait_for_log("A plugin library was refused.");
    let error = shown(&daemon)["error"].clone();
    assert!(
        error.as_str().is_some_and(|error| error.starts_with("it ended its process by signal 6 when it was described")),
        "{error}"
    );
    serve(&scene, 1);
    daemon.wait_for_log("Plugin loaded.");
    assert_eq!(version_now(&daemon), 1);
}
