//! HTTP: the documents and problems of `/api/v1`, and the health of the daemon, over TCP and the Unix socket.
//!
//! Not here: what the calls do ([`Host`]), binding the listeners (`boot`). Start at [`router`].

mod body;
mod document;
mod fields;
mod guard;
mod health;
mod plugins;
mod problem;
mod query;
mod serve;
mod submit;
mod tasks;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{get, post};

pub use self::serve::{serve_socket, serve_tcp};
use crate::host::Host;
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

/// What every handler gets.
#[derive(Debug, Clone)]
struct Api {
    host: Host,
    source: Source,
}

/// The routes of the API for calls from `source`.
pub fn router(host: Host, source: Source) -> Router {
    let routes = Router::new()
        .route("/api/v1/tasks", post(submit::submit))
        .route("/api/v1/tasks/{id}", get(tasks::show))
        .route("/api/v1/tasks/{id}/progress", get(tasks::progress))
        .route("/api/v1/tasks/{id}/cancel", post(tasks::cancel))
        .route("/api/v1/plugins", get(plugins::list))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(Api { host, source });
    match source {
        Source::Tcp => routes.layer(axum::middleware::from_fn(guard::check_host)),
        Source::Socket => routes,
    }
}

async fn no_route(uri: Uri) -> Problem {
    Problem::new(ProblemType::NoRoute, format!("there is nothing at `{}`", uri.path()))
        .hint("the calls of this version begin with /api/v1/tasks and /api/v1/plugins")
}

async fn no_method(method: Method, uri: Uri) -> Problem {
    Problem::new(ProblemType::NoMethod, format!("`{}` does not know {method}", uri.path()))
}
