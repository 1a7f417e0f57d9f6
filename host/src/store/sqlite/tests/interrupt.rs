//! A turn that is interrupted anywhere, and done again call by call, comes to what it would have come to: a writer that is
//! interrupted once in every turn is compared with one that is not.
//!
//! `TASKHOST_HUNT=1000 cargo test -p taskhost --lib interrupt` takes so many histories instead of a few.

use std::cell::Cell;
use std::fmt::Debug;
use std::time::Duration;

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::types::Value;
use taskhost_core::ids::{KindName, QueueName, TaskId};
use taskhost_core::query::TaskFilter;
use taskhost_core::retention::Retentions;
use taskhost_core::submit::NewTask;
use taskhost_core::task::End;
use taskhost_core::time::UnixMicros;

use super::super::command::{Answer, Command, Reports};
use super::super::inbox::Work;
use super::disk::Dice;
use super::power::loads;
use super::turn::Turns;
use super::{Harness, start};
use crate::store::suite::{KIND, ended, failed, in_queue};
use crate::store::{Action, Assignment, AttemptReport, Change, Claimed, Offer, Reply, Sweep};

const QUEUES: [&str; 3] = ["default", "a", "b"];

/// A call that each of the two gets.
#[derive(Debug, Clone)]
enum Op {
    Submit(Vec<NewTask>),
    Report(Box<Claimed>, Change),
    Cancel(TaskId),
    Act(TaskId, Action),
    Pause(QueueName, bool),
    Offer(Offer),
    Retain(Retentions),
    Sweep(Sweep),
    Advance,
}

/// What was answered, as text.
type Answered = Box<dyn FnOnce(&Harness) -> String>;

fn answered<T: Debug + 'static>(reply: Reply<T>) -> Answered {
    Box::new(move |h| format!("{:?}", h.outcome(reply).map_err(|error| error.to_string())))
}

fn command<T: Debug + 'static>(make: impl FnOnce(Answer<T>) -> Command) -> (Command, Answered) {
    let (answer, reply) = Answer::pending();
    (make(answer), answered(reply))
}

impl Op {
    fn command(self) -> (Command, Answered) {
        match self {
            Self::Submit(tasks) => command(|answer| Command::Submit(tasks, answer)),
            Self::Cancel(task) => command(|answer| Command::Cancel(task, answer)),
            Self::Act(task, action) => command(|answer| Command::Act(task, action, answer)),
            Self::Pause(queue, paused) => command(|answer| Command::PauseQueue(queue, paused, answer)),
            Self::Offer(offer) => command(|answer| Command::Offer(offer, answer)),
            Self::Retain(retentions) => command(|answer| Command::Retain(Box::new(retentions.into()), answer)),
            Self::Sweep(sweep) => command(|answer| Command::Sweep(Box::new(sweep.into()), answer)),
            Self::Advance => command(Command::Advance),
            Self::Report(..) => unreachable!("a report is no command"),
        }
    }
}

thread_local! {
    /// After how many steps of SQLite this thread is interrupted; 0: not again.
    static LEFT: Cell<u64> = const { Cell::new(0) };
    /// The same, from the next commit on; 0: commits are spared.
    static IN_COMMIT: Cell<u64> = const { Cell::new(0) };
}

/// One of the two.
struct Subject {
    turns: Turns,
}

impl Subject {
    fn new() -> Self {
        let mut turns = Turns::new();
        let interrupts = || {
            let left = LEFT.get();
            LEFT.set(left.saturating_sub(1));
            left == 1
        };
        turns.writer.connection.progress_handler(1, Some(interrupts)).unwrap();
        turns.writer.connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(at_commit)).unwrap();
        Self { turns }
    }

    /// Takes a turn; answers all that was said, and what was started.
    fn turn(&mut self, ops: &[Op], now: UnixMicros, interrupted_after: u64) -> (Vec<String>, Vec<Claimed>) {
        let (mut reports, mut commands, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for op in ops.iter().cloned() {
            if let Op::Report(attempt, change) = op {
                let (answer, reply) = Answer::pending();
                let report = AttemptReport { task: attempt.id, lease: attempt.lease, change, log: Vec::new() };
                reports.push(Reports { of_attempts: vec![report], now, answer });
                answers.push(answered(reply));
            } else {
                let (command, answer) = op.command();
                commands.push(command);
                answers.push(answer);
            }
        }
        LEFT.set(interrupted_after);
        let mut assigned = self.turns.turn_at(now, reports, commands);
        LEFT.set(0);
        while !self.turns.writer.turn.again.is_empty() {
            let again = std::mem::take(&mut self.turns.writer.turn.again);
            assigned.extend(self.turns.turn_at(
                now,
                Vec::new(),
                again.into_iter().map(|(command, _)| command).collect(),
            ));
        }
        let mut said: Vec<_> = answers.into_iter().map(|answer| answer(&self.turns.h)).collect();
        let mut told: Vec<_> = assigned.iter().map(|assignment| format!("{assignment:?}")).collect();
        told.sort_unstable();
        said.extend(told);
        let starts = assigned.into_iter().filter_map(|assignment| match assignment {
            Assignment::Start(claimed) => Some(*claimed),
            Assignment::Cancel(..) => None,
        });
        (said, starts.collect())
    }

    /// All that is kept, and what is held in memory; but for the turns in which tasks started.
    fn picture(&self) -> Vec<String> {
        let writer = &self.turns.writer;
        let held = (&writer.queues, &writer.kinds, writer.last_seq, &writer.policy, writer.flights.count());
        let mut lines: Vec<_> = format!("{held:#?}").lines().map(str::to_owned).collect();
        lines.sort_unstable();
        let tables =
            ["task", "task_params", "task_result", "task_state", "task_error", "name", "queue_pause", "retention"];
        for table in tables {
            let mut select = writer.connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = select.column_count();
            let rows = select.query_map([], |row| (0..columns).map(|at| row.get::<_, Value>(at)).collect());
            lines.extend(rows.unwrap().map(|row: rusqlite::Result<Vec<Value>>| format!("{table}: {:?}", row.unwrap())));
        }
        lines
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is that of a trace")]
fn at_commit(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, "COMMIT") = event {
        LEFT.set(IN_COMMIT.get());
    }
}

/// What happens next.
struct History {
    dice: Dice,
    ids: Vec<TaskId>,
    running: Vec<Claimed>,
    makes: Harness,
}

impl History {
    fn queue(&mut self) -> &'static str {
        QUEUES[usize::try_from(self.dice.up_to(3)).unwrap()]
    }

    fn known(&mut self) -> Option<TaskId> {
        let which = usize::try_from(self.dice.up_to(1 + self.ids.len() as u64)).unwrap();
        self.ids.get(which).copied()
    }

    fn submit(&mut self) -> Op {
        let mut tasks = Vec::new();
        for _ in 0..=self.dice.up_to(4) {
            let queue = self.queue();
            let task = in_queue(self.makes.task(), queue);
            let length = if self.dice.up_to(4) == 0 { 700 } else { 5 };
            let again = self.known().filter(|_| self.dice.up_to(20) == 0);
            let task = NewTask { params: vec![b'1'; length], id: again.unwrap_or(task.id), ..task };
            self.ids.push(task.id);
            tasks.push(task);
        }
        Op::Submit(tasks)
    }

    fn report(&mut self) -> Option<Op> {
        let which = usize::try_from(self.dice.up_to(1 + self.running.len() as u64)).unwrap();
        let attempt = Box::new(self.running.get(which)?.clone());
        let change = match self.dice.up_to(5) {
            0 => Change::Checkpoint { state: vec![b'1'; 20], follow_ups: vec![self.makes.task()] },
            1 => Change::Ended(Box::new(failed("no"))),
            2 => Change::Ended(Box::new(ended(End::FailedFatally))),
            3 => Change::Ended(Box::new(ended(End::Interrupted))),
            _ => Change::Ended(Box::new(ended(End::Done))),
        };
        if let Change::Ended(_) = change {
            self.running.swap_remove(which);
        }
        Some(Op::Report(attempt, change))
    }

    fn offer(&mut self) -> Op {
        let slots = QUEUES.map(|queue| (QueueName::new(queue).unwrap(), u32::try_from(self.dice.up_to(6)).unwrap()));
        let kinds = if self.dice.up_to(5) == 0 { Vec::new() } else { vec![KindName::new(KIND).unwrap()] };
        Op::Offer(Offer { slots: slots.into(), kinds })
    }

    fn op(&mut self) -> Option<Op> {
        Some(match self.dice.up_to(16) {
            0..6 => self.submit(),
            6..9 => return self.report(),
            9 => Op::Cancel(self.known()?),
            10 => Op::Act(self.known()?, Action::Retry),
            11 => {
                let queue = QueueName::new(self.queue()).unwrap();
                Op::Pause(queue, self.dice.up_to(2) == 0)
            }
            12 => self.offer(),
            13 => {
                let mut retentions = Retentions::default();
                retentions.usual.completed = Duration::from_secs(1 + self.dice.up_to(100));
                Op::Retain(retentions)
            }
            14 => Op::Sweep(Sweep { action: Action::Retry, filter: TaskFilter::default(), kinds: Vec::new() }),
            _ => Op::Advance,
        })
    }
}

#[test]
fn a_turn_that_is_interrupted_comes_to_what_it_would_have_come_to() {
    for seed in 0..loads(4) {
        let (mut whole, mut interrupted) = (Subject::new(), Subject::new());
        let makes = super::Files::default().harness();
        let mut history = History { dice: Dice(seed), ids: Vec::new(), running: Vec::new(), makes };
        let mut now = start();
        for turn in 0..40 {
            let some = 1 + history.dice.up_to(6);
            let ops: Vec<_> = (0..some).filter_map(|_| history.op()).collect();
            let after = 1 + history.dice.up_to(1_500);
            let (said, started) = whole.turn(&ops, now, 0);
            let (said_again, _) = interrupted.turn(&ops, now, after);
            assert_eq!(said_again, said, "history {seed}, turn {turn}, interrupted after {after} steps: {ops:#?}");
            assert_eq!(interrupted.picture(), whole.picture(), "history {seed}, turn {turn}, after {after}: {ops:#?}");
            history.running.extend(started);
            now = now.saturating_add(Duration::from_secs(history.dice.up_to(20)));
        }
    }
}

#[test]
fn an_interrupted_commit_may_have_happened_and_is_not_done_again() {
    let mut committed = 0;
    for after in 1..6 {
        let mut subject = Subject::new();
        let task = subject.turns.h.task();
        let (submit, _reply) = Op::Submit(vec![task]).command();
        IN_COMMIT.set(after);
        let outcome =
            subject.turns.writer.turn(&mut Work { reports: Vec::new(), commands: [(submit, start())].into() });
        IN_COMMIT.set(0);
        LEFT.set(0);
        let connection = &subject.turns.writer.connection;
        if outcome.is_err() && connection.is_autocommit() {
            let tasks: i64 = connection.query_row("SELECT count(*) FROM task", [], |row| row.get(0)).unwrap();
            committed += tasks;
        }
    }
    assert!(committed > 0, "a commit that says that it failed, and has not");
}
