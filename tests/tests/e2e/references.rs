//! Secrets of `tasks.toml`: references that are resolved when an attempt or a plugin starts.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::json;
use taskhost_tests::{Scene, built_plugins};

const VARIABLE: &str = "TASKHOST_TEST_TOKEN";
const TOKEN: &str = "hunter2-of-the-environment";
const ACCOUNT: &str = "hunter2.of.a.file";

/// A daemon that sends mails, into a folder of their own, from an account that is in a file.
const MAIL: &str = r#"
[plugins.email]
config = { transport = "file", path = "outbox", from = "Ops <${file:run/account}@example.org>" }

[jobs.mail]
kind   = "email.send"
params = { to = "ann@example.org", subject = "token", text = "<${env:TASKHOST_TEST_TOKEN}> for $${env:TASKHOST_TEST_TOKEN}" }
"#;

/// Every file below a folder that holds one of the secrets.
fn holding_secrets(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            found.extend(holding_secrets(&entry.path()));
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            found.extend(
                [TOKEN, ACCOUNT]
                    .into_iter()
                    .filter(|secret| holds(secret))
                    .map(|secret| format!("{}: {secret}", entry.path().display())),
            );
        }
    }
    found
}

/// The only mail in the outbox, which is taken out.
fn mail(scene: &Scene) -> String {
    let mut mails = std::fs::read_dir(scene.file("outbox")).expect("an outbox");
    let mail = mails.next().expect("a mail").expect("an entry").path();
    assert!(mails.next().is_none());
    let text = std::fs::read_to_string(&mail).expect("a mail of text");
    std::fs::remove_file(mail).expect("taken out");
    text
}

#[test]
fn a_secret_reaches_the_plugin_and_is_neither_kept_nor_shown() {
    let scene = Scene::new(MAIL);
    scene.write("run/account", format!("{ACCOUNT}\n"));
    let daemon = scene.start_with(&[(VARIABLE, OsStr::new(TOKEN)), ("TASKHOST_LOG", OsStr::new("trace"))]);
    let client = daemon.client();
    let run = |document: &serde_json::Value| {
        let id = client.post("/api/v1/tasks", document).body["task_id"].as_str().expect("an id").to_owned();
        assert_eq!(client.ended(&id)["status"], "completed", "{}", client.task(&id));
        id
    };
    let id = run(&json!({ "job": "mail" }));
    let sent = mail(&scene);
    assert!(sent.contains(&format!("<{TOKEN}> for ${{env:{VARIABLE}}}")), "{sent}");
    assert!(sent.contains(&format!("{ACCOUNT}@example.org")), "{sent}");

    // From elsewhere the same text is a text.
    let literal = json!({ "to": "ann@example.org", "subject": "s", "text": format!("${{env:{VARIABLE}}}") });
    run(&json!({ "kind": "email.send", "params": literal }));
    assert!(mail(&scene).contains(&format!("${{env:{VARIABLE}}}")));
    let declared = client.post("/api/v1/jobs", &json!({ "name": "api", "kind": "email.send", "params": literal }));
    assert_eq!(declared.status, 201, "{declared:?}");
    run(&json!({ "job": "api" }));
    assert!(mail(&scene).contains(&format!("${{env:{VARIABLE}}}")));

    let task = client.task(&id);
    assert_eq!(
        task["params"]["text"],
        format!("<${{env:{VARIABLE}}}> for $${{env:{VARIABLE}}}"),
        "the reference is shown"
    );
    let faces = ["tasks", "jobs", "jobs/mail", "plugins", "queues", &format!("tasks/{id}/logs")].map(|path| {
        let answer = client.get(&format!("/api/v1/{path}"));
        assert_eq!(answer.status, 200, "{path}");
        answer.body.to_string()
    });
    let words: [&[&str]; 4] = [&["tasks", "show", &id], &["plugins"], &["check"], &["plan"]];
    let words = words.map(|words| scene.taskhost(words)).map(|ran| ran.stdout + &ran.stderr);
    let metrics = client.get("/metrics").body.to_string();
    let (_, log) = daemon.stop();
    let all = [task.to_string(), faces.concat(), words.concat(), metrics, log].concat();
    assert!(!all.contains(TOKEN) && !all.contains(ACCOUNT), "{all}");
    std::fs::remove_file(scene.file("run/account")).expect("the secret itself");
    assert_eq!(holding_secrets(scene.path()), Vec::<String>::new());
}

#[test]
fn an_attempt_without_its_secret_fails_and_the_next_one_finds_it() {
    let scene = Scene::new(
        "[jobs.sum]\nkind = \"files.checksum\"\nparams = { path = \"${file:run/path}\" }\nretry = { backoff = \"fixed\", initial = \"20ms\", attempts = 1000 }\n",
    );
    let daemon = scene.start();
    let id = daemon.client().post("/api/v1/tasks", &json!({ "job": "sum" })).body["task_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let task = daemon.client().until(&id, |task| task["errors"][0].is_object());
    let told = "`${file:run/path}` cannot be resolved: No such file or directory (os error 2) (in the params)";
    assert_eq!((&task["errors"][0]["code"], &task["errors"][0]["message"]), (&json!("secret"), &json!(told)));
    scene.write("run/path.new", "tasks.toml\r\n");
    std::fs::rename(scene.file("run/path.new"), scene.file("run/path")).expect("renamed");
    assert_eq!(daemon.client().ended(&id)["status"], "completed");
}

#[test]
fn a_plugin_without_its_secret_is_refused_by_name_and_looked_at_again() {
    let scene = Scene::with_plugins(MAIL, &["plugins".into()]);
    for library in ["libemail.so", "libprobe.so"] {
        let bytes = std::fs::read(built_plugins().join(library)).expect("a built plugin");
        scene.write(&format!("plugins/{library}.not-yet"), bytes);
    }
    let appear = |library: &str| {
        std::fs::rename(scene.file(&format!("plugins/{library}.not-yet")), scene.file(&format!("plugins/{library}")))
    };
    appear("libemail.so").expect("renamed");
    let mut daemon = scene.start();
    let plugins = daemon.client().get("/api/v1/plugins").body.to_string();
    assert!(
        plugins.contains("the config of plugin `email` is not complete: `${file:run/account}` cannot be resolved"),
        "{plugins}"
    );
    scene.write("run/account", "ops");
    appear("libprobe.so").expect("renamed");
    daemon.wait_for_log("Plugin loaded. plugin=email");
}

#[test]
fn a_hangup_gives_a_plugin_the_secret_that_has_changed_and_one_without_it_goes_on() {
    let scene = Scene::new(MAIL);
    scene.write("run/account", "first");
    let mut daemon = scene.start();
    let client = daemon.client().clone();
    let send = || {
        let mail = json!({ "to": "ann@example.org", "subject": "s", "text": "t" });
        assert_eq!(client.ended(&client.submit("email.send", &mail))["status"], "completed");
    };
    send();
    assert!(mail(&scene).contains("first@example.org"));

    scene.write("run/account", "second");
    daemon.signal(libc::SIGHUP);
    let swapped = daemon.wait_for_log("Plugin swapped.");
    assert!(swapped.contains("plugin=email generation=2"), "{swapped}");
    send();
    assert!(mail(&scene).contains("second@example.org"));

    std::fs::remove_file(scene.file("run/account")).expect("the secret");
    daemon.signal(libc::SIGHUP);
    let told = daemon.wait_for_log("A plugin goes on with the secrets that it has.");
    assert!(told.contains("ERROR") && told.contains("`${file:run/account}` cannot be resolved"), "{told}");
    send();
    assert!(mail(&scene).contains("second@example.org"));

    // What is as it was brings nothing up.
    scene.write("run/account", "second\n");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_log("tasks.toml is as it was applied.");
    let (_, said) = daemon.stop();
    assert_eq!(said.matches("Plugin swapped.").count(), 1, "{said}");
}

#[test]
fn check_warns_of_a_reference_that_stands_for_nothing_here() {
    let scene = Scene::new(MAIL);
    let ran = scene.taskhost(&["check"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let warnings = ran.stderr.lines().filter(|line| line.starts_with("warning: ")).collect::<Vec<_>>();
    let account = "warning: `config.from` in [plugins.email]: `${file:run/account}` cannot be resolved: No such file or directory (os error 2)";
    let token = "warning: `params.text` in [jobs.mail]: `${env:TASKHOST_TEST_TOKEN}` cannot be resolved: the variable is not set";
    assert_eq!(warnings, [account, token]);
    assert!(ran.stderr.contains("^^^^^^^^^^^^^^^^^^^^^\n"), "{}", ran.stderr);
}
