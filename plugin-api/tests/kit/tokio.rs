//! The feature `tokio`: what needs a runtime works inside a task.
#![expect(clippy::disallowed_methods, reason = "tokio's own timers are what is tested")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use plugin_api::NoParams;
use plugin_api::prelude::*;
use plugin_api::testing::Run;
use plugin_api::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use plugin_api::tokio::net::TcpStream;
use plugin_api::tokio::{self, task, time};

#[params]
struct Call {
    port: u16,
}

#[task(name = "kit.calls")]
async fn calls(params: Call, cx: Context) -> TaskResult<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", params.port)).await?;
    stream.write_all(b"who is there?\n").await?;
    cx.checkpoint("asked").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    info!(answer, "was answered");
    Ok(answer)
}

#[test]
fn a_task_speaks_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 14];
        stream.read_exact(&mut asked).unwrap();
        stream.write_all(b"a friend").unwrap();
        asked
    });
    let end = Run::of::<calls>(Call { port }).finish();
    assert_eq!(end.ok::<String>(), "a friend");
    end.logged("was answered");
    assert_eq!(&server.join().unwrap(), b"who is there?\n");
}

#[test]
fn a_refused_connection_is_a_failure_that_is_worth_another_attempt() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Run::of::<calls>(Call { port: free }).finish().expect_retry("refused");
}

#[task(name = "kit.races")]
async fn races(_cx: Context) -> TaskResult<&'static str> {
    let first = tokio::select! {
        () = time::sleep(Duration::from_hours(1)) => "late",
        () = time::sleep(Duration::from_millis(5)) => "early",
    };
    let slow = time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await;
    if slow.is_ok() { Err(TaskError::fatal("what never comes came")) } else { Ok(first) }
}

#[test]
fn timers_of_tokio_run() {
    assert_eq!(Run::of::<races>(NoParams {}).finish().ok::<String>(), "early");
}

#[task(name = "kit.spawns")]
async fn spawns(_cx: Context) -> TaskResult<u32> {
    let blocking = task::spawn_blocking(|| 40);
    let spawned = task::spawn(async { 2 });
    Ok(blocking.await? + spawned.await?)
}

#[test]
fn spawn_and_spawn_blocking_run() {
    assert_eq!(Run::of::<spawns>(NoParams {}).finish().ok::<u32>(), 42);
}

/// Needs a runtime in its destructor.
struct Hangup(Option<TcpStream>);
impl Drop for Hangup {
    fn drop(&mut self) {
        let stream = self.0.take();
        task::spawn(async move { drop(stream) });
    }
}

#[task(name = "kit.hangs_up")]
async fn hangs_up(params: Call, cx: Context) -> TaskResult<()> {
    let _hangup = Hangup(Some(TcpStream::connect(("127.0.0.1", params.port)).await?));
    cx.sleep(Duration::from_hours(1)).await;
    Ok(())
}

#[test]
fn a_destructor_is_inside_of_the_runtime_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    Run::of::<hangs_up>(Call { port }).cancel_at_every_await(|end| {
        // A panic in the destructor would be told. What libraries trace for themselves is none of this test's business.
        let told = end.logs().iter().filter(|line| line.level <= plugin_api::tracing::Level::INFO);
        assert_eq!(told.count(), 0, "{:?}", end.logs());
    });
}

#[task(name = "kit.blocks_on", blocking)]
fn blocks_on(_cx: BlockingContext) -> TaskResult<u32> {
    Ok(tokio::runtime::Handle::current().block_on(async { 7 }))
}

#[test]
fn a_blocking_task_may_block_on_the_runtime() {
    assert_eq!(Run::of::<blocks_on>(NoParams {}).finish().ok::<u32>(), 7);
}
