//! `GET /api/v1/events` and `GET /api/v1/tasks/{id}/events`: what happens, as server-sent events.
//!
//! Not here: which events there are and how many are kept (`Host::follow`), their documents (`event_document`). Start at
//! [`Stream`].

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use taskhost_core::ids::TaskId;
use taskhost_core::task::TaskState;
use tokio::sync::OwnedSemaphorePermit;

use super::event_document::{EventDocument, heartbeat, reset, sent};
use super::openapi::problems;
use super::problem::{Problem, ProblemType};
use super::query::Query;
use super::serve::Stopping;
use super::tasks::{TaskPath, not_found, stopped};
use super::{Api, schema};
use crate::clock::sleep;
use crate::host::{EventFeed, EventFilter, EventId, Happened, Host, NextEvent, StoreError, TaskReport};

/// How many streams one way in serves at once.
pub(super) const STREAMS_MAX: usize = 64;

/// After this long without an event the stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A commit can be read before its events are told. That takes microseconds; this long is waited for them.
const LAG: Duration = Duration::from_millis(200);

/// How often a task is read at most to meet it while nothing happens to it.
const READS_MAX: usize = 8;

problems!(NotStreamed: TooBusy);

/// Follow what happens
///
/// Server-sent events, as long as the client listens. Each has an `id`, a name such as `task.started`, and a document. The latest
/// are kept in memory: with `Last-Event-ID` the stream goes on behind that event; if what came after it is not kept any more, or
/// the daemon was started anew, it begins with the event `reset`, on which a client reads again what it shows. The same is told to
/// one that reads too slowly. A comment comes after 15 s without an event. Events: `task.scheduled`, `task.blocked`, `task.queued`,
/// `task.started`, `task.progressed` (at most every 100 ms a task), `task.cancel_asked`, `task.failed` (it is tried again),
/// `task.completed`, `task.cancelled`, `task.died`, `task.discarded`.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events",
    params(
        ("queue" = Option<schema::Name>, Query, description = "Only of tasks of this queue."),
        ("kind" = Option<schema::Name>, Query, description = "Only of tasks of this kind."),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the event that was heard last."),
    ),
    responses(
        (status = 200, description = "The events; the document of each is in its `data`.", body = EventDocument, content_type = "text/event-stream"),
        NotStreamed,
    ),
)]
pub(super) async fn all(
    State(api): State<Arc<Api>>,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
    let filter = EventFilter { task: None, queue: query.get("queue")?, kind: query.get("kind")? };
    let place = api.stream_place()?;
    let feed = api.host.follow(filter, after(&headers));
    Ok(Stream {
        feed,
        host: api.host.clone(),
        task: None,
        told: None,
        ready: VecDeque::new(),
        is_over: false,
        _place: place,
    }
    .serve(stopping))
}

problems!(TaskNotStreamed: TaskNotFound, TooBusy, StoreUnavailable);

/// Follow a task
///
/// As `/api/v1/events`, for one task. It begins with where the task stands, as the event that tells it, and ends with the task. One
/// who comes back with `Last-Event-ID` and has heard the end is answered 204, on which a browser does not ask again.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/events", tag = "events",
    params(
        ("id" = schema::Id, Path, description = "The task."),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the event that was heard last."),
    ),
    responses(
        (status = 200, description = "The events; the document of each is in its `data`.", body = EventDocument, content_type = "text/event-stream"),
        (status = 204, description = "The task has ended, and nothing has happened to it since."),
        TaskNotStreamed,
    ),
)]
pub(super) async fn of_task(
    State(api): State<Arc<Api>>,
    TaskPath(task): TaskPath,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = api.stream_place()?;
    let after = after(&headers);
    // Before the task is read: what happens after that is heard.
    let feed = api.host.follow(EventFilter { task: Some(task), ..EventFilter::default() }, after);
    let host = api.host.clone();
    let mut stream =
        Stream { feed, host, task: Some(task), told: None, ready: VecDeque::new(), is_over: false, _place: place };
    if after.is_none() {
        let report = stream.read(task).await?.ok_or_else(|| not_found(task))?;
        stream.tell(&report);
        return Ok(stream.serve(stopping));
    }
    let report = api.find(task).await?;
    if report.view.task.status().is_ended() {
        // Whether the end was heard, or is still to be told, shows within a moment.
        tokio::select! {
            biased;
            next = stream.feed.next() => stream.take(next).await,
            () = sleep(LAG) => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
    }
    Ok(stream.serve(stopping))
}

/// The event that was heard last. A text that is none is of another daemon: its reader has missed events.
fn after(headers: &HeaderMap) -> Option<EventId> {
    let given = headers.get("last-event-id").map(|given| given.to_str().unwrap_or_default());
    given.filter(|given| !given.is_empty()).map(|given| given.parse().unwrap_or(EventId::UNKNOWN))
}

impl Api {
    fn stream_place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            let detail = format!("{STREAMS_MAX} streams of events are under way, which is as many as there may be");
            Problem::new(ProblemType::TooBusy, detail).hint("end one, or ask again later")
        })
    }
}

/// A stream of events under way.
struct Stream {
    feed: EventFeed,
    host: Host,
    /// The only task that it is about; it ends with this.
    task: Option<TaskId>,
    /// Where it stood when it was read and how many attempts were spent, until something is heard of it.
    told: Option<(TaskState, u32)>,
    /// What is sent next.
    ready: VecDeque<Event>,
    /// Nothing comes after what is ready.
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Stream {
    fn serve(self, stopping: Option<Extension<Stopping>>) -> Response {
        let events = unfold((self, stopping), async |(mut stream, stopping)| {
            let event = stream.next(stopping.clone()).await?;
            Some((Ok::<_, Infallible>(event), (stream, stopping)))
        });
        // A proxy that gathers the answer would hold the events back.
        let unbuffered = [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];
        (unbuffered, Sse::new(events)).into_response()
    }

    /// The next event to send; none at the end.
    async fn next(&mut self, stopping: Option<Extension<Stopping>>) -> Option<Event> {
        while self.ready.is_empty() && !self.is_over {
            let next = tokio::select! {
                // In this order: what was told before the stop is sent before the end.
                biased;
                next = self.feed.next() => Some(next),
                () = sleep(HEARTBEAT) => None,
                () = stopped(stopping.clone()) => return None,
            };
            match next {
                Some(next) => self.take(next).await,
                None => self.ready.push_back(heartbeat(self.feed.position())),
            }
        }
        self.ready.pop_front()
    }

    /// Makes ready what comes next.
    async fn take(&mut self, next: NextEvent) {
        let mut heard = VecDeque::from([next]);
        if let Some((state, attempt)) = self.told.take() {
            // A commit can be read a moment before its events are heard, and these come together.
            heard.extend(std::iter::from_fn(|| self.feed.next_now()));
            let is_told = |next: &NextEvent| matches!(next, NextEvent::Event(event) if event.happened == Happened::Became(state) && event.attempt == attempt);
            if let Some(place) = heard.iter().position(is_told) {
                heard.drain(..=place);
            }
        }
        while let Some(one) = heard.pop_front() {
            match one {
                NextEvent::Event(event) => {
                    self.ready.push_back(sent(&event));
                    if self.task.is_some() && event.is_end() && heard.is_empty() {
                        // It may have been queued again since.
                        heard.extend(self.feed.next_now());
                        self.is_over = heard.is_empty();
                    }
                }
                NextEvent::Missed(id) => {
                    self.ready.push_back(reset(id));
                    if let Some(task) = self.task {
                        heard.clear();
                        self.tell_anew(task).await;
                    }
                }
            }
        }
    }

    /// Tells where the one task stands after events of it were missed.
    async fn tell_anew(&mut self, task: TaskId) {
        match self.read(task).await {
            Ok(Some(report)) => self.tell(&report),
            // It is not kept any more; or a failed store ends the daemon.
            Ok(None) | Err(_) => self.is_over = true,
        }
    }

    fn tell(&mut self, report: &TaskReport) {
        let task = &report.view.task;
        self.ready.extend(report.as_events(self.feed.position()).iter().map(sent));
        self.told = Some((task.state, task.attempt));
        self.is_over = task.status().is_ended();
    }

    /// Where the task stands; what the feed told before is part of it.
    async fn read(&mut self, task: TaskId) -> Result<Option<TaskReport>, StoreError> {
        let mut report = self.host.task(task).await?;
        for _ in 1..READS_MAX {
            if self.feed.next_now().is_none() {
                break;
            }
            // It may have been read before that happened or after it.
            while self.feed.next_now().is_some() {}
            report = self.host.task(task).await?;
        }
        Ok(report)
    }
}
