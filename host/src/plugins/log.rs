//! The log of one attempt: its lines in memory until the store has them, and what the host itself says of an attempt.
//!
//! Not here: when they are handed over (`ctx`, `poller`), numbering and keeping them (`store`). Start at [`LogBuffer`].

use std::collections::VecDeque;

use taskhost_core::duration::DurationText;
use taskhost_core::ids::LeaseId;
use taskhost_core::log::{BYTES_KEPT, LINES_KEPT, LogChunk, LogLevel};

use super::Outcome;

/// So many bytes of lines are handed over at once, and make a piece of the store's.
const PIECE: usize = 16 * 1024;

/// Lines that the store does not have yet, as they are packed.
///
/// Only as many as the store would keep: a plugin that says more than the store can take loses the oldest.
#[derive(Debug)]
pub(super) struct LogBuffer {
    attempt: u32,
    lines: VecDeque<Box<str>>,
    /// The place of the first of `lines` in the attempt's log.
    first: u64,
    /// Lines before this place were handed over.
    handed: u64,
    bytes: usize,
    /// Of those that were not handed over.
    fresh_bytes: usize,
    /// Some were handed over by themselves, and the store has not answered.
    in_flight: bool,
}

/// The lines of an attempt that the store may not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLog {
    /// The lease that the attempt runs under.
    pub lease: LeaseId,
    /// The lines.
    pub chunk: LogChunk,
}

impl LogBuffer {
    pub(super) fn new(attempt: u32) -> Self {
        let lines = VecDeque::new();
        Self { attempt, lines, first: 0, handed: 0, bytes: 0, fresh_bytes: 0, in_flight: false }
    }

    fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    pub(super) fn push(&mut self, packed: String) {
        self.bytes += packed.len();
        self.fresh_bytes += packed.len();
        self.lines.push_back(packed.into());
        while self.lines.len() as u64 > LINES_KEPT || self.bytes > BYTES_KEPT {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let Some(line) = self.lines.pop_front() else { return };
        self.bytes -= line.len();
        if self.handed == self.first {
            self.handed += 1;
            self.fresh_bytes -= line.len();
        }
        self.first += 1;
    }

    /// Whether there are lines that were not handed over and may be.
    pub(super) fn is_waiting(&self) -> bool {
        self.fresh_bytes > 0 && !self.in_flight
    }

    /// Whether these are enough to hand them over at once.
    pub(super) fn is_full(&self) -> bool {
        self.fresh_bytes >= PIECE && !self.in_flight
    }

    /// Hands over what was not, by itself; nothing more is until the store answers.
    pub(super) fn flush(&mut self) -> Vec<LogChunk> {
        self.in_flight = true;
        self.hand_over()
    }

    /// Hands over what was not.
    pub(super) fn hand_over(&mut self) -> Vec<LogChunk> {
        let mut chunks: Vec<LogChunk> = Vec::new();
        let fresh = usize::try_from(self.handed - self.first).unwrap_or(usize::MAX);
        for (place, line) in (self.handed..).zip(self.lines.iter().skip(fresh)) {
            match chunks.last_mut() {
                Some(chunk) if chunk.body.len() + line.len() <= PIECE => chunk.push(line),
                Some(_) | None => {
                    chunks.push(LogChunk { attempt: self.attempt, first: place, count: 1, body: line.to_string() });
                }
            }
        }
        self.handed = self.end();
        self.fresh_bytes = 0;
        chunks
    }

    /// The store has the lines before this place.
    pub(super) fn stored(&mut self, end: u64) {
        self.in_flight = false;
        while self.first < end.min(self.handed) {
            self.drop_first();
        }
    }

    pub(super) fn live(&self, lease: LeaseId) -> LiveLog {
        let mut body = String::with_capacity(self.bytes);
        self.lines.iter().for_each(|line| body.push_str(line));
        LiveLog {
            lease,
            chunk: LogChunk { attempt: self.attempt, first: self.first, count: self.lines.len() as u64, body },
        }
    }
}

/// What the log says of how an attempt ended. That the first did its work goes without saying; a later one takes back what the
/// log says of those before it.
pub(super) fn last_words(outcome: &Outcome, lease: LeaseId) -> Option<(LogLevel, String)> {
    let (level, words) = match outcome {
        // Not the attempt: one that was interrupted is not spent.
        Outcome::Done(_) if lease > LeaseId::FIRST => (LogLevel::Info, "The attempt succeeded.".to_owned()),
        Outcome::Done(_) => return None,
        Outcome::Failed { message, .. } => (LogLevel::Warn, format!("The attempt failed: {message}")),
        Outcome::Suspended { until, .. } => (LogLevel::Info, format!("The attempt is suspended until {until}.")),
        Outcome::RateLimited { until, message } => {
            (LogLevel::Info, format!("The attempt was rate-limited until {until}: {message}"))
        }
        Outcome::Interrupted => (LogLevel::Info, "The attempt was interrupted by the host.".to_owned()),
        Outcome::Cancelled => (LogLevel::Info, "The attempt was cancelled.".to_owned()),
        Outcome::TimedOut(limit) => {
            (LogLevel::Warn, format!("The attempt timed out after {}.", DurationText::from(*limit).in_words()))
        }
    };
    Some((level, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(length: usize) -> String {
        "x".repeat(length - 1) + "\n"
    }

    /// A buffer after this many lines of this length.
    fn with(lines: usize, length: usize) -> LogBuffer {
        let mut buffer = LogBuffer::new(3);
        (0..lines).for_each(|_| buffer.push(line(length)));
        buffer
    }

    fn places(chunks: &[LogChunk]) -> Vec<(u64, u64)> {
        chunks.iter().map(|chunk| (chunk.first, chunk.end())).collect()
    }

    #[test]
    fn lines_are_handed_over_once_and_kept_until_the_store_has_them() {
        let mut buffer = with(3, 10);
        assert!(buffer.is_waiting() && !buffer.is_full());
        assert_eq!(places(&buffer.flush()), [(0, 3)]);
        buffer.push(line(10));
        assert!(!buffer.is_waiting(), "one flush at a time");
        assert_eq!(places(&buffer.hand_over()), [(3, 4)], "a save takes what there is");
        assert_eq!(buffer.live(LeaseId::FIRST).chunk.count, 4);
        buffer.stored(3);
        let live = buffer.live(LeaseId::FIRST).chunk;
        assert_eq!((live.attempt, live.first, live.count, live.body.as_str()), (3, 3, 1, "xxxxxxxxx\n"));
        buffer.stored(4);
        assert_eq!((buffer.live(LeaseId::FIRST).chunk.count, buffer.bytes), (0, 0));
        assert_eq!(places(&buffer.hand_over()), []);
    }

    #[test]
    fn an_answer_of_the_store_takes_nothing_that_it_was_not_given() {
        let mut buffer = with(2, 10);
        buffer.stored(u64::MAX);
        assert_eq!(places(&buffer.hand_over()), [(0, 2)]);
    }

    #[test]
    fn pieces_are_of_the_size_of_the_stores() {
        let mut buffer = with(40, 1_024);
        assert!(buffer.is_full());
        assert_eq!(places(&buffer.flush()), [(0, 16), (16, 32), (32, 40)]);
        buffer.push(line(PIECE + 1));
        buffer.push(line(1));
        assert_eq!(places(&buffer.hand_over()), [(40, 41), (41, 42)], "a longer line is a piece of its own");
    }

    #[test]
    fn who_says_more_than_the_store_takes_loses_the_oldest() {
        let mut buffer = with(10, 10);
        buffer.flush();
        (0..1_500).for_each(|_| buffer.push(line(10)));
        assert_eq!(buffer.lines.len(), 1_000);
        let chunks = buffer.hand_over();
        assert_eq!((chunks[0].first, chunks.last().unwrap().end()), (510, 1_510));
        let mut buffer = with(300, 1_024);
        assert_eq!((buffer.first, buffer.bytes), (44, BYTES_KEPT));
        assert_eq!(buffer.hand_over()[0].first, 44);
    }
}
