//! What only shows over a real connection.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::routing::get;
use futures_util::stream;
use tokio::net::UnixListener;
use tokio::sync::{Notify, oneshot};

use super::bench::Bench;
use crate::api::serve::serve;
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

/// Sends a request on the connection and reads what is answered up to the end of its document.
fn ask(connection: &mut UnixStream) -> std::io::Result<String> {
    connection.write_all(b"GET /livez HTTP/1.1\r\nHost: taskhost\r\n\r\n")?;
    let (mut answer, mut part) = (String::new(), [0; 1024]);
    while !answer.ends_with('}') {
        let length = connection.read(&mut part)?;
        if length == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.push_str(std::str::from_utf8(&part[..length]).unwrap());
    }
    Ok(answer)
}

#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let bench = Bench::new(Source::Socket);
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = serve(listener, bench.router.clone(), std::future::pending(), 2);
    let client = tokio::task::spawn_blocking(move || {
        let connect = || UnixStream::connect(&socket).unwrap();
        // One was answered, one has begun a request, and both stay.
        let (mut idle, mut silent) = (connect(), connect());
        ask(&mut idle).unwrap();
        silent.write_all(b"GET /livez").unwrap();
        let mut late = connect();
        assert!(ask(&mut late).unwrap().starts_with("HTTP/1.1 200 OK"));
        assert!(ask(&mut late).is_ok(), "a connection stays as long as there is room");
        assert!(ask(&mut silent).is_err() || ask(&mut idle).is_err(), "one had to go");
    });
    tokio::select! {
        () = server => panic!("it serves for ever"),
        client = client => client.unwrap(),
    }
}

/// With a call whose answer has no end.
fn endless(router: Router) -> Router {
    let piece = Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 << 10]));
    router.route("/endless", get(async move || Body::from_stream(stream::repeat(piece))))
}

async fn first_piece(connection: &tokio::net::UnixStream) -> String {
    connection.readable().await.unwrap();
    let mut piece = [0; 1024];
    let length = connection.try_read(&mut piece).unwrap();
    String::from_utf8_lossy(&piece[..length]).into_owned()
}

#[tokio::test(start_paused = true)]
async fn one_that_stops_reading_loses_its_place() {
    let bench = Bench::new(Source::Socket);
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = serve(listener, endless(bench.router.clone()), std::future::pending(), 1);
    let client = async {
        let stalled = tokio::net::UnixStream::connect(&socket).await.unwrap();
        stalled.try_write(b"GET /endless HTTP/1.1\r\nHost: taskhost\r\n\r\n").unwrap();
        // It is being answered, so it is not idle.
        assert!(first_piece(&stalled).await.starts_with("HTTP/1.1 200 OK"));
        let begun = tokio::time::Instant::now();
        let late = tokio::net::UnixStream::connect(&socket).await.unwrap();
        late.try_write(b"GET /livez HTTP/1.1\r\nHost: taskhost\r\n\r\n").unwrap();
        assert!(first_piece(&late).await.starts_with("HTTP/1.1 200 OK"));
        assert!((29..=32).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        drop(stalled);
    };
    tokio::select! {
        () = server => panic!("it serves for ever"),
        () = client => {}
    }
}
