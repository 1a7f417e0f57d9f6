//! What nobody may read.

use std::ffi::OsStr;

use serde_json::{Value, json};
use taskhost_tests::{Daemon, Scene, built_plugins, output, repository};

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

/// A scene with the C example, whose param `name` and config are secret.
fn with_secrets() -> Scene {
    let job =
        "[jobs.welcome]\nkind = \"hello.c\"\nparams = { name = \"s3cret-of-job\" }\nschedule = { delay = \"100ms\" }\n";
    let of_variable = job.replace("welcome", "referring").replace("s3cret-of-job", "${env:TASKHOST_TEST_SECRET}");
    let held = "[jobs.held]\nkind = \"hello.c\"\nparams = { nam = \"s3cret-of-held\" }\n";
    let config = "[plugins.hello]\nconfig = { password = \"s3cret-of-config\" }\n";
    let scene = Scene::with_plugins(&format!("{config}{job}{of_variable}{held}"), &["plugins".into()]);
    let source = std::fs::read_to_string(repository().join("examples/c/hello.c")).expect("the example");
    let open = r#""\"name\":{\"type\":\"string\","#;
    let secret = r#""\"name\":{\"type\":\"string\",\"writeOnly\":true,\"maxLength\":40,"#;
    let meta = r#"\"description\":\"A plugin in C\""#;
    let schema = r#"\"config_schema\":{\"properties\":{\"password\":{\"type\":\"string\",\"writeOnly\":true}}}"#;
    let plugin = "  .n_kinds = 1,";
    let configured = "  .configure = take,\n  .n_kinds = 1,";
    let kinds = "static const th_kind *const KINDS[]";
    let take = "static int32_t take(th_bytes config, th_bytes *error) { (void)config; (void)error; return 0; }\n";
    let source = source.replace(open, secret).replace(meta, &format!("{meta},{schema}"));
    let source = source.replace(plugin, configured).replace(kinds, &format!("{take}{kinds}"));
    scene.write("hello.c", source);
    std::fs::create_dir(scene.file("plugins")).expect("a folder for plugins");
    let include = repository().join("plugin-api/include").display().to_string();
    let flags = ["-std=c11", "-Wall", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", "-I", &include];
    output("cc", &[&flags[..], &["-o", "plugins/libhello.so", "hello.c"]].concat(), scene.path());
    scene
}

/// What a daemon logs that is told of secrets in every way.
fn log_in(format: &str) -> String {
    let scene = with_secrets();
    let variables = [
        ("TASKHOST_LOG", OsStr::new("trace")),
        ("TASKHOST_LOG_FORMAT", OsStr::new(format)),
        ("TASKHOST_TEST_SECRET", OsStr::new("s3cret-of-variable")),
    ];
    let mut daemon = scene.start_with(&variables);
    for job in ["welcome", "referring"] {
        let fired = daemon.find_in_log(job);
        assert!(fired.contains("The job fired."), "{fired}");
    }
    let client = daemon.client();
    let id = client.submit("hello.c", &json!({ "name": "s3cret-of-task", "ms": 1 }));
    let task = client.ended(&id);
    assert_eq!((&task["status"], &task["params"]["name"]), (&json!("completed"), &json!("[hidden]")), "{task}");
    let too_long = "s3cret".repeat(10);
    for params in [json!({ "nam": "s3cret" }), json!({ "name": ["s3cret"] }), json!({ "name": too_long })] {
        let answer = client.post("/api/v1/tasks", &json!({ "kind": "hello.c", "params": params }));
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(!answer.body.to_string().contains("s3cret"), "{}", answer.body);
    }
    let broken = br#"{"kind":"hello.c","params":{"name":"s3cret""#;
    assert_eq!(client.post_raw("/api/v1/tasks", "application/json", broken).status, 400);
    let waits = json!({ "kind": "hello.c", "params": { "name": "s3cret-of-cancelled" }, "delay": "1h" });
    let waits = client.post("/api/v1/tasks", &waits).body["task_id"].as_str().expect("an id").to_owned();
    client.post(&format!("/api/v1/tasks/{waits}/cancel"), &json!({}));
    break_the_file(&scene, &mut daemon);
    let (status, log) = daemon.stop();
    assert!(status.success(), "{log}");
    log
}

/// Lines with secrets in which something is wrong, and one that is no TOML at all.
fn break_the_file(scene: &Scene, daemon: &mut Daemon) {
    let good = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    let of_config = good.replace("config = { ", "confg = { ");
    let of_params = good.replace("params = { name", "parms = { name");
    let open = good.replace("s3cret-of-config\"", "s3cret-of-config");
    let edits = [
        (of_config, "did you mean `config`?"),
        (of_params, "did you mean `params`?"),
        (open, "invalid basic string"),
        (good.clone(), "tasks.toml is again as it was applied."),
    ];
    for (edit, told) in edits {
        scene.write("tasks.toml", edit);
        daemon.wait_for_log(told);
    }
}

#[test]
fn no_secret_is_in_the_log_even_if_everything_is_logged() {
    let log = log_in("human");
    assert!(log.contains("DEBUG") && log.contains("The job fired."), "everything is logged: {log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn no_secret_is_in_a_log_of_json_and_each_line_of_it_is_an_object() {
    let log = log_in("json");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let known = ["time", "level", "target", "message"].map(|key| line[key].is_string());
        assert_eq!(known, [true; 4], "{line}");
    }
    assert!(log.contains(r#""level":"debug""#) && !log.contains("s3cret"), "{log}");
}

#[test]
fn a_daemon_that_does_not_start_says_so_in_the_log_that_was_asked_for() {
    let scene = Scene::new("[queues.mail]\nconcurency = 4\n");
    let ran = scene.taskhost(&["run", "--log-format", "json"]);
    assert_eq!(ran.code, Some(1));
    let line: Value = serde_json::from_str(ran.stderr.trim_end()).expect("one object");
    assert_eq!(line["fields"]["error"], "tasks.toml has 1 error");
    assert!(line["fields"]["report"].as_str().is_some_and(|report| report.contains("did you mean `concurrency`?")));
}

#[test]
fn a_line_of_a_broken_file_is_not_in_the_log_of_a_daemon_that_does_not_start() {
    let scene = Scene::new("[plugins.email]\nconfg = { password = \"s3cret\" }\n");
    for format in ["human", "json"] {
        let ran = scene.taskhost(&["run", "--log-format", format]);
        assert_eq!(ran.code, Some(1));
        assert!(
            ran.stderr.contains("did you mean `config`?") && ran.stderr.contains("tasks.toml:5:1"),
            "{}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
    }
}
