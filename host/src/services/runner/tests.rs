//! The runner with secrets that come when the test says so.

use std::pin::Pin;
use std::sync::{Mutex, mpsc as blocking};
use std::time::Duration;

use serde_json::json;
use taskhost_core::ids::KindName;
use taskhost_core::secret::Reference;
use tokio::sync::oneshot;

use super::*;
use crate::plugins::{Follower, Followers, LiveLog, PluginView};
use crate::secrets::SecretSource;

/// Takes `to`, a word of two letters.
#[derive(Debug)]
struct OneKind(Arc<Kind>);

impl Kinds for OneKind {
    fn find(&self, name: &KindName) -> Option<Arc<Kind>> {
        Some(Arc::clone(&self.0)).filter(|kind| kind.name == *name)
    }

    fn all(&self) -> Vec<Arc<Kind>> {
        vec![Arc::clone(&self.0)]
    }

    fn plugins(&self) -> Vec<PluginView> {
        Vec::new()
    }
}

/// Tells what it is asked to do, as a line each.
#[derive(Debug)]
struct Told {
    lines: mpsc::UnboundedSender<String>,
    followers: Followers,
}

impl Executor for Told {
    fn start(&self, attempts: Vec<Attempt>) {
        for attempt in attempts {
            let params = String::from_utf8(attempt.params).unwrap();
            self.lines.send(format!("start {} {params}", attempt.lease)).unwrap();
        }
    }

    fn cancel(&self, _task: TaskId, lease: LeaseId) {
        self.lines.send(format!("cancel {lease}")).unwrap();
    }

    fn saved(&self, _task: TaskId, _lease: LeaseId, _ticket: u64) {}
    fn logged(&self, _task: TaskId, _lease: LeaseId, _end: u64) {}
    fn lease_lost(&self, _task: TaskId, _lease: LeaseId) {}
    fn progress(&self, _task: TaskId) -> Option<taskhost_core::view::Progress> {
        None
    }
    fn log(&self, _task: TaskId) -> Option<LiveLog> {
        None
    }
    fn follow_log(&self, task: TaskId) -> Follower {
        self.followers.follow(task)
    }
    fn is_stuck(&self, _task: TaskId) -> bool {
        false
    }
    fn set_cancel_grace(&self, _grace: Duration) {}
    fn drain(&self) {}
    fn give_back(&self) {}
    fn running(&self) -> usize {
        0
    }

    fn shut_down(&self, _: &[Arc<Kind>], _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

/// Answers each question with what the test sends.
#[derive(Debug)]
struct Slow(Mutex<blocking::Receiver<Result<Vec<u8>, String>>>);

impl SecretSource for Slow {
    fn read(&self, _reference: Reference<'_>) -> Result<Vec<u8>, String> {
        self.0.lock().unwrap().recv().unwrap_or_else(|_| Err("nobody answers".to_owned()))
    }
}

fn claimed(lease: u64, params: &str, refers: bool) -> Claimed {
    Claimed {
        id: TaskId::from_bytes([1; 16]),
        lease: LeaseId::from_u64(lease),
        kind: KindName::new("mail.send").unwrap(),
        queue: QueueName::default(),
        attempt: 1,
        attempts_max: 5,
        params: params.as_bytes().to_vec(),
        refers,
        state: Vec::new(),
        timeout: None,
        job: None,
        nominal_at: None,
        follow_ups: 0,
    }
}

struct Stage {
    assign: mpsc::UnboundedSender<Vec<Assignment>>,
    answer: blocking::Sender<Result<Vec<u8>, String>>,
    told: mpsc::UnboundedReceiver<String>,
    reports: mpsc::UnboundedReceiver<Vec<Report>>,
    stop: oneshot::Sender<()>,
}

impl Stage {
    fn new() -> Self {
        let schema = json!({ "properties": { "to": { "type": "string", "maxLength": 2 } } });
        let kinds = Arc::new(OneKind(Arc::new(Kind::fake_with_schema("mail.send", &schema))));
        let (assign, assignments) = mpsc::unbounded_channel();
        let (answer, answers) = blocking::channel();
        let (lines, told) = mpsc::unbounded_channel();
        let (reporting, reports) = mpsc::unbounded_channel();
        let executor = Arc::new(Told { lines, followers: Followers::default() });
        let secrets = Arc::new(Reads::new(Arc::new(Slow(Mutex::new(answers))), Duration::from_mins(10)));
        let (stop, stopped) = oneshot::channel();
        let stopping = async { stopped.await.unwrap_or(()) };
        tokio::spawn(run(assignments, kinds, executor, secrets, reporting, stopping));
        Self { assign, answer, told, reports, stop }
    }

    fn start(&self, lease: u64, params: &str, refers: bool) {
        self.assign.send(vec![Assignment::Start(Box::new(claimed(lease, params, refers)))]).unwrap();
    }

    fn cancel(&self, lease: u64) {
        let cancel = Assignment::Cancel(TaskId::from_bytes([1; 16]), LeaseId::from_u64(lease));
        self.assign.send(vec![cancel]).unwrap();
    }

    async fn told(&mut self) -> String {
        self.told.recv().await.unwrap()
    }

    /// The code and the message of the next failure, or how else it ended.
    async fn failure(&mut self) -> String {
        match self.reports.recv().await.unwrap().remove(0) {
            Report::Ended { outcome: Outcome::Failed { fatal: false, code, message, .. }, .. } => {
                format!("{code}: {message}")
            }
            Report::Ended { outcome, .. } => format!("{outcome:?}"),
            report => panic!("{report:?}"),
        }
    }
}

#[tokio::test]
async fn an_attempt_begins_with_its_secrets_and_delays_no_other() {
    let mut stage = Stage::new();
    stage.start(1, r#"{"to":"${file:TO}"}"#, true);
    stage.start(2, r#"{"to":"${file:TO}"}"#, false);
    assert_eq!(stage.told().await, r#"start 2 {"to":"${file:TO}"}"#, "what is no reference is a text");
    stage.answer.send(Ok(b"ab".to_vec())).unwrap();
    assert_eq!(stage.told().await, r#"start 1 {"to":"ab"}"#);
}

#[tokio::test]
async fn a_failure_names_the_reference_or_the_place_and_may_be_mended() {
    let mut stage = Stage::new();
    stage.start(1, r#"{"to":"${file:TO}"}"#, true);
    stage.answer.send(Err("the variable is not set".to_owned())).unwrap();
    let unresolved = "secret: `${file:TO}` cannot be resolved: the variable is not set (in the params)";
    assert_eq!(stage.failure().await, unresolved);
    stage.start(2, r#"{"to":"${file:TO}"}"#, true);
    stage.answer.send(Ok(b"hunter2".to_vec())).unwrap();
    let misfit = stage.failure().await;
    let expected = "params: with their secrets the params do not fit the kind: at `/to`: ";
    assert!(misfit.starts_with(expected) && !misfit.contains("hunter2"), "{misfit}");
}

#[tokio::test]
async fn a_disk_that_does_not_answer_is_a_failure_that_may_be_mended() {
    let (answer, answers) = blocking::channel();
    let kind = Kind::fake("mail.send");
    let mut resolving =
        Resolving::new(Arc::new(Reads::new(Arc::new(Slow(Mutex::new(answers))), Duration::from_millis(1))));
    resolving.begin(attempt(claimed(1, r#"{"to":"${file:TO}"}"#, true), Arc::new(kind)));
    let failure = resolving.next().await.unwrap().failure;
    let message = "`${file:TO}` cannot be resolved: it was not read within 1ms (in the params)".to_owned();
    let code = "secret".to_owned();
    assert_eq!(failure, Some(Outcome::Failed { fatal: false, delay: None, code, message }));
    drop(answer);
}

#[tokio::test]
async fn at_a_stop_what_waits_for_its_secrets_is_given_back_and_so_is_what_comes_later() {
    let mut stage = Stage::new();
    stage.start(1, r#"{"to":"${file:TO}"}"#, true);
    stage.start(2, r#"{"to":"${file:TO}"}"#, true);
    stage.cancel(2);
    stage.cancel(7);
    assert_eq!(stage.told().await, "cancel 7");
    std::mem::replace(&mut stage.stop, oneshot::channel().0).send(()).unwrap();
    let mut given = stage.reports.recv().await.unwrap();
    given.sort_by_key(|report| matches!(report, Report::Ended { outcome: Outcome::Cancelled, .. }));
    let outcomes = given.iter().map(|report| match report {
        Report::Ended { lease, outcome, .. } => format!("{lease} {outcome:?}"),
        report => panic!("{report:?}"),
    });
    assert_eq!(outcomes.collect::<Vec<_>>(), ["1 Interrupted", "2 Cancelled"]);
    stage.start(3, r#"{"to":"${file:TO}"}"#, true);
    assert_eq!(stage.failure().await, "Interrupted");
}

#[tokio::test]
async fn a_cancel_meanwhile_is_told_behind_the_start() {
    let mut stage = Stage::new();
    stage.start(1, r#"{"to":"${file:TO}"}"#, true);
    stage.cancel(1);
    stage.cancel(7);
    assert_eq!(stage.told().await, "cancel 7");
    stage.answer.send(Ok(b"ab".to_vec())).unwrap();
    assert_eq!((stage.told().await, stage.told().await), (r#"start 1 {"to":"ab"}"#.to_owned(), "cancel 1".to_owned()));
    stage.start(2, r#"{"to":"${file:TO}"}"#, true);
    stage.cancel(2);
    stage.cancel(8);
    assert_eq!(stage.told().await, "cancel 8");
    stage.answer.send(Err("gone".to_owned())).unwrap();
    assert_eq!(stage.failure().await, "Cancelled");
}
