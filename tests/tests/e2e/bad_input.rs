//! What a person gets wrong: one clear message each, with the next step, and nothing acknowledged is lost.

use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};
use taskhost_tests::{Scene, built_plugins};

/// The daemon refuses to start, and says this.
#[track_caller]
fn refuses_to_start(scene: &Scene, says: &[&str]) {
    let ran = scene.fails_to_start();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    for text in says {
        assert!(ran.stderr.contains(text), "`{text}` is missing in:\n{}", ran.stderr);
    }
}

#[test]
fn an_unknown_kind_is_refused_with_the_one_that_was_meant() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let answer = daemon.client().post("/api/v1/tasks", &json!({ "kind": "files.checksun", "params": {} }));
    assert_eq!((answer.status, &*answer.content_type), (422, "application/problem+json"), "{}", answer.body);
    assert_eq!(answer.body["hint"], "did you mean `files.checksum`?");
}

#[test]
fn params_of_the_wrong_type_are_refused_with_a_pointer_to_the_place() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let answer = daemon.client().post("/api/v1/tasks", &json!({ "kind": "probe.sleep", "params": { "ms": "long" } }));
    assert_eq!(answer.status, 422, "{}", answer.body);
    let errors = answer.body["errors"].as_array().expect("errors");
    assert!(
        errors.iter().any(|error| error["pointer"].as_str().is_some_and(|at| at.ends_with("/ms"))),
        "{}",
        answer.body
    );
}

#[test]
fn a_number_that_the_plugin_cannot_hold_is_refused_before_it_is_accepted() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let answer = daemon
        .client()
        .post("/api/v1/tasks", &json!({ "kind": "probe.fail", "params": { "times": 5_000_000_000_u64 } }));
    assert_eq!(
        (answer.status, &answer.body["errors"][0]["pointer"]),
        (422, &json!("/params/times")),
        "{}",
        answer.body
    );
}

#[test]
fn params_over_a_mebibyte_are_refused() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let params = json!({ "filler": "x".repeat(1 << 20) });
    let answer = daemon.client().post("/api/v1/tasks", &json!({ "kind": "probe.echo", "params": params }));
    assert_eq!((answer.status, &*answer.content_type), (413, "application/problem+json"), "{}", answer.body);
}

#[test]
fn a_plugin_folder_that_is_not_there_is_named() {
    let scene = Scene::with_plugins("", &["no/such/folder".into()]);
    refuses_to_start(&scene, &["error: plugin folder `no/such/folder` cannot be read", "hint: "]);
}

#[test]
fn broken_foreign_and_doubled_libraries_are_refused_and_the_others_serve() {
    let scene = Scene::with_plugins("", &["plugins".into()]);
    let probe = std::fs::read(built_plugins().join("libprobe.so")).expect("the built plugin");
    scene.write("plugins/libcut.so", &probe[..probe.len() / 2]);
    scene.write("plugins/libnote.so", "this is a text");
    scene.write("plugins/libprobe.so", &probe);
    scene.write("plugins/libprobe-again.so", &probe);
    let daemon = scene.start();
    let answer = daemon.client().get("/api/v1/plugins").body;
    let plugins = answer["plugins"].as_array().expect("plugins");
    let error_of = |file: &str| {
        let of_file = |plugin: &&Value| plugin["path"].as_str().is_some_and(|path| Path::new(path).ends_with(file));
        let plugin = plugins.iter().find(of_file).unwrap_or_else(|| panic!("{file} is not shown: {answer}"));
        plugin["error"].as_str().unwrap_or_default().to_owned()
    };
    assert!(error_of("libcut.so").contains("not whole"), "{answer}");
    assert!(error_of("libnote.so").contains("not a shared library"), "{answer}");
    let (first, second) = (error_of("libprobe-again.so"), error_of("libprobe.so"));
    assert!(
        first.is_empty() && second.contains("libprobe-again.so"),
        "the second is refused and names the first: {answer}"
    );
    let task = daemon.client().ended(&daemon.client().submit("probe.noop", &json!({})));
    assert_eq!(task["status"], "completed", "{task}");
}

#[test]
fn a_damaged_store_is_named_with_the_way_out() {
    let scene = Scene::new("");
    scene.write("var/taskhost.db", vec![0xA5; 100_000]);
    refuses_to_start(&scene, &["var/taskhost.db is damaged", "hint: restore a backup"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let scene = Scene::new("");
    let config = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("tasks.toml", config.replace("127.0.0.1:0", &address));
    refuses_to_start(&scene, &[&format!("error: cannot listen on {address}"), "hint: something else listens there"]);
}

#[test]
fn a_second_daemon_in_the_same_folder_is_kept_off() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.echo", &json!({ "still": "served" }));
    refuses_to_start(&scene, &["error: another daemon runs on", "hint: stop it first"]);
    assert_eq!(daemon.client().ended(&id)["result"], json!({ "still": "served" }));
}

#[test]
fn a_second_daemon_on_the_same_store_is_kept_off() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    let config = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("tasks.toml", config.replace("[host]", "[host]\nstate = \"var2\""));
    refuses_to_start(&scene, &["var/taskhost.db is in use by another daemon", "hint: stop the other daemon"]);
}

#[test]
fn a_socket_path_that_is_too_long_is_named() {
    let scene = Scene::new("");
    let config = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    let state = "deep/".repeat(30);
    scene.write("tasks.toml", config.replace("[host]", &format!("[host]\nstate = \"{state}\"")));
    refuses_to_start(
        &scene,
        &["error: the socket path ", "the system allows 107", "hint: set [host] state to a shorter path"],
    );
}

#[test]
fn an_invalid_cron_line_is_shown_with_its_place() {
    let scene = Scene::new("[jobs.late]\nkind = \"probe.noop\"\nschedule = { cron = \"61 * * * *\" }\n");
    refuses_to_start(&scene, &["61", "--> tasks.toml:6:", "error: tasks.toml has 1 error"]);
}

#[test]
fn a_job_of_an_unknown_kind_is_held_and_the_daemon_serves() {
    let scene = Scene::new("[jobs.typo]\nkind = \"probe.nop\"\nschedule = { every = \"1h\" }\n");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.noop", &json!({}));
    assert_eq!(daemon.client().ended(&id)["status"], "completed");
    let (_, log) = daemon.stop();
    assert!(
        log.contains("names kind `probe.nop`, which no plugin provides") && log.contains("did you mean `probe.noop`?"),
        "{log}"
    );
}
