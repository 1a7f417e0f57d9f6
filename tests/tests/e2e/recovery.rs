//! What a daemon promises when it is killed, stopped, or floods its disk.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use serde_json::{Value, json};
use taskhost_tests::{Scene, binary, output, signal};

#[test]
fn five_kills_lose_none_of_400_acknowledged_tasks() {
    let scene = Scene::new("[queues.default]\nconcurrency = 20\n");
    let mut daemon = scene.start();
    let ids: Vec<String> = (0..400).map(|_| daemon.client().submit("probe.sleep", &json!({ "ms": 40 }))).collect();
    for kill in 1..=5 {
        // In the middle: these have ended, twenty are running, the rest waits.
        daemon.client().ended(&ids[kill * 60]);
        daemon.kill();
        daemon = scene.start();
    }
    for id in &ids {
        let task = daemon.client().ended(id);
        assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(1)), "{task}");
    }
}

#[test]
fn a_task_that_ignores_the_stop_is_given_back_after_the_drain_time() {
    let scene = Scene::new("drain_timeout = \"300ms\"\n[plugins.probe]\nallow_in_process = true\n");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.hang", &json!({ "ms": 600_000 }));
    daemon.client().until(&id, |task| task["status"] == "running");
    let (status, log) = daemon.stop();
    assert!(status.success(), "{log}");
    assert!(log.contains("what still runs is given back"), "{log}");

    scene.write(
        "tasks.toml",
        std::fs::read_to_string(scene.file("tasks.toml")).expect("the file").replace("true", "false"),
    );
    let daemon = scene.start();
    let task = daemon.client().task(&id);
    assert_eq!((&task["status"], &task["attempt"]), (&json!("queued"), &json!(0)), "{task}");
    assert!(task["reason"].as_str().is_some_and(|reason| reason.starts_with("held: ")), "{task}");
}

#[test]
fn a_second_signal_ends_at_once_and_the_task_is_given_back() {
    let scene = Scene::new("[plugins.probe]\nallow_in_process = true\n");
    let mut daemon = scene.start();
    let id = daemon.client().submit("probe.hang", &json!({ "ms": 600_000 }));
    daemon.client().until(&id, |task| task["status"] == "running");
    daemon.signal(libc::SIGINT);
    daemon.wait_for_log("Stopping: running tasks may end or save their state.");
    daemon.signal(libc::SIGINT);
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("stopped at once; what was running is given back at the next start"), "{log}");

    let daemon = scene.start();
    let task = daemon.client().until(&id, |task| task["status"] == "running");
    assert_eq!(task["attempt"], 1, "the lost attempt is not spent: {task}");
}

#[test]
fn a_burst_of_400_submits_costs_under_40_fsyncs() {
    let scene = Scene::new("[queues.default]\nconcurrency = 500\n");
    let trace = scene.file("fsyncs").to_str().expect("a path of text").to_owned();
    let daemon = scene.start_under(&["strace", "-D", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", &trace]);
    let before = fsyncs(&trace);
    // A commit that takes as long as the burst, whatever machine this is: the first turn waits for the file.
    let slow = rusqlite::Connection::open(scene.file("var/taskhost.db")).expect("the store's file");
    slow.execute_batch("BEGIN IMMEDIATE").expect("nobody writes now");
    let mut clients: Vec<TcpStream> = (0..400).map(|_| ask(daemon.address())).collect();
    // Asked after all of them, so the daemon has (nearly) all of them when it answers.
    daemon.client().get("/livez");
    slow.execute_batch("ROLLBACK").expect("it was begun");
    for client in &mut clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    }
    let cost = fsyncs(&trace) - before;
    assert!((1..40).contains(&cost), "400 submits at once cost {cost} fsyncs");
}

/// Sends a submit and does not wait for its answer.
fn ask(address: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("the daemon listens");
    let body = r#"{"kind":"probe.sleep","params":{"ms":600000}}"#;
    let head = format!("POST /api/v1/tasks HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    let rest = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    client.write_all(format!("{head}{rest}").as_bytes()).expect("the daemon reads");
    client
}

fn fsyncs(trace: &str) -> usize {
    let text = std::fs::read_to_string(trace).unwrap_or_default();
    text.lines().filter(|line| line.contains("sync(")).count()
}

#[test]
fn a_full_disk_is_told_loses_nothing_acknowledged_and_all_goes_on_once_there_is_room() {
    let scene = Scene::new("store = \"sqlite:small/taskhost.db\"\n");
    let Some(mount) = SmallDisk::mount(&scene) else { return };
    let daemon = scene.start();
    let filler = "x".repeat(200_000);
    let document = json!({ "kind": "probe.echo", "params": { "filler": filler }, "delay": "1h" });
    let mut acknowledged: Vec<String> = Vec::new();
    let refused = loop {
        assert!(acknowledged.len() < 200, "the disk has room without end");
        let answer = daemon.client().post("/api/v1/tasks", &document);
        if answer.status != 202 {
            break answer;
        }
        acknowledged.push(answer.body["task_id"].as_str().expect("an id").to_owned());
    };
    assert_eq!(refused.status, 507, "{}", refused.body);
    assert!(acknowledged.len() > 3, "the disk was full too soon to show anything");

    mount.grow();
    let answer = daemon.client().post("/api/v1/tasks", &document);
    assert_eq!(answer.status, 202, "{}", answer.body);
    for id in &acknowledged {
        assert_eq!(daemon.client().task(id)["status"], Value::from("scheduled"));
    }
    drop(daemon);
}

/// A real file system with little room.
pub(crate) struct SmallDisk {
    path: String,
}

impl SmallDisk {
    /// At `small` in the scene; none, which is told, for who may not mount.
    pub(crate) fn mount(scene: &Scene) -> Option<Self> {
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if !is_root {
            writeln!(std::io::stderr(), "SKIPPED: only root can mount the small disk that this test needs")
                .expect("a stderr");
            return None;
        }
        std::fs::create_dir(scene.file("small")).expect("a mount point");
        let path = scene.file("small").to_str().expect("a path of text").to_owned();
        output("mount", &["-t", "tmpfs", "-o", "size=3m", "tmpfs", &path], scene.path());
        Some(Self { path })
    }

    fn grow(&self) {
        self.remount("size=64m");
    }

    /// Changes an option, such as `ro`.
    pub(crate) fn remount(&self, option: &str) {
        output("mount", &["-o", &format!("remount,{option}"), &self.path], "/".as_ref());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a daemon of a failed test may still have files open there.
        drop(std::process::Command::new("umount").args(["-l", &self.path]).status());
    }
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let scene = Scene::new(
        "[jobs.often]\nkind = \"files.checksum\"\nparams = { path = \"tasks.toml\" }\nschedule = { every = \"1s\" }\n",
    );
    let config = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("tasks.toml", config.replace("[host]", "[host]\nstate = \"quiet\""));
    // Nobody hears where it listens, so it is asked over its socket.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that is always full");
    let mut daemon =
        Command::new(binary()).arg("run").current_dir(scene.path()).stderr(full).spawn().expect("start it");
    let words = ["enqueue", "files.checksum", "--params", r#"{"path":"tasks.toml"}"#, "--wait"];
    let mut tries = 0;
    let ran = loop {
        let ran = scene.taskhost(&words);
        tries += 1;
        if ran.code != Some(3) || tries > 1_000 {
            break ran;
        }
    };
    signal(daemon.id(), libc::SIGTERM);
    let ended = daemon.wait().expect("it was started");
    assert_eq!(ran.code, Some(0), "a plugin that logs does not end the daemon: {}", ran.stderr);
    assert!(ended.success(), "{ended}");
}
