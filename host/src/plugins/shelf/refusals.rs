//! Which libraries did not take what they were given, so that none is loaded again only to say the same: a copy that was
//! loaded stays for ever, and an edit that was refused is looked at again whenever something may have changed.
//!
//! Start at [`Refusals::remember`].

use std::collections::HashMap;

use super::GivenDigest;
use crate::plugins::registry::SettingsError;

/// More than anybody tries between two starts. When they are that many, all are forgotten: each costs one more copy then.
const KEPT_MAX: usize = 1000;

/// By the digest of the library and that of its config.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<(String, GivenDigest), SettingsError>);

impl Refusals {
    pub(super) fn remember(&mut self, sha256: &str, given: GivenDigest, error: SettingsError) {
        if self.0.len() >= KEPT_MAX {
            self.0.clear();
        }
        self.0.insert((sha256.to_owned(), given), error);
    }

    /// It has come up.
    pub(super) fn forget(&mut self, sha256: &str, given: GivenDigest) {
        self.0.remove(&(sha256.to_owned(), given));
    }

    pub(super) fn find(&self, sha256: &str, given: GivenDigest) -> Option<&SettingsError> {
        self.0.get(&(sha256.to_owned(), given))
    }

    /// Whether the library has refused something, but not this.
    pub(super) fn has_only_others(&self, sha256: &str, given: GivenDigest) -> bool {
        self.find(sha256, given).is_none() && self.0.keys().any(|(library, _)| library == sha256)
    }
}
