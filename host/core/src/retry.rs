//! How often a failed task is tried again, and how long it waits before.
//!
//! Not here: whether a failure may be retried at all (`task::step`), rolling the dice for the jitter (the caller).
//! Start at [`RetryPolicy::delay`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration::DurationText;

/// The most calls that a policy may ask for.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// How the delay grows from attempt to attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backoff {
    /// Always `initial`.
    Fixed,
    /// `initial` times the number of the attempt.
    Linear,
    /// `initial`, doubled with each attempt.
    #[default]
    Exponential,
}

impl Backoff {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Fixed, Self::Linear, Self::Exponential];

    /// The word in TOML and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Linear => "linear",
            Self::Exponential => "exponential",
        }
    }
}

/// A complete policy: what a task carries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// Calls in total, the first one included: 1 to [`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// How the delay grows.
    pub backoff: Backoff,
    /// The delay after the first failure.
    #[serde(with = "crate::duration")]
    pub initial: Duration,
    /// No delay is longer, jitter included.
    #[serde(with = "crate::duration")]
    pub max: Duration,
    /// How far chance moves a delay, as a part of it: 0 (not at all) to 1 (from nothing to twice as long).
    pub jitter: f64,
}

impl Default for RetryPolicy {
    /// 5 calls, exponential from 1 s to 10 min, jitter 0.2.
    fn default() -> Self {
        Self {
            attempts: 5,
            backoff: Backoff::Exponential,
            initial: Duration::from_secs(1),
            max: Duration::from_mins(10),
            jitter: 0.2,
        }
    }
}

impl RetryPolicy {
    /// How long to wait after attempt number `attempt` (the first is 1) has failed.
    ///
    /// `unit_random` is the chance, 0 to 1: 0 gives the shortest delay that the jitter allows, 0.5 the plain one. The
    /// result is never above `max`; a delay that has grown to `max` is spread below it only.
    pub fn delay(&self, attempt: u32, unit_random: f64) -> Duration {
        let attempt = attempt.max(1);
        let factor = match self.backoff {
            Backoff::Fixed => 1.0,
            Backoff::Linear => f64::from(attempt),
            // Above 2^1000 a float ends; every delay has met its `max` long before.
            Backoff::Exponential => f64::from(attempt - 1).min(1_000.0).exp2(),
        };
        let max = self.max.as_secs_f64();
        let plain = (self.initial.as_secs_f64() * factor).min(max);
        let spread = self.jitter * (2.0 * unit_random.clamp(0.0, 1.0) - 1.0);
        Duration::try_from_secs_f64(plain * (1.0 + spread)).map_or(self.max, |delay| delay.min(self.max))
    }
}

/// The part of a policy that one place says; what it leaves open comes from the next: call, job, kind, default.
///
/// ```
/// use taskhost_core::retry::{PartialRetry, RetryPolicy};
///
/// let job: PartialRetry = serde_json::from_str(r#"{"attempts": 3}"#)?;
/// let call: PartialRetry = serde_json::from_str(r#"{"backoff": "fixed", "initial": "10s"}"#)?;
/// let policy = call.over(job.over(RetryPolicy::default()));
/// assert_eq!((policy.attempts, policy.initial.as_secs()), (3, 10));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "RetryFields", into = "RetryFields")]
pub struct PartialRetry {
    attempts: Option<u32>,
    backoff: Option<Backoff>,
    initial: Option<Duration>,
    max: Option<Duration>,
    jitter: Option<f64>,
}

/// Why the parts of a policy make no policy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RetryError {
    /// The number of calls is out of range.
    #[error("attempts = {0} is outside 1-1000")]
    Attempts(u32),
    /// The jitter is out of range, or no number.
    #[error("jitter = {0} is outside 0-1")]
    Jitter(f64),
    /// Nobody could tell which of the two is meant.
    #[error("initial = {initial} is longer than max = {max}")]
    InitialAboveMax {
        /// The delay after the first failure.
        initial: DurationText,
        /// The longest delay.
        max: DurationText,
    },
}

impl PartialRetry {
    /// Says nothing: everything comes from the next place.
    pub const EMPTY: Self = Self { attempts: None, backoff: None, initial: None, max: None, jitter: None };

    /// Checks the given parts.
    /// # Errors
    /// [`RetryError`] if `attempts` or `jitter` is out of range, or `initial` longer than `max`.
    pub fn new(
        attempts: Option<u32>,
        backoff: Option<Backoff>,
        initial: Option<Duration>,
        max: Option<Duration>,
        jitter: Option<f64>,
    ) -> Result<Self, RetryError> {
        if let Some(attempts) = attempts.filter(|attempts| !(1..=ATTEMPTS_MAX).contains(attempts)) {
            return Err(RetryError::Attempts(attempts));
        }
        if let Some(jitter) = jitter.filter(|jitter| !(0.0..=1.0).contains(jitter)) {
            return Err(RetryError::Jitter(jitter));
        }
        if let (Some(initial), Some(max)) = (initial, max)
            && initial > max
        {
            return Err(RetryError::InitialAboveMax { initial: initial.into(), max: max.into() });
        }
        Ok(Self { attempts, backoff, initial, max, jitter })
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// These parts, and where one is missing that of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            attempts: self.attempts.or(other.attempts),
            backoff: self.backoff.or(other.backoff),
            initial: self.initial.or(other.initial),
            max: self.max.or(other.max),
            jitter: self.jitter.or(other.jitter),
        }
    }

    /// Completes these parts from `base`.
    ///
    /// A given `initial` that is longer than the `max` of `base` raises it: who asks for delays of an hour does not
    /// get ten minutes because of a default.
    pub fn over(self, base: RetryPolicy) -> RetryPolicy {
        let initial = self.initial.unwrap_or(base.initial);
        RetryPolicy {
            attempts: self.attempts.unwrap_or(base.attempts),
            backoff: self.backoff.unwrap_or(base.backoff),
            initial,
            max: self.max.unwrap_or_else(|| base.max.max(self.initial.unwrap_or_default())),
            jitter: self.jitter.unwrap_or(base.jitter),
        }
    }
}

/// The retry defaults in the metadata of a kind, where durations are whole milliseconds (`initial_ms`, `max_ms`).
///
/// A key that this host does not know is ignored: a plugin may be newer than its host.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct KindRetry {
    /// Calls in total.
    pub attempts: Option<u32>,
    /// How the delay grows.
    pub backoff: Option<Backoff>,
    /// The delay after the first failure, in milliseconds.
    pub initial_ms: Option<u64>,
    /// The longest delay, in milliseconds.
    pub max_ms: Option<u64>,
    /// How far chance moves a delay: 0 to 1.
    pub jitter: Option<f64>,
}

impl TryFrom<KindRetry> for PartialRetry {
    type Error = RetryError;

    fn try_from(kind: KindRetry) -> Result<Self, RetryError> {
        let initial = kind.initial_ms.map(Duration::from_millis);
        let max = kind.max_ms.map(Duration::from_millis);
        Self::new(kind.attempts, kind.backoff, initial, max, kind.jitter)
    }
}

/// [`PartialRetry`] as JSON carries it, before the check.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff: Option<Backoff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<f64>,
}

impl TryFrom<RetryFields> for PartialRetry {
    type Error = RetryError;

    fn try_from(fields: RetryFields) -> Result<Self, RetryError> {
        let initial = fields.initial.map(DurationText::get);
        let max = fields.max.map(DurationText::get);
        Self::new(fields.attempts, fields.backoff, initial, max, fields.jitter)
    }
}

impl From<PartialRetry> for RetryFields {
    fn from(retry: PartialRetry) -> Self {
        Self {
            attempts: retry.attempts,
            backoff: retry.backoff,
            initial: retry.initial.map(DurationText::from),
            max: retry.max.map(DurationText::from),
            jitter: retry.jitter,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(backoff: Backoff, jitter: f64) -> RetryPolicy {
        RetryPolicy { backoff, jitter, ..RetryPolicy::default() }
    }

    fn partial(json: &str) -> PartialRetry {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn without_jitter_each_backoff_grows_as_its_name_says() {
        let seconds = |backoff| [1, 2, 3, 4].map(|attempt| policy(backoff, 0.0).delay(attempt, 0.9).as_secs());
        assert_eq!(seconds(Backoff::Fixed), [1, 1, 1, 1]);
        assert_eq!(seconds(Backoff::Linear), [1, 2, 3, 4]);
        assert_eq!(seconds(Backoff::Exponential), [1, 2, 4, 8]);
    }

    #[test]
    fn a_delay_stops_growing_at_max_however_many_attempts() {
        for attempt in [11, 64, 1_000, u32::MAX] {
            assert_eq!(policy(Backoff::Exponential, 0.0).delay(attempt, 0.5), Duration::from_mins(10));
        }
        let endless = RetryPolicy { max: Duration::MAX, ..policy(Backoff::Exponential, 1.0) };
        assert_eq!(endless.delay(1_000, 0.99), Duration::MAX);
    }

    #[test]
    fn jitter_spreads_a_delay_to_both_sides() {
        let half = policy(Backoff::Fixed, 0.5);
        assert_eq!(half.delay(1, 0.0), Duration::from_millis(500));
        assert_eq!(half.delay(1, 0.5), Duration::from_secs(1));
        assert_eq!(half.delay(1, 1.0), Duration::from_millis(1_500));
    }

    #[test]
    fn the_nearer_place_wins_part_by_part() {
        let kind = partial(r#"{"attempts": 9, "backoff": "linear", "jitter": 0.5}"#);
        let job = partial(r#"{"attempts": 3, "max": "1m"}"#);
        let call = partial(r#"{"backoff": "fixed"}"#);
        let merged = call.over(job.over(kind.over(RetryPolicy::default())));
        assert_eq!(
            merged,
            RetryPolicy {
                attempts: 3,
                backoff: Backoff::Fixed,
                initial: Duration::from_secs(1),
                max: Duration::from_mins(1),
                jitter: 0.5,
            }
        );
    }

    #[test]
    fn an_initial_above_an_inherited_max_raises_it() {
        let merged = partial(r#"{"initial": "1h"}"#).over(RetryPolicy::default());
        assert_eq!(merged.max, Duration::from_hours(1));
    }

    #[test]
    fn parts_out_of_range_are_refused_with_the_range() {
        for (json, message) in [
            (r#"{"attempts": 0}"#, "attempts = 0 is outside 1-1000"),
            (r#"{"attempts": 1001}"#, "attempts = 1001 is outside 1-1000"),
            (r#"{"jitter": 1.5}"#, "jitter = 1.5 is outside 0-1"),
            (r#"{"initial": "2h", "max": "1h"}"#, "initial = 2h is longer than max = 1h"),
            (r#"{"atempts": 3}"#, "unknown field `atempts`"),
            (r#"{"backoff": "cubic"}"#, "unknown variant `cubic`"),
        ] {
            let refused = serde_json::from_str::<PartialRetry>(json).unwrap_err().to_string();
            assert!(refused.contains(message), "{refused}");
        }
        assert!(PartialRetry::new(None, None, None, None, Some(f64::NAN)).is_err());
    }

    #[test]
    fn json_keeps_what_was_said_and_no_more() {
        let json = r#"{"attempts":3,"initial":"1m30s"}"#;
        assert_eq!(serde_json::to_string(&partial(json)).unwrap(), json);
        let whole = r#"{"attempts":5,"backoff":"exponential","initial":"1s","max":"10m","jitter":0.2}"#;
        assert_eq!(serde_json::to_string(&RetryPolicy::default()).unwrap(), whole);
        assert_eq!(serde_json::from_str::<RetryPolicy>(whole).unwrap(), RetryPolicy::default());
    }

    #[test]
    fn a_kind_says_milliseconds_and_may_know_more_keys() {
        let meta = r#"{"attempts": 2, "initial_ms": 250, "max_ms": 4000, "later": true}"#;
        let kind: KindRetry = serde_json::from_str(meta).unwrap();
        let expected = partial(r#"{"attempts": 2, "initial": "250ms", "max": "4s"}"#);
        assert_eq!(PartialRetry::try_from(kind), Ok(expected));
    }

    proptest! {
        #[test]
        fn a_later_attempt_never_waits_less_and_none_over_max(
            attempt in 1..1_000_u32,
            unit_random in 0.0..1.0_f64,
            jitter in 0.0..=1.0_f64,
            backoff in prop::sample::select(&Backoff::ALL),
        ) {
            let policy = policy(backoff, jitter);
            let (earlier, later) = (policy.delay(attempt, unit_random), policy.delay(attempt + 1, unit_random));
            prop_assert!(earlier <= later && later <= policy.max);
        }
    }
}
