//! What every store has to do: named cases, run by each adapter on stores of its own.
//!
//! An adapter calls [`run`] from a test with a function that opens an empty [`Harness`]. Not here: what only one
//! adapter promises (its own tests). Start at [`CASES`].

mod again;
mod cancel;
mod claim;
mod follow_ups;
mod harness;
mod jobs;
mod list;
mod log;
pub(super) mod model;
mod once;
mod outcome;
mod queues;
mod retention;
mod time;
mod told;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) use self::harness::{Ground, Harness, KIND, after, ended, failed, failure, in_queue, of_kind};

use self::told::Told;

/// A claim about stores, and what tries it on an empty one.
pub(super) type Case = (&'static str, fn(&mut Harness));

/// Makes a list of cases from functions: a case is called as its function.
macro_rules! cases {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name as fn(&mut $crate::store::suite::Harness))),*] };
}
use cases;

/// Every case, by what it is about.
const CASES: &[&[Case]] = &[
    claim::CASES,
    outcome::CASES,
    once::CASES,
    queues::CASES,
    retention::CASES,
    follow_ups::CASES,
    cancel::CASES,
    time::CASES,
    jobs::CASES,
    list::CASES,
    again::CASES,
    log::CASES,
];

/// Runs every case on a store of its own, and names those that do not hold.
pub(super) fn run(open: impl Fn() -> Harness) {
    let holds = |(_, case): &Case| catch_unwind(AssertUnwindSafe(|| case(&mut open()))).is_ok();
    let cases = CASES.iter().copied().flatten();
    let broken: Vec<_> = cases.filter(|case| !holds(case)).map(|(name, _)| name).collect();
    assert!(broken.is_empty(), "these cases do not hold (each said why above): {broken:#?}");
}
