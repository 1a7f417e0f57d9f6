//! A line of the log as a JSON object: `time`, `level`, `target`, `fields`, `message`, in this order.

use std::fmt::{self, Debug};

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event as JSON.
#[derive(Debug)]
pub(super) struct Json;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'static str,
    target: &'a str,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    fields: Fields,
    message: String,
}

/// In the order in which they were given.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What an event says.
#[derive(Default)]
struct Said {
    fields: Fields,
    message: String,
}

impl Said {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.0.push((field.name(), value.into()));
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" { self.message = text } else { self.put(field, text) }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // What a plugin says beside its message is JSON.
        let object = Some(value).filter(|_| field.name() == "fields");
        match object.and_then(|value| serde_json::from_str::<Value>(value).ok()) {
            Some(object) => self.put(field, object),
            None => self.put(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let level = level(*event.metadata().level());
        let Said { fields, message } = said;
        let line = Line { time, level, target: event.metadata().target(), fields, message };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_not_written| fmt::Error)?)
    }
}

/// The words of the logs of tasks.
fn level(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged meanwhile, with one time for all.
    fn logged(log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(move || writer.clone())
            .event_format(Json)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| {
            let (time, rest) = line.split_once(",\"level\"").unwrap();
            let time = time.strip_prefix("{\"time\":\"").unwrap().strip_suffix('"').unwrap();
            assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
            format!("{{\"time\":\"…\",\"level\"{rest}\n")
        });
        lines.collect()
    }

    #[test]
    fn a_line_is_an_object_that_begins_alike_and_keeps_the_order_of_its_fields() {
        let text = logged(|| {
            tracing::info!(target: "taskhost::boot", listen = %"127.0.0.1:7878", kinds = 3, "taskhost is ready.");
            tracing::warn!(target: "a", ok = true, rate = 0.5, at = -1, hint = None::<String>, "One\nline \"only\".");
            let error = io::Error::other("no");
            tracing::error!(target: "a", error = &error as &dyn std::error::Error, list = ?[1, 2], "Failed.");
            tracing::debug!(target: "a", "Nothing beside.");
        });
        assert_eq!(
            text,
            r#"{"time":"…","level":"info","target":"taskhost::boot","fields":{"listen":"127.0.0.1:7878","kinds":3},"message":"taskhost is ready."}
{"time":"…","level":"warn","target":"a","fields":{"ok":true,"rate":0.5,"at":-1},"message":"One\nline \"only\"."}
{"time":"…","level":"error","target":"a","fields":{"error":"no","list":"[1, 2]"},"message":"Failed."}
{"time":"…","level":"debug","target":"a","message":"Nothing beside."}
"#
        );
    }

    #[test]
    fn the_fields_of_a_plugin_are_an_object_unless_they_are_none() {
        let text = logged(|| {
            tracing::info!(target: "plugin", fields = r#"{"bytes":3}"#, "said");
            tracing::info!(target: "plugin", fields = "{cut", "said");
        });
        assert_eq!(
            text,
            r#"{"time":"…","level":"info","target":"plugin","fields":{"fields":{"bytes":3}},"message":"said"}
{"time":"…","level":"info","target":"plugin","fields":{"fields":"{cut"},"message":"said"}
"#
        );
    }
}
