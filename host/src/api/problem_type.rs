//! The kinds of problems: the name in `type`, the title, the status, and a sentence for the API's document.
//!
//! A name is never changed: clients compare it. Start at [`ProblemType`].

use axum::http::StatusCode;

macro_rules! problem_types {
    ($($(#[doc = $meaning:literal])+ $class:ident = $name:literal, $title:literal, $status:ident;)+) => {
        /// What kind of problem it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum ProblemType { $($(#[doc = $meaning])+ $class,)+ }

        impl ProblemType {
            /// Every kind of problem.
            pub(super) const ALL: &[Self] = &[$(Self::$class),+];

            /// The last part of `type`: `/problems/<name>`.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$class => $name,)+ }
            }

            /// The value of `type`.
            pub(super) fn uri(self) -> String {
                format!("/problems/{}", self.name())
            }

            /// The same for people; never varies.
            pub(super) fn title(self) -> &'static str {
                match self { $(Self::$class => $title,)+ }
            }

            /// The status of the answer.
            pub(super) fn status(self) -> StatusCode {
                match self { $(Self::$class => StatusCode::$status,)+ }
            }

            /// What it means, in a sentence.
            pub(super) fn meaning(self) -> &'static str {
                match self { $(Self::$class => concat!($($meaning),+).trim_ascii(),)+ }
            }
        }
    };
}

problem_types! {
    /// No route has this path.
    NoRoute = "no-route", "Nothing here", NOT_FOUND;
    /// The route does not have this method.
    NoMethod = "no-method", "Method not allowed", METHOD_NOT_ALLOWED;
    /// A request of HTTP/1.1 has no Host header, or several.
    InvalidHost = "invalid-host", "Invalid host", BAD_REQUEST;
    /// The Host header names another machine.
    WrongHost = "wrong-host", "Wrong host", MISDIRECTED_REQUEST;
    /// A page of another site makes the call.
    CrossSite = "cross-site", "Cross-site call", FORBIDDEN;
    /// The body is not declared as what the call takes, or is compressed.
    MediaType = "media-type", "Unsupported media type", UNSUPPORTED_MEDIA_TYPE;
    /// The body is too large.
    BodyTooLarge = "body-too-large", "Body too large", PAYLOAD_TOO_LARGE;
    /// The body came too slowly.
    BodyTooSlow = "body-too-slow", "Body too slow", REQUEST_TIMEOUT;
    /// The body is not JSON.
    InvalidJson = "invalid-json", "Invalid JSON", BAD_REQUEST;
    /// The body is not a form, or breaks off.
    InvalidForm = "invalid-form", "Invalid form", BAD_REQUEST;
    /// The form does not say what to do with which file.
    InvalidUpload = "invalid-upload", "Invalid upload", UNPROCESSABLE_ENTITY;
    /// The file cannot be kept, such as on a full disk.
    UploadFailed = "upload-failed", "Upload failed", INSUFFICIENT_STORAGE;
    /// As many calls of this sort as may be at once are under way.
    TooBusy = "too-busy", "Too busy", SERVICE_UNAVAILABLE;
    /// A query parameter is unknown, doubled or wrong.
    InvalidQuery = "invalid-query", "Invalid query", UNPROCESSABLE_ENTITY;
    /// The body is JSON but describes no task.
    InvalidTask = "invalid-task", "Invalid task", UNPROCESSABLE_ENTITY;
    /// The body is JSON but describes no job.
    InvalidJob = "invalid-job", "Invalid job", UNPROCESSABLE_ENTITY;
    /// Something that only later versions do.
    NotSupported = "not-supported", "Not supported by this version", UNPROCESSABLE_ENTITY;
    /// Some tasks of the batch will not do; none was accepted.
    InvalidBatch = "invalid-batch", "Invalid batch", UNPROCESSABLE_ENTITY;
    /// `Idempotency-Key` is not 1 to 255 visible ASCII characters, or is given twice.
    InvalidIdempotencyKey = "invalid-idempotency-key", "Invalid idempotency key", BAD_REQUEST;
    /// The idempotency key came with another call before.
    IdempotencyKeyReused = "idempotency-key-reused", "Idempotency key reused", UNPROCESSABLE_ENTITY;
    /// A call with this idempotency key is under way.
    IdempotencyKeyInFlight = "idempotency-key-in-flight", "Idempotency key in flight", CONFLICT;
    /// No plugin provides the kind.
    UnknownKind = "unknown-kind", "Unknown kind", UNPROCESSABLE_ENTITY;
    /// The queue is not declared.
    UnknownQueue = "unknown-queue", "Unknown queue", UNPROCESSABLE_ENTITY;
    /// The job is not declared.
    UnknownJob = "unknown-job", "Unknown job", UNPROCESSABLE_ENTITY;
    /// The params do not fit the kind.
    InvalidParams = "invalid-params", "Invalid params", UNPROCESSABLE_ENTITY;
    /// The params are too large.
    ParamsTooLarge = "params-too-large", "Params too large", PAYLOAD_TOO_LARGE;
    /// The kind runs programs, which takes more than a connection to the port.
    PrivilegedKind = "privileged-kind", "Privileged kind", FORBIDDEN;
    /// There is no such task.
    TaskNotFound = "task-not-found", "Task not found", NOT_FOUND;
    /// The task has reported no progress.
    NoProgress = "no-progress", "No progress", NOT_FOUND;
    /// The task has ended.
    TaskEnded = "task-ended", "Task ended", CONFLICT;
    /// The task has not ended, so it cannot be queued again.
    TaskNotEnded = "task-not-ended", "Task not ended", CONFLICT;
    /// The task is not dead.
    TaskNotDead = "task-not-dead", "Task not dead", CONFLICT;
    /// The call would act on every task, which it has to be told.
    NoFilter = "no-filter", "No filter", UNPROCESSABLE_ENTITY;
    /// There is no such job.
    JobNotFound = "job-not-found", "Job not found", NOT_FOUND;
    /// There is a job of this name already.
    JobExists = "job-exists", "Job exists", CONFLICT;
    /// The job is declared in tasks.toml, which is the place to change it.
    JobInFile = "job-in-file", "Job in tasks.toml", CONFLICT;
    /// The job was changed while this call was made.
    JobChanged = "job-changed", "Job changed", CONFLICT;
    /// The job is not of the version that `If-Match` names.
    PreconditionFailed = "precondition-failed", "Precondition failed", PRECONDITION_FAILED;
    /// There is no such queue.
    QueueNotFound = "queue-not-found", "Queue not found", NOT_FOUND;
    /// The config generation is not kept, or there never was one of that number.
    GenerationNotFound = "generation-not-found", "Config generation not found", NOT_FOUND;
    /// The store does not answer.
    StoreUnavailable = "store-unavailable", "Store unavailable", SERVICE_UNAVAILABLE;
    /// The disk that holds the store is full. What was acknowledged is safe; once there is room, the same call works.
    StoreFull = "store-full", "Store full", INSUFFICIENT_STORAGE;
    /// The daemon does not take part.
    NotReady = "not-ready", "Not ready", SERVICE_UNAVAILABLE;
}

#[cfg(test)]
mod tests {
    use super::ProblemType;

    #[test]
    fn no_two_problems_have_one_name() {
        let mut names: Vec<_> = ProblemType::ALL.iter().map(|class| class.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ProblemType::ALL.len());
    }
}
