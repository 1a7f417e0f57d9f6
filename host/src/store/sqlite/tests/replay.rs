//! Errors of one call in a turn: it alone is answered with them, and nothing was told of the turn that was rolled back.

use taskhost_core::ids::QueueName;
use taskhost_core::submit::NewTask;
use taskhost_core::task::{End, Status};

use super::super::command::Command;
use super::turn::{Turns, call, end, offer, starts, submit};
use crate::store::StoreError;
use crate::store::suite::in_queue;

/// From now on a task with this tag cannot be inserted.
fn refuse(turns: &Turns, how: &str) {
    let refuse = format!(
        "CREATE TRIGGER no BEFORE INSERT ON task WHEN new.tags LIKE '%bad%' BEGIN SELECT RAISE({how}, 'no bad ones'); END"
    );
    turns.writer.connection.execute_batch(&refuse).unwrap();
}

fn bad(task: NewTask) -> NewTask {
    NewTask { tags: vec!["bad".parse().unwrap()], ..task }
}

/// What the writer holds in memory, line by line in an order of its own.
fn picture(turns: &Turns) -> Vec<String> {
    let writer = &turns.writer;
    let mut names: Vec<_> = writer.names.queues.numbers().chain(writer.names.kinds.numbers()).collect();
    names.sort_unstable();
    let held = (&writer.queues, &writer.flights, &writer.kinds, writer.last_seq, &writer.policy, names);
    let text = format!("{held:#?}");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn an_error_of_one_call_fails_no_other_call_of_its_turn() {
    // The second kind of error rolls the transaction back by itself.
    for how in ["ABORT", "ROLLBACK"] {
        let mut turns = Turns::new();
        refuse(&turns, how);
        let running = turns.start();
        let (first, worse, last) = (turns.h.task(), bad(turns.h.task()), turns.h.task());
        let ids = [first.id, last.id];
        let ((first, first_reply), (worse, refused), (last, last_reply)) = (submit(first), submit(worse), submit(last));
        let (reports, done) = end(&running, End::Done);
        let assigned = turns.turn(vec![reports], vec![offer(2).0, first, worse, last]);
        assert_eq!(starts(&assigned), ids, "told once");
        assert_eq!(turns.h.answer(done), [Ok(Status::Completed)]);
        assert_eq!([turns.h.answer(first_reply), turns.h.answer(last_reply)], [[Status::Queued], [Status::Queued]]);
        let error = turns.h.outcome(refused).unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
        assert_eq!(error.to_string(), "the store here could not insert tasks: no bad ones");
    }
}

#[test]
fn a_call_that_fails_leaves_the_memory_as_it_was() {
    let mut turns = Turns::new();
    refuse(&turns, "ABORT");
    turns.start();
    let before = picture(&turns);
    let (good, worse) = (in_queue(turns.h.task(), "other"), bad(in_queue(turns.h.task(), "other")));
    let (command, refused) = call(|answer| Command::Submit(vec![good.clone(), worse], answer));
    assert_eq!(starts(&turns.turn(Vec::new(), vec![command])), []);
    turns.h.outcome(refused).unwrap_err();
    assert_eq!(picture(&turns), before);
    let (command, reply) = submit(good);
    turns.turn(Vec::new(), vec![command]);
    assert_eq!(turns.h.answer(reply), [Status::Queued], "the name of its queue is written anew");
    let named = "SELECT count(*) FROM task JOIN name ON name.id = task.queue WHERE text = 'other'";
    let named: i64 = turns.writer.connection.query_row(named, [], |row| row.get(0)).unwrap();
    assert_eq!(named, 1);
}

#[test]
fn what_landed_flies_again_after_a_rollback() {
    let mut turns = Turns::new();
    refuse(&turns, "ABORT");
    let running = turns.start();
    let (ended, pause) =
        (end(&running, End::Interrupted), |answer| Command::PauseQueue(QueueName::default(), true, answer));
    let (pause, paused) = call(pause);
    let worse = bad(turns.h.task());
    let assigned = turns.turn(vec![ended.0], vec![pause, submit(worse).0]);
    assert_eq!(turns.h.answer(ended.1), [Ok(Status::Queued)]);
    turns.h.answer(paused);
    assert_eq!(starts(&assigned), [], "it is paused before the slot is filled");
    assert_eq!(turns.writer.flights.count(), 0);
}
