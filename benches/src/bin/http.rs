//! Submits tasks over HTTP as fast as a daemon answers: `http ADDRESS one|batch CONNECTIONS TASKS`.
//!
//! The connections are kept; each sends its next call when the one before is answered. `cargo xtask bench http` starts the
//! daemon. Start at [`main`].

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Instant;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

/// How many tasks a batch has.
const BATCH: u32 = 1_000;

/// What each connection sends.
#[derive(Debug, Clone)]
struct Call {
    path: &'static str,
    body: Bytes,
    /// How many tasks are in it.
    tasks: u32,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [address, way, connections, tasks] = words.as_slice() else {
        panic!("usage: http ADDRESS one|batch CONNECTIONS TASKS")
    };
    let address: SocketAddr = address.parse().expect("an address and a port");
    let number = |word: &str| word.parse::<u32>().unwrap_or_else(|_| panic!("`{word}` is no number"));
    let (connections, tasks) = (number(connections), number(tasks));
    let call = call(way);
    let calls = tasks / call.tasks / connections;
    // One thread: the daemon is measured, and needs the others.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let start = monotonic();
    runtime.block_on(async {
        let all: Vec<_> = (0..connections).map(|_| tokio::spawn(send(address, call.clone(), calls))).collect();
        for one in all {
            one.await.expect("every call is answered with 202");
        }
    });
    let stored = f64::from(calls * connections * call.tasks);
    let document = json!({ "stored_per_s": (stored / (monotonic() - start).as_secs_f64()).round() });
    writeln!(std::io::stdout(), "{document}").expect("somebody reads");
}

fn call(way: &str) -> Call {
    let bare = json!({ "pad": "" }).to_string().len();
    let task = json!({ "kind": "probe.noop", "params": { "pad": "x".repeat(100 - bare) } });
    match way {
        "one" => Call { path: "/api/v1/tasks", body: task.to_string().into(), tasks: 1 },
        "batch" => {
            let tasks: Vec<_> = (0..BATCH).map(|_| task.clone()).collect();
            Call { path: "/api/v1/tasks/batch", body: json!({ "tasks": tasks }).to_string().into(), tasks: BATCH }
        }
        _ => panic!("`{way}` is neither one nor batch"),
    }
}

async fn send(address: SocketAddr, call: Call, calls: u32) {
    let stream = TcpStream::connect(address).await.expect("a daemon");
    stream.set_nodelay(true).expect("a socket");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a connection");
    tokio::spawn(connection);
    for _ in 0..calls {
        let request = Request::post(call.path).header(HOST, "localhost").header(CONTENT_TYPE, "application/json");
        let request = request.body(Full::new(call.body.clone())).expect("a request");
        sender.ready().await.expect("a connection that is kept");
        let answer = sender.send_request(request).await.expect("an answer");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        assert_eq!(status, StatusCode::ACCEPTED, "{}", String::from_utf8_lossy(&body));
    }
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch, not the time of a task")]
fn monotonic() -> Instant {
    Instant::now()
}
