//! What is asked of many tasks at once: which of them, how many, and where to go on.
//!
//! Not here: what is answered of each ([`crate::view`]), searching itself (the stores). Start at [`TaskQuery`].

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::ids::{JobName, KindName, QueueName};
use crate::task::Status;

/// A page of tasks: the newest first, in the order of their insertion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskQuery {
    /// In one of these statuses; in any if there is none.
    pub statuses: Vec<Status>,
    /// And all of this.
    pub filter: TaskFilter,
    /// Where the page before ended; the newest tasks if not said.
    pub after: Option<TaskCursor>,
    /// How many tasks at most.
    pub limit: PageLimit,
}

/// Which tasks, whatever their status: all that is said has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskFilter {
    /// In this queue.
    pub queue: Option<QueueName>,
    /// Of this kind.
    pub kind: Option<KindName>,
    /// Made by this job.
    pub job: Option<JobName>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this text in their params or their id.
    pub text: Option<SearchText>,
}

impl TaskFilter {
    /// Whether every task is meant.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a page ended. Its text is of no meaning to whoever keeps it, and stays good however many tasks come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskCursor(u64);

impl TaskCursor {
    /// A cursor at the task that was inserted as this one.
    pub fn at(number: u64) -> Self {
        Self(number)
    }

    /// The number that [`TaskCursor::at`] was given.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that a list gave: pass `next_cursor` as it was answered")]
pub struct CursorError;

impl FromStr for TaskCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let number = u64::from_str_radix(text, 16).map_err(|_| CursorError)?;
        // One spelling: no sign, no capitals, every digit.
        Some(Self(number)).filter(|cursor| cursor.to_string() == text).ok_or(CursorError)
    }
}

/// How many tasks a page holds: 1 to 200, 50 unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(NonZeroU32);

impl PageLimit {
    /// The most.
    pub const MAX: u32 = 200;
    /// What a page holds unless somebody says otherwise.
    pub const DEFAULT: u32 = 50;

    /// Checks a number.
    /// # Errors
    /// [`PageLimitError`] if it is not 1 to 200.
    pub fn new(limit: u32) -> Result<Self, PageLimitError> {
        let limit = NonZeroU32::new(limit).filter(|limit| limit.get() <= Self::MAX);
        limit.map(Self).ok_or(PageLimitError)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(const { NonZeroU32::new(Self::DEFAULT).expect("it is not 0") })
    }
}

impl FromStr for PageLimit {
    type Err = PageLimitError;

    fn from_str(text: &str) -> Result<Self, PageLimitError> {
        text.parse().map_err(|_| PageLimitError).and_then(Self::new)
    }
}

/// The number is not the size of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a page holds 1 to {} tasks", PageLimit::MAX)]
pub struct PageLimitError;

/// A text to look for in the params or the id of a task: 1 to 200 bytes. Params are searched as they were written, JSON
/// with its escapes, and capitals count. A whole id finds that task alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// The longest, in bytes.
    pub const MAX: usize = 200;

    /// Checks a text.
    /// # Errors
    /// [`SearchTextError`] if it is empty or too long.
    pub fn new(text: &str) -> Result<Self, SearchTextError> {
        let fits = (1..=Self::MAX).contains(&text.len());
        fits.then(|| Self(text.to_owned())).ok_or(SearchTextError)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SearchText {
    type Err = SearchTextError;

    fn from_str(text: &str) -> Result<Self, SearchTextError> {
        Self::new(text)
    }
}

/// The text cannot be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text to look for has 1 to {} bytes", SearchText::MAX)]
pub struct SearchTextError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_has_one_spelling() {
        for number in [0, 1, 0xABC, u64::MAX] {
            let cursor = TaskCursor::at(number);
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        let broken = ["", "1", "+00000000000000a", "000000000000000A", "00000000000000010", "000000000000000 ", "g"];
        for text in broken {
            assert_eq!(text.parse::<TaskCursor>(), Err(CursorError), "{text}");
        }
    }

    #[test]
    fn a_page_has_its_bounds() {
        assert_eq!(PageLimit::default().get(), 50);
        for (text, limit) in [("1", Some(1)), ("200", Some(200)), ("0", None), ("201", None), ("-1", None), ("", None)]
        {
            assert_eq!(text.parse::<PageLimit>().ok().map(PageLimit::get), limit, "{text}");
        }
    }

    #[test]
    fn a_text_to_look_for_has_its_bounds() {
        assert!(SearchText::new("").is_err() && SearchText::new(&"x".repeat(201)).is_err());
        assert_eq!(SearchText::new("a b").unwrap().as_str(), "a b");
    }
}
