//! A plugin in C, built by the system's compiler against the header alone.

use serde_json::json;
use taskhost_tests::{Scene, output, repository};

#[test]
fn a_one_page_c_plugin_runs_in_the_same_host() {
    let scene = Scene::with_plugins("", &["plugins".into()]);
    std::fs::create_dir(scene.file("plugins")).expect("a folder for plugins");
    let include = repository().join("plugin-api/include").display().to_string();
    let source = repository().join("tests/fixtures/c/hello.c").display().to_string();
    let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", "-I"];
    let words: Vec<&str> = flags.into_iter().chain([&*include, "-o", "plugins/libhello.so", &*source]).collect();
    output("cc", &words, scene.path());

    let daemon = scene.start();
    let id = daemon.client().submit("hello.c", &json!({ "name": "world", "ms": 20 }));
    let task = daemon.client().ended(&id);
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["result"], json!({ "greeting": "hello, world" }));
    assert_eq!(task["progress"]["percentage"], 100.0, "{task}");
}
