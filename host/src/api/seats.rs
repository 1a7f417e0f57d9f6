//! The places for connections: as many as there may be at once. One that is idle makes room for one that comes.
//!
//! Not here: connections themselves (`serve`). Start at [`Seats::take`].

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;

use crate::clock::monotonic;

/// The places of one listener. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Seats(Arc<Room>);

#[derive(Debug)]
struct Room {
    size: usize,
    opened: Instant,
    taken: Mutex<Taken>,
    /// A place became free, or a connection idle.
    moved: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    seats: HashMap<u64, Arc<State>>,
    last: u64,
}

/// How a connection is. Its own task writes it with each request and without a lock; who looks for a place reads it.
#[derive(Debug)]
struct State {
    /// Since when it waits for a request, in nanoseconds since the room was opened; [`BUSY`] while it answers one.
    idle_since: AtomicU64,
    /// It was told to make room.
    is_called: AtomicBool,
    call: Notify,
}

/// Stands for a connection that is not idle.
const BUSY: u64 = u64::MAX;

impl Room {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(monotonic().saturating_duration_since(self.opened).as_nanos()).unwrap_or(BUSY - 1)
    }
}

impl Seats {
    /// So many places.
    pub(super) fn new(size: usize) -> Self {
        Self(Arc::new(Room { size, opened: monotonic(), taken: Mutex::default(), moved: Notify::new() }))
    }

    /// Takes a place. If there is none, the connection that has been idle longest has to make room; if none is idle, it is
    /// waited for. One call at a time.
    /// # Cancel safety
    /// Nothing is taken if the future is dropped.
    pub(super) async fn take(&self) -> Seat {
        loop {
            if let Some(seat) = self.take_now() {
                return seat;
            }
            self.0.moved.notified().await;
        }
    }

    fn take_now(&self) -> Option<Seat> {
        let mut taken = self.0.taken();
        if taken.seats.len() >= self.0.size {
            let since = |state: &Arc<State>| state.idle_since.load(SeqCst);
            let idle = taken.seats.values().filter(|state| !state.is_called.load(SeqCst) && since(state) != BUSY);
            if let Some(longest) = idle.min_by_key(|state| since(state)) {
                longest.is_called.store(true, SeqCst);
                longest.call.notify_one();
            }
            return None;
        }
        taken.last += 1;
        let idle_since = AtomicU64::new(self.0.now());
        let state = Arc::new(State { idle_since, is_called: AtomicBool::new(false), call: Notify::new() });
        let number = taken.last;
        taken.seats.insert(number, Arc::clone(&state));
        Some(Seat { room: Arc::clone(&self.0), number, state })
    }
}

/// The place of a connection; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    room: Arc<Room>,
    number: u64,
    state: Arc<State>,
}

impl Seat {
    /// Ends when the connection has to make room, and is still idle.
    /// # Cancel safety
    /// A call is answered once.
    pub(super) async fn called(&self) {
        loop {
            self.state.call.notified().await;
            if self.state.idle_since.load(SeqCst) != BUSY {
                return;
            }
            // A request came first: another one has to go.
            self.state.is_called.store(false, SeqCst);
            self.room.moved.notify_one();
        }
    }

    /// A request is being answered, as long as the result lives.
    pub(super) fn busy(&self) -> Busy {
        self.state.idle_since.store(BUSY, SeqCst);
        Busy { room: Arc::clone(&self.room), state: Arc::clone(&self.state) }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.taken().seats.remove(&self.number);
        self.room.moved.notify_one();
    }
}

/// A request that is being answered. There is one at a time on a connection.
#[derive(Debug)]
pub(super) struct Busy {
    room: Arc<Room>,
    state: Arc<State>,
}

impl Busy {
    /// The body of the answer, with which the request ends.
    pub(super) fn until(self, body: Body) -> Body {
        Body::new(Answering { body, _busy: self })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.state.idle_since.store(self.room.now(), SeqCst);
        self.room.moved.notify_one();
    }
}

struct Answering {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ready<F: Future>(future: F) -> bool {
        let mut future = std::pin::pin!(future);
        future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[tokio::test]
    async fn the_longest_idle_makes_room_and_a_busy_one_does_not() {
        let seats = Seats::new(3);
        let (busy, first, second) = (seats.take().await, seats.take().await, seats.take().await);
        let _request = busy.busy();
        assert!(!is_ready(seats.take()), "there is no place yet");
        assert!(is_ready(first.called()) && !is_ready(second.called()) && !is_ready(busy.called()));
        drop(first);
        assert!(is_ready(seats.take()));
    }

    #[tokio::test]
    async fn one_that_gets_a_request_meanwhile_stays_and_another_goes() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take().await, seats.take().await);
        assert!(!is_ready(seats.take()));
        let request = first.busy();
        assert!(!is_ready(first.called()));
        assert!(!is_ready(seats.take()));
        assert!(is_ready(second.called()));
        drop(second);
        drop(request);
        assert!(is_ready(seats.take()));
    }
}
