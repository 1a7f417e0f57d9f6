//! What attempts report, and what people ask of a task.

use taskhost_core::ids::TaskId;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{Event, Rejected, Status, step};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::{AttemptError, ERRORS_KEPT};

use super::list::Wanted;
use super::world::World;
use crate::store::rules::{failure_by_rule, keeps_follow_ups, line_after};
use crate::store::{Action, ActionRefused, Assignment, AttemptReport, CancelRefused, Change, Ending, Failure, Sweep};
use crate::tally::{AttemptOutcome, Counted};

impl World {
    pub(super) fn report(&mut self, report: AttemptReport, now: UnixMicros) -> Result<Status, Rejected> {
        let AttemptReport { task, lease, change, mut log } = report;
        let gone = Rejected::StaleLease { carried: lease, held: lease.next() };
        let number = self.find(task).ok_or(gone)?;
        match change {
            Change::Checkpoint { state, follow_ups } => {
                let status = self.apply(number, Event::Checkpointed(lease), now)?;
                let kept = self.kept(number);
                kept.checkpoint = state;
                kept.log.keep(lease, log);
                self.keep_follow_ups(number, follow_ups, now);
                Ok(status)
            }
            Change::Ended(ending) => {
                let status = self.apply(number, Event::Ended(lease, ending.end), now)?;
                let kept = self.kept(number);
                if let Some((line, last)) = line_after(&kept.view.task, now).zip(log.last_mut()) {
                    last.push(&line.packed());
                }
                kept.log.keep(lease, log);
                self.keep_ending(number, *ending, now);
                Ok(status)
            }
            Change::Logged => {
                let kept = self.kept(number);
                // Taken as a checkpoint would be; the task stays as it is.
                step(&kept.view.task, Event::Checkpointed(lease), now)?;
                kept.log.keep(lease, log);
                Ok(kept.status())
            }
        }
    }

    fn keep_ending(&mut self, number: u64, ending: Ending, now: UnixMicros) {
        let Ending { end, result, state, failure, progress, follow_ups } = ending;
        let kept = self.kept(number);
        let status = kept.status();
        if status == Status::Completed {
            kept.view.result = result;
            kept.checkpoint.clear();
        }
        if let Some(state) = state {
            kept.checkpoint = state;
        }
        if progress.is_some() {
            kept.view.progress = progress;
        }
        let ((queue, kind), started_at) = (kept.labels(), kept.view.started_at.unwrap_or(now));
        self.keep_failure(number, failure.or_else(|| failure_by_rule(status)), now);
        if keeps_follow_ups(status, end) {
            self.keep_follow_ups(number, follow_ups, now);
        }
        let (outcome, ran) = (AttemptOutcome::of(end, status), now.saturating_since(started_at));
        self.turn.counted.push(Counted::Attempt { queue, kind, outcome, ran });
    }

    pub(super) fn keep_failure(&mut self, number: u64, failure: Option<Failure>, now: UnixMicros) {
        let Some(Failure { generation, code, message }) = failure else { return };
        let view = &mut self.kept(number).view;
        let host = view.attempted_by.last().cloned().unwrap_or_default();
        view.errors.push(AttemptError { attempt: view.task.attempt, at: now, host, generation, code, message });
        let too_many = view.errors.len().saturating_sub(ERRORS_KEPT as usize);
        view.errors.drain(..too_many);
    }

    fn keep_follow_ups(&mut self, number: u64, made: Vec<NewTask>, now: UnixMicros) {
        let count = u32::try_from(made.len()).unwrap_or(u32::MAX);
        for new in made {
            self.get_in_line(&new.queue);
            // One whose id exists already is a replay.
            if self.find(new.id).is_none() {
                self.insert(new, now);
            }
        }
        let kept = self.kept(number);
        kept.follow_ups = kept.follow_ups.saturating_add(count);
    }

    pub(super) fn cancel(&mut self, task: TaskId, now: UnixMicros) -> Result<Status, CancelRefused> {
        let number = self.find(task).ok_or(CancelRefused::Unknown)?;
        let status = self.apply(number, Event::CancelAsked, now)?;
        if status == Status::Running {
            let lease = self.kept(number).view.task.lease;
            self.turn.assignments.push(Assignment::Cancel(task, lease));
        }
        Ok(status)
    }

    pub(super) fn act(&mut self, task: TaskId, action: Action, now: UnixMicros) -> Result<Status, ActionRefused> {
        let number = self.find(task).ok_or(ActionRefused::Unknown)?;
        Ok(self.act_on(number, action, now)?)
    }

    fn act_on(&mut self, number: u64, action: Action, now: UnixMicros) -> Result<Status, Rejected> {
        match action {
            Action::Discard => self.apply(number, Event::DiscardAsked, now),
            Action::Retry => {
                let was_completed = self.kept(number).status() == Status::Completed;
                let status = self.apply(number, Event::RetryAsked, now)?;
                if was_completed {
                    // What got somewhere and failed says how far; what was done begins from the start.
                    let view = &mut self.kept(number).view;
                    (view.result, view.progress) = (None, None);
                }
                Ok(status)
            }
        }
    }

    pub(super) fn sweep_dead(&mut self, sweep: &Sweep, now: UnixMicros) -> u64 {
        let wanted = Wanted::of(&sweep.filter, &sweep.kinds);
        let dead = self.all(|kept| kept.status() == Status::Dead && wanted.is(kept));
        let done = dead.into_iter().filter(|number| self.act_on(*number, sweep.action, now).is_ok());
        done.count() as u64
    }
}
