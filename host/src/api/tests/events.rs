//! Streams of events.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use taskhost_core::view::Progress;
use tower_service::Service as _;

use super::bench::{Bench, NOW};
use crate::api::Source;
use crate::events::{Heard, ProgressMade};

const TASK: &str = r#"{"kind":"files.checksum"}"#;

/// The answer to a call that opens a stream, as its events come.
struct Stream(Body);

impl Stream {
    async fn open(bench: &Bench, path: &str, after: Option<&str>) -> Self {
        let response = bench.router.clone().call(request(path, after)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self(response.into_body())
    }

    /// The next event: name, id and document; none at the end.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        let bytes = self.0.frame().await?.unwrap().into_data().unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("no `{name}` in {text:?}")).to_owned()
        };
        Some((field("event"), field("id"), serde_json::from_str(&field("data")).unwrap()))
    }

    async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.next().await.expect("more events").0);
        }
        names
    }
}

fn request(path: &str, after: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path).header(header::HOST, "localhost");
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn an_event_says_what_happened_to_which_task() {
    let mut bench = Bench::new(Source::Tcp);
    let mut stream = Stream::open(&bench, "/api/v1/events", None).await;
    let id = bench.submit(r#"{"kind":"files.checksum","queue":"mail","delay":"1h"}"#).await;
    let expected = json!({
        "task_id": id, "kind": "files.checksum", "queue": "mail", "status": "scheduled", "reason": null, "attempt": 0,
        "at": NOW, "scheduled_at": "2026-12-24T19:00:00.000000Z", "progress": null,
    });
    assert_eq!(stream.next().await.unwrap(), ("task.scheduled".to_owned(), "0-1".to_owned(), expected));
    bench.submit(TASK).await;
    let claimed = bench.claim().await;
    assert_eq!(stream.names(2).await, ["task.queued", "task.started"]);
    bench.post(&format!("/api/v1/tasks/{}/cancel", claimed.id), "").await;
    let (name, id, document) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), id.as_str()), ("task.cancel_asked", "0-4"));
    assert_eq!((&document["status"], &document["reason"]), (&json!("running"), &json!("cancelling")));
}

#[tokio::test]
async fn filters_leave_the_others_out() {
    let bench = Bench::new(Source::Tcp);
    let mut of_queue = Stream::open(&bench, "/api/v1/events?queue=mail", None).await;
    let mut of_kind = Stream::open(&bench, "/api/v1/events?kind=probe.crash", None).await;
    bench.submit(TASK).await;
    let mail = bench.submit(r#"{"kind":"files.checksum","queue":"mail"}"#).await;
    let crash = bench.submit(r#"{"kind":"probe.crash"}"#).await;
    assert_eq!(of_queue.next().await.unwrap().2["task_id"], mail.as_str());
    assert_eq!(of_kind.next().await.unwrap().2["task_id"], crash.as_str());
}

#[tokio::test]
async fn who_comes_back_misses_nothing_that_is_kept_and_is_told_if_it_is_not() {
    let bench = Bench::new(Source::Tcp);
    let mut stream = Stream::open(&bench, "/api/v1/events", None).await;
    bench.submit(TASK).await;
    let (_, heard, _) = stream.next().await.unwrap();
    drop(stream);
    let missed = bench.submit(TASK).await;
    let mut again = Stream::open(&bench, "/api/v1/events", Some(&heard)).await;
    assert_eq!(again.next().await.unwrap().2["task_id"], missed.as_str());
    for unknown in ["1-1", "0-99", "nonsense"] {
        let mut anew = Stream::open(&bench, "/api/v1/events", Some(unknown)).await;
        assert_eq!(anew.next().await.unwrap(), ("reset".to_owned(), "0-2".to_owned(), json!({})), "{unknown}");
    }
}

#[tokio::test]
async fn the_stream_of_a_task_begins_with_where_it_stands_and_ends_with_it() {
    let mut bench = Bench::new(Source::Tcp);
    let id = bench.submit(TASK).await;
    let path = format!("/api/v1/tasks/{id}/events");
    let mut stream = Stream::open(&bench, &path, None).await;
    assert_eq!(stream.names(1).await, ["task.queued"]);
    bench.submit(r#"{"kind":"probe.crash"}"#).await;
    let claimed = bench.claim().await;
    *bench.executor.progress.lock().unwrap() = Some(Progress { current: 1, ..Progress::default() });
    let mut late = Stream::open(&bench, &path, None).await;
    assert_eq!(late.names(2).await, ["task.started", "task.progressed"]);
    let progress = Progress { current: 2, ..Progress::default() };
    let (queue, kind) = (claimed.queue.clone(), claimed.kind.clone());
    bench.events.progressed(ProgressMade { task: claimed.id, queue, kind, attempt: 1, progress });
    bench.events.announce_progress(NOW.parse().unwrap());
    bench.complete(&claimed).await;
    assert_eq!(stream.names(2).await, ["task.started", "task.progressed"]);
    let (name, last, document) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), &document["status"]), ("task.completed", &json!("completed")));
    assert_eq!(stream.next().await, None, "the stream ends with the task");
    let mut ended = Stream::open(&bench, &path, None).await;
    assert_eq!(ended.names(1).await, ["task.completed"]);
    assert_eq!(ended.next().await, None);
    let heard_all = bench.call(request(&path, Some(&last))).await;
    assert_eq!(heard_all.status, StatusCode::NO_CONTENT, "a browser does not ask again");
    let mut strayed = Stream::open(&bench, &path, Some("7-7")).await;
    assert_eq!(
        (strayed.names(2).await, strayed.next().await),
        (vec!["reset".to_owned(), "task.completed".to_owned()], None)
    );
}

#[tokio::test]
async fn what_happens_while_a_task_is_read_is_told_once_and_in_its_order() {
    let mut bench = Bench::new(Source::Tcp);
    let mut listener = bench.events.listen();
    let id = bench.submit(TASK).await;
    let claimed = bench.claim().await;
    let mut changes = Vec::new();
    while let Some(Heard::Batch(batch, _)) = listener.hear_now() {
        changes.extend_from_slice(batch.changes());
    }
    *bench.executor.progress.lock().unwrap() = Some(Progress { current: 2, ..Progress::default() });
    let (events, queue, kind, task) = (bench.events.clone(), claimed.queue.clone(), claimed.kind.clone(), claimed.id);
    *bench.executor.meanwhile.lock().unwrap() = Some(Box::new(move || {
        let progress = Progress { current: 1, ..Progress::default() };
        events.progressed(ProgressMade { task, queue, kind, attempt: 1, progress });
        events.announce_progress(NOW.parse().unwrap());
    }));
    let mut stream = Stream::open(&bench, &format!("/api/v1/tasks/{id}/events"), None).await;
    assert_eq!(stream.names(1).await, ["task.started"]);
    assert_eq!(stream.next().await.unwrap().2["progress"]["current"], 2);
    // A commit is read before its events are heard.
    bench.events.append(NOW.parse().unwrap(), changes);
    bench.events.wake();
    bench.complete(&claimed).await;
    assert_eq!((stream.names(1).await, stream.next().await), (vec!["task.completed".to_owned()], None));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_read_before_it_is_told_is_heard_by_who_comes_back() {
    let mut bench = Bench::new(Source::Tcp);
    let id = bench.submit(TASK).await;
    let claimed = bench.claim().await;
    let mut listener = bench.events.listen();
    bench.complete(&claimed).await;
    let Some(Heard::Batch(end, _)) = listener.hear_now() else { panic!("the end is told") };
    let path = format!("/api/v1/tasks/{id}/events");
    let late = async {
        crate::clock::sleep(std::time::Duration::from_millis(100)).await;
        bench.events.append(NOW.parse().unwrap(), end.changes().to_vec());
        bench.events.wake();
    };
    let (mut stream, ()) = tokio::join!(Stream::open(&bench, &path, Some("0-3")), late);
    assert_eq!((stream.names(1).await, stream.next().await), (vec!["task.completed".to_owned()], None));
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_shows_that_it_lives_and_how_far_it_has_come() {
    let bench = Bench::new(Source::Tcp);
    let mut stream = Stream::open(&bench, "/api/v1/events?queue=mail", None).await;
    bench.submit(TASK).await;
    let begun = tokio::time::Instant::now();
    let beat = stream.0.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(String::from_utf8_lossy(&beat), ": \nid: 0-1\n\n", "what the filter left out is behind it");
    assert!((14..=16).contains(&begun.elapsed().as_secs()));
}

#[tokio::test]
async fn there_are_only_so_many_streams() {
    let bench = Bench::new(Source::Tcp);
    let mut streams = Vec::new();
    for _ in 0..crate::api::events::STREAMS_MAX {
        streams.push(Stream::open(&bench, "/api/v1/events", None).await);
    }
    let refused = bench.get("/api/v1/events").await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::SERVICE_UNAVAILABLE, "too-busy"));
    assert_eq!(refused.headers[header::RETRY_AFTER], "5");
    streams.pop();
    Stream::open(&bench, "/api/v1/events", None).await;
}
