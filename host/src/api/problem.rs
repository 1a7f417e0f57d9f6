//! Every error of the API as RFC 9457 says: `application/problem+json`.
//!
//! `type` is `/problems/<name>` and stable; `title` says the same for people and never varies; `detail` is about this
//! call. `hint` is the next step. `errors` point with JSON pointers into the body that was sent.
//!
//! Not here: which kinds of problems there are ([`ProblemType`]), what the API's document says of them (`openapi`).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

pub(super) use super::problem_type::ProblemType;
use crate::host::{JobError, StoreError};
use crate::submit::SubmitError;

/// One place of the body that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Place {
    /// JSON pointer into the body.
    pub(super) pointer: String,
    /// What is wrong there.
    pub(super) detail: String,
}

/// One look at the health of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Check {
    /// What was looked at.
    pub(super) name: &'static str,
    /// Whether it is well.
    pub(super) ok: bool,
    /// What was seen.
    pub(super) detail: String,
}

/// An error as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    class: ProblemType,
    detail: String,
    hint: Option<String>,
    errors: Vec<Place>,
    checks: Vec<Check>,
}

/// How long a client should wait before it asks an unavailable daemon again, in seconds.
const RETRY_AFTER_SECONDS: &str = "5";

impl Problem {
    pub(super) fn new(class: ProblemType, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into(), hint: None, errors: Vec::new(), checks: Vec::new() }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()).filter(|hint| !hint.is_empty()), ..self }
    }

    pub(super) fn errors(self, errors: Vec<Place>) -> Self {
        Self { errors, ..self }
    }

    /// What is wrong and where, for a problem of many: each place below `pointer`, or what is wrong there as a whole.
    pub(super) fn into_places(self, pointer: &str) -> (Vec<Place>, Option<String>) {
        let below = |place: Place| Place { pointer: format!("{pointer}{}", place.pointer), ..place };
        let mut places: Vec<_> = self.errors.into_iter().map(below).collect();
        if places.is_empty() {
            places.push(Place { pointer: pointer.to_owned(), detail: self.detail });
        }
        (places, self.hint)
    }

    pub(super) fn checks(self, checks: Vec<Check>) -> Self {
        Self { checks, ..self }
    }
}

/// What went wrong, as RFC 9457 says.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemDocument<'a> {
    /// Which kind of problem it is; stable.
    #[schema(schema_with = all_types)]
    r#type: String,
    /// The same for people; never varies.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong with this call.
    detail: &'a str,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// Each wrong place of the body.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Place],
    /// What was looked at, if `?verbose` asked for it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    checks: &'a [Check],
}

fn all_types() -> Object {
    let types = ProblemType::ALL.iter().map(|class| class.uri());
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(types));
    text.description(Some("Which kind of problem it is; stable.")).build()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.class.status();
        let document = ProblemDocument {
            r#type: self.class.uri(),
            title: self.class.title(),
            status: status.as_u16(),
            detail: &self.detail,
            hint: self.hint.as_deref(),
            errors: &self.errors,
            checks: &self.checks,
        };
        let json = serde_json::to_vec(&document).expect("texts and numbers are JSON");
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        response
    }
}

/// Which kind of problem an error of the store is.
pub(super) fn of_store(error: &StoreError) -> ProblemType {
    if matches!(error, StoreError::Full { .. }) { ProblemType::StoreFull } else { ProblemType::StoreUnavailable }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(of_store(&error), error.to_string()).hint(error.hint())
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let class = match &error {
            SubmitError::UnknownKind { .. } => ProblemType::UnknownKind,
            SubmitError::UnknownQueue { .. } => ProblemType::UnknownQueue,
            SubmitError::UnknownJob { .. } => ProblemType::UnknownJob,
            SubmitError::Params { .. } => ProblemType::InvalidParams,
            SubmitError::ParamsTooLarge { .. } => ProblemType::ParamsTooLarge,
            SubmitError::TooLate => ProblemType::InvalidTask,
            SubmitError::Store(error) => of_store(error),
        };
        let (detail, hint) = (error.to_string(), error.hint());
        match error {
            // The places say more than its hint.
            SubmitError::Params { kind, errors } => {
                let place = |error: crate::host::ParamError| Place {
                    pointer: format!("/params{}", error.pointer),
                    detail: error.message,
                };
                let hint = format!("`taskhost plugins show {kind}` lists the params that it takes");
                Self::new(class, detail).errors(errors.into_iter().map(place).collect()).hint(hint)
            }
            SubmitError::TooLate => {
                let place = Place { pointer: "/delay".to_owned(), detail: detail.clone() };
                Self::new(class, format!("at /delay: {detail}")).errors(vec![place]).hint(hint)
            }
            _ => Self::new(class, detail).hint(hint),
        }
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        let (detail, hint) = (error.to_string(), error.hint());
        let class = match error {
            JobError::Exists { .. } => ProblemType::JobExists,
            JobError::Unknown { .. } => ProblemType::JobNotFound,
            JobError::InFile { .. } => ProblemType::JobInFile,
            JobError::Changed { .. } => ProblemType::JobChanged,
            JobError::NeverFires { .. } => ProblemType::InvalidJob,
            JobError::Refused(error) => return error.into(),
        };
        Self::new(class, detail).hint(hint)
    }
}
