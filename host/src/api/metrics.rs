//! `GET /metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::Api;
use super::openapi::problems;
use crate::metrics::MEDIA_TYPE;

problems!(Measured);

/// Metrics
///
/// Counts since the start and how it stands now, for Prometheus and what reads its text format.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((
        status = 200, description = "Every metric.", body = String, content_type = "text/plain",
        example = "# HELP taskhost_build_info The daemon; always 1.\n# TYPE taskhost_build_info gauge\ntaskhost_build_info{version=\"0.1.0\"} 1\n",
    ), Measured),
)]
pub(super) async fn show(State(api): State<Arc<Api>>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], api.host.metrics().await).into_response()
}
