//! `POST /api/v1/files`: a task and the file that it works on, in one call.
//!
//! Not here: where the file is kept (`uploads`), how a form is read (`form`). Start at [`upload`].

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::Value;
use taskhost_core::ids::{KindName, NAME_MAX, TaskId};
use taskhost_core::submit::PARAMS_MAX;
use taskhost_core::suggest::closest;
use utoipa::ToSchema;

use super::body::announced;
use super::form::{Form, Part};
use super::json;
use super::openapi::problems;
use super::problem::{Place, Problem, ProblemType};
use super::submit::{Accepted, accepted};
use super::{Api, schema};
use crate::host::{Order, Submitted};
use crate::submit::Params;
use crate::uploads::{Kept, SafeName, Upload, UploadError};

const PARTS: [&str; 4] = ["kind", "params", "into", "file"];

/// The param that gets the path of the file, unless `into` says otherwise.
const INTO: &str = "path";

/// A file, and the kind that works on it. The order is free; what comes before the file is checked before the file is taken.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of the form in the API's document")]
struct UploadForm {
    /// What works on the file.
    #[schema(value_type = schema::Name)]
    kind: (),
    /// Its other params: a JSON object; `{}` if not said.
    #[schema(example = "{\"format\": \"zstd\"}")]
    params: Option<String>,
    /// The param that gets the path of the file; `path` if not said.
    #[schema(example = "path")]
    into: Option<String>,
    /// The file. The last part of its name is kept where it is safe.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
}

problems!(
    NotTaken: MediaType, BodyTooLarge, BodyTooSlow, InvalidForm, InvalidUpload, NotSupported, UploadFailed, TooBusy, UnknownKind,
    InvalidParams, ParamsTooLarge, PrivilegedKind, StoreUnavailable, StoreFull,
);

/// Upload a file and submit a task that works on it
///
/// The answer comes once both are durable. The file is kept as long as its task is, and the task finds it at the path that
/// its param names; if anything is refused, nothing is left of either. `Idempotency-Key` is refused.
#[utoipa::path(
    post, path = "/api/v1/files", tag = "tasks",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (
            status = 202, description = "It is accepted.", body = Accepted,
            headers(("Location" = String, description = "Where the task is shown.")),
            example = json!({"task_id": "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11", "status": "queued"}),
        ),
        NotTaken,
    ),
)]
pub(super) async fn upload(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    api.refuse_length(&request)?;
    let mut form = Form::open(request)?;
    let (file, wanted) = match api.take(&mut form).await {
        Ok(taken) => taken,
        Err(problem) => {
            form.drop_rest().await;
            return Err(problem);
        }
    };
    // Not cut short if the client goes away: a task without its file would be worse than an answer that nobody reads.
    let submitting = tokio::spawn(async move { api.submit_upload(file, &wanted).await });
    Ok(accepted(submitting.await.expect("it does not panic")?))
}

/// A file that came, whole and durable, and where the task finds it.
#[derive(Debug)]
struct Taken {
    task: TaskId,
    path: String,
    kept: Kept,
}

/// What the form says besides the file.
#[derive(Debug, Default)]
struct Wanted {
    kind: Option<KindName>,
    params: Option<String>,
    into: Option<String>,
}

impl Api {
    /// What is known to be too long is not read.
    fn refuse_length(&self, request: &Request) -> Result<(), Problem> {
        let around = PARAMS_MAX as u64 + (64 << 10);
        match announced(request.headers()) {
            Some(length) if self.uploads.limit().saturating_add(around) < length => {
                Err(UploadError::TooLarge { limit: self.uploads.limit() }.into())
            }
            _ => Ok(()),
        }
    }

    async fn take(&self, form: &mut Form) -> Result<(Taken, Wanted), Problem> {
        let (mut wanted, mut file) = (Wanted::default(), None);
        while let Some(part) = form.next().await? {
            match part.name() {
                "file" if file.is_some() => return Err(wrong("file", "it is given twice")),
                "file" => file = Some(self.take_file(part, &wanted).await?),
                _ => wanted.read(part).await?,
            }
        }
        let file = file.ok_or_else(|| wrong("file", "it is missing: what should the task work on?"))?;
        if wanted.kind.is_none() {
            return Err(wrong("kind", "it is missing: what should run?"));
        }
        Ok((file, wanted))
    }

    async fn take_file(&self, mut part: Part, wanted: &Wanted) -> Result<Taken, Problem> {
        let name = SafeName::of(part.file_name().unwrap_or_default());
        let task = self.host.new_id();
        let path = self.uploads.path(task, &name).display().to_string();
        self.check_early(wanted, &path)?;
        let mut upload = self.uploads.begin(task, &name)?;
        if let Err(problem) = copy(&mut part, &mut upload).await {
            upload.abandon().await;
            return Err(problem);
        }
        Ok(Taken { task, path, kept: upload.finish().await? })
    }

    /// Refuses what is known to be wrong before the file has come.
    fn check_early(&self, wanted: &Wanted, path: &str) -> Result<(), Problem> {
        let Some(kind) = &wanted.kind else { return Ok(()) };
        self.refuse_privileged(kind)?;
        match (&wanted.params, &wanted.into) {
            (Some(_), Some(_)) => self.check(kind, self.params(kind, wanted, path)?),
            (None, Some(into)) => self.refuse_param(kind, into),
            (_, None) if self.host.kind(kind).is_none() => self.check(kind, Params::from(Value::Null)),
            (_, None) => Ok(()),
        }
    }

    fn check(&self, kind: &KindName, params: Params) -> Result<(), Problem> {
        self.host.prepare(&Order::kind(kind.clone(), params)).map(drop).map_err(Problem::from)
    }

    async fn submit_upload(&self, file: Taken, wanted: &Wanted) -> Result<Submitted, Problem> {
        let kind = wanted.kind.as_ref().expect("`take` saw to it");
        self.refuse_privileged(kind)?;
        let params = self.params(kind, wanted, &file.path)?;
        let submitted = self.host.submit_as(file.task, &Order::kind(kind.clone(), params)).await?;
        file.kept.keep();
        Ok(submitted)
    }

    /// The params with the path in them, for the rest as they were written.
    fn params(&self, kind: &KindName, wanted: &Wanted, path: &str) -> Result<Params, Problem> {
        let into = wanted.into.as_deref().unwrap_or(INTO);
        self.refuse_param(kind, into)?;
        let written = wanted.params.as_deref().unwrap_or("{}").trim();
        let value = json::read(written.as_bytes()).map_err(|error| wrong("params", error.to_string()))?;
        let Value::Object(mut object) = value else { return Err(wrong("params", "it should be a JSON object")) };
        if object.contains_key(into) {
            return Err(wrong("params", format!("`{into}` is there already, and would get the path of the file")));
        }
        let rest = written.strip_prefix('{').expect("an object begins with a brace");
        let comma = if object.is_empty() { "" } else { "," };
        let text = format!("{{{}:{}{comma}{rest}", Value::from(into), Value::from(path));
        object.insert(into.to_owned(), path.into());
        Ok(Params::written(Value::Object(object), &text))
    }

    fn refuse_param(&self, kind: &KindName, into: &str) -> Result<(), Problem> {
        match self.host.kind(kind) {
            Some(found) if !found.takes_param(into) => {
                let hint = "name the param that takes a path with `into`";
                Err(wrong("into", format!("the kind `{kind}` has no param `{into}`")).hint(hint))
            }
            // An unknown kind is told as for every task.
            _ => Ok(()),
        }
    }
}

async fn copy(part: &mut Part, upload: &mut Upload) -> Result<(), Problem> {
    while let Some(piece) = part.piece().await? {
        upload.write(piece).await?;
    }
    Ok(())
}

impl Wanted {
    async fn read(&mut self, part: Part) -> Result<(), Problem> {
        let name = part.name().to_owned();
        let is_doubled = match &*name {
            "kind" => self.kind.is_some(),
            "params" => self.params.is_some(),
            "into" => self.into.is_some(),
            _ => return Err(unknown(&name)),
        };
        if is_doubled {
            return Err(wrong(&name, "it is given twice"));
        }
        let text = part.text(if name == "params" { PARAMS_MAX } else { NAME_MAX }).await?;
        match &*name {
            "kind" => self.kind = Some(text.parse().map_err(|error| wrong("kind", format!("{error}")))?),
            "params" => self.params = Some(text),
            _ => self.into = Some(text),
        }
        Ok(())
    }
}

fn wrong(part: &str, detail: impl Into<String>) -> Problem {
    let detail = detail.into();
    let place = Place { pointer: format!("/{part}"), detail: detail.clone() };
    Problem::new(ProblemType::InvalidUpload, format!("at /{part}: {detail}")).errors(vec![place])
}

fn unknown(part: &str) -> Problem {
    let hint = closest(part, PARTS)
        .map_or_else(|| format!("the parts are {}", PARTS.join(", ")), |known| format!("did you mean `{known}`?"));
    Problem::new(ProblemType::InvalidUpload, format!("unknown part `{part}`")).hint(hint)
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let (class, hint) = match &error {
            UploadError::TooMany => (ProblemType::TooBusy, "try again in a moment"),
            UploadError::TooLarge { .. } => {
                (ProblemType::BodyTooLarge, "put a larger file where the daemon can read it and pass its path")
            }
            UploadError::Unwritable { .. } => {
                (ProblemType::UploadFailed, "look at the disk of the folder [host] `state`")
            }
        };
        Self::new(class, error.to_string()).hint(hint)
    }
}
