//! What goes wrong, as a person at a terminal reads it: what, where, and the next step. Each is a snapshot:
//! `INSTA_UPDATE=always cargo test -p taskhost-tests situations` writes them anew, and the difference is the review.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use serde_json::json;
use taskhost_tests::{Program, Scene, binary, run_in};

/// The command fails with this code and says what the snapshot `name` holds, on stderr alone.
#[track_caller]
fn fails(name: &str, scene: &Scene, words: &[&str], code: i32) {
    // What stands elsewhere on this machine must not be found.
    let elsewhere = scene.file("elsewhere");
    let ran = run_in(binary(), words, scene.path(), &[("XDG_CONFIG_HOME", elsewhere.as_os_str())]);
    assert_eq!((ran.code, &*ran.stdout), (Some(code), ""), "{name}: {}", ran.stderr);
    assert!(ran.stderr.contains("error: "), "{name}: {}", ran.stderr);
    let has_next_step = ["hint: ", "tip: ", "Usage: ", "--help"].iter().any(|word| ran.stderr.contains(word));
    assert!(has_next_step, "{name} leaves a person alone: {}", ran.stderr);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(&scene.path().display().to_string(), "[scene]");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[port]");
    settings.add_filter(r"port than \d+", "port than [port]");
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "[id]");
    // The log of a daemon that ends at once is not what this is about.
    settings.add_filter(r"(?m)^\d{4}-\d\d-\d\dT[\d:.]+Z .*\n", "");
    let shown =
        words.iter().map(|word| if word.contains([' ', '"', '*']) { format!("'{word}'") } else { (*word).to_owned() });
    let shown: Vec<String> = shown.collect();
    let said = format!("$ taskhost {}\n{}[exit {code}]\n", shown.join(" "), ran.stderr);
    settings.bind(|| insta::assert_snapshot!(format!("error_{name}"), said));
}

const ID: &str = "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11";

#[test]
fn words_that_make_no_sense_are_2() {
    let scene = Scene::new("");
    fails("unknown_word", &scene, &["enqueu"], 2);
    fails("not_an_id", &scene, &["tasks", "show", "7"], 2);
    fails("bad_duration", &scene, &["enqueue", "probe.noop", "--delay", "soon"], 2);
    fails("bad_status", &scene, &["tasks", "--status", "runing"], 2);
    fails("bad_cron_line", &scene, &["cron", "next", "0 0 * * FRY"], 2);
    fails("bad_cron_line_of_a_job", &scene, &["jobs", "add", "probe.noop", "--cron", "61 * * * *"], 2);
    fails("bad_zone", &scene, &["cron", "next", "@daily", "--tz", "Europe/Berln"], 2);
    fails("params_are_not_json", &scene, &["enqueue", "probe.noop", "--params", "{ms: 1}"], 2);
    fails("params_file_is_missing", &scene, &["enqueue", "probe.noop", "--params", "@nowhere.json"], 2);
    fails("whom_is_meant", &scene, &["dead", "discard"], 2);
}

#[test]
fn a_backup_that_is_not_made_is_1_and_of_no_store_3() {
    let scene = Scene::new("");
    fails("backup_of_no_store", &scene, &["backup-store"], 3);
    let (_, _) = scene.start().stop();
    scene.write("there.db", "an older one");
    fails("backup_is_there_already", &scene, &["backup-store", "--to", "there.db"], 1);
    fails("backup_into_no_folder", &scene, &["backup-store", "--to", "nowhere/copy.db"], 1);
    fails("backup_onto_the_store", &scene, &["backup-store", "--to", "var/taskhost.db", "--force"], 1);
    scene.write("var/taskhost.db", "this is no database, whatever its name says");
    drop(std::fs::remove_file(scene.file("var/taskhost.db-wal")));
    fails("backup_of_no_database", &scene, &["backup-store", "--to", "copy.db"], 1);
}

#[test]
fn a_daemon_that_does_not_answer_is_3() {
    let scene = Scene::new("");
    fails("no_daemon", &scene, &["tasks"], 3);
    std::fs::create_dir(scene.file("var")).expect("a folder");
    // What a killed daemon leaves.
    drop(UnixListener::bind(scene.file("var/taskhost.sock")).expect("a socket"));
    fails("socket_without_daemon", &scene, &["tasks"], 3);
    fails("no_file_there", &scene, &["--config", "etc/tasks.toml", "jobs"], 3);
    std::fs::remove_file(scene.file("tasks.toml")).expect("the file of the scene");
    fails("no_file_anywhere", &scene, &["queues"], 3);
}

#[test]
fn what_the_daemon_refuses_is_1_and_what_is_not_there_3() {
    let file =
        "[queues.mail]\nconcurrency = 1\n\n[jobs.nightly]\nkind = \"probe.noop\"\nschedule = { cron = \"@daily\" }\n";
    let scene = Scene::new(file);
    let daemon = scene.start();
    fails("unknown_task", &scene, &["tasks", "show", ID], 3);
    fails("unknown_kind", &scene, &["enqueue", "probe.ecoh"], 1);
    fails("bad_params", &scene, &["enqueue", "probe.sleep", "--params", r#"{"ms":"long"}"#], 1);
    fails("unknown_queue", &scene, &["enqueue", "probe.noop", "--queue", "mial"], 1);
    fails("unknown_queue_to_pause", &scene, &["queues", "pause", "mial"], 3);
    fails("unknown_job", &scene, &["jobs", "trigger", "nightyl"], 3);
    fails("job_of_the_file", &scene, &["jobs", "remove", "nightly"], 1);
    fails("job_is_there_already", &scene, &["jobs", "add", "probe.noop", "--name", "nightly"], 1);
    fails("job_in_the_past", &scene, &["jobs", "add", "probe.noop", "--at", "2020-01-01T00:00:00Z"], 1);
    fails("task_fails", &scene, &["enqueue", "files.checksum", "--params", r#"{"path":"nowhere"}"#, "--wait"], 1);
    let waits = daemon.client().post("/api/v1/tasks", &json!({ "kind": "probe.noop", "delay": "1h" }));
    let waits = waits.body["task_id"].as_str().expect("an id").to_owned();
    fails("retry_of_what_has_not_ended", &scene, &["tasks", "retry", &waits], 1);
    fails("two_daemons", &scene, &["run"], 1);
}

#[test]
fn a_daemon_that_cannot_start_is_1() {
    let scene = Scene::new(
        "[jobs.late]\nkind = \"probe.noop\"\nschedul = { every = \"1h\" }\n\n[queues.mail]\nconcurrency = 0\n",
    );
    fails("broken_file", &scene, &["run"], 1);
    fails("broken_file_checked", &scene, &["check"], 1);

    let start = |name: &str, from: &str, to: &str| {
        let scene = Scene::with_plugins("", &[PathBuf::from("plugins")]);
        std::fs::create_dir(scene.file("plugins")).expect("a folder");
        scene.write("notes.txt", "no database at all, but a note of some length that is no page either");
        let file = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
        scene.write("tasks.toml", file.replace(from, to));
        fails(name, &scene, &["run"], 1);
    };
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    start("port_is_taken", "127.0.0.1:0", &taken.local_addr().expect("its address").to_string());
    start("state_cannot_be_used", "[host]\n", "[host]\nstate = \"notes.txt/state\"\n");
    start("store_is_no_database", "[host]\n", "[host]\nstore = \"sqlite:notes.txt\"\n");
    start("plugin_folder_is_missing", "\"plugins\"", "\"plguins\"");
    let deep = format!("[host]\nstate = \"{}\"\n", "deep/".repeat(25));
    start("socket_path_is_too_long", "[host]\n", &deep);
}

#[test]
fn a_library_that_is_none_is_1_or_3() {
    let scene = Scene::new("");
    fails("library_is_missing", &scene, &["plugins", "run", "nowhere.so", "probe.noop"], 3);
    fails("library_to_check_is_missing", &scene, &["plugins", "check", "nowhere.so"], 3);
    scene.write("taken/Cargo.toml", "");
    fails("plugin_is_there_already", &scene, &["plugins", "new", "taken"], 1);
}

#[test]
fn ctrl_c_ends_a_wait_with_130_and_says_what_becomes_of_the_task() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let (binary, sleeps) = (binary(), r#"{"ms":600000}"#);
    let cases: [&[&str]; 2] = [
        &["enqueue", "probe.sleep", "--params", sleeps, "--wait"],
        &["enqueue", "probe.sleep", "--params", sleeps, "--follow"],
    ];
    for words in cases {
        let words: Vec<&OsStr> = std::iter::once(binary.as_os_str()).chain(words.iter().map(OsStr::new)).collect();
        let mut waiter = Program::start(&words, scene.path(), &[]);
        let id = waiter.wait_for("task ").split(' ').nth(1).expect("an id").to_owned();
        daemon.client().until(&id, |task| task["status"] == "running");
        waiter.signal(libc::SIGINT);
        let (status, said) = waiter.wait();
        assert_eq!(status.code(), Some(130), "{said}");
        assert!(said.ends_with(&format!("task {id} goes on")), "{said}");
        assert_eq!(daemon.client().task(&id)["status"], "running");
    }
}
