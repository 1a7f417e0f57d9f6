//! What a task costs on the writer's thread, counted, not timed: the same on every machine and on every run.
//!
//! The counts are compared with a budget that is kept in `tests/golden/hot-path.toml`. Not counted: checkpoints, which are
//! made off the commit path, and what faces and plugins do. Start at [`a_task_costs_no_more_than_its_budget`].

mod count;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use taskhost_core::submit::NewTask;
use taskhost_core::task::End;

use self::count::{Costs, Counting};
use super::super::command::{Answer, Command, Reports};
use super::super::inbox::Work;
use super::disk::Disk;
use super::turn::{Turns, call, offer};
use super::{Files, start};
use crate::store::suite::ended;
use crate::store::{Assignment, AttemptReport, Change, Claimed};

/// Counts a task by what is counted, by what is done.
type Budget = BTreeMap<String, BTreeMap<String, f64>>;

/// How many tasks a turn of batches has.
const BATCH: usize = 200;
/// How many turns are counted, after some that fill caches and prepare statements.
const TURNS: usize = 10;
const WARM: usize = 4;
/// More slots than there are tasks.
const ALL: u32 = 100_000;

/// What is counted may differ by so much of the budget: the size of a number or a tree's turn changes it a little.
const TOLERANCE: f64 = 0.02;
/// A budget that is so much too large does not hold anything.
const LOOSE: f64 = 0.10;
/// Less than one more of anything in a turn of a batch.
const ROUNDED: f64 = 0.002;
const ACCEPT: &str = "`UPDATE_GOLDEN=1 cargo test -p taskhost --lib hot_path` takes what is counted now as the budget";

#[test]
fn a_task_costs_no_more_than_its_budget() {
    let counted = measure();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/hot-path.toml");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, text(&counted)).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; {ACCEPT}", path.display()));
    let budget: Budget = toml::from_str(&kept).unwrap();
    let broken = compare(&budget, &counted);
    assert!(broken.is_empty(), "{}\nIf that is meant, {ACCEPT}; its difference is the review.", broken.join("\n"));
}

#[test]
fn a_budget_that_is_broken_or_loose_is_told_by_count_and_both_values() {
    let budget = |allocations: f64| -> Budget {
        BTreeMap::from([("end".to_owned(), BTreeMap::from([("allocations".to_owned(), allocations)]))])
    };
    assert_eq!(compare(&budget(8.0), &budget(8.1)), Vec::<String>::new());
    assert_eq!(compare(&budget(8.0), &budget(7.5)), Vec::<String>::new());
    assert_eq!(compare(&budget(8.0), &budget(9.0)), ["end: 9.000 allocations a task, the budget is 8.000"]);
    let loose = compare(&budget(8.0), &budget(2.0));
    assert_eq!(loose, ["end: 2.000 allocations a task, the budget of 8.000 is loose"]);
    assert_eq!(compare(&budget(0.005), &budget(0.010)).len(), 1, "one more in a turn of a batch");
    assert_eq!(compare(&Budget::new(), &budget(1.0)), ["end: allocations are in only one of budget and counts"]);
    assert_eq!(compare(&budget(1.0), &Budget::new()).len(), 1);
}

fn compare(budget: &Budget, counted: &Budget) -> Vec<String> {
    let flat = |budget: &Budget| -> BTreeMap<(String, String), f64> {
        let each = |(what, counts): (&String, &BTreeMap<String, f64>)| {
            let what = what.clone();
            counts.clone().into_iter().map(move |(count, value)| ((what.clone(), count), value)).collect::<Vec<_>>()
        };
        budget.iter().flat_map(each).collect()
    };
    let (budget, counted) = (flat(budget), flat(counted));
    let names: std::collections::BTreeSet<_> = budget.keys().chain(counted.keys()).collect();
    let judge = |name: &(String, String)| {
        let (what, count) = name;
        let (Some(allowed), Some(found)) = (budget.get(name), counted.get(name)) else {
            return Some(format!("{what}: {count} are in only one of budget and counts"));
        };
        let off = found - allowed;
        match off {
            _ if off > allowed * TOLERANCE + ROUNDED => {
                Some(format!("{what}: {found:.3} {count} a task, the budget is {allowed:.3}"))
            }
            _ if -off > allowed * LOOSE + ROUNDED => {
                Some(format!("{what}: {found:.3} {count} a task, the budget of {allowed:.3} is loose"))
            }
            _ => None,
        }
    };
    names.into_iter().filter_map(judge).collect()
}

fn text(budget: &Budget) -> String {
    let mut text =
        "# What one task costs on the thread that writes the store, counted. The smaller the better.\n".to_owned();
    for (what, counts) in budget {
        writeln!(text, "\n[{what}]").unwrap();
        for (count, value) in counts {
            writeln!(text, "{count} = {value:.3}").unwrap();
        }
    }
    text
}

/// Everything, once for each way of counting: one must not count what another does.
fn measure() -> Budget {
    let mut budget = Budget::new();
    for counting in Counting::ALL {
        for (what, do_it) in DONE {
            let mut bench = Bench::new(counting);
            do_it(&mut bench);
            budget.entry((*what).to_owned()).or_default().extend(bench.costs.a_task());
        }
    }
    budget
}

/// Takes turns, some of them counted.
type Doing = fn(&mut Bench);

/// What is done, by its name in the budget.
const DONE: &[(&str, Doing)] = &[
    ("submit_one", |bench| bench.submit(1)),
    ("submit_batch", |bench| bench.submit(BATCH)),
    ("submit_one_to_a_free_slot", |bench| bench.start_at_once(1)),
    ("submit_batch_to_free_slots", |bench| bench.start_at_once(BATCH)),
    ("claim_batch_from_the_backlog", Bench::claim),
    ("end_batch", Bench::end),
    ("end_batch_and_claim_the_next", Bench::end_and_claim),
    ("end_one_and_claim_the_next", Bench::end_one_and_claim),
];

/// A writer, and what its turns cost.
struct Bench {
    turns: Turns,
    costs: Costs,
}

impl Bench {
    fn new(counting: Counting) -> Self {
        let files = Files::default();
        let disk = (counting == Counting::Syncs).then(|| Disk::under(&files.path()));
        let mut turns = Turns::in_folder(files);
        // As durable as a daemon; checkpoints would come now and then.
        turns.writer.connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0").unwrap();
        let costs = Costs::new(counting, &mut turns.writer.connection, disk);
        Self { turns, costs }
    }

    fn tasks(&mut self, count: usize) -> Vec<NewTask> {
        let params = format!("{{\"text\":\"{}\"}}", "x".repeat(89)).into_bytes();
        (0..count).map(|_| NewTask { params: params.clone(), ..self.turns.h.task() }).collect()
    }

    /// A turn that is not counted.
    fn turn(&mut self, reports: Vec<Reports>, commands: Vec<Command>) -> Vec<Claimed> {
        claims(self.turns.turn(reports, commands))
    }

    /// A turn with these many tasks, counted.
    fn counted(&mut self, tasks: usize, reports: Vec<Reports>, commands: Vec<Command>) -> Vec<Claimed> {
        let commands = commands.into_iter().map(|command| (command, start())).collect();
        let mut work = Work { reports, commands };
        let writer = &mut self.turns.writer;
        self.costs.of(tasks, || writer.turn(&mut work).unwrap());
        claims(self.turns.assigned())
    }

    /// Into a queue that nobody serves.
    fn submit(&mut self, count: usize) {
        for turn in 0..WARM + TURNS {
            let command = submits(self.tasks(count));
            if turn < WARM {
                self.turn(Vec::new(), vec![command]);
            } else {
                self.counted(count, Vec::new(), vec![command]);
            }
        }
    }

    fn start_at_once(&mut self, count: usize) {
        self.turn(Vec::new(), vec![offer(ALL).0]);
        for turn in 0..WARM + TURNS {
            let command = submits(self.tasks(count));
            let claimed = if turn < WARM {
                self.turn(Vec::new(), vec![command])
            } else {
                self.counted(count, Vec::new(), vec![command])
            };
            assert_eq!(claimed.len(), count);
        }
    }

    /// Fills the queue.
    fn backlog(&mut self, count: usize) {
        let tasks = self.tasks(count);
        self.turn(Vec::new(), vec![submits(tasks)]);
    }

    fn claim(&mut self) {
        self.backlog(BATCH * (WARM + TURNS + 1));
        for turn in 1..=WARM + TURNS {
            let slots = offer(u32::try_from(BATCH * turn).unwrap()).0;
            let claimed = if turn <= WARM {
                self.turn(Vec::new(), vec![slots])
            } else {
                self.counted(BATCH, Vec::new(), vec![slots])
            };
            assert_eq!(claimed.len(), BATCH);
        }
    }

    fn end(&mut self) {
        self.turn(Vec::new(), vec![offer(ALL).0]);
        let tasks = self.tasks(BATCH * (WARM + TURNS));
        let claimed = self.turn(Vec::new(), vec![submits(tasks)]);
        for (turn, batch) in claimed.chunks(BATCH).enumerate() {
            if turn < WARM {
                self.turn(vec![ends(batch)], Vec::new());
            } else {
                self.counted(batch.len(), vec![ends(batch)], Vec::new());
            }
        }
    }

    fn end_and_claim(&mut self) {
        self.go_round(BATCH);
    }

    fn end_one_and_claim(&mut self) {
        self.go_round(1);
    }

    /// As under load: what ends makes room for what waits.
    fn go_round(&mut self, count: usize) {
        self.backlog(count * (WARM + TURNS + 2));
        let mut claimed = self.turn(Vec::new(), vec![offer(u32::try_from(count).unwrap()).0]);
        for turn in 0..WARM + TURNS {
            let ended = ends(&claimed);
            claimed = if turn < WARM {
                self.turn(vec![ended], Vec::new())
            } else {
                self.counted(count, vec![ended], Vec::new())
            };
            assert_eq!(claimed.len(), count);
        }
    }
}

fn claims(assigned: Vec<Assignment>) -> Vec<Claimed> {
    let claims = assigned.into_iter().map(|assignment| match assignment {
        Assignment::Start(claimed) => *claimed,
        Assignment::Cancel(..) => panic!("nobody cancels here"),
    });
    claims.collect()
}

fn submits(tasks: Vec<NewTask>) -> Command {
    call(|answer| Command::Submit(tasks, answer)).0
}

fn ends(claimed: &[Claimed]) -> Reports {
    let end = |claimed: &Claimed| AttemptReport {
        task: claimed.id,
        lease: claimed.lease,
        change: Change::Ended(Box::new(ended(End::Done))),
        log: Vec::new(),
    };
    Reports { of_attempts: claimed.iter().map(end).collect(), now: start(), answer: Answer::pending().0 }
}
