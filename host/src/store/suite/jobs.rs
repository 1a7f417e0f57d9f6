//! Jobs and their cursors, and batches.

use std::time::Duration;

use taskhost_core::ids::JobName;
use taskhost_core::submit::{NewTask, Origin};
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;

use super::{Case, Harness, after, cases};
use crate::store::{Firing, JobCursor, JobSighting};

pub(super) const CASES: &[Case] = cases![
    a_job_begins_when_it_is_first_seen,
    a_known_job_goes_on_where_it_stood,
    a_changed_schedule_begins_anew,
    a_changed_schedule_replays_nothing,
    a_time_is_fired_once,
    a_fired_task_starts_like_any_other,
    a_job_that_was_never_seen_does_not_fire,
    a_batch_is_inserted_whole,
];

fn name() -> JobName {
    JobName::new("nightly").unwrap()
}

fn adopt(h: &Harness, schedule: &str) -> JobCursor {
    let sighting = JobSighting { job: name(), schedule: schedule.to_owned() };
    let mut cursors = h.answer(h.store.adopt(vec![sighting], h.now));
    assert_eq!(cursors.len(), 1);
    cursors.remove(0)
}

fn fire(h: &mut Harness, cursor: UnixMicros) -> (bool, NewTask) {
    let origin = Some(Origin { job: name(), nominal_at: Some(cursor) });
    let task = NewTask { origin, ..h.task() };
    let firing = Firing { job: name(), cursor, task: task.clone() };
    (h.answer(h.store.fire(firing, h.now)), task)
}

fn a_job_begins_when_it_is_first_seen(h: &mut Harness) {
    assert_eq!(adopt(h, "every 15m"), JobCursor { job: name(), anchor: h.now, cursor: h.now });
    let none = h.answer(h.store.adopt(Vec::new(), h.now));
    assert_eq!(none, []);
}

fn a_known_job_goes_on_where_it_stood(h: &mut Harness) {
    let first = adopt(h, "every 15m");
    h.now = after(h.now, Duration::from_hours(1));
    assert_eq!(adopt(h, "every 15m"), first);
    let cursor = h.now;
    fire(h, cursor);
    assert_eq!(adopt(h, "every 15m"), JobCursor { cursor, ..first });
}

fn a_changed_schedule_begins_anew(h: &mut Harness) {
    adopt(h, "every 15m");
    h.now = after(h.now, Duration::from_hours(1));
    assert_eq!(adopt(h, "every 5m"), JobCursor { job: name(), anchor: h.now, cursor: h.now });
}

fn a_changed_schedule_replays_nothing(h: &mut Harness) {
    adopt(h, "every 15m");
    let ahead = after(h.now, Duration::from_hours(1));
    fire(h, ahead);
    let changed = adopt(h, "every 5m");
    assert_eq!(changed, JobCursor { job: name(), anchor: h.now, cursor: ahead }, "the cursor only moves forward");
    assert_eq!(adopt(h, "every 5m"), changed, "what is answered is what is kept");
}

fn a_time_is_fired_once(h: &mut Harness) {
    adopt(h, "every 15m");
    let at = after(h.now, Duration::from_mins(15));
    let (fired, task) = fire(h, at);
    assert!(fired);
    assert_eq!(h.view(task.id).submitted.origin, task.origin);
    for again in [at, after(h.now, Duration::from_mins(1)), h.now] {
        let (fired, task) = fire(h, again);
        assert!(!fired);
        assert_eq!(h.find(task.id), None);
    }
    assert!(fire(h, after(at, Duration::from_micros(1))).0);
}

fn a_fired_task_starts_like_any_other(h: &mut Harness) {
    adopt(h, "every 15m");
    h.serve(1);
    let at = after(h.now, Duration::from_mins(15));
    let (_, task) = fire(h, at);
    let claimed = h.started();
    assert_eq!((claimed.id, claimed.job, claimed.nominal_at), (task.id, Some(name()), Some(at)));
}

fn a_job_that_was_never_seen_does_not_fire(h: &mut Harness) {
    let at = h.now;
    let (fired, task) = fire(h, at);
    assert_eq!((fired, h.find(task.id)), (false, None));
}

fn a_batch_is_inserted_whole(h: &mut Harness) {
    let later = Some(after(h.now, Duration::from_secs(1)));
    let tasks = vec![h.task(), NewTask { run_at: later, ..h.task() }, h.task()];
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    assert_eq!(h.submit_all(tasks), [Status::Queued, Status::Scheduled, Status::Queued]);
    assert!(ids.iter().all(|id| h.find(*id).is_some()));
    assert_eq!(h.submit_all(Vec::new()), []);
}
