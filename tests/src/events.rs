//! A stream of events, read as it comes.

use std::io::{BufRead as _, BufReader};

use serde_json::Value;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name, such as `task.started`.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its document.
    pub data: Value,
}

/// The events of an answer.
pub struct Events(BufReader<ureq::BodyReader<'static>>);

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    pub(super) fn of(body: ureq::Body) -> Self {
        Self(BufReader::new(body.into_reader()))
    }

    /// Reads up to an event that `is` wanted, and answers it.
    pub fn until(&mut self, is: impl Fn(&Event) -> bool) -> Event {
        let found = self.find(is);
        found.expect("the stream ended before the event that is waited for")
    }
}

impl Iterator for Events {
    type Item = Event;

    /// The next event; none at the end of the stream. Comments are passed over.
    fn next(&mut self) -> Option<Event> {
        let mut event = Event { name: String::new(), id: String::new(), data: Value::Null };
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).expect("a stream that ends well") == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("id", id)) => id.clone_into(&mut event.id),
                Some(("data", data)) => event.data = serde_json::from_str(data).expect("a document"),
                _ if line == "\n" && !event.name.is_empty() => return Some(event),
                _ => {}
            }
        }
    }
}
