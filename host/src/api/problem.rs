//! Every error of the API as RFC 9457 says: `application/problem+json`.
//!
//! `type` is `/problems/<name>` and stable; `title` says the same for people and never varies; `detail` is about this
//! call. `hint` is the next step. `errors` point with JSON pointers into the body that was sent. Start at [`ProblemType`].

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::host::StoreError;
use crate::submit::SubmitError;

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProblemType {
    /// No route has this path.
    NoRoute,
    /// The route does not have this method.
    NoMethod,
    /// The Host header names another machine.
    WrongHost,
    /// The body is not declared as JSON.
    MediaType,
    /// The body is too large.
    BodyTooLarge,
    /// The body came too slowly.
    BodyTooSlow,
    /// The body is not JSON.
    InvalidJson,
    /// A query parameter is unknown or wrong.
    InvalidQuery,
    /// The body is JSON but describes no task.
    InvalidTask,
    /// Something that only later versions do.
    NotSupported,
    /// No plugin provides the kind.
    UnknownKind,
    /// The queue is not declared.
    UnknownQueue,
    /// The job is not declared.
    UnknownJob,
    /// The params do not fit the kind.
    InvalidParams,
    /// The params are too large.
    ParamsTooLarge,
    /// The kind runs programs, which takes more than a connection to the port.
    PrivilegedKind,
    /// There is no such task.
    TaskNotFound,
    /// The task has reported no progress.
    NoProgress,
    /// The task has ended.
    TaskEnded,
    /// The store does not answer.
    StoreUnavailable,
    /// The daemon does not take part.
    NotReady,
}

impl ProblemType {
    /// The name in `type`, the title, the status.
    fn parts(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::NoRoute => ("no-route", "Nothing here", StatusCode::NOT_FOUND),
            Self::NoMethod => ("no-method", "Method not allowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::WrongHost => ("wrong-host", "Wrong host", StatusCode::MISDIRECTED_REQUEST),
            Self::MediaType => ("media-type", "Unsupported media type", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::BodyTooLarge => ("body-too-large", "Body too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::BodyTooSlow => ("body-too-slow", "Body too slow", StatusCode::REQUEST_TIMEOUT),
            Self::InvalidJson => ("invalid-json", "Invalid JSON", StatusCode::BAD_REQUEST),
            Self::InvalidQuery => ("invalid-query", "Invalid query", StatusCode::UNPROCESSABLE_ENTITY),
            Self::InvalidTask => ("invalid-task", "Invalid task", StatusCode::UNPROCESSABLE_ENTITY),
            Self::NotSupported => ("not-supported", "Not supported by this version", StatusCode::UNPROCESSABLE_ENTITY),
            Self::UnknownKind => ("unknown-kind", "Unknown kind", StatusCode::UNPROCESSABLE_ENTITY),
            Self::UnknownQueue => ("unknown-queue", "Unknown queue", StatusCode::UNPROCESSABLE_ENTITY),
            Self::UnknownJob => ("unknown-job", "Unknown job", StatusCode::UNPROCESSABLE_ENTITY),
            Self::InvalidParams => ("invalid-params", "Invalid params", StatusCode::UNPROCESSABLE_ENTITY),
            Self::ParamsTooLarge => ("params-too-large", "Params too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::PrivilegedKind => ("privileged-kind", "Privileged kind", StatusCode::FORBIDDEN),
            Self::TaskNotFound => ("task-not-found", "Task not found", StatusCode::NOT_FOUND),
            Self::NoProgress => ("no-progress", "No progress", StatusCode::NOT_FOUND),
            Self::TaskEnded => ("task-ended", "Task ended", StatusCode::CONFLICT),
            Self::StoreUnavailable => ("store-unavailable", "Store unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::NotReady => ("not-ready", "Not ready", StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// One place of the body that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    /// JSON pointer into the body.
    pub(super) pointer: String,
    /// What is wrong there.
    pub(super) detail: String,
}

/// One look at the health of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

    pub(super) fn checks(self, checks: Vec<Check>) -> Self {
        Self { checks, ..self }
    }
}

#[derive(Serialize)]
struct ProblemDocument<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Place],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    checks: &'a [Check],
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (name, title, status) = self.class.parts();
        let document = ProblemDocument {
            r#type: format!("/problems/{name}"),
            title,
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

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(ProblemType::StoreUnavailable, error.to_string()).hint(error.hint())
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
            SubmitError::Store(_) => ProblemType::StoreUnavailable,
        };
        let (detail, hint) = (error.to_string(), error.hint());
        match error {
            // The places say all that the hint does.
            SubmitError::Params { errors, .. } => {
                let place = |error: crate::host::ParamError| Place {
                    pointer: format!("/params{}", error.pointer),
                    detail: error.message,
                };
                Self::new(class, detail).errors(errors.into_iter().map(place).collect())
            }
            _ => Self::new(class, detail).hint(hint),
        }
    }
}
