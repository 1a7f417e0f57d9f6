//! Reads a JSON body, with limits on its size and on the time it takes.
//!
//! Not here: what the JSON means (`fields`). Start at [`read_json`].

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use taskhost_core::submit::PARAMS_MAX;

use super::json;
use super::problem::{Problem, ProblemType};
use crate::clock::sleep;

/// The largest body of most calls, in bytes: the largest params and what stands around them.
const BODY_MAX: usize = PARAMS_MAX + (64 << 10);

/// How much of a larger body is read and dropped. A client that is cut off while it writes never sees the answer.
const DROPPED_MAX: usize = 16 * BODY_MAX;

/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// A body of JSON: what it means, and as it was written.
#[derive(Debug)]
pub(super) struct JsonBody {
    pub(super) value: Value,
    pub(super) text: Vec<u8>,
}

/// The body as JSON.
pub(super) async fn read_json(request: Request) -> Result<JsonBody, Problem> {
    let bytes = read_text(request, BODY_MAX, "put the data into a file and pass its path").await?;
    // serde_json names line and column, and ends at 128 levels.
    let value = json::read(&bytes).map_err(|error| invalid(&error))?;
    Ok(JsonBody { value, text: bytes })
}

/// The text of a body of JSON that has `max` bytes at most; `hint`: what to do about a larger one.
pub(super) async fn read_text(request: Request, max: usize, hint: &str) -> Result<Vec<u8>, Problem> {
    check_media_type(request.headers())?;
    tokio::select! {
        bytes = read_bytes(request.into_body(), max, hint) => bytes,
        () = sleep(BODY_TIME) => {
            let limit = BODY_TIME.as_secs();
            Err(Problem::new(ProblemType::BodyTooSlow, format!("the body did not arrive within {limit} s")))
        }
    }
}

/// The body, or a part of it, is not what JSON should be.
pub(super) fn invalid(error: &serde_json::Error) -> Problem {
    Problem::new(ProblemType::InvalidJson, error.to_string())
}

/// A page of another site can send other types without asking; this one makes its browser ask first, and nobody answers.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok());
    let essence = given.and_then(|given| given.split(';').next()).unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = match essence {
        "" => "the body has no Content-Type".to_owned(),
        _ => format!("the body is `{essence}`"),
    };
    Err(Problem::new(ProblemType::MediaType, detail).hint("send JSON as `Content-Type: application/json`"))
}

async fn read_bytes(mut body: Body, max: usize, hint: &str) -> Result<Vec<u8>, Problem> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(ProblemType::InvalidJson, "the body ends early"))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= max {
            bytes.extend_from_slice(&data);
        } else if length > max + DROPPED_MAX {
            break;
        }
    }
    if length > max {
        let detail = format!("the body is larger than {max} bytes");
        return Err(Problem::new(ProblemType::BodyTooLarge, detail).hint(hint));
    }
    Ok(bytes)
}
