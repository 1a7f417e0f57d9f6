//! The places for connections: as many as there may be at once. One that is idle makes room for one that comes.
//!
//! Not here: connections themselves (`serve`). Start at [`Seats::take`].

use std::collections::HashMap;
use std::pin::Pin;
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
    taken: Mutex<Taken>,
    /// A place became free, or a connection idle.
    moved: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    seats: HashMap<u64, State>,
    last: u64,
}

/// How a connection is.
#[derive(Debug)]
struct State {
    /// Since when it waits for a request; none while it answers one.
    idle_since: Option<Instant>,
    /// It was told to make room.
    is_called: bool,
    call: Arc<Notify>,
}

impl Seats {
    /// So many places.
    pub(super) fn new(size: usize) -> Self {
        Self(Arc::new(Room { size, taken: Mutex::default(), moved: Notify::new() }))
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
        let mut taken = self.taken();
        if taken.seats.len() >= self.0.size {
            let idle = taken.seats.values_mut().filter(|state| !state.is_called && state.idle_since.is_some());
            if let Some(longest) = idle.min_by_key(|state| state.idle_since) {
                longest.is_called = true;
                longest.call.notify_one();
            }
            return None;
        }
        taken.last += 1;
        let (number, call) = (taken.last, Arc::<Notify>::default());
        let state = State { idle_since: Some(monotonic()), is_called: false, call: Arc::clone(&call) };
        taken.seats.insert(number, state);
        Some(Seat { seats: self.clone(), number, call })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a connection; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    number: u64,
    call: Arc<Notify>,
}

impl Seat {
    /// Ends when the connection has to make room, and is still idle.
    /// # Cancel safety
    /// A call is answered once.
    pub(super) async fn called(&self) {
        loop {
            self.call.notified().await;
            let mut taken = self.seats.taken();
            let Some(state) = taken.seats.get_mut(&self.number) else { continue };
            if state.idle_since.is_some() {
                return;
            }
            // A request came first: another one has to go.
            state.is_called = false;
            drop(taken);
            self.seats.0.moved.notify_one();
        }
    }

    /// A request is being answered, as long as the result lives.
    pub(super) fn busy(&self) -> Busy {
        let busy = Busy { seats: self.seats.clone(), number: self.number };
        busy.set(None);
        busy
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().seats.remove(&self.number);
        self.seats.0.moved.notify_one();
    }
}

/// A request that is being answered. There is one at a time on a connection.
#[derive(Debug)]
pub(super) struct Busy {
    seats: Seats,
    number: u64,
}

impl Busy {
    fn set(&self, idle_since: Option<Instant>) {
        if let Some(state) = self.seats.taken().seats.get_mut(&self.number) {
            state.idle_since = idle_since;
        }
    }

    /// The body of the answer, with which the request ends.
    pub(super) fn until(self, body: Body) -> Body {
        Body::new(Answering { body, _busy: self })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.set(Some(monotonic()));
        self.seats.0.moved.notify_one();
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
