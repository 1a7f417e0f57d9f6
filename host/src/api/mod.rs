//! HTTP: the documents and problems of `/api/v1`, and the health of the daemon, over TCP and the Unix socket.
//!
//! Not here: what the calls do ([`Host`]), binding the listeners (`boot`). Start at [`routers`].

mod again;
mod batch;
mod body;
mod config;
mod document;
mod event_document;
mod events;
mod fields;
mod files;
mod form;
mod gate;
mod guard;
mod health;
mod hosts;
mod job_body;
mod job_document;
mod jobs;
mod json;
mod list;
mod list_document;
mod logs;
mod metrics;
mod once;
mod openapi;
mod plugins;
mod problem;
mod problem_type;
mod query;
mod queues;
mod refine;
mod schema;
mod seats;
mod serve;
mod submit;
mod tasks;
#[cfg(test)]
mod tests;
mod why;

use std::sync::Arc;

use axum::Router;
use axum::extract::MatchedPath;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub use self::openapi::openapi;
pub use self::serve::{serve_socket, serve_tcp};
use crate::host::Host;
use crate::uploads::Uploads;
use problem::{Problem, ProblemType};

/// Where calls come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// From anybody on this machine, a web page in a browser too: the Host header is checked, and kinds that run
    /// programs (`privileged`) are refused.
    Tcp,
    /// From the daemon's own user: only that user may open the socket.
    Socket,
}

/// What every handler gets, shared: it is handed on several times on the way of a call.
#[derive(Debug)]
struct Api {
    host: Host,
    uploads: Uploads,
    source: Source,
    /// Places for streams of events.
    streams: Arc<Semaphore>,
    /// Places for large batches.
    batches: Arc<Semaphore>,
}

/// Makes what stands at one path: its handlers, and what the document says of them.
type Calls = fn() -> UtoipaMethodRouter<Arc<Api>>;

/// Every call. What it takes and answers is told at its handler, and checked where that can be done for all (`query`).
const CALLS: [Calls; 33] = [
    || routes!(list::tasks, submit::submit),
    || routes!(batch::submit),
    || routes!(files::upload),
    || routes!(tasks::show),
    || routes!(tasks::progress),
    || routes!(why::show),
    || routes!(tasks::cancel),
    || routes!(again::retry),
    || routes!(again::discard),
    || routes!(list::dead),
    || routes!(again::retry_dead),
    || routes!(again::discard_dead),
    || routes!(events::all),
    || routes!(events::of_task),
    || routes!(jobs::list, jobs::create),
    || routes!(jobs::show, jobs::change, jobs::remove),
    || routes!(jobs::trigger),
    || routes!(jobs::pause),
    || routes!(jobs::resume),
    || routes!(logs::show),
    || routes!(queues::list),
    || routes!(queues::show),
    || routes!(queues::pause),
    || routes!(queues::resume),
    || routes!(plugins::list),
    || routes!(config::show),
    || routes!(config::generation),
    || routes!(config::diff),
    || routes!(hosts::list),
    || routes!(health::livez),
    || routes!(health::readyz),
    || routes!(metrics::show),
    || routes!(openapi::show),
];

/// The routes of the API, for calls from each of these sources.
///
/// What the document says of a path is dropped with the path: the whole of it would be most of what a daemon takes at its start,
/// and an allocator keeps much of that.
#[expect(clippy::missing_panics_doc, reason = "it never does")]
pub fn routers<const N: usize>(host: &Host, uploads: &Uploads, sources: [Source; N]) -> [Router; N] {
    let (mut routes, mut known) = (Router::new(), query::Known::default());
    for calls in CALLS {
        let (_, paths, handlers) = calls();
        let path = paths.paths.keys().next().expect("a call has a path");
        routes = routes.route(path, handlers);
        known.add(&paths);
    }
    let known = Arc::new(known);
    sources.map(|source| router(routes.clone(), Arc::clone(&known), Api::new(host.clone(), uploads.clone(), source)))
}

fn router(routes: Router<Arc<Api>>, known: Arc<query::Known>, api: Api) -> Router {
    let gate = gate::Gate { source: api.source, known: Arc::clone(&known) };
    routes
        .fallback(no_route)
        .method_not_allowed_fallback(async move |path: MatchedPath, method: Method, uri: Uri| {
            no_method(&known.allowed(path.as_str()), &method, &uri)
        })
        .with_state(Arc::new(api))
        .layer(from_fn_with_state(gate, gate::check))
}

impl Api {
    fn new(host: Host, uploads: Uploads, source: Source) -> Self {
        let streams = Arc::new(Semaphore::new(events::STREAMS_MAX));
        let batches = Arc::new(Semaphore::new(batch::LARGE_MAX));
        Self { host, uploads, source, streams, batches }
    }
}

async fn no_route(uri: Uri) -> Problem {
    Problem::new(ProblemType::NoRoute, format!("there is nothing at `{}`", uri.path()))
        .hint("/api/openapi.json lists the calls")
}

/// What stands in `allowed` can be asked for at the path.
fn no_method(allowed: &str, method: &Method, uri: &Uri) -> Response {
    let mut response = if *method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let detail = format!("`{}` does not know {method}", uri.path());
        Problem::new(ProblemType::NoMethod, detail).hint(format!("it knows {allowed}")).into_response()
    };
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
