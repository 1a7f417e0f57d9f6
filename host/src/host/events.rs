//! What happens to tasks, one event after the other, with names instead of numbers.
//!
//! Not here: gathering events and keeping the latest (`events`), JSON (`api`). Start at [`Host::follow`].

use std::sync::Arc;

use taskhost_core::ids::{KindName, QueueName, TaskId};
use taskhost_core::task::{Status, TaskState};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::Progress;

use super::{Host, TaskReport};
use crate::events::{Batch, EventId, FollowsProgress, Heard, Listener, ProgressMade, TaskChanged, Told};

/// Which events: all that is said has to hold.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this task.
    pub task: Option<TaskId>,
    /// Of tasks of this queue.
    pub queue: Option<QueueName>,
    /// Of tasks of this kind.
    pub kind: Option<KindName>,
}

/// Something that happened to a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskEvent {
    /// Where in the order of all events.
    pub id: EventId,
    /// When.
    pub at: UnixMicros,
    /// The task.
    pub task: TaskId,
    /// Its queue.
    pub queue: Arc<str>,
    /// Its kind.
    pub kind: Arc<str>,
    /// How many attempts are spent.
    pub attempt: u32,
    /// What.
    pub happened: Happened,
}

/// What happened to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// It stands there now.
    Became(TaskState),
    /// It was deleted before its time.
    Discarded,
    /// It runs and has come further.
    Progressed {
        /// How far.
        progress: Progress,
        /// What the progress counts; empty if the kind does not say.
        unit: String,
    },
}

impl TaskEvent {
    /// Whether nothing more happens to the task by itself.
    pub fn is_end(&self) -> bool {
        match &self.happened {
            Happened::Became(state) => state.status().is_ended(),
            Happened::Discarded => true,
            Happened::Progressed { .. } => false,
        }
    }
}

/// What comes next to somebody who listens.
#[derive(Debug, Clone, PartialEq)]
pub enum NextEvent {
    /// An event.
    Event(Box<TaskEvent>),
    /// Events were missed: they are not kept any more, or are those of another start. It goes on behind this one.
    Missed(EventId),
}

/// Events, the next one always being waited for. Whoever reads slowly misses some, and holds nobody up.
#[derive(Debug)]
pub struct EventFeed {
    host: Host,
    filter: EventFilter,
    listener: Listener,
    /// What was heard and not handed on: a batch, and the place in it.
    heard: Option<(Arc<Batch>, usize)>,
    /// It begins with a gap.
    gap: bool,
    /// The id behind which it stands.
    position: EventId,
    /// Progress is told as long as this lives.
    _following: FollowsProgress,
}

impl Host {
    /// Hears what happens from now on, or what happened after an event that was heard before.
    pub fn follow(&self, filter: EventFilter, after: Option<EventId>) -> EventFeed {
        let events = &self.0.events;
        let following = events.follow_progress();
        let latest = events.latest();
        let (listener, position) = match after {
            Some(after) => (events.listen_after(after), after),
            None => (events.listen_after(latest), latest),
        };
        let gap = listener.is_none();
        let position = if gap { latest } else { position };
        let listener = listener.unwrap_or_else(|| events.listen());
        EventFeed { host: self.clone(), filter, listener, heard: None, gap, position, _following: following }
    }
}

impl EventFeed {
    /// The next event.
    /// # Cancel safety
    /// What came is answered by the next call.
    pub async fn next(&mut self) -> NextEvent {
        loop {
            if let Some(next) = self.next_now() {
                return next;
            }
            let heard = self.listener.hear().await;
            if let Some(missed) = self.take(heard) {
                return missed;
            }
        }
    }

    /// The next event, if it happened already.
    pub fn next_now(&mut self) -> Option<NextEvent> {
        if std::mem::take(&mut self.gap) {
            return Some(NextEvent::Missed(self.position));
        }
        loop {
            while let Some((batch, place)) = self.heard.take() {
                let number = batch.first + place as u64;
                let Some(event) = self.event(&batch, place) else { break };
                self.position = self.position.at(number);
                self.heard = Some((batch, place + 1));
                if let Some(event) = event {
                    return Some(NextEvent::Event(Box::new(event)));
                }
            }
            let heard = self.listener.hear_now()?;
            if let Some(missed) = self.take(heard) {
                return Some(missed);
            }
        }
    }

    /// The id behind which it stands: also events that the filter left out are behind it.
    pub fn position(&self) -> EventId {
        self.position
    }

    fn take(&mut self, heard: Heard) -> Option<NextEvent> {
        match heard {
            Heard::Batch(batch, from) => {
                let place = usize::try_from(from - batch.first).unwrap_or(usize::MAX);
                self.heard = Some((batch, place));
                None
            }
            Heard::Missed => {
                self.position = self.host.0.events.latest();
                Some(NextEvent::Missed(self.position))
            }
        }
    }

    /// What stands at this place of a batch: none behind its end, and none within if the filter leaves it out.
    #[expect(clippy::option_option, reason = "the end and a gap are two things")]
    fn event(&self, batch: &Batch, place: usize) -> Option<Option<TaskEvent>> {
        let id = self.position.at(batch.first + place as u64);
        match &batch.told {
            Told::Changed(changes) => changes.get(place).map(|change| self.of_change(change, id, batch.at)),
            Told::Progressed(made) => made.get(place).map(|made| self.of_progress(made, id, batch.at)),
        }
    }

    fn of_change(&self, change: &TaskChanged, id: EventId, at: UnixMicros) -> Option<TaskEvent> {
        if self.filter.task.is_some_and(|task| task != change.task) {
            return None;
        }
        let labels = self.host.0.events.labels();
        let (queue, kind) = (labels.name(change.queue), labels.name(change.kind));
        let happened = change.state.map_or(Happened::Discarded, Happened::Became);
        self.fits(&queue, &kind).then_some(TaskEvent {
            id,
            at,
            task: change.task,
            queue,
            kind,
            attempt: change.attempt,
            happened,
        })
    }

    fn of_progress(&self, made: &ProgressMade, id: EventId, at: UnixMicros) -> Option<TaskEvent> {
        let (queue, kind) = (made.queue.as_str(), made.kind.as_str());
        if self.filter.task.is_some_and(|task| task != made.task) || !self.fits(queue, kind) {
            return None;
        }
        let unit = self.host.kind(&made.kind).map(|kind| kind.unit.clone()).unwrap_or_default();
        let happened = Happened::Progressed { progress: made.progress.clone(), unit };
        let (queue, kind) = (queue.into(), kind.into());
        Some(TaskEvent { id, at, task: made.task, queue, kind, attempt: made.attempt, happened })
    }

    fn fits(&self, queue: &str, kind: &str) -> bool {
        self.filter.queue.as_ref().is_none_or(|wanted| wanted.as_str() == queue)
            && self.filter.kind.as_ref().is_none_or(|wanted| wanted.as_str() == kind)
    }
}

impl TaskReport {
    /// Where the task stands, as the events that tell it, for somebody who has heard none.
    pub fn as_events(&self, id: EventId) -> Vec<TaskEvent> {
        let (submitted, task) = (&self.view.submitted, &self.view.task);
        let since = match task.state {
            TaskState::Running { started_at, .. } => started_at,
            TaskState::Queued { ready_at } => ready_at,
            _ => task.state.finished_at().unwrap_or(self.view.created_at),
        };
        let event = |happened| TaskEvent {
            id,
            at: since,
            task: submitted.id,
            queue: submitted.queue.as_str().into(),
            kind: submitted.kind.as_str().into(),
            attempt: task.attempt,
            happened,
        };
        let mut events = vec![event(Happened::Became(task.state))];
        if let Some(progress) = &self.progress {
            let progressed = event(Happened::Progressed { progress: progress.clone(), unit: self.unit.clone() });
            // An end is told last.
            let place = usize::from(task.status() == Status::Running);
            events.insert(place, progressed);
        }
        events
    }
}
