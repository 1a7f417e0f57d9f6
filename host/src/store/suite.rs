//! What every store has to do: named cases, run on stores of each adapter.
//!
//! A new adapter adds itself to [`ADAPTERS`], and is held to all of it: cases whose needs it meets, histories against the reference
//! store ([`model`]). Not here: what only one adapter promises (its own tests). Start at [`CASES`].

mod adapter;
mod again;
mod cancel;
mod claim;
mod crash;
mod end;
mod follow_ups;
mod harness;
mod jobs;
mod list;
mod log;
mod model;
mod once;
mod outcome;
mod queues;
mod retention;
mod tell;
mod time;
mod told;

use std::panic::{AssertUnwindSafe, catch_unwind};

use taskhost_core::time::UnixMicros;

pub(super) use self::adapter::{Adapter, Capability, Ground};
pub(super) use self::harness::{Harness, KIND, after, ended, failed, failure, in_queue, of_kind};
use super::{memory, sqlite};

/// When every store is opened first.
pub(super) fn start() -> UnixMicros {
    UnixMicros::from_micros(1_800_000_000_000_000)
}

/// Every adapter; the first is the reference.
const ADAPTERS: &[Adapter] = &[memory::tests::ADAPTER, sqlite::tests::ADAPTER];

/// A claim about stores, and what tries it on an empty one.
type Case = (&'static str, fn(&mut Harness));

/// Makes a list of cases from functions: a case is called as its function.
macro_rules! cases {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name as fn(&mut $crate::store::suite::Harness))),*] };
}
use cases;

/// Every case, by what it is about, with what a store must be able to do for it.
const CASES: &[(&[Case], &[Capability])] = &[
    (claim::CASES, &[]),
    (outcome::CASES, &[]),
    (once::CASES, &[]),
    (queues::CASES, &[]),
    (retention::CASES, &[]),
    (follow_ups::CASES, &[]),
    (cancel::CASES, &[]),
    (time::CASES, &[]),
    (jobs::CASES, &[]),
    (list::CASES, &[]),
    (again::CASES, &[]),
    (log::CASES, &[]),
    (tell::CASES, &[]),
    (crash::CASES, &[Capability::Crashes]),
    (end::CASES, &[Capability::Reopens]),
];

#[test]
fn every_adapter_does_what_its_cases_say() {
    let broken = std::thread::scope(|scope| {
        let run = |adapter: &'static Adapter| scope.spawn(|| broken_cases(adapter));
        let runs: Vec<_> = ADAPTERS.iter().map(run).collect();
        runs.into_iter().flat_map(|run| run.join().expect("what a case panics with is caught")).collect::<Vec<_>>()
    });
    assert!(broken.is_empty(), "these cases do not hold (each said why above): {broken:#?}");
}

#[test]
fn every_case_is_run_on_some_adapter() {
    assert_eq!(cases_without(ADAPTERS), [""; 0]);
    let all: usize = CASES.iter().map(|(cases, _)| cases.len()).sum();
    assert_eq!(cases_without(&[]).len(), all, "without adapters none is run");
}

#[test]
fn a_history_goes_on_every_adapter_as_on_the_reference() {
    for adapter in &ADAPTERS[1..] {
        model::compare(adapter.open, ADAPTERS[0].open);
    }
}

/// Runs every case on a store of its own; answers those that do not hold.
fn broken_cases(adapter: &Adapter) -> Vec<String> {
    let holds = |(_, case): &&Case| catch_unwind(AssertUnwindSafe(|| case(&mut (adapter.open)()))).is_ok();
    let its_cases = CASES.iter().filter(|(_, needs)| adapter.can_all(needs)).flat_map(|(cases, _)| cases.iter());
    its_cases.filter(|case| !holds(case)).map(|(name, _)| format!("{name} on {}", adapter.name)).collect()
}

/// The cases that none of these can run.
fn cases_without(adapters: &[Adapter]) -> Vec<&'static str> {
    let nobody = |needs: &[Capability]| !adapters.iter().any(|adapter| adapter.can_all(needs));
    let cases = CASES.iter().filter(|(_, needs)| nobody(needs)).flat_map(|(cases, _)| cases.iter());
    cases.map(|(name, _)| *name).collect()
}
