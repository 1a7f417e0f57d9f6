//! An edit that takes long, as a plugin of it does: what goes on meanwhile.

use std::fs::{self, File};
use std::path::PathBuf;

use serde_json::json;
use taskhost_tests::{Scene, built_plugins, output};

use super::{Desk, JOB, build_versions};

#[test]
fn while_a_plugin_takes_its_settings_slowly_jobs_are_declared_and_a_name_that_was_taken_refuses_the_edit() {
    let scene = Scene::with_plugins("", &[built_plugins(), PathBuf::from("libraries")]);
    fs::create_dir(scene.file("libraries")).expect("the folder of the plugin");
    fs::rename(build_versions(&scene), scene.file("libraries/versions.so")).expect("the plugin into its folder");
    output("mkfifo", &["settings"], scene.path());
    let mut desk = Desk::of(scene);
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
