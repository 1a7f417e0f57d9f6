//! The saved state of a task in the form in which this crate gives it to the host.
//!
//! `{"v": 2, "state": …, "steps": {"name": …}}`: `v` is the kind's [`state_version`](crate::Defaults::state_version) (0 if it
//! has none), `state` what the task saved last (absent before the first save), `steps` the results of its named steps. The
//! form belongs to this crate: to a host it is any JSON document, and a plugin that is not built on this crate has its own.
//! Not here: when it is saved (`attempt`, `context`). Start at [`Kept`].

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::outcome::{TaskError, TaskResult};

type Steps = BTreeMap<String, Box<RawValue>>;

/// What is saved of a task, as of now.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    version: u32,
    state: Option<Box<RawValue>>,
    steps: Steps,
    /// Steps that this attempt has asked for and been answered.
    answered: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    v: u32,
    #[serde(default, deserialize_with = "present")]
    state: Option<Box<RawValue>>,
    #[serde(default)]
    steps: Steps,
}

impl Saved {
    fn read(saved: &[u8]) -> Result<Self, serde_json::Error> {
        // Serde would take a list for the fields in their order.
        if saved.trim_ascii_start().first() != Some(&b'{') {
            return Err(serde::de::Error::custom("it is no object"));
        }
        serde_json::from_slice(saved)
    }
}

/// A state that is `null` is a state.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

#[derive(Serialize)]
struct Envelope<'a> {
    v: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    steps: &'a Steps,
}

impl Kept {
    /// Nothing yet.
    pub(crate) fn new(version: u32) -> Self {
        Self { version, ..Self::default() }
    }

    /// What an earlier attempt saved; nothing, and the reason for the log, if this version of the kind cannot go on from it.
    pub(crate) fn read(saved: &[u8], version: u32) -> (Self, Option<String>) {
        if saved.is_empty() {
            return (Self::new(version), None);
        }
        match Saved::read(saved) {
            Ok(Saved { v, state, steps }) if v == version => {
                (Self { version, state, steps, answered: BTreeSet::new() }, None)
            }
            Ok(Saved { v, .. }) => {
                let reason =
                    format!("the saved state has version {v}, this plugin has state_version {version}: starting anew");
                (Self::new(version), Some(reason))
            }
            Err(error) => {
                let reason =
                    format!("the saved state was not written by a plugin of this make ({error}): starting anew");
                (Self::new(version), Some(reason))
            }
        }
    }

    /// The state that was saved last.
    pub(crate) fn state<T: DeserializeOwned>(&self) -> TaskResult<Option<T>> {
        let state = self.state.as_deref().map(|state| serde_json::from_str(state.get()));
        state.transpose().map_err(|error| TaskError::unusable_state("read", &error))
    }

    /// The document to save if `state` were the state.
    pub(crate) fn envelope(&self, state: Option<&RawValue>) -> Vec<u8> {
        let envelope = Envelope { v: self.version, state, steps: &self.steps };
        serde_json::to_vec(&envelope).expect("numbers, names and JSON are JSON")
    }

    /// The document to save, with the state as it is.
    pub(crate) fn envelope_as_is(&self) -> Vec<u8> {
        self.envelope(self.state.as_deref())
    }

    /// `state` was given to the host.
    pub(crate) fn set_state(&mut self, state: Box<RawValue>) {
        self.state = Some(state);
    }

    /// The result of the step `name`, if it is kept.
    pub(crate) fn step<T: DeserializeOwned>(&mut self, name: &str) -> TaskResult<Option<T>> {
        if self.answered.contains(name) {
            let message = format_args!("the step `{name}` ran already in this attempt; give each step its own name");
            return Err(TaskError::fatal(message).with_code("step"));
        }
        let Some(result) = self.steps.get(name) else { return Ok(None) };
        let result = serde_json::from_str(result.get()).map_err(|error| unusable_step("read", name, &error))?;
        self.answered.insert(name.to_owned());
        Ok(Some(result))
    }

    /// The step `name` is done.
    pub(crate) fn add_step<T: Serialize>(&mut self, name: &str, result: &T) -> TaskResult<()> {
        let result = serde_json::value::to_raw_value(result).map_err(|error| unusable_step("write", name, &error))?;
        self.answered.insert(name.to_owned());
        self.steps.insert(name.to_owned(), result);
        Ok(())
    }
}

fn unusable_step(verb: &str, name: &str, error: &serde_json::Error) -> TaskError {
    TaskError::fatal(format_args!("cannot {verb} the result of the step `{name}`: {error}")).with_code("step")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let mut kept = Kept::new(2);
        assert_eq!(text(kept.envelope_as_is()), r#"{"v":2}"#);
        kept.add_step("mail", &"id-1").unwrap();
        kept.set_state(raw("[1]"));
        let saved = kept.envelope_as_is();
        assert_eq!(text(saved.clone()), r#"{"v":2,"state":[1],"steps":{"mail":"id-1"}}"#);
        let (mut again, reason) = Kept::read(&saved, 2);
        assert_eq!((again.state().unwrap(), reason), (Some([1]), None));
        assert_eq!(again.step("mail").unwrap(), Some("id-1".to_owned()));
        assert_eq!(again.step::<String>("other").unwrap(), None);
    }

    #[test]
    fn a_state_of_null_is_a_state() {
        let (kept, _) = Kept::read(br#"{"v":0,"state":null}"#, 0);
        assert_eq!(kept.state::<()>().unwrap(), Some(()));
        let (kept, _) = Kept::read(br#"{"v":0}"#, 0);
        assert_eq!(kept.state::<()>().unwrap(), None);
    }

    #[test]
    fn another_version_starts_anew_and_both_are_named() {
        let (mut kept, reason) = Kept::read(br#"{"v":1,"state":[1],"steps":{"mail":"id-1"}}"#, 2);
        assert_eq!(reason.unwrap(), "the saved state has version 1, this plugin has state_version 2: starting anew");
        assert_eq!(kept.state::<[u32; 1]>().unwrap(), None);
        assert_eq!(kept.step::<String>("mail").unwrap(), None);
    }

    #[test]
    fn a_state_of_foreign_make_starts_anew() {
        let (kept, reason) = Kept::read(b"[0]", 0);
        assert!(reason.unwrap().starts_with("the saved state was not written by a plugin of this make"));
        assert_eq!(kept.state::<u32>().unwrap(), None);
    }

    #[test]
    fn one_name_for_two_steps_of_an_attempt_is_refused() {
        let mut kept = Kept::new(0);
        assert_eq!(kept.step::<u32>("mail").unwrap(), None);
        assert_eq!(kept.step::<u32>("mail").unwrap(), None, "a step that failed may be tried again");
        kept.add_step("mail", &1).unwrap();
        let error = kept.step::<u32>("mail").unwrap_err();
        assert_eq!(error.to_string(), "the step `mail` ran already in this attempt; give each step its own name");
    }
}
