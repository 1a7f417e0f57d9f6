//! What nobody may read.

use serde_json::json;
use taskhost_tests::{Scene, built_plugins};

#[test]
fn params_are_hidden_whole_while_nobody_can_say_which_are_secret() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let document = json!({ "kind": "probe.echo", "params": { "token": "hunter2" }, "delay": "1h" });
    let id = daemon.client().post("/api/v1/tasks", &document).body["task_id"].as_str().expect("an id").to_owned();
    assert_eq!(daemon.client().task(&id)["params"], json!({ "token": "hunter2" }), "the kind calls nothing secret");
    drop(daemon);

    std::fs::create_dir(scene.file("none")).expect("a folder without plugins");
    let text = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    let plugins = format!("{:?}", built_plugins().display().to_string());
    scene.write("tasks.toml", text.replace(&plugins, "\"none\""));
    let daemon = scene.start();
    assert_eq!(daemon.client().task(&id)["params"], "[hidden: no plugin provides the kind]");
    let shown = scene.taskhost(&["tasks", "show", &id]).stdout;
    assert!(shown.contains(&id) && !shown.contains("hunter2"), "{shown}");
}
