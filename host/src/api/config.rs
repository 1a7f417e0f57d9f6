//! `/api/v1/config`: the applied `tasks.toml`, those before it, and why an edit is not applied.
//!
//! Not here: applying one (`services::reloader`). Start at [`show`].

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use serde::Serialize;
use serde_json::Value;
use taskhost_core::config::{Diagnostic, Difference, first};
use taskhost_core::time::UnixMicros;
use utoipa::ToSchema;

use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::query::Query;
use super::{Api, schema};
use crate::host::{ConfigError, Generation, Refused};

/// The number in the path of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct GenerationPath(u64);

impl<S: Send + Sync> FromRequestParts<S> for GenerationPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = |detail: String| Problem::new(ProblemType::GenerationNotFound, detail);
        let Path(number) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|error| not_found(error.body_text()))?;
        number.parse().map(Self).map_err(|_| not_found(format!("`{number}` is not the number of a config generation")))
    }
}

/// The applied config.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigStanding)]
pub(super) struct StandingDocument {
    /// The path of tasks.toml.
    file: String,
    /// What is applied.
    #[serde(flatten)]
    applied: GenerationDocument,
    /// The digest of the file as it was read last: which edits were looked at. Null if there was no text in it.
    file_sha256: Option<String>,
    /// Keys of `[host]` that the file has with another value than the daemon was started with: they wait for a restart.
    needs_restart: Vec<&'static str>,
    /// Why the file as it is now is not applied; null if it is.
    refused: Option<RefusalDocument>,
    /// How the last edit went; the start counts as one.
    last_reload: ReloadDocument,
    /// The generations that are kept, the latest first; the applied one is among them unless the disk was full.
    generations: Vec<GenerationDocument>,
}

/// An applied config.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigGeneration)]
pub(super) struct GenerationDocument {
    /// From 1; grows with each config that is applied, over restarts too.
    generation: u64,
    #[schema(value_type = schema::Time)]
    applied_at: UnixMicros,
    /// Why it was looked at: `start`, `save`, `signal`, or `retry`, when what an edit was refused for was gone.
    source: &'static str,
    /// What it changed, in a line.
    summary: String,
    /// The digest of its text.
    sha256: String,
}

/// How an edit went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigReload)]
pub(super) struct ReloadDocument {
    #[schema(value_type = schema::Time)]
    at: UnixMicros,
    /// Whether it was applied.
    ok: bool,
}

/// An edit that is not applied.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigRefusal)]
pub(super) struct RefusalDocument {
    #[schema(value_type = schema::Time)]
    at: UnixMicros,
    /// What is wrong as a whole.
    detail: String,
    /// The first hundred findings; none if there was no text to read.
    errors: Vec<FindingDocument>,
}

/// Something that was found in the text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigFinding)]
struct FindingDocument {
    /// `error`; `warning`: it works, and may surprise; `note`: it is as it is said to be, and still may.
    severity: &'static str,
    message: String,
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// The next step.
    hint: Option<String>,
}

/// An applied config with what it says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigText)]
pub(super) struct TextDocument {
    #[serde(flatten)]
    generation: GenerationDocument,
    /// The file as JSON, without comments; secrets are hidden.
    #[schema(value_type = schema::AnyJson)]
    config: Value,
}

/// What an edit changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigChange)]
pub(super) struct ChangeDocument {
    /// Compared with which; null: with nothing.
    from: Option<GenerationDocument>,
    to: GenerationDocument,
    /// Each place that is different, in the order of the keys.
    changes: Vec<DifferenceDocument>,
}

/// A place that is different.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigDifference)]
struct DifferenceDocument {
    /// JSON pointer into `config`.
    pointer: String,
    /// What stood there, secrets hidden; null: nothing.
    #[schema(value_type = schema::AnyJson)]
    before: Option<Value>,
    /// What stands there, secrets hidden; null: nothing.
    #[schema(value_type = schema::AnyJson)]
    after: Option<Value>,
}

impl From<Generation> for GenerationDocument {
    fn from(Generation { generation, applied_at, source, summary, sha256 }: Generation) -> Self {
        Self { generation, applied_at, source: source.as_str(), summary, sha256 }
    }
}

impl From<&Refused> for RefusalDocument {
    fn from(refused: &Refused) -> Self {
        let errors = first(&refused.diagnostics).0.into_iter().map(FindingDocument::from).collect();
        Self { at: refused.at, detail: refused.problem.clone(), errors }
    }
}

impl From<&Diagnostic> for FindingDocument {
    fn from(Diagnostic { severity, message, line, column, hint, .. }: &Diagnostic) -> Self {
        let (message, hint) = (message.clone(), hint.clone());
        Self { severity: severity.as_str(), message, line: *line, column: *column, hint }
    }
}

impl From<Difference> for DifferenceDocument {
    fn from(Difference { pointer, before, after }: Difference) -> Self {
        Self { pointer, before, after }
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::new(ProblemType::GenerationNotFound, error.to_string())
            .hint("`taskhost config` lists those that are kept")
    }
}

problems!(Shown);

/// Show the config
///
/// Which tasks.toml is applied, which were before, and why an edit is not applied, each finding with its line and column.
#[utoipa::path(
    get, path = "/api/v1/config", tag = "config",
    responses((status = 200, description = "How it stands.", body = StandingDocument), Shown),
)]
pub(super) async fn show(State(api): State<Arc<Api>>) -> Json<StandingDocument> {
    let standing = api.host.config_standing();
    let last = standing.last;
    Json(StandingDocument {
        file: api.host.config_file().display().to_string(),
        applied: standing.generation.clone().into(),
        file_sha256: standing.seen.clone(),
        needs_restart: standing.needs_restart.clone(),
        refused: standing.refused.as_deref().map(RefusalDocument::from),
        last_reload: ReloadDocument { at: last.at, ok: last.is_good },
        generations: api.host.config_generations().into_iter().map(GenerationDocument::from).collect(),
    })
}

problems!(Kept: GenerationNotFound);

/// Show a config generation
///
/// What the file said, without comments; secrets are hidden. The last 20 are kept.
#[utoipa::path(
    get, path = "/api/v1/config/{generation}", tag = "config",
    params(("generation" = u64, Path, description = "Its number.", minimum = 1)),
    responses((status = 200, description = "The generation.", body = TextDocument), Kept),
)]
pub(super) async fn generation(
    State(api): State<Arc<Api>>,
    GenerationPath(number): GenerationPath,
) -> Result<Json<TextDocument>, Problem> {
    let (generation, config) = api.host.config_generation(number).await?;
    Ok(Json(TextDocument { generation: generation.into(), config }))
}

/// Show what an edit changed
///
/// Each place in which a config generation differs from the one before it, or from another; secrets are hidden, and that one
/// changed is told.
#[utoipa::path(
    get, path = "/api/v1/config/{generation}/diff", tag = "config",
    params(
        ("generation" = u64, Path, description = "Its number.", minimum = 1),
        ("from" = Option<u64>, Query, minimum = 1, description = "Compared with which; the one before if not said."),
    ),
    responses((status = 200, description = "What is different.", body = ChangeDocument), Kept),
)]
pub(super) async fn diff(
    State(api): State<Arc<Api>>,
    GenerationPath(number): GenerationPath,
    query: Query,
) -> Result<Json<ChangeDocument>, Problem> {
    let change = api.host.config_change(query.get("from")?, number).await?;
    Ok(Json(ChangeDocument {
        from: change.from.map(GenerationDocument::from),
        to: change.to.into(),
        changes: change.differences.into_iter().map(DifferenceDocument::from).collect(),
    }))
}
