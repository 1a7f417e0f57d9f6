//! `/livez` and `/readyz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::openapi::problems;
use super::problem::{Check, Problem, ProblemType};
use super::query::Query;
use crate::host::{Host, Phase, Standing};

/// How the daemon is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `live` or `ready`.
    status: &'static str,
    /// What was looked at, if `?verbose` asked for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

problems!(Live);

/// Is it turning over?
///
/// The daemon answers, whatever else is wrong with it.
#[utoipa::path(
    get, path = "/livez", tag = "health",
    responses((status = 200, description = "It does.", body = Health, example = json!({"status": "live"})), Live),
)]
pub(super) async fn livez() -> Response {
    Json(Health { status: "live", checks: Vec::new() }).into_response()
}

problems!(Ready: NotReady);

/// Does it take work?
///
/// The plugins are scanned, the store answers and has room, and it is not draining. An edit of tasks.toml that is refused is told by
/// `?verbose`, and changes nothing about that.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    params(("verbose" = Option<String>, Query, description = "Tells each check; needs no value.", example = "")),
    responses((status = 200, description = "It does.", body = Health, example = json!({"status": "ready"})), Ready),
)]
pub(super) async fn readyz(State(api): State<Arc<Api>>, query: Query) -> Result<Response, Problem> {
    let verbose = query.has("verbose");
    let checks = look(&api.host);
    let failed = checks
        .iter()
        .find(|check| !check.ok && check.name != CONFIG)
        .map(|check| format!("{}: {}", check.name, check.detail));
    let shown = if verbose { checks } else { Vec::new() };
    match failed {
        None => Ok(Json(Health { status: "ready", checks: shown }).into_response()),
        Some(detail) => Err(Problem::new(ProblemType::NotReady, detail).checks(shown)),
    }
}

/// What is told and never makes the daemon unready: what was applied before an edit that is no good goes on.
const CONFIG: &str = "config";

fn look(host: &Host) -> Vec<Check> {
    let (takes_work, phase) = match host.phase() {
        Phase::Ready => (true, "plugins are scanned, work is taken"),
        Phase::Draining => (false, "the daemon is draining"),
    };
    let failure = host.store_failure().or_else(|| host.store_refusing());
    let store = failure.as_ref().map_or_else(|| "it answers".to_owned(), ToString::to_string);
    let config = host.config_standing();
    vec![
        Check { name: "store", ok: failure.is_none(), detail: store },
        Check { name: "work", ok: takes_work, detail: phase.to_owned() },
        Check { name: CONFIG, ok: config.refused.is_none(), detail: of_config(&config) },
    ]
}

fn of_config(standing: &Standing) -> String {
    let generation = standing.generation.generation;
    match &standing.refused {
        None => format!("generation {generation} is applied"),
        Some(refused) => format!("generation {generation} goes on, an edit is refused: {}", refused.headline()),
    }
}
