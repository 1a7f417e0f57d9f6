//! How far an attempt has come: the latest that it said, and what of it is told to those who follow.
//!
//! Not here: how often it is told (`events`). Start at [`Ctx::progress`].

use taskhost_core::view::Progress;

use super::Ctx;
use crate::events::ProgressMade;
use crate::plugins::attempt::text;
use crate::plugins::ffi;

/// The longest note of a progress report that is kept, in bytes.
const NOTE_MAX: usize = 1024;

impl Ctx {
    /// Keeps the latest report.
    pub(in crate::plugins) fn progress(&self, done: u64, total: u64, note: &[u8]) {
        let now = ffi::monotonic();
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        if inner.progress.is_none() {
            inner.progress_began = now;
        }
        let elapsed = now.saturating_sub(inner.progress_began);
        let progress = inner.progress.get_or_insert_with(|| Progress { first: done, ..Progress::default() });
        progress.current = done;
        progress.total = total;
        progress.elapsed = elapsed;
        if progress.message.as_bytes() != note {
            progress.message = text(note, NOTE_MAX);
        }
        if self.links.events.is_progress_followed() {
            // Under the lock: none comes after the end.
            self.links.events.progressed(ProgressMade {
                task: self.task,
                queue: self.queue.clone(),
                kind: self.kind.name.clone(),
                attempt: self.attempt,
                progress: progress.clone(),
            });
        }
    }

    pub(in crate::plugins) fn last_progress(&self) -> Option<Progress> {
        self.lock().progress.clone()
    }

    /// What it said last is told before its end is.
    pub(super) fn tell_last_progress(&self, last: Option<&Progress>) {
        if last.is_some() && self.links.events.is_progress_followed() {
            self.links.events.progress_ended(self.task, self.links.clock.now());
        }
    }
}
