//! A store with something of everything that it can keep, the same whenever it is made.
//!
//! Each task has its story as a tag. Not here: what is written of it (`dump`), and what is expected (`golden`).

use std::sync::Arc;
use std::time::Duration;

use taskhost_core::ids::{JobName, QueueName, TaskId};
use taskhost_core::log::LogChunk;
use taskhost_core::once::{IdempotencyKey, Once};
use taskhost_core::priority::Priority;
use taskhost_core::retention::{Retention, Retentions};
use taskhost_core::retry::RetryPolicy;
use taskhost_core::submit::{NewTask, Origin};
use taskhost_core::task::End;
use taskhost_core::view::Progress;

use crate::store::suite::{Harness, after, ended, failed};
use crate::store::{Change, Claimed, Ending, Firing, JobSighting};
use crate::store::{KeptJob, Rest};

/// Fills an empty store, and leaves three tasks running.
pub(super) fn fill(h: &mut Harness) {
    jobs(h);
    ended_tasks(h);
    interrupted_tasks(h);
    waiting_tasks(h);
    running_tasks(h);
}

fn told(h: &mut Harness, story: &str) -> NewTask {
    NewTask { tags: vec![story.to_owned(), "golden".to_owned()], ..h.task() }
}

fn job(name: &str) -> JobName {
    JobName::new(name).unwrap()
}

/// A job that fires, one that has left the file, and one that was declared over HTTP and is paused.
fn jobs(h: &mut Harness) {
    let every = "every 15m";
    let sighting = |name| JobSighting { job: job(name), schedule: every.to_owned() };
    h.answer(h.store.adopt(vec![sighting("nightly"), sighting("gone")], Rest::Stays, h.now));
    h.answer(h.store.retire(vec![job("gone")], h.now));
    h.now = after(h.now, Duration::from_mins(15));
    let origin = Some(Origin { job: job("nightly"), nominal_at: Some(h.now) });
    let task = NewTask { origin, ..told(h, "fired by a job") };
    let firing = Firing { job: job("nightly"), schedule: every.to_owned(), cursor: h.now, task };
    assert!(h.answer(h.store.fire(firing, h.now)));
    let declared = r#"{"kind":"work","params":{"ratio":1.10},"schedule":{"every":"1h"},"tags":["a"],"timeout":"30s"}"#;
    let declared = Arc::new(serde_json::from_str(declared).unwrap());
    let kept = KeptJob { name: job("over-http"), job: declared, version: 3, created_at: h.now, updated_at: h.now };
    h.answer(h.store.keep_job(kept, h.now));
    h.answer(h.store.pause_job(job("over-http"), true, h.now));
    h.serve(1);
    let fired = h.started();
    h.end(&fired, ended(End::Done));
}

/// What a plugin said, in an attempt.
fn lines(attempt: &Claimed, messages: &[&str]) -> Vec<LogChunk> {
    let mut chunk = LogChunk { attempt: attempt.attempt, first: 0, count: 0, body: String::new() };
    for message in messages {
        let line = format!(r#"{{"at":"2027-01-15T08:00:00Z","level":"info","target":"work","message":"{message}"}}"#);
        chunk.push(&(line + "\n"));
    }
    vec![chunk]
}

fn ended_tasks(h: &mut Harness) {
    let small = NewTask { priority: Priority::High, params: br#"{"n":1}"#.to_vec(), ..told(h, "completed") };
    let attempt = h.start(small);
    h.now = after(h.now, Duration::from_millis(1_234));
    let progress = Progress { current: 3, total: 4, message: "three of four".to_owned(), ..Progress::default() };
    let ending = Ending { result: Some(br#"{"sum":1}"#.to_vec()), progress: Some(progress), ..ended(End::Done) };
    let log = lines(&attempt, &["begun", "nearly done"]);
    h.report_with_log(&attempt, Change::Ended(Box::new(ending)), log).unwrap();

    let of_length = |length| format!("{{\"text\":\"{}\"}}", "x".repeat(length)).into_bytes();
    let large = NewTask { params: of_length(600), ..told(h, "completed with large params and a large result") };
    let attempt = h.start(large);
    h.end(&attempt, Ending { result: Some(of_length(900)), ..ended(End::Done) });

    let task = told(h, "dead, as all three attempts failed");
    let mut attempt = h.start(task);
    for message in ["no answer", "no answer again"] {
        h.end(&attempt, failed(message));
        h.pass(Duration::from_secs(10));
        attempt = h.started();
    }
    let log = lines(&attempt, &["the last one"]);
    h.report_with_log(&attempt, Change::Ended(Box::new(failed("no answer at all"))), log).unwrap();
    let task = told(h, "dead at once");
    let attempt = h.start(task);
    h.end(&attempt, Ending { failure: failed("the file is no image").failure, ..ended(End::FailedFatally) });

    h.serve(0);
    let task = told(h, "cancelled");
    let cancelled = h.submit(task);
    h.cancel(cancelled).unwrap();
    let expires_at = Some(after(h.now, Duration::from_secs(5)));
    let task = NewTask { expires_at, ..told(h, "cancelled, as it expired") };
    h.submit(task);
    h.pass(Duration::from_secs(6));
}

/// Those that ran and will again.
fn interrupted_tasks(h: &mut Harness) {
    let task = NewTask { timeout: Some(Duration::from_secs(90)), ..told(h, "retrying") };
    let attempt = h.start(task);
    h.end(&attempt, failed("the disk is full"));
    let task = told(h, "suspended with a checkpoint");
    let attempt = h.start(task);
    let later = after(h.now, Duration::from_hours(2));
    let ending = Ending { state: Some(br#"{"page":7}"#.to_vec()), ..ended(End::Suspended(later)) };
    h.end(&attempt, ending);
    let task = told(h, "interrupted");
    let attempt = h.start(task);
    h.checkpoint(&attempt, br#"{"page":2}"#).unwrap();
    h.serve(0);
    h.end(&attempt, ended(End::Interrupted));
}

fn waiting_tasks(h: &mut Harness) {
    let run_at = Some(after(h.now, Duration::from_hours(3)));
    let expires_at = Some(after(h.now, Duration::from_hours(9)));
    let task = NewTask { run_at, expires_at, ..told(h, "scheduled, and expires after that") };
    h.submit(task);
    let batch = Priority::ALL.map(|priority| NewTask { priority, ..told(h, &format!("of a batch, {priority}")) });
    h.submit_all(batch.into());
    let mail = QueueName::new("mail").unwrap();
    let task = NewTask { queue: mail.clone(), ..told(h, "queued in a queue that is paused") };
    h.submit(task);
    h.answer(h.store.pause_queue(mail, true, h.now));
    let kind = "away".parse().unwrap();
    let task = NewTask { kind, ..told(h, "held, as its kind is away") };
    h.submit(task);
    let task = NewTask { retry: RetryPolicy::default(), ..told(h, "queued, with the default policy") };
    h.submit(task);
    let task = NewTask { refers: true, params: br#"{"key":"${env:KEY}"}"#.to_vec(), ..told(h, "queued, and refers") };
    h.submit(task);
    let once = Once { key: IdempotencyKey::new("order-17").unwrap(), fingerprint: [17; 32] };
    let task = told(h, "queued once");
    h.answer(h.store.submit_once(vec![task], once, h.now)).unwrap();
    let usual = Retention { dead: Duration::from_hours(72), ..Retention::default() };
    h.answer(h.store.retain(Retentions { usual, ..Retentions::default() }, h.now));
}

/// One that has saved and made another, and one that was told to stop.
fn running_tasks(h: &mut Harness) {
    h.serve(0);
    let urgent = |story: &str, h: &mut Harness| NewTask { priority: Priority::Critical, ..told(h, story) };
    let (first, second) = (urgent("running, with a checkpoint", h), urgent("running, to be cancelled", h));
    let mut follow_up = told(h, "made by another");
    follow_up.id = TaskId::derived(first.id, 0);
    let (first_id, second_id) = (first.id, second.id);
    h.submit_all(vec![first, second]);
    // The critical one of the batch is the first in line.
    h.serve(3);
    let claims = h.claims();
    let claim = |id| claims.iter().find(|claimed| claimed.id == id).unwrap();
    let saved = Change::Checkpoint { state: br#"{"page":1}"#.to_vec(), follow_ups: vec![follow_up] };
    h.report(first_id, claim(first_id).lease, saved).unwrap();
    h.cancel(second_id).unwrap();
}
