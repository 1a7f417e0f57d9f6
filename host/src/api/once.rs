//! The header `Idempotency-Key`: a call that is sent again is answered as the first time, and makes nothing new.
//!
//! As draft-ietf-httpapi-idempotency-key-header-07 says: a key with another call is 422, one under way 409. Its value there is
//! a quoted string; without the quotes it is the same key. Start at [`Api::accept`].

use axum::http::HeaderMap;
use sha2::{Digest as _, Sha256};
use taskhost_core::once::{IdempotencyKey, Once};

use super::Api;
use super::problem::{Problem, ProblemType, of_store};
use crate::host::{Begun, OnceError, Prepared, Submitted};

pub(super) const KEY_HEADER: &str = "idempotency-key";

/// The key of a call, if it has one.
pub(super) fn read_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut given = headers.get_all(KEY_HEADER).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let wrong =
        |detail: String| Problem::new(ProblemType::InvalidIdempotencyKey, detail).hint("a UUID makes a good key");
    if given.next().is_some() {
        return Err(wrong("`Idempotency-Key` is given twice".to_owned()));
    }
    let text = first.to_str().unwrap_or_default();
    let key = unquoted(text).map_or_else(|| IdempotencyKey::new(text), |text| IdempotencyKey::new(&text));
    key.map(Some).map_err(|error| wrong(error.to_string()))
}

/// What stands in a string of structured fields (RFC 9651), if it is one and not empty.
fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"').filter(|inner| !inner.is_empty())?;
    let mut unquoted = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        unquoted.push(match character {
            '"' => return None,
            '\\' => characters.next().filter(|escaped| ['"', '\\'].contains(escaped))?,
            other => other,
        });
    }
    Some(unquoted)
}

/// Refuses a key, which would be ignored.
pub(super) fn refuse_key(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(KEY_HEADER) {
        return Err(Problem::new(ProblemType::NotSupported, "`Idempotency-Key` is not supported by this call")
            .hint("send it without; where its answer is lost, look what has become of it before it is sent again"));
    }
    Ok(())
}

/// The call as it is told from others; `call` is its method and path.
pub(super) fn once(key: Option<IdempotencyKey>, call: &str, body: &[u8]) -> Option<Once> {
    let fingerprint = || Sha256::new().chain_update(call).chain_update([0]).chain_update(body).finalize().into();
    key.map(|key| Once { key, fingerprint: fingerprint() })
}

impl Api {
    /// Stores what a call asks for; if it counts once and was answered before, that answer comes again, and nothing is
    /// prepared: what has changed since does not matter.
    pub(super) async fn accept(
        &self,
        once: Option<Once>,
        prepare: impl AsyncFnOnce() -> Result<Vec<Prepared>, Problem>,
    ) -> Result<Vec<Submitted>, Problem> {
        let Some(once) = once else { return Ok(self.host.store(prepare().await?).await?) };
        match self.host.begin_once(once).await? {
            Begun::Answered(tasks) => Ok(tasks),
            Begun::New(flight) => Ok(self.host.store_once(flight, prepare().await?).await?),
        }
    }
}

impl From<OnceError> for Problem {
    fn from(error: OnceError) -> Self {
        let class = match &error {
            OnceError::Reused => ProblemType::IdempotencyKeyReused,
            OnceError::InFlight => ProblemType::IdempotencyKeyInFlight,
            OnceError::Store(error) => of_store(error),
        };
        Self::new(class, error.to_string()).hint(error.hint())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn key(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY_HEADER, HeaderValue::from_str(value).unwrap());
        }
        read_key(&headers).ok().flatten().map(|key| key.to_string())
    }

    #[test]
    fn a_key_is_the_same_with_and_without_its_quotes() {
        for (written, read) in
            [("a-1", "a-1"), (r#""a-1""#, "a-1"), (r#""a\"b\\""#, r#"a"b\"#), (r#""a"#, r#""a"#), (r#""""#, r#""""#)]
        {
            assert_eq!(key(&[written]).as_deref(), Some(read), "{written}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "x".repeat(256);
        for written in [&[""][..], &["a b"], &[r#""a b""#], &["\u{e4}"], &[&long], &["a", "a"]] {
            assert_eq!(key(written), None, "{written:?}");
        }
    }
}
