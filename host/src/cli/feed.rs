//! The daemon's stream of events.
//!
//! Not here: what a command makes of them. Start at [`Feed::next`].

use futures_util::StreamExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::value::RawValue;
use sse_stream::SseStream;

use super::client::{Client, misunderstood};
use super::failure::Failure;
use super::tasks::Progress;

/// A stream under way.
pub(super) struct Feed<'a> {
    client: &'a Client,
    events: SseStream<Incoming>,
}

/// An event as it came.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) data: Box<RawValue>,
}

/// What happened to a task, as far as the commands know it.
#[derive(Debug, Deserialize)]
pub(super) struct TaskEvent {
    pub(super) task_id: String,
    pub(super) kind: String,
    pub(super) status: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) attempt: u32,
    pub(super) at: String,
    pub(super) scheduled_at: Option<String>,
    pub(super) progress: Option<Progress>,
}

impl Event {
    /// Events were missed: what is shown has to be read again.
    pub(super) fn is_reset(&self) -> bool {
        self.name == "reset"
    }

    /// What it tells of a task.
    pub(super) fn task(&self) -> Result<TaskEvent, Failure> {
        serde_json::from_str(self.data.get()).map_err(|error| misunderstood(&error))
    }
}

impl<'a> Feed<'a> {
    /// Begins to hear what is at `path`.
    pub(super) async fn open(client: &'a Client, path: &str) -> Result<Self, Failure> {
        Ok(Self { client, events: SseStream::new(client.stream(path).await?) })
    }

    /// The next event; none when the daemon has ended the stream.
    ///
    /// # Cancel safety
    /// No event is lost.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Failure> {
        while let Some(block) = self.events.next().await {
            // The stream of a daemon that stops has an end; this one was cut off.
            let block = block.map_err(|_| self.client.lost())?;
            // Without a name it only shows that the stream lives.
            let (Some(name), Some(data)) = (block.event, block.data) else { continue };
            let data = RawValue::from_string(data).map_err(|error| misunderstood(&error))?;
            return Ok(Some(Event { name, id: block.id.unwrap_or_default(), data }));
        }
        Ok(None)
    }
}
