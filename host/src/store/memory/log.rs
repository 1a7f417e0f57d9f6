//! The log of a task: pieces as attempts handed them over, numbered line by line.

use taskhost_core::ids::LeaseId;
use taskhost_core::log::{BYTES_KEPT, LINES_KEPT, LogChunk, LogLine};
use taskhost_core::task::Status;

use crate::store::{LogEnd, LogPiece, StoredLog};

/// What is kept of a log.
#[derive(Debug, Default)]
pub(super) struct Log(Vec<Piece>);

#[derive(Debug)]
struct Piece {
    /// The number of its first line.
    n: u64,
    lease: LeaseId,
    chunk: LogChunk,
}

impl Log {
    /// Keeps what an attempt handed over, and drops the oldest.
    pub(super) fn keep(&mut self, lease: LeaseId, chunks: Vec<LogChunk>) {
        for chunk in chunks {
            // Places that an attempt has left out (it said too much at once) count as lines too.
            let left_out = chunk.first.saturating_sub(self.places(lease));
            self.0.push(Piece { n: self.last() + left_out + 1, lease, chunk });
        }
        while self.0.first().is_some_and(|first| self.has_enough_without(first)) {
            self.0.remove(0);
        }
    }

    /// Adds a line of the host to what this attempt has said.
    pub(super) fn add(&mut self, lease: LeaseId, attempt: u32, line: &LogLine) {
        let mut chunk = LogChunk { attempt, first: self.places(lease), count: 0, body: String::new() };
        chunk.push(&line.packed());
        self.keep(lease, vec![chunk]);
    }

    /// How many lines the attempt under this lease has had.
    fn places(&self, lease: LeaseId) -> u64 {
        self.0.last().filter(|last| last.lease == lease).map_or(0, |last| last.chunk.end())
    }

    /// The number of the last line.
    fn last(&self) -> u64 {
        self.0.last().map_or(0, Piece::last)
    }

    fn has_enough_without(&self, first: &Piece) -> bool {
        let bytes: usize = self.0.iter().map(|piece| piece.chunk.body.len()).sum();
        self.last() - first.last() >= LINES_KEPT || bytes - first.chunk.body.len() >= BYTES_KEPT
    }

    /// The pieces with the lines after number `after`.
    pub(super) fn read(&self, status: Status, after: u64) -> StoredLog {
        let end = |last: &Piece| LogEnd { n: last.last(), lease: last.lease, places: last.chunk.end() };
        let later = self.0.iter().filter(|piece| piece.last() > after);
        StoredLog {
            status,
            first: self.0.first().map_or(1, |first| first.n),
            end: self.0.last().map(end),
            pieces: later.map(|piece| LogPiece { n: piece.n, chunk: piece.chunk.clone() }).collect(),
        }
    }
}

impl Piece {
    /// The number of its last line.
    fn last(&self) -> u64 {
        self.n + self.chunk.count - 1
    }
}
