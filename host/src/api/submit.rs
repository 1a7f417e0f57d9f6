//! `POST /api/v1/tasks`.
//!
//! Not here: what is checked against plugins, queues and jobs (`Host::submit`). Start at [`submit`].

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{JobName, KindName, TaskId};
use taskhost_core::retry::PartialRetry;
use taskhost_core::task::Status;

use super::body::{invalid, read_json};
use super::fields::{Fields, shape};
use super::problem::{Problem, ProblemType};
use super::query::Query;
use super::{Api, Source};
use crate::submit::{Params, Start, Wishes};

const KEYS: [&str; 11] =
    ["kind", "job", "params", "queue", "priority", "delay", "run_at", "timeout", "expires_in", "retry", "tags"];
const LATER_KEYS: [&str; 2] = ["depends_on", "unique"];

/// An accepted task.
#[derive(Debug, Serialize)]
struct Accepted {
    task_id: TaskId,
    status: Status,
}

/// Checks a task and answers once it is durable.
pub(super) async fn submit(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    Query::read(request.uri(), &[])?;
    if request.headers().contains_key("idempotency-key") {
        return Err(Problem::new(ProblemType::NotSupported, "`Idempotency-Key` is not supported by this version"));
    }
    let body = read_json(request).await?;
    let submission = Submission::read(body.value, &body.text)?;
    let submitted = match &submission.what {
        What::Kind(kind, params) => {
            api.refuse_privileged(kind)?;
            api.host.submit(kind, params, &submission.wishes).await?
        }
        What::Job(job) => {
            if let Some(kind) = api.host.kind_of_job(job) {
                api.refuse_privileged(kind)?;
            }
            api.host.trigger(job, &submission.wishes).await?
        }
    };
    let location = [(header::LOCATION, format!("/api/v1/tasks/{}", submitted.task))];
    let accepted = Accepted { task_id: submitted.task, status: submitted.status };
    Ok((StatusCode::ACCEPTED, location, Json(accepted)).into_response())
}

impl Api {
    fn refuse_privileged(&self, kind: &KindName) -> Result<(), Problem> {
        if self.source == Source::Socket || !self.host.kind(kind).is_some_and(|kind| kind.privileged) {
            return Ok(());
        }
        let detail = format!("the kind `{kind}` runs programs, so it is not taken from the network");
        Err(Problem::new(ProblemType::PrivilegedKind, detail)
            .hint(format!("submit it over the daemon's socket, such as by `taskhost enqueue {kind}`")))
    }
}

/// The params as they were written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// What the body asks for.
#[derive(Debug)]
struct Submission {
    what: What,
    wishes: Wishes,
}

#[derive(Debug)]
enum What {
    Kind(KindName, Params),
    Job(JobName),
}

impl Submission {
    fn read(body: Value, text: &[u8]) -> Result<Self, Problem> {
        let mut fields = Fields::new(body, &KEYS, &LATER_KEYS)?;
        let Written { params } = serde_json::from_slice(text).map_err(|error| invalid(&error))?;
        let what = What::read(&mut fields, params);
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
        Ok(Self { what: what.ok_or_else(nothing)?, wishes })
    }
}

impl What {
    fn read(fields: &mut Fields, written: Option<&RawValue>) -> Option<Self> {
        match (fields.has("kind"), fields.has("job")) {
            (true, false) => {
                let value = fields.take_value("params").unwrap_or_else(|| Value::Object(Map::new()));
                let params = match written {
                    Some(written) => Params::written(value, written.get()),
                    None => value.into(),
                };
                fields.take_text("kind").map(|kind| Self::Kind(kind, params))
            }
            (false, true) => {
                if fields.has("params") {
                    fields.error("params", "a job has its own params");
                }
                fields.take_text("job").map(Self::Job)
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
}

fn read_start(fields: &mut Fields) -> Option<Start> {
    if fields.has("delay") && fields.has("run_at") {
        fields.error("run_at", "it should be either `delay` or `run_at`, not both");
    }
    let after = fields.take_text("delay").map(|delay: DurationText| Start::After(delay.get()));
    after.or_else(|| fields.take_text("run_at").map(Start::At))
}

fn read_retry(value: Value) -> Result<PartialRetry, String> {
    if !value.is_object() {
        return Err(format!("it is {}, it should be an object like {{\"attempts\": 3}}", shape(&value)));
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn read_tags(value: Value) -> Result<Vec<String>, String> {
    serde_json::from_value(value).map_err(|_| "it should be a list of strings".to_owned())
}
