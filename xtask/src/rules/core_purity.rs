//! `taskhost-core` has no async, I/O, clock or randomness of the standard library: time and chance are arguments.
//!
//! Not here: the crates that it must not depend on (`crates`).

use super::Violation;
use super::modules::{Module, modules};
use super::paths::Resolver;
use super::tree::Tree;

const IMPURE: &[&[&str]] = &[
    &["std", "env"],
    &["std", "fs"],
    &["std", "io"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["chrono", "Local"],
    &["uuid", "Uuid", "now_v7"],
    &["uuid", "Uuid", "new_v4"],
];
const IMPURE_WORDS: &[&str] = &["async", "await", "disallowed_methods", "println", "eprintln"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let modules = modules(tree, "host/core/src/");
    let resolver = Resolver::new("taskhost_core", &modules);
    modules.iter().flat_map(|module| check_module(module, &resolver)).collect()
}

fn check_module(module: &Module<'_>, resolver: &Resolver<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut report = |line, what: &str| {
        let message = format!("the core names `{what}`; it has no async, I/O, clock or chance: take it as an argument");
        violations.push(Violation::at(module.file, line, message));
    };
    for named in resolver.names(module) {
        if IMPURE.iter().any(|path| named.is_in(path)) {
            report(named.line, &named.shown());
        }
    }
    for token in &module.tokens {
        if IMPURE_WORDS.contains(&token.text) {
            report(token.line, token.text);
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    fn violations(source: &str) -> usize {
        check(&Tree::made_up(&[("host/core/src/task.rs", source)])).len()
    }

    #[test]
    fn a_clock_a_file_or_a_future_in_the_core_is_seen() {
        assert_eq!(violations("use std::{fmt, time::{Duration, Instant}};"), 1);
        assert_eq!(violations("fn f() { std::fs::read(p) }"), 1);
        assert_eq!(violations("async fn f() {}"), 1);
    }

    #[test]
    fn words_tests_and_durations_are_free() {
        assert_eq!(violations("// async\nuse std::time::Duration; #[cfg(test)] mod t { use std::fs; }"), 0);
    }
}
