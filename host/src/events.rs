//! What happened to tasks, for whoever wants to hear it: a bounded log in memory, numbered without gaps.
//!
//! The store tells each commit as one batch, whether anybody listens or not, so that a listener who was away for a moment
//! misses nothing. Progress is told only while somebody follows it (`progress`). A listener that falls behind what is kept is
//! told so and reads the tasks again (decision 0015). Not here: who may hear what (`Host::follow`), JSON (`api`). Start at [`Events::append`].

mod id;
mod labels;
mod progress;
mod ring;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskhost_core::ids::TaskId;
use taskhost_core::task::{Status, TaskState};
use taskhost_core::time::UnixMicros;
use tokio::sync::watch;

pub use self::id::EventId;
pub use self::labels::{Label, Labels};
use self::progress::Moves;
pub use self::progress::{FollowsProgress, ProgressMade};
use self::ring::Ring;

/// Something that happened to a task; durable when it is told. Small and without names: the store's one thread makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskChanged {
    /// The task.
    pub task: TaskId,
    /// Its queue.
    pub queue: Label,
    /// Its kind.
    pub kind: Label,
    /// How many attempts are spent.
    pub attempt: u32,
    /// Where it stands now; none if it was deleted before its time.
    pub state: Option<TaskState>,
}

impl TaskChanged {
    /// Where it stands now; none if it was deleted before its time.
    pub fn status(&self) -> Option<Status> {
        self.state.map(|state| state.status())
    }
}

/// What was told at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The number of the first event; the others follow.
    pub first: u64,
    /// When.
    pub at: UnixMicros,
    /// The events.
    pub told: Told,
}

/// The events of a batch, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A commit.
    Changed(Vec<TaskChanged>),
    /// Running tasks have come further.
    Progressed(Vec<ProgressMade>),
}

impl Batch {
    /// How many events it has.
    fn len(&self) -> usize {
        match &self.told {
            Told::Changed(changes) => changes.len(),
            Told::Progressed(made) => made.len(),
        }
    }

    /// The number behind its last event.
    fn end(&self) -> u64 {
        self.first + self.len() as u64
    }

    /// What a commit changed.
    pub fn changes(&self) -> &[TaskChanged] {
        match &self.told {
            Told::Changed(changes) => changes,
            Told::Progressed(_) => &[],
        }
    }
}

/// Tells what happened to everybody who listens. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Events(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Names this run of the daemon: numbers begin anew with each.
    epoch: u64,
    ring: Mutex<Ring>,
    /// The number of the next event, for those who wait for it.
    next: watch::Sender<u64>,
    moves: Moves,
    labels: Labels,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            epoch: 0,
            ring: Mutex::default(),
            next: watch::Sender::new(1),
            moves: Moves::default(),
            labels: Labels::default(),
        }
    }
}

impl Events {
    /// Events of a daemon that starts now; the time tells them from those of another start.
    pub fn since(start: UnixMicros) -> Self {
        let epoch = u64::try_from(start.as_micros()).unwrap_or(0);
        Self(Arc::new(Shared { epoch, ..Shared::default() }))
    }

    /// When the daemon started.
    pub fn since_when(&self) -> UnixMicros {
        UnixMicros::from_micros(i64::try_from(self.0.epoch).unwrap_or(0))
    }

    /// The names that the store's events say as numbers.
    pub fn labels(&self) -> &Labels {
        &self.0.labels
    }

    /// Keeps the changes of one commit. Nobody is woken before [`Events::wake`].
    pub fn append(&self, at: UnixMicros, mut changes: Vec<TaskChanged>) {
        if !changes.is_empty() {
            // What is kept for long keeps no room to grow.
            changes.shrink_to_fit();
            self.keep(at, Told::Changed(changes));
        }
    }

    /// Wakes those who wait for what was appended.
    pub fn wake(&self) {
        let next = self.ring().next();
        self.0.next.send_if_modified(|known| std::mem::replace(known, next) != next);
    }

    fn keep(&self, at: UnixMicros, told: Told) {
        let gone = self.ring().push(at, told);
        // What falls out of the ring is freed here, where the lock is not held any more.
        drop(gone);
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the latest event.
    pub fn latest(&self) -> EventId {
        EventId { epoch: self.0.epoch, number: self.ring().next() - 1 }
    }

    /// Listens from now on.
    pub fn listen(&self) -> Listener {
        let heard = self.0.next.subscribe();
        let next = self.ring().next();
        Listener { events: self.clone(), next, heard }
    }

    /// Listens from the event behind this one; none if it is of another start, or if later ones are not kept any more.
    pub fn listen_after(&self, id: EventId) -> Option<Listener> {
        let heard = self.0.next.subscribe();
        let next = id.number.checked_add(1)?;
        let is_kept = {
            let ring = self.ring();
            (ring.oldest()..=ring.next()).contains(&next)
        };
        (is_kept && id.epoch == self.0.epoch).then(|| Listener { events: self.clone(), next, heard })
    }
}

/// Hears what happens.
#[derive(Debug)]
pub struct Listener {
    events: Events,
    /// The number of the next event to hear.
    next: u64,
    heard: watch::Receiver<u64>,
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Events: those from this number on are new.
    Batch(Arc<Batch>, u64),
    /// Some were missed; it goes on behind the latest.
    Missed,
}

impl Listener {
    /// The next batch; none if some were missed, so that the listener has to read again.
    /// # Cancel safety
    /// What came is heard by the next call.
    pub async fn next(&mut self) -> Option<Arc<Batch>> {
        match self.hear().await {
            Heard::Batch(batch, _) => Some(batch),
            Heard::Missed => None,
        }
    }

    /// As [`Listener::next`], with the place in the batch from which it is new.
    /// # Cancel safety
    /// As for [`Listener::next`].
    pub async fn hear(&mut self) -> Heard {
        loop {
            // Marked as seen before the look: what comes after it is waited for.
            self.heard.borrow_and_update();
            if let Some(heard) = self.hear_now() {
                return heard;
            }
            // The sender lives as long as the events, which the listener holds.
            self.heard.changed().await.ok();
        }
    }

    /// What there is to hear already.
    pub fn hear_now(&mut self) -> Option<Heard> {
        let ring = self.events.ring();
        if self.next == ring.next() {
            return None;
        }
        let Some(batch) = ring.find(self.next) else {
            self.next = ring.next();
            return Some(Heard::Missed);
        };
        let from = std::mem::replace(&mut self.next, batch.end());
        Some(Heard::Batch(batch, from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(number: u8) -> TaskChanged {
        let state = Some(TaskState::Completed { at: UnixMicros::default() });
        TaskChanged {
            task: TaskId::from_bytes([number; 16]),
            queue: Label::new(1),
            kind: Label::new(2),
            attempt: 1,
            state,
        }
    }

    fn tell(events: &Events, numbers: &[u8]) {
        events.append(UnixMicros::default(), numbers.iter().map(|number| change(*number)).collect());
        events.wake();
    }

    #[tokio::test]
    async fn a_listener_hears_every_batch_from_its_beginning_on() {
        let events = Events::default();
        tell(&events, &[1]);
        let mut listener = events.listen();
        assert_eq!(listener.hear_now(), None);
        tell(&events, &[2, 3]);
        tell(&events, &[4]);
        assert_eq!(listener.next().await.unwrap().changes(), [change(2), change(3)]);
        assert_eq!(listener.next().await.unwrap().first, 4);
        assert_eq!(listener.hear_now(), None);
    }

    #[tokio::test]
    async fn one_who_was_away_goes_on_where_it_stood_also_within_a_commit() {
        let events = Events::since(UnixMicros::from_micros(7));
        tell(&events, &[1, 2, 3]);
        let id: EventId = "7-2".parse().unwrap();
        let mut listener = events.listen_after(id).unwrap();
        assert!(matches!(listener.hear().await, Heard::Batch(batch, 3) if batch.first == 1));
        assert_eq!(events.latest().to_string(), "7-3");
        assert_eq!(events.listen_after(events.latest()).unwrap().hear_now(), None);
        for unknown in ["8-2", "7-4", "7-18446744073709551615"] {
            assert!(events.listen_after(unknown.parse().unwrap()).is_none(), "{unknown}");
        }
    }

    #[tokio::test]
    async fn who_falls_behind_is_told_so_and_holds_nobody_up() {
        let events = Events::default();
        let mut slow = events.listen();
        for _ in 0..=ring::KEPT / 200 {
            tell(&events, &[0; 200]);
        }
        assert_eq!(slow.hear().await, Heard::Missed);
        assert_eq!(slow.hear_now(), None, "it goes on behind the latest");
        tell(&events, &[9]);
        assert_eq!(slow.next().await.unwrap().changes(), [change(9)]);
        assert!(events.listen_after(EventId { epoch: 0, number: 0 }).is_none());
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let events = Events::default();
        let mut listener = events.listen();
        let heard = tokio::spawn(async move { listener.next().await });
        tokio::task::yield_now().await;
        tell(&events, &[5]);
        assert_eq!(heard.await.unwrap().unwrap().changes(), [change(5)]);
    }
}
