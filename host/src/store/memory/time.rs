//! What comes by time: tasks whose time has come, expired ones, those kept long enough; and what a crash leaves.

use taskhost_core::task::{End, Event, Status};
use taskhost_core::time::UnixMicros;

use super::world::{Kept, World};
use crate::store::rules::{PRUNE_TOGETHER, failure_by_rule, line_of_lost};

impl World {
    pub(super) fn advance(&mut self, now: UnixMicros) {
        let old = self.all(|kept| self.kept_until(kept).is_some_and(|kept_until| kept_until <= now));
        for number in old {
            self.tasks.remove(&number);
        }
        self.keys.retain(|_, key| key.expires_at > now);
        for number in self.all(|_| true) {
            for event in [Event::Due, Event::Expired] {
                // What is not due says so.
                self.apply(number, event, now).ok();
            }
        }
    }

    /// Until when an ended task is kept.
    fn kept_until(&self, kept: &Kept) -> Option<UnixMicros> {
        let of_queue = self.retentions.of_queues.get(&kept.view.submitted.queue);
        of_queue.unwrap_or(&self.retentions.usual).kept_until(&kept.view.task)
    }

    /// When `advance` has something to do next. Deleting is never urgent.
    pub(super) fn next_due(&self) -> Option<UnixMicros> {
        let keys = self.keys.values().map(|key| key.expires_at);
        let old = self.tasks.values().filter_map(|kept| self.kept_until(kept)).chain(keys);
        let old = old.map(|kept_until| kept_until.saturating_add(PRUNE_TOGETHER));
        let tasks = self.tasks.values().map(|kept| &kept.view.task);
        old.chain(tasks.flat_map(|task| [task.state.due_at(), task.expires_at]).flatten()).min()
    }

    /// Gives back what ran under a host that has gone. Answers how many tasks there were.
    pub(super) fn reclaim(&mut self, now: UnixMicros) -> usize {
        let running = self.all(|kept| kept.status() == Status::Running);
        for number in &running {
            let kept = self.kept(*number);
            // Which attempt it was is known before it is taken back.
            let (lease, attempt) = (kept.view.task.lease, kept.view.task.attempt);
            kept.log.add(lease, attempt, &line_of_lost(now));
            let status = self.apply(*number, Event::Ended(lease, End::LeaseLost), now).expect("it ran under its lease");
            self.keep_failure(*number, failure_by_rule(status), now);
        }
        running.len()
    }
}
