//! What the store does is gathered for the metrics: everything once, and only what was committed.

use std::sync::Arc;
use std::time::Duration;

use taskhost_core::task::{End, Status};
use tokio::sync::mpsc;

use super::super::SqliteStore;
use super::{Files, options, start};
use crate::events::Events;
use crate::store::suite::{Harness, KIND, ended, failed};
use crate::tally::{Counted, Tally};

fn opened(files: Files) -> (Harness, Tally) {
    let (assign, assignments) = mpsc::unbounded_channel();
    let tally = Tally::default();
    let store = SqliteStore::open(&options(&files.path()), assign, Events::default(), tally.clone(), start());
    (Harness::new(Arc::new(store.unwrap()), assignments, start(), files), tally)
}

/// What has gathered since the last look, in words, without the names.
fn gathered(tally: &Tally) -> Vec<String> {
    let words = |counted| match counted {
        Counted::Queue(..) | Counted::Kind(..) => None,
        Counted::Claimed { .. } => Some("claimed".to_owned()),
        Counted::Attempt { outcome, ran, .. } => Some(format!("{} after {ran:?}", outcome.word())),
        Counted::Ended { status, .. } => Some(status.to_string()),
    };
    tally.take().into_iter().filter_map(words).collect()
}

#[test]
fn names_come_once_and_before_what_they_name() {
    let (mut h, tally) = opened(Files::default());
    let task = h.task();
    h.start(task);
    let gathered = tally.take();
    let [Counted::Queue(queue, name), Counted::Kind(kind, of), Counted::Claimed { queue: in_queue, kind: of_kind }] =
        &gathered[..]
    else {
        panic!("{gathered:?}")
    };
    assert_eq!((name.as_str(), of.as_str(), in_queue, of_kind), ("default", KIND, queue, kind));
}

#[test]
fn each_attempt_and_each_end_is_gathered_before_it_is_answered() {
    let (mut h, tally) = opened(Files::default());
    let task = h.task();
    let attempt = h.start(task);
    assert_eq!(gathered(&tally), ["claimed"]);
    h.now = h.now.saturating_add(Duration::from_millis(1_500));
    h.end(&attempt, failed("no"));
    assert_eq!(gathered(&tally), ["failed after 1.5s"]);
    h.pass(Duration::from_secs(10));
    let attempt = h.started();
    h.end(&attempt, ended(End::Done));
    assert_eq!(gathered(&tally), ["claimed", "completed", "completed after 0ns"]);

    // Nothing runs in it: it ends without an attempt.
    h.serve(0);
    let waiting = h.task();
    let waiting = h.submit(waiting);
    assert_eq!(h.cancel(waiting), Ok(Status::Cancelled));
    assert_eq!(gathered(&tally), ["cancelled"]);
}

#[test]
fn what_a_crash_left_running_is_no_attempt_of_this_daemon_but_its_end_counts() {
    let files = Files::default();
    let path = files.path();
    let (mut h, _) = opened(files);
    let task = h.task();
    let attempt = h.start(task);
    assert_eq!(h.cancel(attempt.id), Ok(Status::Running));
    let (_h, tally) = opened(Files::as_after_a_crash(&path));
    assert_eq!(gathered(&tally), ["cancelled"]);
}
