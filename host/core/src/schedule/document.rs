//! A schedule as a JSON document: `{"cron": "30 2 * * *", "timezone": "Europe/Berlin"}`, `{"every": "15m"}`,
//! `{"at": "2026-12-24T18:00:00Z"}`, `{"delay": "1h"}`.
//!
//! Not here: schedules in `tasks.toml`, where each error has its place in the file (`config`). Start at [`Schedule::read`].

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Cron, Schedule, Zone};
use crate::duration::DurationText;
use crate::suggest::closest;

/// The ways to say when, of which a schedule has exactly one.
const WAYS: [&str; 4] = ["cron", "every", "at", "delay"];
const TIMEZONE: &str = "timezone";

/// What is wrong with a schedule's document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// The key that is wrong; none if it is the whole.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that is known.
    pub hint: Option<String>,
}

impl ScheduleError {
    fn of_all(message: impl Display, hint: &str) -> Self {
        Self { key: None, message: message.to_string(), hint: Some(hint.to_owned()) }
    }

    fn at(key: &str, message: impl Display, hint: Option<String>) -> Self {
        Self { key: Some(key.to_owned()), message: message.to_string(), hint }
    }
}

impl Schedule {
    /// Reads the document; `zone` is that of a cron line which names none.
    /// # Errors
    /// [`ScheduleError`] with the first thing that is wrong.
    pub fn read(document: &Value, zone: Zone) -> Result<Self, ScheduleError> {
        let like = "it should be like {\"cron\": \"30 2 * * *\"} or {\"every\": \"15m\"}";
        let Value::Object(keys) = document else { return Err(ScheduleError::of_all("it is no object", like)) };
        let known = || WAYS.into_iter().chain([TIMEZONE]);
        if let Some(key) = keys.keys().find(|key| known().all(|known| known != *key)) {
            let hint = closest(key, known()).map(|known| format!("did you mean `{known}`?"));
            return Err(ScheduleError::at(key, format!("unknown key `{key}`"), hint));
        }
        let ways: Vec<_> = WAYS.into_iter().filter(|way| keys.contains_key(*way)).collect();
        let [way] = ways[..] else {
            let message = format!("it should have exactly one of {}; it has {}", WAYS.join(", "), ways.len());
            return Err(ScheduleError::of_all(message, like));
        };
        if way != "cron" && keys.contains_key(TIMEZONE) {
            return Err(ScheduleError::at(TIMEZONE, "`timezone` is for cron alone", None));
        }
        match way {
            "cron" => read_cron(keys, zone).map(Self::Cron),
            "every" => parsed::<DurationText>(keys, way).map(|every| Self::Every(every.get())),
            "at" => parsed(keys, way).map(Self::At),
            _ => parsed::<DurationText>(keys, way).map(|delay| Self::Delay(delay.get())),
        }
    }
}

fn read_cron(keys: &Map<String, Value>, zone: Zone) -> Result<Cron, ScheduleError> {
    let zone = match keys.get(TIMEZONE) {
        Some(_) => text(keys, TIMEZONE)?.parse().map_err(|error: super::ZoneError| {
            let hint = error.hint();
            ScheduleError::at(TIMEZONE, error, Some(hint))
        })?,
        None => zone,
    };
    Cron::parse(text(keys, "cron")?, zone).map_err(|error| {
        let hint = error.hint();
        ScheduleError::at("cron", error, hint)
    })
}

fn text<'a>(keys: &'a Map<String, Value>, key: &str) -> Result<&'a str, ScheduleError> {
    let found = keys.get(key).and_then(Value::as_str);
    found.ok_or_else(|| ScheduleError::at(key, format!("`{key}` is no string"), None))
}

fn parsed<T: FromStr<Err: Display>>(keys: &Map<String, Value>, key: &str) -> Result<T, ScheduleError> {
    text(keys, key)?.parse().map_err(|error| ScheduleError::at(key, error, None))
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Cron(cron) => {
                map.serialize_entry("cron", cron.text())?;
                map.serialize_entry(TIMEZONE, &cron.zone().to_string())?;
            }
            Self::Every(interval) => map.serialize_entry("every", &DurationText::from(*interval))?,
            Self::At(instant) => map.serialize_entry("at", instant)?,
            Self::Delay(delay) => map.serialize_entry("delay", &DurationText::from(*delay))?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Value::deserialize(deserializer)?, Zone::UTC).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: &Value) -> Result<Schedule, ScheduleError> {
        Schedule::read(document, "Europe/Berlin".parse().unwrap())
    }

    #[test]
    fn a_schedule_comes_back_from_its_document() {
        for (document, kept) in [
            (json!({"cron": "30 2 * * *"}), json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})),
            (json!({"cron": "@daily", "timezone": "UTC"}), json!({"cron": "@daily", "timezone": "UTC"})),
            (json!({"every": "90m"}), json!({"every": "1h30m"})),
            (json!({"at": "2026-12-24T19:00:00+01:00"}), json!({"at": "2026-12-24T18:00:00.000000Z"})),
            (json!({"delay": "1h"}), json!({"delay": "1h"})),
        ] {
            let schedule = read(&document).unwrap();
            assert_eq!(serde_json::to_value(&schedule).unwrap(), kept);
            assert_eq!(serde_json::from_value::<Schedule>(kept).unwrap(), schedule);
        }
    }

    #[test]
    fn each_mistake_names_its_key() {
        let told = |document: Value| {
            let error = read(&document).unwrap_err();
            (error.key.unwrap_or_default(), error.message, error.hint.unwrap_or_default())
        };
        let like = "it should be like {\"cron\": \"30 2 * * *\"} or {\"every\": \"15m\"}".to_owned();
        let of_all = |message: &str| (String::new(), message.to_owned(), like.clone());
        assert_eq!(told(json!("@daily")), of_all("it is no object"));
        assert_eq!(told(json!({})), of_all("it should have exactly one of cron, every, at, delay; it has 0"));
        assert_eq!(
            told(json!({"every": "1h", "at": "2026-12-24T18:00:00Z"})),
            of_all("it should have exactly one of cron, every, at, delay; it has 2")
        );
        assert_eq!(
            told(json!({"evry": "1h"})),
            ("evry".to_owned(), "unknown key `evry`".to_owned(), "did you mean `every`?".to_owned())
        );
        for (document, key) in [
            (json!({"cron": "61 * * * *"}), "cron"),
            (json!({"cron": 5}), "cron"),
            (json!({"cron": "@daily", "timezone": "Europe/Berln"}), "timezone"),
            (json!({"every": "1h", "timezone": "UTC"}), "timezone"),
            (json!({"every": "often"}), "every"),
            (json!({"at": "tomorrow"}), "at"),
        ] {
            assert_eq!(told(document).0, key);
        }
    }
}
