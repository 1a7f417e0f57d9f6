//! Random histories on a store and on the reference store: after each call both have answered, handed out, told and kept the
//! same. What differs is shrunk to the shortest history.
//!
//! This holds what moves many rows at once equal to `step`. A test run plays as many histories as take some seconds, from a
//! seed of its own, which a failure names. Two variables of the environment say otherwise:
//!
//! - `TASKHOST_HISTORIES`: so many histories, each of at least 100 calls (`cargo xtask hunt` plays 10,000);
//! - `TASKHOST_SEED`: the same histories again.
//!
//! Not here: what a history is made of (`call`), what is compared (`history`). Start at [`compare`].

mod call;
mod history;
mod sides;

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZero;
use std::ops::Range;
use std::str::FromStr;
use std::thread::available_parallelism;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use self::call::{Call, call};
use self::history::History;
use self::sides::Sides;
use super::Harness;

/// How many histories a test run plays.
const HISTORIES: u32 = 100;
/// How many calls one of them has at most.
const CALLS: usize = 60;
/// How many calls a history has that somebody asked for.
const LONG: Range<usize> = 100..160;

/// Opens an empty store.
type Open = fn() -> Harness;

/// Plays histories on empty stores of an adapter and on the reference store.
pub(super) fn compare(open: Open, reference: Open) {
    let asked: Option<u32> = variable("TASKHOST_HISTORIES");
    let seed = variable("TASKHOST_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let player = Player { open, reference };
    let Some(histories) = asked else { return player.play(seed, HISTORIES, 1..CALLS) };
    let players = available_parallelism().map_or(1, NonZero::get).min(4);
    let each = histories.div_ceil(u32::try_from(players).expect("at most four"));
    std::thread::scope(|scope| {
        for number in 0..players as u64 {
            scope.spawn(move || player.play(seed.wrapping_add(number), each, LONG));
        }
    });
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}` should be a number, and is `{text}`")))
}

#[derive(Debug, Clone, Copy)]
struct Player {
    open: Open,
    reference: Open,
}

impl Player {
    fn play(self, seed: u64, histories: u32, calls: Range<usize>) {
        let config = ProptestConfig { cases: histories, failure_persistence: None, ..ProptestConfig::default() };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let outcome = TestRunner::new_with_rng(config, random).run(&prop::collection::vec(call(), calls), |calls| {
            self.play_one(&calls);
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("TASKHOST_SEED={seed}: {error}");
        }
    }

    fn play_one(self, calls: &[Call]) {
        let mut history = History::new(Sides::new((self.open)(), (self.reference)()));
        for call in calls {
            history.play(call);
        }
        history.end();
    }
}
