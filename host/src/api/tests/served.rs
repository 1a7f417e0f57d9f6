//! What only shows over a real connection.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use tokio::net::UnixListener;
use tokio::sync::{Notify, oneshot};

use super::bench::Bench;
use crate::api::{Source, serve_socket};
use crate::clock::monotonic;

#[tokio::test]
async fn a_stop_answers_what_is_held_and_ends_soon() {
    let bench = Bench::new(Source::Socket);
    let id = bench.submit(r#"{"kind":"files.checksum"}"#).await;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let begun = Arc::new(Notify::new());
    let told = Arc::clone(&begun);
    let router = bench.router.clone().layer(axum::middleware::from_fn(move |request: Request, next: Next| {
        told.notify_one();
        next.run(request)
    }));
    let server = tokio::spawn(serve_socket(listener, router, async move { drop(stopped.await) }));
    let mut held = UnixStream::connect(&socket).unwrap();
    let mut silent = UnixStream::connect(&socket).unwrap();
    silent.write_all(b"GET /livez").unwrap();
    let request = format!("GET /api/v1/tasks/{id}?wait=1m HTTP/1.1\r\nHost: taskhost\r\n\r\n");
    held.write_all(request.as_bytes()).unwrap();
    begun.notified().await;
    let asked = monotonic();
    stop.send(()).unwrap();
    let answered = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        held.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = answered.await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""status":"queued""#), "{answer}");
    server.await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "neither connection holds the stop for long");
}
