//! `GET /api/v1/plugins`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::openapi::problems;
use super::{Api, schema};
use crate::host::{Host, Kind, PluginView};

/// A page of plugins; there is only one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PluginList {
    plugins: Vec<PluginDocument>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

/// A plugin, or a file that was refused as one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugin)]
struct PluginDocument {
    /// Its own name; that of the file if it was refused.
    name: String,
    version: String,
    /// Which loaded copy serves; 0 if none does.
    generation: u32,
    /// How many older copies are still in memory.
    retired: u32,
    /// The file.
    path: String,
    /// The digest of the file.
    sha256: String,
    kinds: Vec<KindDocument>,
    /// Why it, or its newest copy, was refused.
    error: Option<String>,
}

/// What a plugin can run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Kind)]
struct KindDocument {
    #[schema(value_type = schema::Name)]
    name: String,
    /// What it does, in a line.
    title: String,
    /// What its progress counts.
    unit: Option<String>,
    /// The JSON Schema of its params.
    #[schema(value_type = schema::AnyJson)]
    params_schema: Value,
    /// Why its tasks wait although they could start.
    held: Option<String>,
}

problems!(Listed);

/// List the plugins
///
/// Every plugin with its kinds, also those that were refused.
#[utoipa::path(
    get, path = "/api/v1/plugins", tag = "plugins",
    responses((status = 200, description = "All of them.", body = PluginList), Listed),
)]
pub(super) async fn list(State(api): State<Arc<Api>>) -> Json<PluginList> {
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
