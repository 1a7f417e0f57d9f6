//! `/api/v1/jobs`: what makes tasks, and when.
//!
//! Not here: the bodies (`job_body`), the documents (`job_document`), what is allowed (`Host::declare_job`).

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use taskhost_core::ids::{JobName, NameError};
use taskhost_core::schedule::Schedule;
use taskhost_core::time::UnixMicros;
use utoipa::ToSchema;

use super::body::{invalid, read_json};
use super::job_body::{Declaration, NewJob};
use super::job_document::{JobDocument, ScheduleShape};
use super::once::{once, read_key};
use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::query::Query;
use super::submit::{Accepted, Written, accepted_one};
use super::{Api, schema};
use crate::host::{JobError, JobOrigin, JobPage, JobReport, Order};

use crate::submit::SubmitError;

/// The name in the path of a call.
#[derive(Debug, Clone)]
pub(super) struct JobPath(JobName);

impl<S: Send + Sync> FromRequestParts<S> for JobPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = |detail: String| Problem::new(ProblemType::JobNotFound, detail);
        let Path(name) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|error| not_found(error.body_text()))?;
        JobName::new(&name).map(Self).map_err(|error: NameError| not_found(error.to_string()))
    }
}

/// How many jobs a page has, unless the call says otherwise, and at most.
const PAGE: (u16, u16) = (50, 200);

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobList {
    jobs: Vec<JobDocument>,
    /// `cursor` of the next page; null on the last.
    #[schema(value_type = Option<schema::Name>)]
    next_cursor: Option<JobName>,
}

problems!(Listed);

/// List the jobs
///
/// Those of tasks.toml and those declared over HTTP, by name. A page may hold fewer than asked for and still have a `next_cursor`:
/// large params end it early.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "jobs",
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if not said."),
        ("cursor" = Option<schema::Name>, Query, description = "Those behind this name: `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of them.", body = JobList), Listed),
)]
pub(super) async fn list(State(api): State<Arc<Api>>, query: Query) -> Result<Json<JobList>, Problem> {
    let (usual, most) = PAGE;
    let limit: u16 = query.get("limit")?.unwrap_or(usual);
    if !(1..=most).contains(&limit) {
        return Err(Problem::new(ProblemType::InvalidQuery, format!("`limit`: {limit} is outside 1-{most}")));
    }
    let JobPage { jobs, more } = api.host.jobs(query.get("cursor")?, usize::from(limit)).await;
    let next_cursor = jobs.last().filter(|_| more).map(|job| job.name.clone());
    Ok(Json(JobList { jobs: jobs.into_iter().map(JobDocument::from).collect(), next_cursor }))
}

/// A job that was declared.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Declared {
    #[schema(value_type = schema::Name)]
    job_id: JobName,
    #[schema(value_type = Option<ScheduleShape>)]
    schedule: Option<Schedule>,
    /// When it fires first.
    #[schema(value_type = Option<schema::Time>)]
    next_at: Option<UnixMicros>,
}

problems!(
    NotDeclared: MediaType, BodyTooLarge, BodyTooSlow, InvalidJson, InvalidJob, NotSupported, UnknownKind, UnknownQueue,
    InvalidParams, ParamsTooLarge, PrivilegedKind, JobExists, StoreUnavailable, StoreFull,
);

/// Declare a job
///
/// It is kept across restarts, until it is deleted. Everything is checked; the answer comes once it is durable. A name that
/// is taken is refused, so a call with a `name` may be sent again; `Idempotency-Key` is refused.
#[utoipa::path(
    post, path = "/api/v1/jobs", tag = "jobs",
    request_body(content = NewJob, examples(
        ("cron" = (value = json!({
            "name": "docs-backup", "kind": "backup.create", "params": {"source": "docs", "target": "var/backups"},
            "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"},
        }))),
        ("interval" = (value = json!({
            "kind": "files.checksum", "params": {"path": "README.md"}, "schedule": {"every": "15m"},
        }))),
    )),
    responses(
        (
            status = 201, description = "It is declared.", body = Declared,
            headers(
                ("Location" = String, description = "Where the job is shown."),
                ("ETag" = String, description = "Its version, for `If-Match`."),
            ),
            example = json!({
                "job_id": "docs-backup", "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"},
                "next_at": "2026-12-24T02:00:00.000000Z",
            }),
        ),
        NotDeclared,
    ),
)]
pub(super) async fn create(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let body = read_json(request).await?;
    let Written { params } = serde_json::from_slice(&body.text).map_err(|error| invalid(&error))?;
    let Declaration { name, job } = Declaration::read(body.value, params, api.host.timezone())?;
    api.refuse_privileged(&job.kind)?;
    let name = name.unwrap_or_else(|| api.host.fresh_job_name());
    let report = api.host.declare_job(name, job).await?;
    let headers = [
        (header::LOCATION, HeaderValue::from_str(&format!("/api/v1/jobs/{}", report.name)).ok()),
        (header::ETAG, etag(&report)),
    ];
    let headers: HeaderMap = headers.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
    let schedule = report.live.job.schedule.clone();
    let declared = Declared { next_at: report.live.next_at(), job_id: report.name, schedule };
    Ok((StatusCode::CREATED, headers, Json(declared)).into_response())
}

problems!(Shown: JobNotFound);

/// Show a job
///
/// Everything about it, and when it fires next.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}", tag = "jobs",
    params(("id" = schema::Name, Path, description = "The name of the job.")),
    responses(
        (
            status = 200, description = "The job.", body = JobDocument,
            headers(("ETag" = Option<String>, description = "Its version, for `If-Match`; not of a job of tasks.toml.")),
        ),
        Shown,
    ),
)]
pub(super) async fn show(State(api): State<Arc<Api>>, JobPath(name): JobPath) -> Result<Response, Problem> {
    Ok(shown(api.host.job(&name)?))
}

problems!(
    NotChanged: MediaType, BodyTooLarge, BodyTooSlow, InvalidJson, InvalidJob, NotSupported, UnknownKind, UnknownQueue,
    InvalidParams, ParamsTooLarge, PrivilegedKind, JobNotFound, JobInFile, JobChanged, PreconditionFailed, StoreUnavailable, StoreFull,
);

/// Change a job
///
/// Each key of the body replaces that of the job as a whole, `null` takes it away, the rest stays. A new schedule begins
/// anew and makes up for nothing. Tasks that it has made keep what they were given. A job of tasks.toml is changed there.
#[utoipa::path(
    patch, path = "/api/v1/jobs/{id}", tag = "jobs",
    params(
        ("id" = schema::Name, Path, description = "The name of the job."),
        ("If-Match" = Option<schema::Version>, Header, description = "The `ETag` that it was seen with: another version is not changed."),
    ),
    request_body(content = NewJob, description = "The keys to replace; all are optional, and the name cannot be changed.", examples(
        ("schedule" = (value = json!({"schedule": {"every": "1h"}}))),
        ("no timeout" = (value = json!({"timeout": null, "priority": "high"}))),
    )),
    responses(
        (
            status = 200, description = "The job as it is now.", body = JobDocument,
            headers(("ETag" = String, description = "Its version, for `If-Match`.")),
        ),
        NotChanged,
    ),
)]
pub(super) async fn change(
    State(api): State<Arc<Api>>,
    JobPath(name): JobPath,
    request: Request,
) -> Result<Response, Problem> {
    let expected = expected(request.headers())?;
    let body = read_json(request).await?;
    let Written { params } = serde_json::from_slice(&body.text).map_err(|error| invalid(&error))?;
    let before = api.host.job(&name)?;
    let JobOrigin::Api { version, .. } = before.live.origin else { return Err(in_file(&before)) };
    let asked = body.value.get("name").and_then(|name| name.as_str());
    if asked.is_some_and(|asked| asked != name.as_str()) {
        return Err(Problem::new(ProblemType::InvalidJob, "the name of a job cannot be changed")
            .hint("declare another one, then delete this"));
    }
    let Declaration { job, name: _ } = Declaration::change(&before.live.job, body.value, params, api.host.timezone())?;
    api.refuse_privileged(&job.kind)?;
    let unless_changed = expected.unwrap_or(version);
    let changed = api.host.replace_job(name, unless_changed, job).await;
    Ok(shown(changed.map_err(|error| stale(error, expected.is_some()))?))
}

/// A job that is gone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Removed {
    /// For people.
    message: String,
}

problems!(NotRemoved: JobNotFound, JobInFile, PreconditionFailed, NotSupported, StoreUnavailable, StoreFull);

/// Delete a job
///
/// It does not fire any more; tasks that it has made stay. A job of tasks.toml is taken out of the file.
#[utoipa::path(
    delete, path = "/api/v1/jobs/{id}", tag = "jobs",
    params(
        ("id" = schema::Name, Path, description = "The name of the job."),
        ("If-Match" = Option<schema::Version>, Header, description = "The `ETag` that it was seen with: another version is not deleted."),
    ),
    responses((status = 200, description = "It is gone.", body = Removed), NotRemoved),
)]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    JobPath(name): JobPath,
    headers: HeaderMap,
) -> Result<Json<Removed>, Problem> {
    let expected = expected(&headers)?;
    api.host.withdraw_job(name.clone(), expected).await.map_err(|error| stale(error, expected.is_some()))?;
    Ok(Json(Removed { message: format!("Job {name} is deleted; tasks that it has made stay") }))
}

problems!(
    NotTriggered: JobNotFound, UnknownKind, UnknownQueue, InvalidParams, ParamsTooLarge, PrivilegedKind,
    InvalidIdempotencyKey, IdempotencyKeyReused, IdempotencyKeyInFlight, StoreUnavailable, StoreFull,
);

/// Make a task of a job now
///
/// Its schedule is not touched, and a paused job can be triggered too.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/trigger", tag = "jobs",
    params(
        ("id" = schema::Name, Path, description = "The name of the job."),
        ("Idempotency-Key" = Option<schema::IdempotencyKey>, Header, description = schema::KEY),
    ),
    responses(
        (
            status = 202, description = "Its task is accepted.", body = Accepted,
            headers(("Location" = String, description = "Where the task is shown.")),
        ),
        NotTriggered,
    ),
)]
pub(super) async fn trigger(
    State(api): State<Arc<Api>>,
    JobPath(name): JobPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let once = once(read_key(&headers)?, &format!("POST /api/v1/jobs/{name}/trigger"), b"");
    let prepare = async || {
        api.refuse_privileged(&api.host.job(&name)?.live.job.kind)?;
        match api.host.prepare(&Order::job(name.clone())) {
            Ok(prepared) => Ok(vec![prepared]),
            Err(SubmitError::UnknownJob { job, similar }) => Err(JobError::Unknown { name: job, similar }.into()),
            Err(error) => Err(error.into()),
        }
    };
    Ok(accepted_one(api.accept(once, prepare).await?))
}

problems!(NotPaused: JobNotFound, NotSupported, StoreUnavailable, StoreFull);
problems!(NotResumed: JobNotFound, PrivilegedKind, NotSupported, StoreUnavailable, StoreFull);

/// Pause a job
///
/// It does not fire until it is resumed; the pause survives restarts and edits of tasks.toml.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/pause", tag = "jobs",
    params(("id" = schema::Name, Path, description = "The name of the job.")),
    responses((status = 200, description = "The job as it is now.", body = JobDocument), NotPaused),
)]
pub(super) async fn pause(State(api): State<Arc<Api>>, JobPath(name): JobPath) -> Result<Response, Problem> {
    Ok(shown(api.host.pause_job(name, true).await?))
}

/// Resume a job
///
/// It fires again; what came while it was paused is not made up for. One of a kind that runs programs is resumed over the socket.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/resume", tag = "jobs",
    params(("id" = schema::Name, Path, description = "The name of the job.")),
    responses((status = 200, description = "The job as it is now.", body = JobDocument), NotResumed),
)]
pub(super) async fn resume(State(api): State<Arc<Api>>, JobPath(name): JobPath) -> Result<Response, Problem> {
    api.refuse_unless_harmless(&api.host.job(&name)?.live.job.kind)?;
    Ok(shown(api.host.pause_job(name, false).await?))
}

fn shown(report: JobReport) -> Response {
    let etag = etag(&report);
    let mut response = Json(JobDocument::from(report)).into_response();
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// The version of a job that was declared over HTTP.
fn etag(report: &JobReport) -> Option<HeaderValue> {
    match report.live.origin {
        JobOrigin::Api { version, .. } => HeaderValue::from_str(&format!("\"{version}\"")).ok(),
        JobOrigin::File { .. } => None,
    }
}

/// The version that the call expects; none if it takes any.
fn expected(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(given) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let given = given.to_str().unwrap_or_default().trim();
    if given == "*" {
        return Ok(None);
    }
    let version = given.strip_prefix('"').and_then(|given| given.strip_suffix('"'));
    let version = version.and_then(|version| version.parse().ok());
    version.map(Some).ok_or_else(|| {
        Problem::new(ProblemType::PreconditionFailed, format!("`If-Match: {given}` is no version of a job"))
            .hint("send the value of `ETag` as it was answered")
    })
}

fn in_file(report: &JobReport) -> Problem {
    let line = report.live.origin.line().unwrap_or_default();
    JobError::InFile { name: report.name.clone(), line }.into()
}

/// Another version than the caller named is a failed precondition.
fn stale(error: JobError, was_named: bool) -> Problem {
    match &error {
        JobError::Changed { .. } if was_named => {
            Problem::new(ProblemType::PreconditionFailed, error.to_string()).hint(error.hint())
        }
        _ => error.into(),
    }
}
