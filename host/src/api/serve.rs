//! Serves connections until told to stop.
//!
//! Not here: the routes. `axum::serve` is not used because it sets no limit on the time that a request's head may take.
//! Start at [`serve_tcp`].

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::serve::{Listener, ListenerExt as _};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;
use tracing::debug;

use super::seats::{Seat, Seats};
use crate::clock::sleep;

/// How long the head of a request may take; also how long a connection may stay idle.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// How long a client may take nothing of an answer that waits for it. One that has stopped reading would keep its place for
/// ever, among the connections and among the streams of events.
const STALL_TIME: Duration = Duration::from_secs(30);

/// The largest head of a request, in bytes.
const HEAD_MAX: usize = 64 << 10;

/// How many connections one listener serves at once. More make those go that are idle, or wait until others have ended.
const CONNECTIONS_MAX: usize = 512;

/// How long a stop waits for answers that are under way.
const LINGER: Duration = Duration::from_secs(1);

/// Tells held answers that the daemon stops.
#[derive(Debug, Clone)]
pub(super) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Ends when the daemon stops.
    pub(super) async fn wait(mut self) {
        // An error means that the server is gone, which is a stop too.
        drop(self.0.wait_for(|stopping| *stopping).await);
    }
}

/// Serves `router` to TCP connections until `stop` ends, and at most a second longer for answers under way.
pub async fn serve_tcp(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send) {
    let listener = listener.tap_io(|connection| {
        // Only costs a little time if it is refused.
        drop(connection.set_nodelay(true));
    });
    serve(listener, router, stop, CONNECTIONS_MAX).await;
}

/// Serves `router` to connections of the Unix socket; else as [`serve_tcp`].
pub async fn serve_socket(listener: UnixListener, router: Router, stop: impl Future<Output = ()> + Send) {
    serve(listener, router, stop, CONNECTIONS_MAX).await;
}

/// `connections_max`: how many connections are served at once.
pub(super) async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    stop: impl Future<Output = ()> + Send,
    connections_max: usize,
) {
    let (stopping, told) = watch::channel(false);
    let (service, told) = (TowerToHyperService::new(router), Stopping(told));
    let seats = Seats::new(connections_max);
    let connections = GracefulShutdown::new();
    let http = http();
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let stream = listener.accept().await.0;
            (stream, seats.take().await)
        };
        let (stream, seat) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let seat = Arc::new(seat);
        let answer = answer(service.clone(), told.clone(), Arc::clone(&seat));
        let io = TokioIo::new(Box::pin(while_it_reads(stream)));
        let connection = connections.watch(http.serve_connection(io, service_fn(answer)));
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    debug!(%error, "A connection ended early.");
                },
                () = seat.called() => debug!("An idle connection made room for another."),
            }
        });
    }
    drop(listener);
    stopping.send_replace(true);
    tokio::select! {
        () = connections.shutdown() => {}
        () = sleep(LINGER) => {}
    }
}

/// An answer that is still to come.
type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// Answers the requests of one connection, which is not idle meanwhile.
fn answer(
    service: TowerToHyperService<Router>,
    told: Stopping,
    seat: Arc<Seat>,
) -> impl Fn(Request<Incoming>) -> Answer {
    move |mut request| {
        // Not a layer: each costs every call a copy of all that is below it.
        request.extensions_mut().insert(told.clone());
        let (busy, answer) = (seat.busy(), service.call(request));
        Box::pin(async move { answer.await.map(|response| response.map(|body| busy.until(body))) })
    }
}

/// A connection that fails once its client has taken nothing for too long.
fn while_it_reads<S: AsyncRead + AsyncWrite>(stream: S) -> TimeoutStream<S> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(STALL_TIME));
    stream
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_MAX);
    http
}
