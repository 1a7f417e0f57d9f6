//! `GET /api/v1/plugins`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use super::Api;
use crate::host::{Host, Kind, PluginView};

/// A page of plugins; there is only one.
#[derive(Debug, Serialize)]
pub(super) struct PluginList {
    plugins: Vec<PluginDocument>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct PluginDocument {
    name: String,
    version: String,
    generation: u32,
    retired: u32,
    path: String,
    sha256: String,
    kinds: Vec<KindDocument>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct KindDocument {
    name: String,
    title: String,
    unit: Option<String>,
    params_schema: Value,
    held: Option<String>,
}

/// Every plugin, also those refused.
pub(super) async fn list(State(api): State<Api>) -> Json<PluginList> {
    let plugins = api.host.plugins().into_iter().map(|plugin| document(plugin, &api.host)).collect();
    Json(PluginList { plugins, next_cursor: None })
}

fn document(plugin: PluginView, host: &Host) -> PluginDocument {
    PluginDocument {
        kinds: plugin.kinds.iter().filter_map(|kind| host.kind(kind)).map(kind_document).collect(),
        name: plugin.name,
        version: plugin.version,
        generation: plugin.generation,
        retired: plugin.retired,
        path: plugin.path.display().to_string(),
        sha256: plugin.sha256,
        error: plugin.error,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands at the end of a chain of values")]
fn kind_document(kind: Arc<Kind>) -> KindDocument {
    KindDocument {
        name: kind.name.to_string(),
        title: kind.title.clone(),
        unit: Some(kind.unit.clone()).filter(|unit| !unit.is_empty()),
        params_schema: kind.params_schema.clone(),
        held: kind.held.clone(),
    }
}
