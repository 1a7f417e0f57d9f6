//! Calls that are to count once, however often they are sent.
//!
//! Not here: reading the key from a request (the faces), keeping it (the stores).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a key is kept from the call that it came with first.
pub const KEY_KEPT: Duration = Duration::from_hours(24);

/// What whoever calls has chosen to tell one call from another: 1 to 255 visible ASCII characters. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(Arc<str>);

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to {} visible ASCII characters", IdempotencyKey::MAX)]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// The longest, in characters.
    pub const MAX: usize = 255;

    /// Checks the text and wraps it.
    /// # Errors
    /// [`IdempotencyKeyError`] if it is empty, too long, or has other characters.
    pub fn new(text: &str) -> Result<Self, IdempotencyKeyError> {
        let fits = (1..=Self::MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.into())).ok_or(IdempotencyKeyError)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A call that is to count once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Its key.
    pub key: IdempotencyKey,
    /// A digest of all that the call says: another call under the same key is a mistake.
    pub fingerprint: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_bounds() {
        for good in ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "~!\"", &"x".repeat(255)] {
            assert_eq!(IdempotencyKey::new(good).map(|key| key.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "a b", "\u{e4}", "a\n", "\u{7f}", &"x".repeat(256)] {
            assert_eq!(IdempotencyKey::new(bad), Err(IdempotencyKeyError), "{bad:?}");
        }
    }
}
