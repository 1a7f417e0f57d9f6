//! `POST /api/v1/tasks`.
//!
//! Not here: what is checked against plugins, queues and jobs (`Host::submit`). Start at [`submit`].

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::retry::PartialRetry;
use taskhost_core::task::Status;
use utoipa::ToSchema;

use super::body::{JsonBody, invalid, read_json};
use super::fields::{Fields, shape};
use super::once::{once, read_key};
use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::{Api, Source, schema};
use crate::host::{Order, Submitted, What};
use crate::submit::{Params, Start, Wishes};

pub(super) const KEYS: [&str; 11] =
    ["kind", "job", "params", "queue", "priority", "delay", "run_at", "timeout", "expires_in", "retry", "tags"];
const LATER_KEYS: [&str; 2] = ["depends_on", "unique"];

/// How many tags a task may have: each is compared with the others.
const TAGS_MAX: usize = 100;

/// What to run: a kind with its params, or a job as it is declared.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body in the API's document; it is read by hand to tell every error at once"
)]
pub(super) struct Submit {
    /// What runs; either this or `job`.
    #[schema(value_type = Option<schema::Name>)]
    kind: Option<String>,
    /// A job of tasks.toml, as it is declared there; either this or `kind`.
    #[schema(value_type = Option<schema::Name>)]
    job: Option<String>,
    /// What the kind works on; `{}` if not said.
    #[schema(value_type = Option<Object>)]
    params: (),
    /// Where it waits; the kind's queue or `default` if not said.
    #[schema(value_type = Option<schema::Name>)]
    queue: (),
    #[schema(value_type = Option<schema::PriorityLevel>)]
    priority: (),
    /// It starts this long from now at the earliest; either this or `run_at`.
    #[schema(value_type = Option<schema::Duration>)]
    delay: (),
    /// It starts then at the earliest.
    #[schema(value_type = Option<schema::Time>)]
    run_at: (),
    /// How long one attempt may take.
    #[schema(value_type = Option<schema::Duration>)]
    timeout: (),
    /// If it has not started this long from now, it is cancelled.
    #[schema(value_type = Option<schema::Duration>)]
    expires_in: (),
    retry: Option<Retry>,
    /// Words to find it by, none twice; at most 100.
    #[schema(value_type = Option<Vec<schema::Tag>>, max_items = 100)]
    tags: (),
}

/// What is tried again, and when; what is not said is taken from the kind or the defaults.
#[derive(ToSchema)]
#[schema(as = Retry)]
#[expect(dead_code, reason = "the shape of core's `PartialRetry` in the API's document")]
pub(super) struct Retry {
    /// Calls in all.
    #[schema(minimum = 1, maximum = 1000)]
    attempts: Option<u32>,
    /// `fixed`, `linear` or `exponential`.
    #[schema(pattern = "^(fixed|linear|exponential)$")]
    backoff: Option<String>,
    /// The wait after the first failure.
    #[schema(value_type = Option<schema::Duration>)]
    initial: (),
    /// The longest wait.
    #[schema(value_type = Option<schema::Duration>)]
    max: (),
    /// Which part of a wait is left to chance.
    #[schema(minimum = 0, maximum = 1)]
    jitter: Option<f64>,
}

/// An accepted task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    #[schema(value_type = schema::Id)]
    pub(super) task_id: TaskId,
    /// The status at the insertion.
    #[schema(value_type = schema::TaskStatus)]
    pub(super) status: Status,
}

problems!(
    NotAccepted: MediaType, BodyTooLarge, BodyTooSlow, InvalidJson, InvalidTask, NotSupported, UnknownKind, UnknownQueue,
    UnknownJob, InvalidParams, ParamsTooLarge, PrivilegedKind, InvalidIdempotencyKey, IdempotencyKeyReused,
    IdempotencyKeyInFlight, StoreUnavailable, StoreFull,
);

/// Submit a task
///
/// Everything is checked; the answer comes once the task is durable. A call with an `Idempotency-Key` may be sent again
/// whenever its answer was lost.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "tasks",
    params(("Idempotency-Key" = Option<schema::IdempotencyKey>, Header, description = schema::KEY)),
    request_body(content = Submit, examples(
        ("kind" = (value = json!({"kind": "files.checksum", "params": {"path": "README.md"}, "priority": "high"}))),
        ("later" = (value = json!({"kind": "backup.create", "params": {"source": "docs", "target": "var"}, "delay": "1h"}))),
        ("job" = (value = json!({"job": "nightly-backup"}))),
    )),
    responses(
        (
            status = 202, description = "It is accepted.", body = Accepted,
            headers(("Location" = String, description = "Where the task is shown.")),
            example = json!({"task_id": "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11", "status": "queued"}),
        ),
        NotAccepted,
    ),
)]
pub(super) async fn submit(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let key = read_key(request.headers())?;
    let JsonBody { value, text } = read_json(request).await?;
    let once = once(key, "POST /api/v1/tasks", &text);
    let prepare = async || {
        let order = read_order(value, &text)?;
        api.refuse_privileged_order(&order)?;
        Ok(vec![api.host.prepare(&order)?])
    };
    Ok(accepted_one(api.accept(once, prepare).await?))
}

impl From<Submitted> for Accepted {
    fn from(submitted: Submitted) -> Self {
        Self { task_id: submitted.task, status: submitted.status }
    }
}

/// The answer to a task that was accepted.
pub(super) fn accepted(submitted: Submitted) -> Response {
    let location = [(header::LOCATION, format!("/api/v1/tasks/{}", submitted.task))];
    (StatusCode::ACCEPTED, location, Json(Accepted::from(submitted))).into_response()
}

/// The answer to a call that stored one task.
pub(super) fn accepted_one(stored: Vec<Submitted>) -> Response {
    accepted(stored.into_iter().next().expect("a task that was stored is answered"))
}

impl Api {
    pub(super) fn refuse_privileged_order(&self, order: &Order) -> Result<(), Problem> {
        match &order.what {
            What::Kind(kind, _) => self.refuse_privileged(kind),
            What::Job(job) => self.host.kind_of_job(job).map_or(Ok(()), |kind| self.refuse_privileged(&kind)),
        }
    }

    pub(super) fn refuse_privileged(&self, kind: &KindName) -> Result<(), Problem> {
        if self.source == Source::Socket || !self.host.kind(kind).is_some_and(|kind| kind.privileged) {
            return Ok(());
        }
        let detail = format!("the kind `{kind}` runs programs, so it is not taken from the network");
        Err(Problem::new(ProblemType::PrivilegedKind, detail)
            .hint(format!("submit it over the daemon's socket, such as by `taskhost enqueue {kind}`")))
    }

    /// As [`Api::refuse_privileged`], for what starts again that somebody has declared or submitted before: nobody can tell
    /// whether a kind that is away runs programs, and it may be back at any time.
    pub(super) fn refuse_unless_harmless(&self, kind: &KindName) -> Result<(), Problem> {
        if self.source == Source::Socket || self.host.kind(kind).is_some_and(|kind| !kind.privileged) {
            return Ok(());
        }
        self.refuse_privileged(kind)
            .and_then(|()| {
                let detail = format!("no plugin provides the kind `{kind}` now, and it may be one that runs programs");
                Err(Problem::new(ProblemType::PrivilegedKind, detail))
            })
            .map_err(|problem| problem.hint("call over the daemon's socket, as the commands of `taskhost` do"))
    }
}

/// The params as they were written.
#[derive(Deserialize)]
pub(super) struct Written<'a> {
    #[serde(borrow)]
    pub(super) params: Option<&'a RawValue>,
}

/// What the body asks for.
pub(super) fn read_order(body: Value, text: &[u8]) -> Result<Order, Problem> {
    let mut fields = Fields::new(ProblemType::InvalidTask, body, &KEYS, &LATER_KEYS)?;
    let Written { params } = serde_json::from_slice(text).map_err(|error| invalid(&error))?;
    let what = read_what(&mut fields, params);
    let wishes = Wishes {
        queue: fields.take_text("queue"),
        priority: fields.take_text("priority"),
        start: read_start(&mut fields),
        timeout: fields.take_text("timeout").map(DurationText::get),
        expires_in: fields.take_text("expires_in").map(DurationText::get),
        retry: fields.take("retry", read_retry).unwrap_or_default(),
        tags: fields.take("tags", read_tags).unwrap_or_default(),
    };
    fields.finish()?;
    // `finish` has told what is wrong where there is nothing to run.
    let nothing = || Problem::new(ProblemType::InvalidTask, "the body names neither a kind nor a job");
    Ok(Order { what: what.ok_or_else(nothing)?, wishes })
}

fn read_what(fields: &mut Fields, written: Option<&RawValue>) -> Option<What> {
    match (fields.has("kind"), fields.has("job")) {
        (true, false) => {
            let value = fields.take_value("params").unwrap_or_else(|| Value::Object(Map::new()));
            let params = match written {
                Some(written) => Params::written(value, written.get()),
                None => value.into(),
            };
            fields.take_text("kind").map(|kind| What::Kind(kind, params))
        }
        (false, true) => {
            if fields.has("params") {
                fields.error("params", "a job has its own params");
            }
            fields.take_text("job").map(What::Job)
        }
        (true, true) => {
            fields.error("job", "it should be either `kind` or `job`, not both");
            None
        }
        (false, false) => {
            fields.error("kind", "it is missing: what should run?");
            None
        }
    }
}

fn read_start(fields: &mut Fields) -> Option<Start> {
    if fields.has("delay") && fields.has("run_at") {
        fields.error("run_at", "it should be either `delay` or `run_at`, not both");
    }
    let after = fields.take_text("delay").map(|delay: DurationText| Start::After(delay.get()));
    after.or_else(|| fields.take_text("run_at").map(Start::At))
}

pub(super) fn read_retry(value: Value) -> Result<PartialRetry, String> {
    if !value.is_object() {
        return Err(format!("it is {}, it should be an object like {{\"attempts\": 3}}", shape(&value)));
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

pub(super) fn read_tags(value: Value) -> Result<Vec<String>, String> {
    let tags: Vec<String> = serde_json::from_value(value).map_err(|_| "it should be a list of strings".to_owned())?;
    if tags.iter().any(String::is_empty) {
        return Err("a tag is empty".to_owned());
    }
    match tags.iter().enumerate().find(|&(place, tag)| tags[..place].contains(tag)) {
        Some((_, tag)) => Err(format!("`{tag}` stands there twice")),
        None if tags.len() > TAGS_MAX => Err(format!("there are {}, the limit is {TAGS_MAX}", tags.len())),
        None => Ok(tags),
    }
}
