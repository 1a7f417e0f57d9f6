//! Reads the body that declares a job, and the one that changes it.
//!
//! Not here: what is checked against plugins and queues (`Host::declare_job`). Start at [`Declaration::read`].

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{JobName, KindName};
use taskhost_core::job::Job;
use taskhost_core::schedule::{Schedule, Zone};
use utoipa::ToSchema;

use super::fields::{Fields, shape};
use super::job_document::ScheduleShape;
use super::problem::{Problem, ProblemType};
use super::schema;
use super::submit::{Retry, read_retry, read_tags};
use crate::submit::Params;

pub(super) const KEYS: [&str; 10] =
    ["name", "kind", "params", "schedule", "queue", "priority", "timeout", "retry", "expires_in", "tags"];
const LATER_KEYS: [&str; 4] = ["after", "depends_on", "on_failed", "unique"];

/// A job to declare.
#[derive(ToSchema)]
#[schema(as = NewJob)]
#[expect(
    dead_code,
    reason = "the shape of the body in the API's document; it is read by hand to tell every error at once"
)]
pub(super) struct NewJob {
    /// Its name, which is its id; one is made if none is said.
    #[schema(value_type = Option<schema::Name>)]
    name: (),
    /// What its tasks run.
    #[schema(value_type = schema::Name)]
    kind: (),
    /// What they work on; `{}` if not said.
    #[schema(value_type = Option<Object>)]
    params: (),
    /// When it fires; without one only when somebody triggers it.
    schedule: Option<ScheduleShape>,
    /// Where its tasks wait; the kind's queue or `default` if not said.
    #[schema(value_type = Option<schema::Name>)]
    queue: (),
    #[schema(value_type = Option<schema::PriorityLevel>)]
    priority: (),
    /// How long one attempt may take.
    #[schema(value_type = Option<schema::Duration>)]
    timeout: (),
    retry: Option<Retry>,
    /// A task that has not started this long after it was made is cancelled.
    #[schema(value_type = Option<schema::Duration>)]
    expires_in: (),
    /// Words to find its tasks by.
    #[schema(value_type = Option<Vec<schema::Tag>>, max_items = 100)]
    tags: (),
}

/// What a body declares.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) name: Option<JobName>,
    pub(super) job: Job,
}

impl Declaration {
    /// Reads the body; `written` are the params as they were written, `zone` is that of cron lines that name none.
    pub(super) fn read(body: Value, written: Option<&RawValue>, zone: Zone) -> Result<Self, Problem> {
        let mut fields = Fields::new(ProblemType::InvalidJob, body, &KEYS, &LATER_KEYS)?;
        if !fields.has("kind") {
            fields.error("kind", "it is missing: what should run?");
        }
        let name = fields.take_text("name");
        let kind: Option<KindName> = fields.take_text("kind");
        let params = fields.take("params", |value| match value {
            Value::Object(_) => Ok(value),
            _ => Err(format!("it is {}, it should be an object", shape(&value))),
        });
        let params = params.unwrap_or_else(|| Value::Object(Map::new()));
        let params = match written.filter(|written| written.get() != "null") {
            Some(written) => Params::written(params, written.get()),
            None => params.into(),
        };
        let schedule = read_schedule(&mut fields, zone);
        let queue = fields.take_text("queue");
        let priority = fields.take_text("priority").unwrap_or_default();
        let timeout = fields.take_text("timeout").map(DurationText::get);
        let retry = fields.take("retry", read_retry).unwrap_or_default();
        let expires_in = fields.take_text("expires_in").map(DurationText::get);
        let tags = fields.take("tags", read_tags).unwrap_or_default();
        fields.finish()?;
        // `finish` has told it.
        let kind = kind.ok_or_else(|| Problem::new(ProblemType::InvalidJob, "the body names no kind"))?;
        Ok(Self { name, job: Job { kind, params, schedule, queue, priority, timeout, retry, expires_in, tags } })
    }

    /// Reads a change of `before`: each key that the body names is replaced as a whole, `null` takes it away, the rest stays.
    pub(super) fn change(before: &Job, body: Value, written: Option<&RawValue>, zone: Zone) -> Result<Self, Problem> {
        let Value::Object(patch) = body else {
            let detail = format!("the body is {}, it should be an object", shape(&body));
            return Err(Problem::new(ProblemType::InvalidJob, detail));
        };
        let params_stay = !patch.contains_key("params");
        let mut merged = serde_json::to_value(before).expect("a job is JSON");
        if let Some(merged) = merged.as_object_mut() {
            merged.extend(patch);
        }
        // What stays keeps its digits.
        let kept = RawValue::from_string(before.params.json().to_owned()).expect("params are JSON");
        Self::read(merged, if params_stay { Some(&*kept) } else { written }, zone)
    }
}

fn read_schedule(fields: &mut Fields, zone: Zone) -> Option<Schedule> {
    let document = fields.take_value("schedule").filter(|document| !document.is_null())?;
    match Schedule::read(&document, zone) {
        Ok(schedule) => Some(schedule),
        Err(error) => {
            match &error.key {
                Some(key) => fields.error_below("schedule", key, &error.message, error.hint),
                None => fields.error("schedule", with_hint(&error.message, error.hint.as_deref())),
            }
            None
        }
    }
}

fn with_hint(message: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| message.to_owned(), |hint| format!("{message}; {hint}"))
}
