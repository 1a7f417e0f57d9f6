//! What the command line shows while it happens: `events`, `tasks watch`, `--follow`.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use taskhost_tests::{Program, Scene, binary, output};

fn start(scene: &Scene, words: &[&str]) -> Program {
    let binary = binary();
    let words: Vec<&OsStr> = std::iter::once(binary.as_os_str()).chain(words.iter().map(OsStr::new)).collect();
    Program::start(&words, scene.path(), &[])
}

#[test]
fn events_are_lines_of_json_until_the_daemon_stops() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let mut listener = start(&scene, &["events", "--kind", "probe.progress", "--json"]);
    // Until the listener is there, its events are of tasks before.
    let heard = loop {
        client.ended(&client.submit("probe.noop", &json!({})));
        let id = client.submit("probe.progress", &json!({ "steps": 1, "step_ms": 50 }));
        client.ended(&id);
        if let Some(heard) = listener.heard("task.completed") {
            break heard;
        }
    };
    let event: Value = serde_json::from_str(&heard).expect("a line of JSON");
    assert_eq!((&event["event"], &event["data"]["kind"]), (&json!("task.completed"), &json!("probe.progress")));
    assert!(event["id"].as_str().is_some_and(|id| id.contains('-')), "{event}");
    assert!(daemon.stop().0.success());
    let (status, said) = listener.wait();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.ends_with("the daemon has stopped"), "{said}");
}

#[test]
fn a_listener_tells_that_the_daemon_was_killed_in_words_of_ours() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    client.until(&client.submit("probe.sleep", &json!({ "ms": 60_000 })), |task| task["status"] == "running");
    let mut watcher = start(&scene, &["tasks", "watch"]);
    watcher.wait_for(" running ");
    daemon.kill();
    let (status, said) = watcher.wait();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("error: the daemon on ") && said.contains(" has gone away without a word"), "{said}");
}

#[test]
fn following_goes_on_without_progress_where_no_stream_is_free() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    let listener = |_| {
        let mut stream = UnixStream::connect(scene.file("var/taskhost.sock")).expect("the daemon listens");
        stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: taskhost\r\n\r\n").expect("a call");
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("a head");
        assert_eq!(std::str::from_utf8(&head), Ok("HTTP/1.1 200"));
        stream
    };
    let _listeners: Vec<_> = (0..64).map(listener).collect();
    let ran = scene.taskhost(&["enqueue", "probe.sleep", "--params", r#"{"ms":2000}"#, "--follow"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("how far it is cannot be shown: 64 streams of events"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_ends_what_would_go_on_for_ever() {
    let scene = Scene::new("[jobs.often]\nkind = \"probe.noop\"\nschedule = { every = \"1s\" }\n");
    let _daemon = scene.start();
    let command = format!("{} events 2>&1 | head -n 1", binary().display());
    let line = output("sh", &["-c", &command], scene.path());
    assert!(line.ends_with(" probe.noop\n") && line.lines().count() == 1, "{line}");
    let list = format!("{} plugins 2>&1 | true; {} tasks --json | head -c 1", binary().display(), binary().display());
    assert_eq!(output("sh", &["-c", &list], scene.path()), "{");
}

#[test]
fn what_runs_is_watched_line_by_line_where_there_is_no_terminal() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let runs = client.submit("probe.progress", &json!({ "steps": 1000, "step_ms": 20 }));
    client.until(&runs, |task| task["status"] == "running");
    let mut watcher = start(&scene, &["tasks", "watch"]);
    let first = watcher.wait_for(&runs);
    assert!(first.contains(" running ") && first.contains(" probe.progress"), "{first}");
    watcher.wait_for("progressed");
    client.post(&format!("/api/v1/tasks/{runs}/cancel"), &json!({}));
    let last = watcher.wait_for("cancelled");
    assert!(last.ends_with(&format!("{runs} probe.progress")), "{last}");
    watcher.signal(libc::SIGINT);
    assert_eq!(watcher.wait().0.code(), Some(130));
}

#[test]
fn a_follower_sees_how_far_the_task_is() {
    let scene = Scene::new("");
    let _daemon = scene.start();
    let words = ["enqueue", "probe.progress", "--params", r#"{"steps":3,"step_ms":120}"#, "-f"];
    let ran = scene.taskhost(&words);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "{\"steps\":3,\"resumed_at\":0}\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("3/3 steps (100 %): step 3 of 3\n"), "{}", ran.stderr);
}
