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
    let too_large =
        || Problem::new(ProblemType::BodyTooLarge, format!("the body is larger than {max} bytes")).hint(hint);
    if is_refused_unread(request.headers(), max) {
        return Err(too_large());
    }
    tokio::select! {
        // Most bodies are there already: no timer is set for them.
        biased;
        bytes = read_bytes(request.into_body(), max) => bytes?.ok_or_else(too_large),
        () = sleep(BODY_TIME) => {
            let limit = BODY_TIME.as_secs();
            Err(Problem::new(ProblemType::BodyTooSlow, format!("the body did not arrive within {limit} s")))
        }
    }
}

/// The length that the head announces, in bytes.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

/// Whether a body is announced that is too large, of a client that looks at the answer before it has sent all of it: one that
/// asks first, or has more to send than is read and dropped.
fn is_refused_unread(headers: &HeaderMap, max: usize) -> bool {
    let asks_first = headers.get(header::EXPECT).is_some();
    let most = if asks_first { max } else { max + DROPPED_MAX };
    announced(headers).is_some_and(|length| length > most as u64)
}

/// The body, or a part of it, is not what JSON should be.
pub(super) fn invalid(error: &serde_json::Error) -> Problem {
    Problem::new(ProblemType::InvalidJson, error.to_string())
}

/// A page of another site can send other types without asking; this one makes its browser ask first, and nobody answers.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    refuse_coding(headers)?;
    let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let detail = match essence {
        "" => "the body has no Content-Type".to_owned(),
        json if json.eq_ignore_ascii_case("application/json") => match parts.find_map(other_charset) {
            None => return Ok(()),
            Some(charset) => format!("the body is in the charset `{charset}`, and JSON is UTF-8"),
        },
        _ => format!("the body is `{essence}`"),
    };
    Err(Problem::new(ProblemType::MediaType, detail).hint("send JSON as `Content-Type: application/json`"))
}

/// The charset that a parameter of a type names, if it is not the one of JSON. A text of ASCII is UTF-8 too.
fn other_charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim().trim_matches('"');
    let is_fine = ["utf-8", "utf8", "us-ascii"].iter().any(|fine| value.eq_ignore_ascii_case(fine));
    (name.trim().eq_ignore_ascii_case("charset") && !is_fine).then_some(value)
}

/// Refuses a body that is compressed: how large it becomes would be known too late.
pub(super) fn refuse_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let codings = headers.get_all(header::CONTENT_ENCODING).iter().map(|coding| coding.to_str().unwrap_or_default());
    match codings.flat_map(|codings| codings.split(',')).map(str::trim).find(|coding| !is_none(coding)) {
        None => Ok(()),
        Some(coding) => Err(Problem::new(ProblemType::MediaType, format!("the body is coded as `{coding}`"))
            .hint("send it as it is, without Content-Encoding")),
    }
}

fn is_none(coding: &str) -> bool {
    coding.is_empty() || coding.eq_ignore_ascii_case("identity")
}

/// The bytes of the body; none if there are more than `max`.
async fn read_bytes(mut body: Body, max: usize) -> Result<Option<Vec<u8>>, Problem> {
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
    Ok(Some(bytes).filter(|_| length <= max))
}
