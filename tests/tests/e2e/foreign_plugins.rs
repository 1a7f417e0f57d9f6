//! The examples in C and C++, built by the system's compilers against the header alone.

use serde_json::json;
use taskhost_tests::{Scene, output, repository};

/// A scene whose plugin folder holds this example.
fn with_example(compiler: &str, standard: &str, source: &str, library: &str) -> Scene {
    let scene = Scene::with_plugins("", &["plugins".into()]);
    std::fs::create_dir(scene.file("plugins")).expect("a folder for plugins");
    let include = repository().join("plugin-api/include").display().to_string();
    let source = repository().join("examples").join(source).display().to_string();
    let library = format!("plugins/{library}");
    let flags = [standard, "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", "-I"];
    let words: Vec<&str> = flags.into_iter().chain([&*include, "-o", &*library, &*source]).collect();
    output(compiler, &words, scene.path());
    scene
}

#[test]
fn a_one_page_c_plugin_runs_in_the_same_host() {
    let scene = with_example("cc", "-std=c11", "c/hello.c", "libhello.so");
    let daemon = scene.start();
    let id = daemon.client().submit("hello.c", &json!({ "name": "world", "ms": 20 }));
    let task = daemon.client().ended(&id);
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["result"], json!({ "greeting": "hello, world" }));
    assert_eq!(task["progress"]["percentage"], 100.0, "{task}");
}

#[test]
fn a_cpp_plugin_counts_what_wc_counts_and_resumes_after_a_stop() {
    let scene = with_example("c++", "-std=c++17", "cpp/words.cpp", "libwords.so");
    let text = "a line of a long text, and of many words\n".repeat(400_000);
    let path = scene.write("text.txt", text);
    let daemon = scene.start();
    let id = daemon.client().submit("words.count", &json!({ "path": "text.txt" }));
    daemon.client().until(&id, |task| task["progress"]["current"].as_u64().is_some_and(|current| current > 0));
    let (status, log) = daemon.stop();
    assert!(status.success(), "{log}");

    let daemon = scene.start();
    let task = daemon.client().ended(&id);
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(1)), "{task}");
    let counted = output("wc", &["-w", path.to_str().expect("a path of text")], scene.path());
    let counted: u64 = counted.split_whitespace().next().and_then(|words| words.parse().ok()).expect("a number");
    assert_eq!(task["result"], json!({ "words": counted }), "{task}");
}
