//! `POST /api/v1/tasks/batch`: many tasks at once, all or none.
//!
//! Not here: what one task may say (`submit`). Start at [`submit`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use taskhost_core::ids::NAME_MAX;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::body::{announced, invalid, read_text};
use super::fields::shape;
use super::json;
use super::once::{once, read_key};
use super::openapi::problems;
use super::problem::{Place, Problem, ProblemType};
use super::submit::{Accepted, Submit, read_order};
use super::{Api, schema};
use crate::clock::sleep;
use crate::host::{Prepared, Submitted};
use crate::submit::SubmitError;

/// The largest body of a batch, in bytes.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// A batch up to this long is no more of a burden than one task, in bytes.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// How many larger batches are read and checked at once: each takes several times its length of memory.
pub(super) const LARGE_MAX: usize = 4;

/// How long one waits until others are through.
const PLACE_TIME: Duration = Duration::from_secs(10);

/// How many tasks a batch may have.
const BATCH_TASKS_MAX: usize = 10_000;

/// How many wrong places are told.
const PLACES_MAX: usize = 100;

/// Many tasks.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of the body in the API's document; it is read task by task")]
struct Batch {
    /// The tasks, in the order in which they get in line.
    #[schema(min_items = 1, max_items = 10_000)]
    tasks: Vec<Submit>,
}

/// Accepted tasks.
#[derive(Debug, Serialize, ToSchema)]
struct AcceptedBatch {
    /// In the order in which they were sent.
    tasks: Vec<Accepted>,
}

problems!(
    NotAccepted: MediaType, BodyTooLarge, BodyTooSlow, InvalidJson, InvalidBatch, InvalidIdempotencyKey,
    IdempotencyKeyReused, IdempotencyKeyInFlight, TooBusy, StoreUnavailable, StoreFull,
);

/// Submit many tasks
///
/// All or none: if one of them will not do, none is accepted, and each that will not do is told, up to 100 places. They are
/// stored in one commit; the answer comes once it is durable. A batch has up to 10,000 tasks and 16 MiB.
#[utoipa::path(
    post, path = "/api/v1/tasks/batch", tag = "tasks",
    params(("Idempotency-Key" = Option<schema::IdempotencyKey>, Header, description = schema::KEY)),
    request_body(content = Batch, example = json!({"tasks": [
        {"kind": "files.checksum", "params": {"path": "README.md"}},
        {"job": "nightly-backup"},
    ]})),
    responses(
        (
            status = 202, description = "All are accepted.", body = AcceptedBatch,
            example = json!({"tasks": [
                {"task_id": "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11", "status": "queued"},
                {"task_id": "01939f2c-5f1e-7fd1-8c6f-eeb190c237f0", "status": "queued"},
            ]}),
        ),
        NotAccepted,
    ),
)]
pub(super) async fn submit(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let key = read_key(request.headers())?;
    let place = Arc::new(api.batch_place(announced(request.headers())).await?);
    let text = read_text(request, BATCH_BYTES_MAX, "send it in parts").await?;
    // To digest and to check ten thousand tasks takes a while, and others want to be answered meanwhile.
    let digested = move || (once(key, "POST /api/v1/tasks/batch", &text), text);
    let (once, text) = tokio::task::spawn_blocking(digested).await.expect("it does not panic");
    let (checking, held) = (api.clone(), Arc::clone(&place));
    let prepare = async || {
        let check = move || {
            let prepared = checking.prepare_batch(&text);
            drop((text, held));
            prepared
        };
        tokio::task::spawn_blocking(check).await.expect("it does not panic")
    };
    let stored = api.accept(once, prepare).await;
    drop(place);
    Ok(accepted(stored?))
}

fn accepted(tasks: Vec<Submitted>) -> Response {
    let tasks = tasks.into_iter().map(Accepted::from).collect();
    (StatusCode::ACCEPTED, Json(AcceptedBatch { tasks })).into_response()
}

impl Api {
    /// A place for a batch that may be large; a small one, as announced, needs none.
    async fn batch_place(&self, length: Option<u64>) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        if length.is_some_and(|length| length <= SMALL_BYTES_MAX) {
            return Ok(None);
        }
        tokio::select! {
            biased;
            place = Arc::clone(&self.batches).acquire_owned() => Ok(place.ok()),
            () = sleep(PLACE_TIME) => {
                let detail = format!("{LARGE_MAX} large batches are under way, which is as many as there may be");
                Err(Problem::new(ProblemType::TooBusy, detail).hint("send it again later, or in smaller parts"))
            }
        }
    }

    fn prepare_batch(&self, text: &[u8]) -> Result<Vec<Prepared>, Problem> {
        let written = read_batch(text)?;
        let mut prepared = Vec::with_capacity(written.len());
        let mut faults = Faults::default();
        for (at, task) in written.iter().enumerate() {
            match self.prepare_text(task.get()) {
                Ok(task) => prepared.push(task),
                Err(problem) => faults.note(at, problem),
            }
        }
        faults.finish(written.len())?;
        Ok(prepared)
    }

    fn prepare_text(&self, text: &str) -> Result<Prepared, Problem> {
        let value = json::read(text.as_bytes()).map_err(|error| invalid(&error))?;
        if !value.is_object() {
            let detail = format!("it is {}, it should be an object", shape(&value));
            return Err(Problem::new(ProblemType::InvalidTask, detail));
        }
        let order = read_order(value, text.as_bytes())?;
        self.refuse_privileged_order(&order)?;
        self.host.prepare(&order).map_err(with_place)
    }
}

/// A task that is refused, with the place of the body that is to blame.
fn with_place(error: SubmitError) -> Problem {
    let key = match &error {
        SubmitError::UnknownKind { .. } => "kind",
        SubmitError::UnknownQueue { .. } => "queue",
        SubmitError::UnknownJob { .. } => "job",
        SubmitError::ParamsTooLarge { .. } => "params",
        // The first two say where by themselves; the last is nobody's fault here.
        SubmitError::Params { .. } | SubmitError::TooLate | SubmitError::Store(_) => return error.into(),
    };
    let place = Place { pointer: format!("/{key}"), detail: error.to_string() };
    Problem::from(error).errors(vec![place])
}

/// The tasks of a batch that will not do.
#[derive(Debug, Default)]
struct Faults {
    tasks: usize,
    places: Vec<Place>,
    hint: Option<String>,
}

impl Faults {
    fn note(&mut self, at: usize, problem: Problem) {
        let (places, hint) = problem.into_places(&format!("/tasks/{at}"));
        self.tasks += 1;
        let room = PLACES_MAX - self.places.len();
        self.places.extend(places.into_iter().take(room));
        self.hint = self.hint.take().or(hint);
    }

    fn finish(self, of: usize) -> Result<(), Problem> {
        let Some(first) = self.places.first() else { return Ok(()) };
        let detail = format!("{} of {of} tasks will not do; at {}: {}", self.tasks, first.pointer, first.detail);
        Err(Problem::new(ProblemType::InvalidBatch, detail).hint(self.hint.unwrap_or_default()).errors(self.places))
    }
}

/// The tasks of a batch, each as it was written.
fn read_batch(text: &[u8]) -> Result<Vec<&RawValue>, Problem> {
    let wrong = |detail: String| {
        let place = Place { pointer: "/tasks".to_owned(), detail: detail.clone() };
        Problem::new(ProblemType::InvalidBatch, format!("at /tasks: {detail}")).errors(vec![place])
    };
    let sent: Sent<'_> = serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem::new(ProblemType::InvalidBatch, error.to_string()),
        _ => invalid(&error),
    })?;
    if sent.is_doubled {
        return Err(Problem::new(ProblemType::InvalidJson, "the key `tasks` stands twice"));
    }
    if let Some(key) = sent.unknown {
        let key: String = key.chars().take(NAME_MAX).collect();
        return Err(Problem::new(ProblemType::InvalidBatch, format!("unknown key `{key}`"))
            .hint("a batch is written like {\"tasks\": [{\"kind\": …}, …]}"));
    }
    let tasks = sent.tasks.ok_or_else(|| wrong("it is missing: what should run?".to_owned()))?;
    let list: List<'_> = serde_json::from_str(tasks.get()).map_err(|_| wrong("it should be a list".to_owned()))?;
    match list.length {
        0 => Err(wrong("it is empty: what should run?".to_owned())),
        1..=BATCH_TASKS_MAX => Ok(list.tasks),
        more => {
            let detail = format!("it has {more} tasks, a batch has {BATCH_TASKS_MAX} at most");
            Err(wrong(detail).hint("send it in parts"))
        }
    }
}

/// The body, read no further than it has to be: what is not a task takes no memory, however much of it there is.
#[derive(Default)]
struct Sent<'a> {
    tasks: Option<&'a RawValue>,
    /// `tasks` stands twice.
    is_doubled: bool,
    /// The first key that is none of ours.
    unknown: Option<String>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Sent<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Sent<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the key `tasks`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut sent = Sent::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "tasks" {
                        sent.is_doubled |= sent.tasks.replace(map.next_value()?).is_some();
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        sent.unknown.get_or_insert(key);
                    }
                }
                Ok(sent)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// What stands in a list, as far as it may.
struct List<'a> {
    tasks: Vec<&'a RawValue>,
    length: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = List<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut tasks = Vec::new();
                while tasks.len() < BATCH_TASKS_MAX
                    && let Some(task) = seq.next_element()?
                {
                    tasks.push(task);
                }
                let mut length = tasks.len();
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(List { tasks, length })
            }
        }

        deserializer.deserialize_seq(Items)
    }
}
