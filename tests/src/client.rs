//! A plain HTTP client.

use std::time::Duration;

use serde_json::{Value, json};

use super::Events;

/// Speaks to one daemon over TCP.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    agent: ureq::Agent,
}

/// What the daemon answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: String,
    /// The header `Location`, or nothing.
    pub location: String,
    /// The body as JSON; a string if it is none.
    pub body: Value,
}

/// No answer takes longer, or a test hangs.
const LIMIT: Duration = Duration::from_secs(90);

impl Client {
    /// A client for the daemon that listens at this address.
    pub fn new(address: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT)).build();
        Self { base: format!("http://{address}"), agent: config.into() }
    }

    /// Asks for a path such as `/api/v1/plugins`.
    pub fn get(&self, path: &str) -> Answer {
        answer(self.agent.get(format!("{}{path}", self.base)).call())
    }

    /// Asks for a path, and answers the body as it came.
    pub fn get_text(&self, path: &str) -> String {
        let response = self.agent.get(format!("{}{path}", self.base)).call();
        response.expect("the daemon answers").body_mut().read_to_string().expect("a body of text")
    }

    /// Sends a document.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.agent.post(format!("{}{path}", self.base)).send_json(body))
    }

    /// Sends a document under an idempotency key.
    pub fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        answer(self.agent.post(format!("{}{path}", self.base)).header("idempotency-key", key).send_json(body))
    }

    /// Deletes what is at a path.
    pub fn delete(&self, path: &str) -> Answer {
        answer(self.agent.delete(format!("{}{path}", self.base)).call())
    }

    /// Sends raw bytes under a content type.
    pub fn post_raw(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        answer(self.agent.post(format!("{}{path}", self.base)).header("content-type", content_type).send(body))
    }

    /// Submits a task; answers its id.
    pub fn submit(&self, kind: &str, params: &Value) -> String {
        let answer = self.post("/api/v1/tasks", &json!({ "kind": kind, "params": params }));
        assert_eq!(answer.status, 202, "submitting {kind}: {}", answer.body);
        answer.body["task_id"].as_str().expect("an id").to_owned()
    }

    /// Opens a stream of events, behind the event that was heard last.
    pub fn events(&self, path: &str, after: Option<&str>) -> Events {
        let request = self.agent.get(format!("{}{path}", self.base));
        let request = match after {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let response = request.call().expect("the daemon answers");
        assert_eq!(response.status().as_u16(), 200, "a stream of events");
        Events::of(response.into_body())
    }

    /// The document of a task.
    pub fn task(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/tasks/{id}")).body
    }

    /// The document of a task once it has ended; the daemon holds the answer, so nobody polls.
    pub fn ended(&self, id: &str) -> Value {
        let task = self.get(&format!("/api/v1/tasks/{id}?wait=60s")).body;
        let status = task["status"].as_str().unwrap_or_default();
        assert!(["completed", "cancelled", "dead"].contains(&status), "the task did not end in time: {task}");
        task
    }

    /// The document of a task once `is` says so; each look is held by the daemon for a moment, or until the task ends.
    pub fn until(&self, id: &str, mut is: impl FnMut(&Value) -> bool) -> Value {
        for _ in 0..2_000 {
            let task = self.get(&format!("/api/v1/tasks/{id}?wait=20ms")).body;
            if is(&task) {
                return task;
            }
        }
        panic!("it never came to pass: {}", self.task(id));
    }
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.expect("the daemon answers");
    let header = |name: &str| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (content_type, location) = (header("content-type"), header("location"));
    let text = response.body_mut().read_to_string().expect("a body of text");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status: response.status().as_u16(), content_type, location, body }
}
