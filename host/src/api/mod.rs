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
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
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

/// Every call. What it takes and answers is told at its handler, and checked where that can be done for all (`query`).
fn routes() -> OpenApiRouter<Arc<Api>> {
    let mut routes = OpenApiRouter::with_openapi(openapi::Frame::openapi())
        .routes(routes!(list::tasks, submit::submit))
        .routes(routes!(batch::submit))
        .routes(routes!(files::upload))
        .routes(routes!(tasks::show))
        .routes(routes!(tasks::progress))
        .routes(routes!(why::show))
        .routes(routes!(tasks::cancel))
        .routes(routes!(again::retry))
        .routes(routes!(again::discard))
        .routes(routes!(list::dead))
        .routes(routes!(again::retry_dead))
        .routes(routes!(again::discard_dead))
        .routes(routes!(events::all))
        .routes(routes!(events::of_task))
        .routes(routes!(jobs::list, jobs::create))
        .routes(routes!(jobs::show, jobs::change, jobs::remove))
        .routes(routes!(jobs::trigger))
        .routes(routes!(jobs::pause))
        .routes(routes!(jobs::resume))
        .routes(routes!(logs::show))
        .routes(routes!(queues::list))
        .routes(routes!(queues::show))
        .routes(routes!(queues::pause))
        .routes(routes!(queues::resume))
        .routes(routes!(plugins::list))
        .routes(routes!(config::show))
        .routes(routes!(config::generation))
        .routes(routes!(config::diff))
        .routes(routes!(hosts::list))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::show))
        .routes(routes!(openapi::show));
    refine::refine(routes.get_openapi_mut());
    routes
}

/// The routes of the API, for calls from each of these sources.
///
/// The document that they are checked against is made once for all: it is the larger part of the work and of the memory.
pub fn routers<const N: usize>(host: &Host, uploads: &Uploads, sources: [Source; N]) -> [Router; N] {
    let (routes, document) = routes().split_for_parts();
    let known = query::Known::of(&document);
    drop(document);
    sources.map(|source| router(routes.clone(), known.clone(), Api::new(host.clone(), uploads.clone(), source)))
}

fn router(routes: Router<Arc<Api>>, known: query::Known, api: Api) -> Router {
    let gate = gate::Gate { source: api.source, known: known.clone() };
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
