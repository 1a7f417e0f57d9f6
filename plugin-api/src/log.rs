//! Carries what the macros of `tracing` (and of the `log` crate, which many libraries use) say inside a task to its log.
//!
//! One subscriber for the plugin: a library has its own copy of `tracing`, so its global default is the plugin's. Levels are
//! not filtered here but by the host. Spans are accepted and not kept. What is said outside of a task (by threads of the
//! plugin's own) goes nowhere. Not here: which attempt a thread works for (`host::current`). Start at [`install`].

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::abi;
use crate::host::current;

/// From here on lines are carried. A program that has a subscriber of its own (a test, perhaps) keeps that.
pub(crate) fn install() {
    if tracing::subscriber::set_global_default(Forward).is_ok() && log::set_logger(&Forward).is_ok() {
        log::set_max_level(log::LevelFilter::Trace);
    }
}

/// Sends each line to the attempt that the thread works for.
struct Forward;

impl Subscriber for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_event() { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if !current::is_entered() {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::TRACE => abi::TRACE,
            Level::DEBUG => abi::DEBUG,
            Level::INFO => abi::INFO,
            Level::WARN => abi::WARN,
            Level::ERROR => abi::ERROR,
        };
        line.send(level);
    }
}

impl log::Log for Forward {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        current::is_entered()
    }

    fn log(&self, record: &log::Record<'_>) {
        if !current::is_entered() {
            return;
        }
        let level = match record.level() {
            log::Level::Trace => abi::TRACE,
            log::Level::Debug => abi::DEBUG,
            log::Level::Info => abi::INFO,
            log::Level::Warn => abi::WARN,
            log::Level::Error => abi::ERROR,
        };
        Line { message: record.args().to_string(), fields: Map::new() }.send(level);
    }

    fn flush(&self) {}
}

/// A line in the host's form.
#[derive(Default)]
struct Line {
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    fn send(self, level: u32) {
        let fields = if self.fields.is_empty() { String::new() } else { Value::Object(self.fields).to_string() };
        current::log(level, &self.message, fields.as_bytes());
    }

    fn set(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // What JSON has no number for is written as text.
        self.set(field, serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            write!(self.message, "{value:?}").expect("a String takes all");
        } else {
            self.set(field, format!("{value:?}").into());
        }
    }
}
