//! Checks the follow-up tasks that plugins enqueue, by the rules of every other submission.
//!
//! Not here: their ids and when they are committed (`plugins`, `store`). Start at [`FollowUpIntake`].

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use taskhost_core::duration::DurationText;
use taskhost_core::ids::KindName;
use taskhost_core::submit::{NewTask, PARAMS_MAX};
use taskhost_core::suggest::closest;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::live::Live;
use crate::plugins::{FollowUp, FollowUps, Kind, Kinds};
use crate::submit::{Intake, Params, Start, SubmitError, Wishes};

const OPTIONS: [&str; 8] = ["queue", "priority", "delay", "run_at", "timeout", "expires_in", "retry", "tags"];
const LATER_OPTIONS: [&str; 2] = ["depends_on", "unique"];

/// What follow-ups are checked against.
#[derive(Debug)]
pub struct FollowUpIntake {
    /// The declared queues.
    pub live: Arc<Live>,
    /// The kinds that plugins provide.
    pub kinds: Arc<dyn Kinds>,
    /// The time of the submission.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub chance: Arc<Chance>,
}

impl FollowUps for FollowUpIntake {
    fn prepare(&self, parent: &Kind, asked: &FollowUp<'_>) -> Result<NewTask, String> {
        let (kind, params, wishes) = read(parent, asked, &*self.kinds)?;
        let now = self.clock.now();
        let config = self.live.config();
        let intake = Intake { config: &config, kinds: &*self.kinds, chance: &self.chance, now };
        intake.prepare(&kind, &params, &wishes).map_err(|error| with_hint(&error))
    }
}

/// What a plugin asks for, as far as that can be checked without queues.
pub(crate) fn read(
    parent: &Kind,
    asked: &FollowUp<'_>,
    kinds: &dyn Kinds,
) -> Result<(KindName, Params, Wishes), String> {
    let kind = str::from_utf8(asked.kind).map_err(|_| "the name of its kind is not UTF-8".to_owned())?;
    let kind: KindName = kind.parse().map_err(|error: taskhost_core::ids::NameError| error.to_string())?;
    // What comes from the network must not reach a kind that runs programs by way of one that does not.
    if !parent.privileged && kinds.find(&kind).is_some_and(|kind| kind.privileged) {
        return Err(format!("the kind `{kind}` runs programs, so only a kind that is `privileged` too may enqueue it"));
    }
    Ok((kind, read_params(asked.params)?, read_wishes(asked.options)?))
}

fn with_hint(error: &SubmitError) -> String {
    let hint = error.hint();
    if hint.is_empty() { error.to_string() } else { format!("{error}: {hint}") }
}

fn read_params(json: &[u8]) -> Result<Params, String> {
    if json.len() > PARAMS_MAX {
        return Err(with_hint(&SubmitError::ParamsTooLarge { bytes: json.len() }));
    }
    if json.is_empty() {
        return Ok(Value::Object(Map::new()).into());
    }
    Params::read(json).map_err(|error| format!("its params are not JSON: {error}"))
}

fn read_wishes(json: &[u8]) -> Result<Wishes, String> {
    let mut options = Options::read(json)?;
    let after = options.take("delay")?.map(|delay: DurationText| Start::After(delay.get()));
    let at = options.take("run_at")?.map(Start::At);
    if after.is_some() && at.is_some() {
        return Err("its options should have either `delay` or `run_at`, not both".to_owned());
    }
    Ok(Wishes {
        queue: options.take("queue")?,
        priority: options.take("priority")?,
        start: after.or(at),
        timeout: options.take("timeout")?.map(DurationText::get),
        expires_in: options.take("expires_in")?.map(DurationText::get),
        retry: options.take("retry")?.unwrap_or_default(),
        tags: options.take("tags")?.unwrap_or_default(),
    })
}

/// The options of a follow-up, every key known.
#[derive(Debug, Default)]
struct Options(Map<String, Value>);

impl Options {
    fn read(json: &[u8]) -> Result<Self, String> {
        if json.is_empty() {
            return Ok(Self::default());
        }
        let options: Map<String, Value> =
            serde_json::from_slice(json).map_err(|error| format!("its options are not a JSON object: {error}"))?;
        for key in options.keys().map(String::as_str) {
            if LATER_OPTIONS.contains(&key) {
                return Err(format!("its option `{key}` is not supported by this version"));
            }
            if !OPTIONS.contains(&key) {
                let hint = closest(key, OPTIONS).map_or_else(
                    || format!("they are {}", OPTIONS.join(", ")),
                    |known| format!("did you mean `{known}`?"),
                );
                return Err(format!("there is no option `{key}`: {hint}"));
            }
        }
        Ok(Self(options))
    }

    /// Reads the value at the key; `null` says the same as nothing.
    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, String> {
        let value = self.0.remove(key).filter(|value| !value.is_null());
        value.map(serde_json::from_value).transpose().map_err(|error| format!("its option `{key}`: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::time::Duration;

    use taskhost_core::priority::Priority;
    use taskhost_core::time::UnixMicros;

    use super::*;
    use crate::plugins::PluginView;

    #[derive(Debug)]
    struct Known(Vec<Arc<Kind>>);

    impl Kinds for Known {
        fn find(&self, name: &KindName) -> Option<Arc<Kind>> {
            self.0.iter().find(|kind| kind.name == *name).cloned()
        }

        fn all(&self) -> Vec<Arc<Kind>> {
            self.0.clone()
        }

        fn plugins(&self) -> Vec<PluginView> {
            Vec::new()
        }
    }

    /// It is always a second after the start of 1970.
    #[derive(Debug)]
    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> UnixMicros {
            UnixMicros::from_micros(1_000_000)
        }

        fn wait_until(&self, _: UnixMicros) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::pending())
        }
    }

    fn privileged(name: &str) -> Kind {
        let mut kind = Kind::fake(name);
        kind.privileged = true;
        kind
    }

    fn ask(parent: &Kind, kind: &str, params: &str, options: &str) -> Result<NewTask, String> {
        let shell = privileged("command.run");
        let with_a_limit = Kind::fake_with_schema("files.checksum", &serde_json::json!({ "maxProperties": 1 }));
        let kinds = [Kind::fake("mail.send"), shell, with_a_limit];
        let intake = FollowUpIntake {
            live: Arc::new(Live::of("[queues.mail]\n")),
            kinds: Arc::new(Known(kinds.into_iter().map(Arc::new).collect())),
            clock: Arc::new(StoppedClock),
            chance: Arc::new(Chance::default()),
        };
        let asked = FollowUp { kind: kind.as_bytes(), params: params.as_bytes(), options: options.as_bytes() };
        intake.prepare(parent, &asked)
    }

    fn refusal(kind: &str, params: &str, options: &str) -> String {
        ask(&Kind::fake("demo.work"), kind, params, options).expect_err("it will not do")
    }

    #[test]
    fn every_option_of_a_submission_is_taken() {
        let options = r#"{"queue":"mail","priority":"high","delay":"1m","timeout":"2s","expires_in":"1h",
            "retry":{"attempts":9},"tags":["a"]}"#;
        let new = ask(&Kind::fake("demo.work"), "mail.send", r#"{"to":1}"#, options).unwrap();
        assert_eq!((new.queue.as_str(), new.priority, &*new.params), ("mail", Priority::High, &br#"{"to":1}"#[..]));
        let micros = |seconds: i64| Some(UnixMicros::from_micros(seconds * 1_000_000));
        assert_eq!((new.run_at, new.expires_at), (micros(61), micros(3_601)));
        assert_eq!(
            (new.timeout, new.retry.attempts, new.tags),
            (Some(Duration::from_secs(2)), 9, vec!["a".to_owned()])
        );
        let at = ask(&Kind::fake("demo.work"), "mail.send", "{}", r#"{"run_at":"1970-01-01T00:00:09Z"}"#).unwrap();
        assert_eq!(at.run_at, micros(9));
    }

    #[test]
    fn nothing_but_a_kind_is_needed() {
        let new = ask(&Kind::fake("demo.work"), "mail.send", "", "").unwrap();
        assert_eq!((&*new.params, new.queue.as_str(), new.run_at), (&b"{}"[..], "default", None));
        assert!(ask(&Kind::fake("demo.work"), "mail.send", "", r#"{"queue":null}"#).is_ok());
    }

    #[test]
    fn a_refusal_says_what_to_change() {
        assert_eq!(
            refusal("mail.sned", "{}", ""),
            "no plugin provides the kind `mail.sned`: did you mean `mail.send`?"
        );
        let undeclared = refusal("mail.send", "{}", r#"{"queue":"mial"}"#);
        assert_eq!(undeclared, "the queue `mial` is not declared: did you mean `mail`?");
        assert_eq!(
            refusal("mail.send", "{}", r#"{"prioritty":1}"#),
            "there is no option `prioritty`: did you mean `priority`?"
        );
        assert_eq!(
            refusal("mail.send", "{}", r#"{"unique":1}"#),
            "its option `unique` is not supported by this version"
        );
        let both = refusal("mail.send", "{}", r#"{"delay":"1s","run_at":"1970-01-01T00:00:09Z"}"#);
        assert_eq!(both, "its options should have either `delay` or `run_at`, not both");
        assert!(refusal("mail.send", "{}", r#"{"delay":5}"#).starts_with("its option `delay`: "));
        assert!(refusal("mail.send", "{}", "[]").starts_with("its options are not a JSON object: "));
        assert!(refusal("no kind", "{}", "").contains("is not a name for a kind"));
    }

    #[test]
    fn a_refusal_shows_no_params() {
        let refusals = [
            refusal("files.checksum", r#"{"a":"hunter2","b":2}"#, ""),
            refusal("files.checksum", r#"{"a":"hunter2""#, ""),
            refusal("mail.send", &format!("\"hunter2{}\"", "x".repeat(PARAMS_MAX)), ""),
        ];
        assert!(
            refusals[0].starts_with("the params do not fit the kind `files.checksum`: at the params: "),
            "{refusals:?}"
        );
        assert!(refusals[1].starts_with("its params are not JSON: "), "{refusals:?}");
        assert!(refusals[2].starts_with("the params are 1048585 bytes of JSON"), "{refusals:?}");
        assert!(refusals.iter().all(|refusal| !refusal.contains("hunter2")), "{refusals:?}");
    }

    #[test]
    fn only_a_privileged_kind_enqueues_a_privileged_one() {
        let refused = "the kind `command.run` runs programs, so only a kind that is `privileged` too may enqueue it";
        assert_eq!(refusal("command.run", "{}", ""), refused);
        assert!(ask(&privileged("demo.work"), "command.run", "{}", "").is_ok());
    }
}
