//! Filling free slots with what waits.

use taskhost_core::ids::QueueName;
use taskhost_core::task::{Event, Status, TaskState};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::TaskView;

use super::world::{Kept, Queue, World};
use crate::store::{Assignment, Claimed, Offer};
use crate::tally::Counted;

impl World {
    pub(super) fn offer(&mut self, offer: Offer) {
        self.queues.values_mut().for_each(|queue| queue.slots = 0);
        for (name, slots) in offer.slots {
            self.names.queue(&name);
            self.queues.entry(name).or_default().slots = slots;
        }
        for kind in &offer.kinds {
            self.names.kind(kind);
        }
        self.kinds = offer.kinds.into_iter().collect();
        // What can run again waits as others do. What cannot is held when a claim meets it.
        for kept in self.tasks.values_mut() {
            kept.view.held &= !self.kinds.contains(&kept.view.submitted.kind);
        }
    }

    /// How many tasks of a queue may start now.
    pub(super) fn free(&self, name: &QueueName) -> u64 {
        let Some(Queue { slots, paused_since: None }) = self.queues.get(name) else { return 0 };
        u64::from(*slots).saturating_sub(self.counts(name).get(Status::Running))
    }

    /// Fills free slots with what waits.
    pub(super) fn fill(&mut self, now: UnixMicros) {
        let names: Vec<_> = self.queues.keys().cloned().collect();
        for name in names {
            while self.free(&name) > 0
                && let Some(first) = self.first_waiting(&name)
            {
                self.claim(first, now);
            }
        }
    }

    /// By priority, then since when it is ready, then by insertion.
    fn first_waiting(&self, name: &QueueName) -> Option<u64> {
        let place = |(number, kept): (&u64, &Kept)| {
            let TaskView { submitted, task, held, .. } = &kept.view;
            let TaskState::Queued { ready_at } = task.state else { return None };
            (submitted.queue == *name && !held).then_some((submitted.priority, ready_at, *number))
        };
        self.tasks.iter().filter_map(place).min().map(|(_, _, number)| number)
    }

    /// Starts a task that waits, unless it came too late or its kind is away.
    fn claim(&mut self, number: u64, now: UnixMicros) {
        let kept = &self.tasks[&number];
        if kept.has_expired(now) {
            self.apply(number, Event::Expired, now).expect("it is queued, and its expiry has passed");
        } else if self.kinds.contains(&kept.view.submitted.kind) {
            self.start(number, now);
        } else {
            self.kept(number).view.held = true;
        }
    }

    pub(super) fn start(&mut self, number: u64, now: UnixMicros) {
        let lease = self.kept(number).view.task.lease.next();
        self.apply(number, Event::Claimed(lease), now).expect("it is queued, and no lease comes twice");
        let host = self.host.clone();
        let kept = self.kept(number);
        kept.view.started_at = Some(now);
        kept.view.attempted_by = vec![host];
        let (queue, kind) = kept.labels();
        let claimed = claimed(kept);
        self.turn.counted.push(Counted::Claimed { queue, kind });
        self.turn.assignments.push(Assignment::Start(Box::new(claimed)));
    }
}

fn claimed(kept: &Kept) -> Claimed {
    let TaskView { submitted, task, .. } = &kept.view;
    let origin = submitted.origin.as_ref();
    Claimed {
        id: submitted.id,
        lease: task.lease,
        kind: submitted.kind.clone(),
        queue: submitted.queue.clone(),
        attempt: task.attempt,
        attempts_max: task.attempts_max,
        params: submitted.params.clone(),
        refers: submitted.refers,
        state: kept.checkpoint.clone(),
        timeout: submitted.timeout,
        job: origin.map(|origin| origin.job.clone()),
        nominal_at: origin.and_then(|origin| origin.nominal_at),
        follow_ups: kept.follow_ups,
    }
}
