//! Names and numbers that identify things.
//!
//! Not here: making randomness or asking for the time; an id is built from what the caller gives.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::UnixMicros;

/// Identifies a task: a UUIDv7, so ids sort by the time of their creation. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(uuid::Uuid);

impl TaskId {
    /// Builds an id from the time of creation (cut to milliseconds; times before 1970 count as 1970) and ten random bytes.
    pub fn new(now: UnixMicros, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id of a follow-up task: of those that `parent` makes the one with this number, counted from 0 over all its attempts.
    ///
    /// It is the same on every host and in every version, so a replay makes no second task: its time is the parent's, the
    /// rest is that of the version 5 UUID (RFC 9562: SHA-1) whose namespace is the parent and whose name is the number, eight
    /// bytes, most significant first.
    #[must_use]
    pub fn derived(parent: Self, ordinal: u64) -> Self {
        let mut bytes = uuid::Uuid::new_v5(&parent.0, &ordinal.to_be_bytes()).into_bytes();
        bytes[..6].copy_from_slice(&parent.as_bytes()[..6]);
        Self(uuid::Builder::from_bytes(bytes).with_version(uuid::Version::SortRand).into_uuid())
    }

    /// Reads an id back from its 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }

    /// The 16 bytes, most significant first: byte order is creation order.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not the id of a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a task id: it should be a UUID such as 01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11")]
pub struct TaskIdError(String);

impl FromStr for TaskId {
    type Err = TaskIdError;

    fn from_str(text: &str) -> Result<Self, TaskIdError> {
        // Only the hyphenated form in lower case: two spellings of one id would defeat caches and logs.
        match uuid::Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase()) => Ok(Self(id)),
            _ => Err(TaskIdError(text.to_owned())),
        }
    }
}

/// The right to write the outcome of one claim of a task. Grows with each claim and never repeats for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LeaseId(u64);

impl LeaseId {
    /// The lease of a task that no host has claimed yet.
    pub const NONE: Self = Self(0);
    /// The lease of the first claim.
    pub const FIRST: Self = Self(1);

    /// Wraps a number that [`LeaseId::as_u64`] gave.
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number, for storage.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The lease of the next claim.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a name for a {what}: {rule}")]
pub struct NameError {
    what: &'static str,
    text: String,
    rule: &'static str,
}

/// The longest name, in bytes.
pub const NAME_MAX: usize = 100;

fn check_name(what: &'static str, text: &str) -> Result<(), NameError> {
    let rule = if text.is_empty() {
        "it is empty"
    } else if text.len() > NAME_MAX {
        "it is longer than 100 characters"
    } else if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "it should begin with a letter or a digit"
    } else if !text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        "only ASCII letters, digits, `-`, `_` and `.` may stand in it"
    } else {
        return Ok(());
    };
    Err(NameError { what, text: text.chars().take(NAME_MAX).collect(), rule })
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 100 ASCII letters, digits, `-`, `_`, `.`, the first a letter or a digit. Cheap to clone.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and wraps it.
            /// # Errors
            /// [`NameError`] if a rule of names is broken.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check_name($what, text).map(|()| Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.as_str().to_owned()
            }
        }
    };
}

name!(/// Names a task implementation: `email.send`.
    KindName, "kind");
name!(/// Names a queue.
    QueueName, "queue");
name!(/// Names a job.
    JobName, "job");
name!(/// Names a plugin.
    PluginName, "plugin");

impl Default for QueueName {
    /// The queue that always exists.
    fn default() -> Self {
        Self("default".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_of_creation() {
        let early = TaskId::new(UnixMicros::from_micros(1_000_000), [0xFF; 10]);
        let late = TaskId::new(UnixMicros::from_micros(1_001_000), [0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
    }

    #[test]
    fn the_ids_of_follow_ups_are_fixed_for_ever() {
        let parent: TaskId = "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11".parse().expect("an id");
        let derived = [0, 1].map(|ordinal| TaskId::derived(parent, ordinal).to_string());
        // Made by Python: hashlib.sha1(parent.bytes + ordinal.to_bytes(8, "big")).
        assert_eq!(derived, ["01939f2c-5f1e-7f61-8f1b-86c8a12cefbd", "01939f2c-5f1e-7dc3-8c6f-eeb190c237f0"]);
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = TaskId::new(UnixMicros::from_micros(0), [7; 10]).to_string();
        assert!(id.replace('-', "").parse::<TaskId>().is_err());
        assert!("01A20BF3-116C-75FF-A999-BDEB30495AF4".parse::<TaskId>().is_err());
        assert!(format!("{{{id}}}").parse::<TaskId>().is_err());
    }

    #[test]
    fn names_say_which_rule_they_break() {
        let rule = |text: &str| KindName::new(text).expect_err("a broken name").to_string();
        assert_eq!(rule(""), "`` is not a name for a kind: it is empty");
        assert!(rule("a b").contains("only ASCII letters"));
        assert!(rule(".a").contains("begin with a letter"));
        assert!(rule(&"x".repeat(101)).contains("longer than 100"));
        assert!(KindName::new("files.checksum").is_ok());
    }
}
