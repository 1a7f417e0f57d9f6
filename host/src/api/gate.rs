//! What every call passes before its handler, in one layer: each layer costs every call a copy of all that is below it.
//!
//! Not here: what is looked at (`guard`, `query`). Start at [`check`].

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Source;
use super::guard;
use super::query::Known;

/// What a call is checked against.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) source: Source,
    pub(super) known: Arc<Known>,
}

/// Lets a call through if it may come from there, and if its document names all that it brings.
pub(super) async fn check(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let refused = guard::refusal(gate.source, &request).or_else(|| gate.known.refusal(&request));
    match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}
