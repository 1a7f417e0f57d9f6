//! Files that come with a task, over TCP.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;

use serde_json::json;
use taskhost_tests::{Answer, Daemon, Scene};

/// A form as a browser or `curl -F` sends it.
fn form(kind: &str, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\n{kind}\r\n--cut\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"../../photo 1.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n--cut--\r\n"].concat()
}

/// Sends a file, under a name that is not a good one, for a kind to work on.
pub(super) fn upload(daemon: &Daemon, kind: &str, file: &[u8]) -> Answer {
    daemon.client().post_raw("/api/v1/files", "multipart/form-data; boundary=cut", &form(kind, file))
}

fn folders(scene: &Scene) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(scene.file("var/uploads")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[test]
fn a_refused_upload_leaves_nothing() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let refused = upload(&daemon, "files.cheksum", b"hello");
    assert_eq!(
        (refused.status, &refused.body["hint"]),
        (422, &json!("did you mean `files.checksum`?")),
        "{}",
        refused.body
    );
    assert!(folders(&scene).is_empty());
}

#[test]
fn what_a_kill_left_of_an_upload_is_removed_at_the_next_start() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let whole = upload(&daemon, "files.checksum", b"hello").body["task_id"].as_str().expect("an id").to_owned();
    let mut connection = TcpStream::connect(daemon.address()).expect("a connection");
    let head = "POST /api/v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n";
    let head = format!("{head}Content-Type: multipart/form-data; boundary=cut\r\n\r\n");
    let begun = form("files.checksum", &[b'x'; 9_999]);
    connection.write_all(&[head.as_bytes(), &begun[..9_999]].concat()).expect("the daemon listens");
    let is_there = || folders(&scene).len() == 2;
    let daemon = wait(daemon, is_there);
    daemon.kill();
    assert!(is_there(), "the half file is left");
    let daemon = wait(scene.start(), || !is_there());
    assert!(scene.file(&format!("var/uploads/{whole}/photo_1.jpg")).exists(), "a task has it");
    drop(daemon);
}

/// Each look is held by the daemon for a moment.
fn wait(daemon: Daemon, is: impl Fn() -> bool) -> Daemon {
    let task = daemon.client().post("/api/v1/tasks", &json!({ "kind": "probe.noop", "delay": "1h" }));
    daemon.client().until(task.body["task_id"].as_str().expect("an id"), |_| is());
    daemon
}

#[test]
fn a_file_over_the_limit_of_the_host_is_refused() {
    let scene = Scene::new("");
    let config = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("tasks.toml", config.replace("[host]", "[host]\nupload_limit = \"1KiB\""));
    let daemon = scene.start();
    let answer = upload(&daemon, "files.checksum", &[b'x'; 1025]);
    assert_eq!(answer.status, 413, "{}", answer.body);
    let answer = upload(&daemon, "files.checksum", &[b'x'; 1024]);
    assert_eq!(answer.status, 202, "{}", answer.body);
}
