//! `GET /api/v1/hosts`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use taskhost_core::time::UnixMicros;
use utoipa::ToSchema;

use super::openapi::problems;
use super::{Api, schema};
use crate::host::HostReport;

/// A page of hosts; there is only one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HostList {
    hosts: Vec<HostDocument>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

/// A running daemon.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Host)]
struct HostDocument {
    /// Its name, as in `attempted_by` of a task.
    name: String,
    version: &'static str,
    #[schema(value_type = schema::Time)]
    started_at: UnixMicros,
    /// How many tasks it may run at once, all declared queues together.
    slots: u64,
    /// How many it runs.
    running: usize,
    /// It stops: nothing new is started.
    draining: bool,
}

problems!(Listed);

/// List the hosts
///
/// The daemons that share the store: this one.
#[utoipa::path(
    get, path = "/api/v1/hosts", tag = "hosts",
    responses((status = 200, description = "All of them.", body = HostList), Listed),
)]
pub(super) async fn list(State(api): State<Arc<Api>>) -> Json<HostList> {
    Json(HostList { hosts: api.host.hosts().into_iter().map(HostDocument::from).collect(), next_cursor: None })
}

impl From<HostReport> for HostDocument {
    fn from(report: HostReport) -> Self {
        let HostReport { name, version, started_at, slots, running, draining } = report;
        Self { name, version, started_at, slots, running, draining }
    }
}
