//! What meets in one turn of the writer: ends first, nothing overtakes, and the host hears things in their order.

use std::sync::Arc;

use taskhost_core::ids::{KindName, QueueName};
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Rejected, Status};
use taskhost_core::time::UnixMicros;
use tokio::sync::{mpsc, watch};

use super::super::command::{Answer, Command, Reports};
use super::super::inbox::Work;
use super::super::turn::Outlet;
use super::super::writer::Writer;
use super::super::{connect, start_writer};
use super::{Files, options, start};
use crate::events::Events;
use crate::store::suite::{Harness, KIND, ended};
use crate::store::{Assignment, AttemptReport, CancelRefused, Change, Claimed, Offer, Reply};
use crate::tally::Tally;

/// A writer whose turns the test makes up. The harness beside it only makes tasks and waits for answers.
pub(super) struct Turns {
    pub(super) writer: Writer,
    assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
    pub(super) h: Harness,
    _files: Files,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self::in_folder(Files::default())
    }

    pub(super) fn in_folder(files: Files) -> Self {
        std::fs::create_dir(files.0.path().join("var")).unwrap();
        let options = options(&files.path());
        let (assign, assignments) = mpsc::unbounded_channel();
        let outlet = Outlet {
            tally: Tally::default(),
            assignments: assign,
            events: Events::default(),
            next_due: watch::channel(None).0,
            running: watch::channel(0).0,
            failure: watch::channel(None).0,
            refusing: watch::channel(None).0,
            board: Arc::default(),
        };
        let writer = start_writer(connect(&options).unwrap(), &options, outlet, "here").unwrap();
        Self { writer, assignments, h: Files::default().harness(), _files: files }
    }

    /// Takes a turn; answers what the host is told.
    pub(super) fn turn(&mut self, reports: Vec<Reports>, commands: Vec<Command>) -> Vec<Assignment> {
        self.turn_at(start(), reports, commands)
    }

    /// As [`Turns::turn`], at this time.
    pub(super) fn turn_at(
        &mut self,
        now: UnixMicros,
        reports: Vec<Reports>,
        commands: Vec<Command>,
    ) -> Vec<Assignment> {
        let commands = commands.into_iter().map(|command| (command, now)).collect();
        self.writer.turn(&mut Work { reports, commands }).unwrap();
        self.assigned()
    }

    /// What the host was told since the last look.
    pub(super) fn assigned(&mut self) -> Vec<Assignment> {
        let mut assigned = Vec::new();
        while let Ok(more) = self.assignments.try_recv() {
            assigned.extend(more);
        }
        assigned
    }

    /// Starts a task in a turn of its own, under an offer of one slot.
    pub(super) fn start(&mut self) -> Claimed {
        let task = self.h.task();
        let assigned = self.turn(Vec::new(), vec![offer(1).0, submit(task).0]);
        match <[_; 1]>::try_from(assigned) {
            Ok([Assignment::Start(claimed)]) => *claimed,
            other => panic!("a start is to come: {other:?}"),
        }
    }
}

pub(super) fn call<T>(make: impl FnOnce(Answer<T>) -> Command) -> (Command, Reply<T>) {
    let (answer, reply) = Answer::pending();
    (make(answer), reply)
}

pub(super) fn submit(task: NewTask) -> (Command, Reply<Vec<Status>>) {
    call(|answer| Command::Submit(vec![task], answer))
}

pub(super) fn offer(slots: u32) -> (Command, Reply<()>) {
    let kinds = vec![KindName::new(KIND).unwrap()];
    call(|answer| Command::Offer(Offer { slots: vec![(QueueName::default(), slots)], kinds }, answer))
}

pub(super) fn end(attempt: &Claimed, end: End) -> (Reports, Reply<Vec<Result<Status, Rejected>>>) {
    let (answer, reply) = Answer::pending();
    let change = Change::Ended(Box::new(ended(end)));
    let of_attempts = vec![AttemptReport { task: attempt.id, lease: attempt.lease, change, log: Vec::new() }];
    (Reports { of_attempts, now: start(), answer }, reply)
}

pub(super) fn starts(assigned: &[Assignment]) -> Vec<taskhost_core::ids::TaskId> {
    let starts = assigned.iter().map(|assignment| match assignment {
        Assignment::Start(claimed) => claimed.id,
        Assignment::Cancel(..) => panic!("nobody cancels here"),
    });
    starts.collect()
}

#[test]
fn what_comes_in_the_turn_of_an_end_does_not_overtake_what_waits() {
    let mut turns = Turns::new();
    let running = turns.start();
    let (waiting, coming) = (turns.h.task(), turns.h.task());
    let waits = waiting.id;
    assert_eq!(starts(&turns.turn(Vec::new(), vec![submit(waiting).0])), []);
    assert_eq!(starts(&turns.turn(vec![end(&running, End::Done).0], vec![submit(coming).0])), [waits]);
}

#[test]
fn an_end_is_taken_before_the_cancel_of_its_turn() {
    let mut turns = Turns::new();
    let running = turns.start();
    let (cancel, refused) = call(|answer| Command::Cancel(running.id, answer));
    let (reports, done) = end(&running, End::Done);
    assert_eq!(starts(&turns.turn(vec![reports], vec![cancel])), []);
    assert_eq!(turns.h.answer(done), [Ok(Status::Completed)]);
    assert_eq!(turns.h.answer(refused), Err(CancelRefused::Rejected(Rejected::NotNow(Status::Completed))));
}

#[test]
fn a_cancel_in_the_turn_of_its_start_comes_after_it_and_is_remembered() {
    let mut turns = Turns::new();
    let task = turns.h.task();
    let id = task.id;
    let (cancel, cancelled) = call(|answer| Command::Cancel(id, answer));
    turns.turn(Vec::new(), vec![offer(1).0]);
    let assigned = turns.turn(Vec::new(), vec![submit(task).0, cancel]);
    assert_eq!(turns.h.answer(cancelled), Ok(Status::Running));
    let [Assignment::Start(claimed), Assignment::Cancel(told, lease)] = &assigned[..] else { panic!("{assigned:?}") };
    assert_eq!((claimed.id, *told, *lease), (id, id, claimed.lease));
    let (reports, done) = end(claimed, End::Interrupted);
    turns.turn(vec![reports], Vec::new());
    assert_eq!(turns.h.answer(done), [Ok(Status::Cancelled)]);
}

#[test]
fn an_offer_of_nothing_in_the_turn_of_an_end_stops_the_next_claim() {
    let mut turns = Turns::new();
    let running = turns.start();
    let waiting = turns.h.task();
    turns.turn(Vec::new(), vec![submit(waiting).0]);
    assert_eq!(starts(&turns.turn(vec![end(&running, End::Done).0], vec![offer(0).0])), []);
}

#[test]
fn what_is_given_back_may_start_again_in_the_same_turn() {
    let mut turns = Turns::new();
    let running = turns.start();
    let assigned = turns.turn(vec![end(&running, End::Interrupted).0], Vec::new());
    let [Assignment::Start(again)] = &assigned[..] else { panic!("{assigned:?}") };
    assert_eq!((again.id, again.lease, again.attempt), (running.id, running.lease.next(), 1));
    let (reports, done) = end(again, End::Done);
    turns.turn(vec![reports], Vec::new());
    assert_eq!(turns.h.answer(done), [Ok(Status::Completed)], "the new attempt is the one that counts");
}
