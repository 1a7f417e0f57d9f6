//! An edit that takes long, as a plugin of it does: what goes on meanwhile.

use std::fs::{self, File};
use std::path::PathBuf;

use serde_json::json;
use taskhost_tests::{Manager, Scene, built_plugins, output};

use super::{Desk, JOB, build_versions};

/// Of the plugin `versions`, which takes its settings once the pipe `settings` was opened and closed.
fn slow_scene(rest: &str) -> Scene {
    let scene = Scene::with_plugins(rest, &[built_plugins(), PathBuf::from("libraries")]);
    fs::create_dir(scene.file("libraries")).expect("the folder of the plugin");
    fs::rename(build_versions(&scene), scene.file("libraries/versions.so")).expect("the plugin into its folder");
    output("mkfifo", &["settings"], scene.path());
    scene
}

#[test]
fn while_a_plugin_takes_its_settings_slowly_jobs_are_declared_and_a_name_that_was_taken_refuses_the_edit() {
    let mut desk = Desk::of(slow_scene(""));
    let client = desk.daemon.client().clone();
    let generation = || client.get("/api/v1/config").body["generation"].clone();
    let declare =
        |name: &str| client.post("/api/v1/jobs", &json!({ "name": name, "kind": "probe.echo", "params": {} }));

    desk.save(&format!("{JOB}[plugins.versions]\nconfig = {{ a = 1 }}\n"));
    // Opening it waits until the plugin is asked.
    let asked = File::create(desk.scene.file("settings")).expect("the plugin to be asked");
    for name in ["other", "nightly"] {
        let made = declare(name);
        assert_eq!(made.status, 201, "{}", made.body);
    }
    drop(asked);
    desk.refused();
    desk.daemon.wait_for_log("error: [jobs.nightly] has the name of a job that was declared over HTTP");
    assert_eq!(generation(), 1);
    let plugins = client.get("/api/v1/plugins").body;
    let served = plugins["plugins"].as_array().expect("plugins").iter().find(|plugin| plugin["name"] == "versions");
    assert_eq!(
        served.expect("it serves")["generation"],
        3,
        "the settings of the refused edit are gone again: {plugins}"
    );

    assert_eq!(client.delete("/api/v1/jobs/nightly").status, 200);
    drop(File::create(desk.scene.file("settings")).expect("the plugin to be asked once more"));
    assert!(desk.applied().starts_with("+1 job (nightly)"));
    assert_eq!((desk.job("other"), generation()), (200, json!(2)));
}

#[test]
fn an_edit_that_is_being_built_when_the_daemon_stops_is_left_to_the_next_start() {
    let scene = slow_scene("[plugins.probe]\nallow_in_process = true\n");
    let manager = Manager::listen(scene.path());
    let base = fs::read_to_string(scene.file("tasks.toml")).expect("the file of the scene");
    let daemon = scene.start_with(&[("NOTIFY_SOCKET", manager.path().as_os_str())]);
    let desk = Desk { scene, daemon, base };
    let client = desk.daemon.client().clone();
    // The stop takes as long as this.
    let hangs = client.submit("probe.hang", &json!({ "ms": 2_000 }));
    client.until(&hangs, |task| task["status"] == "running");
    desk.save(&format!("{JOB}[plugins.versions]\nconfig = {{ a = 1 }}\n"));
    let asked = File::create(desk.scene.file("settings")).expect("the plugin to be asked");
    desk.daemon.signal(libc::SIGTERM);
    manager.wait_for("STOPPING=1");
    drop(asked);
    let (status, said) = desk.daemon.wait();
    assert!(status.success() && !said.contains("tasks.toml is applied"), "{said}");
    let told = manager.left();
    assert!(!told.iter().flatten().any(|line| line == "READY=1"), "{told:?}");
    let kept = fs::read_to_string(desk.scene.file("var/last-good/tasks.toml")).expect("the last good text");
    assert_eq!(kept, desk.base);
}
