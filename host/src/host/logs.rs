//! The log of a task: what the store keeps of it and what an attempt holds in memory, as one list of numbered lines.
//!
//! Not here: gathering lines (`plugins`), keeping them (`store`). Start at [`Host::log`].

use std::sync::Arc;
use std::time::Duration;

use taskhost_core::ids::TaskId;
use taskhost_core::log::{LINES_KEPT, LogLevel, LogLine};
use taskhost_core::task::Status;

use super::{Host, StoreError};
use crate::clock::sleep;
use crate::plugins::LiveLog;
use crate::store::StoredLog;

/// Which lines of a log are asked for.
#[derive(Debug, Clone, Copy)]
pub struct LogRequest {
    /// Those after this number.
    pub after: u64,
    /// Those that matter this much or more.
    pub level: LogLevel,
    /// At most so many: the first.
    pub limit: usize,
    /// While there is none, and the task may still say one: how long the answer may wait.
    pub wait: Duration,
}

/// Lines of a log, oldest first.
#[derive(Debug, Clone)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<NumberedLine>,
    /// How many lines from the beginning are kept no longer.
    pub dropped: u64,
    /// The number after which the next lines are to be asked for.
    pub next: u64,
    /// Where the task stood at that moment.
    pub status: Status,
}

/// A line in its place.
#[derive(Debug, Clone)]
pub struct NumberedLine {
    /// Its number among all lines of the task, from 1, through all attempts.
    pub n: u64,
    /// Which attempt said it, or whom it is about.
    pub attempt: u32,
    /// The line.
    pub line: LogLine,
}

impl Host {
    /// Reads lines of the log of a task, also those that are not stored yet; none if no such task is kept.
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    /// # Cancel safety
    /// Only reads.
    pub async fn log(&self, task: TaskId, request: LogRequest) -> Result<Option<LogPage>, StoreError> {
        if request.wait.is_zero() {
            return self.read_log(task, request).await;
        }
        // Before the first look: nothing between a look and a wait goes unheard.
        let mut events = self.0.events.listen();
        let mut follower = self.0.executor.follow_log(task);
        let mut request = request;
        let deadline = sleep(request.wait);
        tokio::pin!(deadline);
        loop {
            let page = self.read_log(task, request).await?;
            match &page {
                Some(page) if page.lines.is_empty() && !page.status.is_ended() => request.after = page.next,
                Some(_) | None => return Ok(page),
            }
            let concerns = async {
                while let Some(batch) = events.next().await {
                    if batch.changes().iter().any(|change| change.task == task) {
                        return;
                    }
                }
            };
            tokio::select! {
                () = follower.changed() => {}
                () = concerns => {}
                () = &mut deadline => return Ok(page),
            }
        }
    }

    async fn read_log(&self, task: TaskId, request: LogRequest) -> Result<Option<LogPage>, StoreError> {
        let parts = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || {
            // In this order: what leaves the memory meanwhile is in the store by then.
            let live = parts.executor.log(task);
            let stored = parts.store.log(task, request.after)?;
            Ok(stored.map(|stored| page(&stored, live.as_ref(), request)))
        });
        // The join fails only while the runtime ends.
        read.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn page(stored: &StoredLog, live: Option<&LiveLog>, request: LogRequest) -> LogPage {
    let live: Vec<NumberedLine> = live.map(|live| beyond(stored, live)).unwrap_or_default();
    let stored_end = stored.end.map_or(0, |end| end.n);
    let last = live.last().map_or(stored_end, |line| line.n);
    let oldest = if stored.end.is_some() { stored.first } else { live.first().map_or(1, |line| line.n) };
    let first = oldest.max((last + 1).saturating_sub(LINES_KEPT));
    let of_pieces = stored.pieces.iter().flat_map(|piece| numbered(piece.n, piece.chunk.attempt, piece.chunk.lines()));
    let asked_for = of_pieces
        .chain(live)
        .filter(|line| line.n > request.after && line.n >= first && line.line.level >= request.level);
    let lines: Vec<NumberedLine> = asked_for.take(request.limit).collect();
    // A full page may have more behind it; else everything up to the last line was looked at.
    let next = match lines.last() {
        Some(end) if lines.len() == request.limit => end.n,
        Some(_) | None => last.max(request.after),
    };
    LogPage { lines, dropped: first - 1, next, status: stored.status }
}

/// The lines in memory that the store does not have. An attempt's earlier lines, and those of the attempts before it, are all
/// stored, so the numbers go on from there.
fn beyond(stored: &StoredLog, live: &LiveLog) -> Vec<NumberedLine> {
    let (n, places) = match stored.end {
        // The store has heard of a later attempt: this one has lost its task.
        Some(end) if end.lease > live.lease => return Vec::new(),
        Some(end) if end.lease == live.lease => (end.n, end.places),
        Some(end) => (end.n, 0),
        None => (0, 0),
    };
    let known = places.saturating_sub(live.chunk.first);
    let first = n + 1 + live.chunk.first.saturating_sub(places);
    let lines = live.chunk.lines().skip(usize::try_from(known).unwrap_or(usize::MAX));
    numbered(first, live.chunk.attempt, lines).collect()
}

fn numbered(first: u64, attempt: u32, lines: impl Iterator<Item = LogLine>) -> impl Iterator<Item = NumberedLine> {
    (first..).zip(lines).map(move |(n, line)| NumberedLine { n, attempt, line })
}

#[cfg(test)]
mod tests {
    use taskhost_core::ids::LeaseId;
    use taskhost_core::log::LogChunk;
    use taskhost_core::time::UnixMicros;

    use super::*;
    use crate::store::{LogEnd, LogPiece};

    const ALL: LogRequest = LogRequest { after: 0, level: LogLevel::Trace, limit: 1_000, wait: Duration::ZERO };

    /// Lines that are their places; each third is a warning.
    fn chunk(attempt: u32, first: u64, count: u64) -> LogChunk {
        let mut chunk = LogChunk { attempt, first, count: 0, body: String::new() };
        for place in first..first + count {
            let level = if place % 3 == 2 { LogLevel::Warn } else { LogLevel::Info };
            chunk.push(&LogLine::of_host(UnixMicros::default(), level, place.to_string()).packed());
        }
        chunk
    }

    /// A log of one attempt under this lease, of which lines up to `count` are stored.
    fn stored(lease: u64, count: u64) -> StoredLog {
        let end = LogEnd { n: count, lease: LeaseId::from_u64(lease), places: count };
        let pieces = vec![LogPiece { n: 1, chunk: chunk(1, 0, count) }];
        StoredLog { status: Status::Running, first: 1, end: Some(end).filter(|_| count > 0), pieces }
    }

    fn live(lease: u64, first: u64, count: u64) -> LiveLog {
        LiveLog { lease: LeaseId::from_u64(lease), chunk: chunk(2, first, count) }
    }

    fn shown(page: &LogPage) -> Vec<String> {
        page.lines.iter().map(|line| format!("{}:{}/{}", line.n, line.attempt, line.line.message)).collect()
    }

    #[test]
    fn lines_in_memory_follow_those_that_are_stored_once_each() {
        let page = |stored: &StoredLog, live: &LiveLog| shown(&page(stored, Some(live), ALL));
        assert_eq!(page(&stored(1, 3), &live(1, 1, 4)), ["1:1/0", "2:1/1", "3:1/2", "4:2/3", "5:2/4"]);
        assert_eq!(page(&stored(1, 2), &live(2, 0, 2)), ["1:1/0", "2:1/1", "3:2/0", "4:2/1"], "another attempt");
        assert_eq!(page(&stored(3, 2), &live(2, 0, 2)), ["1:1/0", "2:1/1"], "one that has lost its task");
        assert_eq!(page(&stored(1, 0), &live(1, 0, 2)), ["1:2/0", "2:2/1"]);
        assert_eq!(page(&stored(1, 1), &live(1, 4, 1)), ["1:1/0", "5:2/4"], "what an attempt left out is counted");
    }

    #[test]
    fn a_page_ends_at_its_limit_and_the_next_begins_there() {
        let log = stored(1, 10);
        let first = page(&log, None, LogRequest { limit: 2, level: LogLevel::Warn, ..ALL });
        assert_eq!((shown(&first), first.next), (vec!["3:1/2".to_owned(), "6:1/5".to_owned()], 6));
        let next = page(&log, None, LogRequest { after: 6, level: LogLevel::Warn, ..ALL });
        assert_eq!((shown(&next), next.next, next.dropped), (vec!["9:1/8".to_owned()], 10, 0));
        let none = page(&log, None, LogRequest { after: 77, ..ALL });
        assert_eq!((none.lines.len(), none.next), (0, 77));
    }

    #[test]
    fn what_is_too_old_is_counted_and_not_shown() {
        let all = page(&stored(1, 600), Some(&live(2, 0, 700)), LogRequest { limit: 5_000, ..ALL });
        assert_eq!((all.lines.len(), all.lines[0].n, all.dropped, all.next), (1_000, 301, 300, 1_300));
        let live_only = page(&stored(1, 0), Some(&live(1, 70, 2)), ALL);
        assert_eq!((live_only.dropped, live_only.lines[0].n), (70, 71));
        assert_eq!(page(&stored(1, 0), None, ALL).dropped, 0);
    }
}
