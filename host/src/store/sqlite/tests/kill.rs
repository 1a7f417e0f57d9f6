//! `kill -9` at every step of a turn, in checkpoints, while the tables are made and while old tasks are deleted: nothing that
//! was acknowledged is lost, nothing had started that the file does not know, and all that is left is worked off.
//!
//! The one that is killed is this test executable again, with a load. `TASKHOST_HUNT=20 cargo test -p taskhost --lib kill`
//! kills it so often at each step instead of twice.

use std::collections::HashSet;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use taskhost_core::ids::{LeaseId, TaskId};
use taskhost_core::task::{End, Rejected, Status};
use tokio::sync::mpsc;

use super::super::failpoint::{Point, kill_at, kill_now};
use super::disk::{Dice, Disk};
use super::power::{Asked, Restarted, loads};
use super::{Files, options, start};
use crate::events::Events;
use crate::store::sqlite::SqliteStore;
use crate::store::suite::{Harness, ended, in_queue};
use crate::store::{Assignment, AttemptReport, Change, Reply};
use crate::tally::Tally;

/// Where the process is killed.
#[derive(Debug, Clone, Copy)]
enum Place {
    At(Point),
    /// Before a write to the file whose name ends so.
    Write(&'static str),
}

const PLACES: [Place; 11] = [
    Place::At(Point::Begun),
    Place::At(Point::ReportsTaken),
    Place::At(Point::CommandsTaken),
    Place::At(Point::Filled),
    Place::At(Point::FlightsKept),
    Place::At(Point::Committed),
    Place::At(Point::AssignmentsSent),
    Place::At(Point::Answered),
    Place::At(Point::Deleting),
    // Made anew, and checkpointed into.
    Place::Write(""),
    Place::Write("-wal"),
];

const TOLD: &str = "> ";

/// What the one that was killed had heard, line by line.
fn tell(line: &str) {
    // In one piece; the test harness would keep back what is printed.
    std::io::stdout().write_all(format!("{TOLD}{line}\n").as_bytes()).unwrap();
}

/// What the process is told that is killed.
const WHERE: &str = "TASKHOST_KILLED_AT";

/// The one that is killed: `<place> <nth> <path>`.
fn work_until_killed(at: &str) -> ! {
    let mut words = at.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    let (place, nth): (usize, u64) = (word().parse().unwrap(), word().parse().unwrap());
    let path = std::path::PathBuf::from(word());
    let (assign, assignments) = mpsc::unbounded_channel();
    let heard = Arc::new(Mutex::new(Heard { assignments, submits: Vec::new(), ends: Vec::new(), running: Vec::new() }));
    let last = Arc::clone(&heard);
    match PLACES[place] {
        Place::At(point) => kill_at(point, nth, move || last.lock().unwrap().listen()),
        Place::Write(wanted) => {
            let mut left = nth;
            Disk::under(&path).witness(move |name, _| {
                left -= u64::from(name == wanted);
                if left == 0 {
                    last.lock().unwrap().listen();
                    kill_now();
                }
            });
        }
    }
    let store = SqliteStore::open(&options(&path), assign, Events::default(), Tally::default(), start()).unwrap();
    work(Harness::new(Arc::new(store), mpsc::unbounded_channel().1, start(), ()), &heard, nth)
}

/// What is answered to the end of an attempt.
type Ended = Reply<Vec<Result<Status, Rejected>>>;

/// What the store says, told at once: also in the moment before the end.
struct Heard {
    assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
    submits: Vec<(Vec<TaskId>, Reply<Vec<Status>>)>,
    ends: Vec<(TaskId, Ended)>,
    running: Vec<(TaskId, LeaseId)>,
}

impl Heard {
    fn listen(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        self.submits.retain_mut(|(ids, reply)| {
            let answered = Pin::new(reply).poll(&mut context);
            if let Poll::Ready(Ok(_)) = answered {
                tell(&ids.iter().fold("tasks".to_owned(), |line, id| format!("{line} {id}")));
            }
            answered.is_pending()
        });
        self.ends.retain_mut(|(id, reply)| {
            let answered = Pin::new(reply).poll(&mut context);
            if matches!(&answered, Poll::Ready(Ok(statuses)) if statuses[0].is_ok()) {
                tell(&format!("end {id}"));
            }
            answered.is_pending()
        });
        while let Ok(assigned) = self.assignments.try_recv() {
            for assignment in assigned {
                let Assignment::Start(claimed) = assignment else { panic!("nobody cancels what runs") };
                tell(&format!("start {} {}", claimed.id, claimed.lease));
                self.running.push((claimed.id, claimed.lease));
            }
        }
    }
}

fn work(mut h: Harness, heard: &Mutex<Heard>, seed: u64) -> ! {
    let mut dice = Dice(seed);
    h.serve(10);
    loop {
        // Of a queue that nobody serves.
        let old = in_queue(h.task(), "old");
        let old_id = old.id;
        let mut batches = vec![vec![old]];
        batches.extend((0..3).map(|_| (0..=dice.up_to(6)).map(|_| h.task()).collect()));
        let mut now_heard = heard.lock().unwrap();
        for (task, lease) in std::mem::take(&mut now_heard.running) {
            let change = Change::Ended(Box::new(ended(End::Done)));
            let report = AttemptReport { task, lease, change, log: Vec::new() };
            now_heard.ends.push((task, h.store.report(vec![report], h.now)));
        }
        for tasks in batches {
            let ids = tasks.iter().map(|task| task.id).filter(|id| *id != old_id).collect();
            now_heard.submits.push((ids, h.store.submit(tasks, h.now)));
        }
        drop(now_heard);
        h.cancel(old_id).unwrap();
        // Deletes what was cancelled and completed. Answered behind all of them.
        h.pass(Duration::from_hours(25));
        heard.lock().unwrap().listen();
    }
}

/// What was told before the end.
#[derive(Debug, Default)]
struct Told {
    tasks: Vec<TaskId>,
    ended: HashSet<TaskId>,
    started: Vec<(TaskId, LeaseId)>,
}

/// Starts one that works at this path until it is killed.
fn killed(path: &Path, place: usize, nth: u64) -> Told {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "store::sqlite::tests::kill::nothing_is_lost_wherever_it_is_killed"])
        .env(WHERE, format!("{place} {nth} {}", path.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.signal(), Some(9), "{:?}, {nth}: {errors}", PLACES[place]);
    let mut told = Told::default();
    for line in String::from_utf8(child.stdout).unwrap().lines().filter_map(|line| line.strip_prefix(TOLD)) {
        let mut words = line.split(' ');
        let what = words.next().unwrap();
        let mut ids = words.clone().map(|id| id.parse::<TaskId>().unwrap());
        match what {
            "tasks" => told.tasks.extend(ids),
            "end" => drop(told.ended.insert(ids.next().unwrap())),
            _ => {
                let mut number = || words.next().unwrap();
                told.started.push((number().parse().unwrap(), LeaseId::from_u64(number().parse().unwrap())));
            }
        }
    }
    told
}

#[test]
fn nothing_is_lost_wherever_it_is_killed() {
    if let Ok(at) = std::env::var(WHERE) {
        work_until_killed(&at);
    }
    let mut dice = Dice(loads(2));
    for place in 0..PLACES.len() {
        for _ in 0..loads(2) {
            let files = Files::default();
            let nth = 1 + dice.up_to(60);
            let told = killed(&files.path(), place, nth);
            let restarted = Restarted::of(files);
            // What has ended may be deleted by now.
            let kept = |id: &TaskId| !told.ended.contains(id);
            let tasks: Vec<_> = told.tasks.iter().copied().filter(kept).collect();
            restarted.check_acknowledged(&[Asked::Tasks(tasks)]);
            let started: Vec<_> = told.started.iter().copied().filter(|(id, _)| kept(id)).collect();
            restarted.check_starts_and_finish(&started);
        }
    }
}
