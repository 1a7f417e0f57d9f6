//! What a daemon finds when the one before has ended in good order.

use std::time::Duration;

use taskhost_core::ids::{JobName, QueueName};
use taskhost_core::once::{IdempotencyKey, Once};
use taskhost_core::query::TaskQuery;
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};

use super::{Case, Harness, after, cases, ended, failed};
use crate::store::{JobSighting, Rest};

pub(super) const CASES: &[Case] = cases![
    all_that_was_answered_is_there_after_an_end,
    nothing_is_offered_after_an_end,
    a_shorter_retention_counts_from_the_next_start_on,
];

fn reopen(h: &mut Harness) -> usize {
    h.reopen(&Retentions::default())
}

fn all_that_was_answered_is_there_after_an_end(h: &mut Harness) {
    h.serve(2);
    let once = Once { key: IdempotencyKey::new("a").unwrap(), fingerprint: [1; 32] };
    let run_at = Some(after(h.now, Duration::from_mins(1)));
    let tasks = vec![h.task(), NewTask { params: vec![b'1'; 1_000], ..h.task() }, NewTask { run_at, ..h.task() }];
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    h.answer(h.store.submit_once(tasks, once.clone(), h.now)).expect("the key is new");
    let attempts = h.claims();
    h.checkpoint(&attempts[0], b"1").unwrap();
    h.end(&attempts[0], failed("no"));
    h.end(&attempts[1], ended(End::Done));
    let sighting = JobSighting { job: JobName::new("nightly").unwrap(), schedule: "every 15m".to_owned() };
    let cursors = h.answer(h.store.adopt(vec![sighting.clone()], Rest::Stays, h.now));
    h.answer(h.store.pause_job(sighting.job.clone(), true, h.now));
    h.answer(h.store.pause_queue(QueueName::new("mail").unwrap(), true, h.now));
    h.serve(0);
    let picture = |h: &Harness| {
        let views: Vec<_> = ids.iter().map(|id| h.view(*id)).collect();
        let (list, oldest) = (h.store.list(&TaskQuery::default(), &[]), h.store.oldest_queued());
        let jobs = (h.store.kept().unwrap(), h.store.submitted_once(&once, h.now).unwrap());
        (views, list.unwrap(), oldest.unwrap(), jobs, h.store.queues(), h.next_due())
    };
    let before = picture(h);
    assert_eq!(reopen(h), 0);
    assert_eq!(picture(h), before);
    h.now = after(h.now, Duration::from_mins(1));
    assert_eq!(h.answer(h.store.adopt(vec![sighting], Rest::Stays, h.now)), cursors);
}

fn nothing_is_offered_after_an_end(h: &mut Harness) {
    h.serve(3);
    reopen(h);
    let task = h.task();
    let task = h.submit(task);
    assert_eq!((h.claims(), h.status(task)), (Vec::new(), Status::Queued));
}

fn a_shorter_retention_counts_from_the_next_start_on(h: &mut Harness) {
    let task = h.task();
    let attempt = h.start(task);
    h.end(&attempt, ended(End::Done));
    let mut short = Retentions::default();
    short.usual.completed = Duration::from_hours(1);
    h.reopen(&short);
    // Answered after what is done at a start.
    h.answer(h.store.retain(short, h.now));
    h.pass(Duration::from_hours(1));
    assert_eq!(h.find(attempt.id), None);
}
