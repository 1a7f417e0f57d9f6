//! Server-sent events of the real daemon.

use serde_json::{Value, json};
use taskhost_tests::{Event, Scene};

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

#[test]
fn the_stream_of_a_task_tells_its_life_with_its_last_progress_and_ends() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.progress", &json!({ "steps": 50, "step_ms": 4 }));
    let events: Vec<Event> = daemon.client().events(&format!("/api/v1/tasks/{id}/events"), None).collect();
    let names = names(&events);
    assert_eq!(names.last(), Some(&"task.completed"), "{names:?}");
    let progressed: Vec<u64> = events.iter().filter_map(|event| event.data["progress"]["current"].as_u64()).collect();
    assert_eq!(progressed.last(), Some(&50), "the last is always told");
    assert!(progressed.is_sorted() && progressed.len() < 50, "at most one per 100 ms: {progressed:?}");
    assert!(events.iter().all(|event| event.data["task_id"] == id.as_str()));
}

#[test]
fn who_comes_back_hears_what_happened_meanwhile_also_the_end_of_a_task() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let mut stream = client.events("/api/v1/events", None);
    let first = client.submit("probe.noop", &json!({}));
    let heard = stream.until(|event| event.name == "task.completed");
    assert_eq!(heard.data["task_id"], first.as_str());
    drop(stream);
    let second = client.submit("probe.noop", &json!({}));
    client.ended(&second);
    let missed: Vec<Event> = client.events("/api/v1/events", Some(&heard.id)).take(3).collect();
    assert_eq!(names(&missed), ["task.queued", "task.started", "task.completed"]);
    assert!(missed.iter().all(|event| event.data["task_id"] == second.as_str()), "{missed:?}");
    // One who has heard all of it need not ask again.
    let path = format!("/api/v1/tasks/{second}/events");
    let rest: Vec<Event> = client.events(&path, Some(&missed[1].id)).collect();
    assert_eq!(rest, missed[2..]);
}

#[test]
fn after_a_restart_whoever_listens_is_told_to_read_anew() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let mut stream = daemon.client().events("/api/v1/events", None);
    daemon.client().submit("probe.noop", &json!({}));
    let heard = stream.until(|event| event.name == "task.completed");
    daemon.kill();
    let daemon = scene.start();
    let mut again = daemon.client().events("/api/v1/events", Some(&heard.id));
    let reset = again.next().expect("an event");
    assert_eq!((reset.name.as_str(), &reset.data), ("reset", &json!({})));
    daemon.client().submit("probe.noop", &json!({}));
    assert_eq!(again.next().expect("it goes on").name, "task.queued");
}

#[test]
fn a_stop_ends_every_stream_well_after_the_last_event() {
    let scene = Scene::new("drain_timeout = \"200ms\"\n");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.sleep", &json!({ "ms": 60_000 }));
    let mut stream = daemon.client().events("/api/v1/events?kind=probe.sleep", None);
    daemon.client().until(&id, |task| task["status"] == "running");
    let stopping = std::thread::spawn(move || daemon.stop());
    let given_back = stream.until(|event| event.data["status"] == "queued");
    assert_eq!((&given_back.data["task_id"], &given_back.data["attempt"]), (&json!(id), &Value::from(0)));
    assert_eq!(stream.next(), None);
    let (status, said) = stopping.join().expect("a stop");
    assert!(status.success(), "{said}");
}
