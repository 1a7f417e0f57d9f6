//! Jobs and their cursors, and batches.

use std::sync::Arc;
use std::time::Duration;

use taskhost_core::ids::JobName;
use taskhost_core::submit::{NewTask, Origin};
use taskhost_core::task::Status;
use taskhost_core::time::UnixMicros;

use super::{Case, Harness, after, cases};
use crate::store::{Firing, JobCursor, JobSighting, Kept, KeptJob, Rest};

pub(super) const CASES: &[Case] = cases![
    a_job_begins_when_it_is_first_seen,
    a_known_job_goes_on_where_it_stood,
    a_changed_schedule_begins_anew,
    a_changed_schedule_replays_nothing,
    a_time_is_fired_once,
    a_fired_task_starts_like_any_other,
    a_job_that_was_never_seen_does_not_fire,
    a_job_that_is_gone_keeps_its_grid_and_replays_nothing,
    what_is_not_seen_is_gone,
    what_is_gone_paused_or_changed_does_not_fire,
    a_pause_is_kept_and_its_end_replays_nothing,
    a_kept_job_comes_back_as_it_was_declared,
    a_kept_job_stands_where_its_schedule_began,
    a_dropped_job_leaves_nothing_behind,
    a_batch_is_inserted_whole,
];

fn name() -> JobName {
    JobName::new("nightly").unwrap()
}

fn adopt(h: &Harness, schedule: &str) -> JobCursor {
    let sighting = JobSighting { job: name(), schedule: schedule.to_owned() };
    let mut cursors = h.answer(h.store.adopt(vec![sighting], Rest::Stays, h.now));
    assert_eq!(cursors.len(), 1);
    cursors.remove(0)
}

fn fire(h: &mut Harness, cursor: UnixMicros) -> (bool, NewTask) {
    fire_by(h, "every 15m", cursor)
}

fn fire_by(h: &mut Harness, schedule: &str, cursor: UnixMicros) -> (bool, NewTask) {
    let origin = Some(Origin { job: name(), nominal_at: Some(cursor) });
    let task = NewTask { origin, ..h.task() };
    let firing = Firing { job: name(), schedule: schedule.to_owned(), cursor, task: task.clone() };
    (h.answer(h.store.fire(firing, h.now)), task)
}

fn a_job_begins_when_it_is_first_seen(h: &mut Harness) {
    assert_eq!(adopt(h, "every 15m"), JobCursor { job: name(), anchor: h.now, cursor: h.now });
    let none = h.answer(h.store.adopt(Vec::new(), Rest::Stays, h.now));
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

fn a_job_that_is_gone_keeps_its_grid_and_replays_nothing(h: &mut Harness) {
    let first = adopt(h, "every 15m");
    h.answer(h.store.retire(vec![name()], h.now));
    h.now = after(h.now, Duration::from_hours(1));
    assert_eq!(adopt(h, "every 15m"), JobCursor { cursor: h.now, ..first });
}

fn what_is_not_seen_is_gone(h: &mut Harness) {
    let first = adopt(h, "every 15m");
    assert_eq!(h.answer(h.store.adopt(Vec::new(), Rest::Gone, h.now)), []);
    let at = after(h.now, Duration::from_mins(15));
    assert!(!fire(h, at).0);
    h.now = at;
    let sighting = JobSighting { job: name(), schedule: "every 15m".to_owned() };
    let seen = h.answer(h.store.adopt(vec![sighting.clone()], Rest::Gone, h.now));
    assert_eq!(seen, [JobCursor { cursor: at, ..first }]);
    h.now = after(at, Duration::from_mins(1));
    assert_eq!(h.answer(h.store.adopt(vec![sighting], Rest::Gone, h.now)), seen, "it stayed");
}

fn what_is_gone_paused_or_changed_does_not_fire(h: &mut Harness) {
    adopt(h, "every 15m");
    let at = after(h.now, Duration::from_mins(15));
    assert!(!fire_by(h, "every 5m", at).0, "planned by a schedule that is not the job's any more");
    h.answer(h.store.pause_job(name(), true, h.now));
    assert!(!fire(h, at).0);
    h.answer(h.store.pause_job(name(), false, h.now));
    assert!(fire(h, at).0);
    h.answer(h.store.retire(vec![name()], h.now));
    assert!(!fire(h, after(at, Duration::from_mins(15))).0);
}

fn a_pause_is_kept_and_its_end_replays_nothing(h: &mut Harness) {
    let first = adopt(h, "every 15m");
    let since = h.now;
    h.answer(h.store.pause_job(name(), true, since));
    h.now = after(h.now, Duration::from_hours(1));
    h.answer(h.store.pause_job(name(), true, h.now));
    assert_eq!(h.store.kept().unwrap(), Kept { pauses: vec![(name(), since)], ..Kept::default() });
    let resumed = h.answer(h.store.pause_job(name(), false, h.now));
    assert_eq!(resumed, Some(JobCursor { cursor: h.now, ..first.clone() }));
    assert_eq!(h.store.kept().unwrap(), Kept::default());
    assert_eq!(adopt(h, "every 15m"), JobCursor { cursor: h.now, ..first.clone() });
    h.answer(h.store.pause_job(name(), false, after(h.now, Duration::from_hours(1))));
    assert_eq!(adopt(h, "every 15m"), JobCursor { cursor: h.now, ..first }, "it was not paused");
}

fn kept(h: &Harness, job: &str) -> KeptJob {
    let job = Arc::new(serde_json::from_str(job).unwrap());
    KeptJob { name: name(), job, version: 7, created_at: h.now, updated_at: h.now }
}

fn a_kept_job_comes_back_as_it_was_declared(h: &mut Harness) {
    let first =
        kept(h, r#"{"kind":"work","params":{"ratio":1.10},"tags":["a"],"timeout":"30s","retry":{"attempts":2}}"#);
    assert_eq!(h.answer(h.store.keep_job(first.clone(), h.now)), None, "it has no schedule");
    assert_eq!(h.store.kept().unwrap().jobs, [first]);
    let second = KeptJob {
        version: 8,
        ..kept(h, r#"{"kind":"work","params":{},"schedule":{"cron":"@daily","timezone":"Europe/Berlin"}}"#)
    };
    h.answer(h.store.keep_job(second.clone(), h.now));
    assert_eq!(h.store.kept().unwrap().jobs, [second]);
}

fn a_kept_job_stands_where_its_schedule_began(h: &mut Harness) {
    let job =
        |h: &Harness, every| kept(h, &format!(r#"{{"kind":"work","params":{{}},"schedule":{{"every":"{every}"}}}}"#));
    let first = JobCursor { job: name(), anchor: h.now, cursor: h.now };
    assert_eq!(h.answer(h.store.keep_job(job(h, "15m"), h.now)), Some(first.clone()));
    h.now = after(h.now, Duration::from_mins(1));
    assert_eq!(h.answer(h.store.keep_job(job(h, "15m"), h.now)), Some(first.clone()), "only its version is another");
    assert_eq!(adopt(h, "every 15m"), first);
    let second = JobCursor { job: name(), anchor: h.now, cursor: h.now };
    assert_eq!(h.answer(h.store.keep_job(job(h, "5m"), h.now)), Some(second));
}

fn a_dropped_job_leaves_nothing_behind(h: &mut Harness) {
    let job = kept(h, r#"{"kind":"work","params":{},"schedule":{"delay":"1h"}}"#);
    h.answer(h.store.keep_job(job, h.now));
    h.answer(h.store.pause_job(name(), true, h.now));
    h.answer(h.store.drop_job(name(), h.now));
    assert_eq!(h.store.kept().unwrap(), Kept::default());
    h.now = after(h.now, Duration::from_mins(1));
    assert_eq!(adopt(h, "delay 1h"), JobCursor { job: name(), anchor: h.now, cursor: h.now });
}

fn a_batch_is_inserted_whole(h: &mut Harness) {
    let later = Some(after(h.now, Duration::from_secs(1)));
    let tasks = vec![h.task(), NewTask { run_at: later, ..h.task() }, h.task()];
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    assert_eq!(h.submit_all(tasks), [Status::Queued, Status::Scheduled, Status::Queued]);
    assert!(ids.iter().all(|id| h.find(*id).is_some()));
    assert_eq!(h.submit_all(Vec::new()), []);
}
