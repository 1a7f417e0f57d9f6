//! The document of the API, OpenAPI 3.1, made from what stands at the handlers.
//!
//! A call is told in three places: `#[utoipa::path]` at its handler, [`problems!`] for what it can refuse, and one line in
//! `CALLS`. Not here: the shapes of values (`schema`, and `ToSchema` at each document). Start at [`problems!`].

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use utoipa::OpenApi;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as Documented};
use utoipa_axum::router::OpenApiRouter;

use super::problem::{ProblemDocument, ProblemType};
use super::{CALLS, refine, schema};

/// Declares a type that lists the problems of a call, for its `responses(…)`. What every call can refuse stands there
/// without saying.
///
/// ```text
/// problems!(Shown: TaskNotFound, StoreUnavailable);
///
/// /// Reads a task.
/// #[utoipa::path(get, path = "/api/v1/tasks/{id}", tag = "tasks", params(…), responses((status = 200, …), Shown))]
/// ```
macro_rules! problems {
    ($name:ident $(: $($class:ident),+ $(,)?)?) => {
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::response::Response>,
            > {
                $crate::api::openapi::refusals(&[$($($crate::api::problem::ProblemType::$class),+)?])
            }
        }
    };
}
pub(super) use problems;

/// What every call can refuse.
const ALWAYS: &[ProblemType] =
    &[ProblemType::InvalidHost, ProblemType::InvalidQuery, ProblemType::WrongHost, ProblemType::CrossSite];

/// The answers with these problems, by status; the types that an answer may have are listed in its schema.
pub(super) fn refusals(classes: &[ProblemType]) -> BTreeMap<String, RefOr<Documented>> {
    let mut by_status: BTreeMap<String, Vec<ProblemType>> = BTreeMap::new();
    for &class in classes.iter().chain(ALWAYS) {
        let together = by_status.entry(class.status().as_u16().to_string()).or_default();
        if !together.contains(&class) {
            together.push(class);
        }
    }
    by_status.into_iter().map(|(status, classes)| (status, RefOr::T(refusal(&classes)))).collect()
}

fn refusal(classes: &[ProblemType]) -> Documented {
    let types = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    let types = types.enum_values(Some(classes.iter().map(|class| class.uri())));
    let narrowed = ObjectBuilder::new().property("type", types);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed);
    let examples = classes.iter().map(|class| (class.name(), example(*class)));
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    let meanings: Vec<_> = classes.iter().map(|class| format!("`{}`: {}", class.name(), class.meaning())).collect();
    let mut response = ResponseBuilder::new().description(meanings.join("\n\n"));
    response = response.content("application/problem+json", content);
    response.build()
}

fn example(class: ProblemType) -> RefOr<utoipa::openapi::example::Example> {
    let value = json!({
        "type": class.uri(),
        "title": class.title(),
        "status": class.status().as_u16(),
        "detail": class.meaning(),
    });
    RefOr::T(ExampleBuilder::new().summary(class.title()).value(Some(value)).build())
}

/// What stands above all calls.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "taskhost",
        description = "Runs background work in native plugins. Every error of a call is an RFC 9457 problem with a stable `type`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "tasks", description = "Submit tasks, look at them, stop them."),
        (name = "dead", description = "The dead-letter queue: tasks that failed for good, until somebody retries or discards them."),
        (name = "jobs", description = "What makes tasks, and when: look, declare, trigger, pause."),
        (name = "queues", description = "What waits where; pause and resume."),
        (name = "events", description = "What happens, as it happens."),
        (name = "plugins", description = "What can run here."),
        (name = "config", description = "The applied tasks.toml, those before it, and why an edit is not applied."),
        (name = "hosts", description = "Who runs tasks."),
        (name = "health", description = "For supervisors and load balancers."),
        (name = "about", description = "This document."),
    ),
    // The last are named by parameters alone, where the macros do not look.
    components(schemas(
        ProblemDocument<'static>,
        schema::Search,
        schema::PageSize,
        schema::Cursor,
        schema::LineCount,
        schema::IdempotencyKey,
        schema::Version,
        schema::Wait,
    )),
)]
pub(super) struct Frame;

/// The document of the API as JSON; needs no daemon.
#[expect(clippy::missing_panics_doc, reason = "it never does")]
pub fn openapi() -> String {
    let frame = OpenApiRouter::with_openapi(Frame::openapi());
    let (_, mut document) = CALLS.iter().fold(frame, |all, calls| all.routes(calls())).split_for_parts();
    refine::refine(&mut document);
    document.to_pretty_json().expect("the document holds texts and numbers")
}

problems!(NoProblems);

/// This document
///
/// Every call of the API with its params, bodies and answers, as OpenAPI 3.1.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "about",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value), NoProblems),
)]
pub(super) async fn show() -> Response {
    // Asked for rarely: not worth keeping in memory.
    ([(header::CONTENT_TYPE, "application/json")], Bytes::from(openapi())).into_response()
}
