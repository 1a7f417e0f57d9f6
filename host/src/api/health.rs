//! `/livez` and `/readyz`.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::Api;
use super::problem::{Check, Problem, ProblemType};
use super::query::Query;
use crate::host::{Host, Phase};

#[derive(Debug, Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

/// The daemon answers.
pub(super) async fn livez() -> Response {
    Json(Health { status: "live", checks: Vec::new() }).into_response()
}

/// The daemon takes work; with `?verbose` each check is told.
pub(super) async fn readyz(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    let verbose = Query::read(&uri, &["verbose"])?.has("verbose");
    let checks = look(&api.host);
    let failed = checks.iter().find(|check| !check.ok).map(|check| format!("{}: {}", check.name, check.detail));
    let shown = if verbose { checks } else { Vec::new() };
    match failed {
        None => Ok(Json(Health { status: "ready", checks: shown }).into_response()),
        Some(detail) => Err(Problem::new(ProblemType::NotReady, detail).checks(shown)),
    }
}

fn look(host: &Host) -> Vec<Check> {
    let (takes_work, phase) = match host.phase() {
        Phase::Ready => (true, "plugins are scanned, work is taken"),
        Phase::Draining => (false, "the daemon is draining"),
    };
    let failure = host.store_failure();
    let store = failure.as_ref().map_or_else(|| "it answers".to_owned(), ToString::to_string);
    vec![
        Check { name: "store", ok: failure.is_none(), detail: store },
        Check { name: "work", ok: takes_work, detail: phase.to_owned() },
    ]
}
