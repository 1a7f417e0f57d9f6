//! The rooms of the host: who may name whom.
//!
//! Code for tests is free: a test composes as it likes.

use super::Violation;
use super::modules::{Module, modules};
use super::paths::{Named, Resolver};
use super::tree::Tree;

const FACES: &[&str] = &["api", "cli", "dashboard"];
const INNER_ROOMS: &[&str] = &["store", "services", "plugins"];
const STORES: &[&str] = &["memory", "sqlite", "postgres"];
const EXECUTORS: &[&str] = &["in_process", "isolated"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let modules = modules(tree, "host/src/");
    let resolver = Resolver::new("taskhost", &modules);
    let mut violations = Vec::new();
    for module in &modules {
        for named in resolver.names(module) {
            let broken = broken_rule(module, &named, &resolver);
            violations.extend(broken.map(|rule| Violation::at(module.file, named.line, rule)));
        }
        violations.extend(lifted_clock_ban(module));
    }
    // One line may name one path twice: in its `use` and through what it imports.
    violations.dedup();
    violations
}

fn broken_rule(module: &Module<'_>, named: &Named, resolver: &Resolver<'_>) -> Option<String> {
    let path = named.shown();
    if FACES.iter().any(|face| module.is_in(&[face])) && enters(named, INNER_ROOMS) {
        return Some(format!("a face names `{path}`; faces speak to `Host` and core types only"));
    }
    if let Some(other) = other_service(module, named, resolver) {
        return Some(format!("a service names the service `{other}`; they meet in channels made in `boot.rs`"));
    }
    if concrete_adapter(module, named) {
        return Some(format!("`{path}` is a concrete adapter; only `boot.rs` names those, others take the trait"));
    }
    if named.is_in(&["notify"]) && !module.path.iter().any(|part| part == "watcher") {
        return Some("only `watcher.rs` uses the crate `notify`".to_owned());
    }
    if named.is_in(&["tokio", "time"]) && !module.is_in(&["clock"]) {
        return Some(format!("`{path}`: only `clock.rs` asks for the time; wait through `Clock`"));
    }
    None
}

/// Whether the path leads into one of these rooms of the crate.
fn enters(named: &Named, rooms: &[&str]) -> bool {
    rooms.iter().any(|room| named.is_in(&["crate", room]))
}

/// The name of a service that this module, of another service, names.
fn other_service<'n>(module: &Module<'_>, named: &'n Named, resolver: &Resolver<'_>) -> Option<&'n str> {
    let [_, own, ..] = module.path.as_slice() else { return None };
    let [_, _, other, ..] = named.path.as_slice() else { return None };
    let is_service = module.is_in(&["services"]) && named.is_in(&["crate", "services"]);
    (is_service && own != other && resolver.is_module(&named.path[1..3])).then_some(other)
}

/// An adapter may name itself; the executors are also known in their own room, the stores are not.
fn concrete_adapter(module: &Module<'_>, named: &Named) -> bool {
    if module.is_in(&["boot"]) {
        return false;
    }
    let is_foreign_store = |store: &&&str| named.is_in(&["crate", "store", store]) && !module.is_in(&["store", store]);
    let is_foreign_executor =
        |executor: &&&str| named.is_in(&["crate", "plugins", executor]) && !module.is_in(&["plugins"]);
    STORES.iter().any(|store| is_foreign_store(&store)) || EXECUTORS.iter().any(|one| is_foreign_executor(&one))
}

/// clippy holds the ban on clocks (`disallowed_methods`); here it is held that nobody lifts it.
fn lifted_clock_ban(module: &Module<'_>) -> Option<Violation> {
    if module.is_in(&["clock"]) {
        return None;
    }
    let lifted = module.tokens.iter().find(|token| token.text == "disallowed_methods")?;
    Some(Violation::at(module.file, lifted.line, "only `clock.rs` may lift the ban on clocks (`disallowed_methods`)"))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    /// The first words of what the rules say of `source` at `place` in a host of a few modules.
    fn verdict(place: &str, source: &str) -> String {
        let path = format!("host/src/{place}");
        let mut files: Vec<(&str, &str)> = vec![
            ("host/src/store/sqlite.rs", ""),
            ("host/src/services/completer.rs", ""),
            ("host/src/store/mod.rs", ""),
        ];
        files.retain(|(file, _)| *file != path);
        files.push((&path, source));
        let shown: Vec<_> = check(&Tree::made_up(&files)).iter().map(ToString::to_string).collect();
        shown.join("\n").chars().take_while(|c| *c != ';').collect()
    }

    #[test]
    fn a_face_never_enters_the_inner_rooms() {
        assert_eq!(
            verdict("api/tasks.rs", "\nuse crate::{host::Host, store::Store};"),
            "host/src/api/tasks.rs:2: a face names `crate::store::Store`"
        );
        assert_eq!(verdict("api/tasks.rs", "use crate::{host::Host, boot};"), "");
        assert_eq!(
            verdict("cli/mod.rs", "fn f() { crate::plugins::scan() }"),
            "host/src/cli/mod.rs:1: a face names `crate::plugins::scan`"
        );
    }

    #[test]
    fn a_service_never_names_another() {
        assert_eq!(
            verdict("services/runner.rs", "use super::completer::Inbox;"),
            "host/src/services/runner.rs:1: a service names the service `completer`"
        );
        assert_eq!(verdict("services/completer.rs", "use crate::services::completer::Inbox;"), "");
        assert_eq!(verdict("services/runner.rs", "use super::Channel;"), "");
    }

    #[test]
    fn only_boot_names_a_concrete_adapter() {
        let said = ": `crate::store::sqlite::open` is a concrete adapter";
        let source = "use crate::store; fn f() { store::sqlite::open() }";
        assert_eq!(verdict("host.rs", source), format!("host/src/host.rs:1{said}"));
        assert_eq!(verdict("store/memory.rs", "use super::sqlite::open;"), format!("host/src/store/memory.rs:1{said}"));
        assert_eq!(verdict("store/mod.rs", "pub use sqlite::open;"), format!("host/src/store/mod.rs:1{said}"));
        assert_eq!(verdict("boot.rs", source), "");
        assert_eq!(verdict("store/sqlite.rs", "use crate::store::sqlite::open;"), "");
        assert_eq!(
            verdict("services/runner.rs", "use crate::plugins::in_process::Pool;"),
            "host/src/services/runner.rs:1: `crate::plugins::in_process::Pool` is a concrete adapter"
        );
    }

    #[test]
    fn only_the_watcher_watches_and_only_the_clock_tells_time() {
        assert_eq!(
            verdict("host.rs", "use notify::Event;"),
            "host/src/host.rs:1: only `watcher.rs` uses the crate `notify`"
        );
        assert_eq!(verdict("services/watcher.rs", "use notify::Event;"), "");
        assert_eq!(
            verdict("host.rs", "use tokio::time::Instant;"),
            "host/src/host.rs:1: `tokio::time::Instant`: only `clock.rs` asks for the time"
        );
        assert_eq!(
            verdict("host.rs", "#[expect(clippy::disallowed_methods, reason = \"\")] fn f() {}"),
            "host/src/host.rs:1: only `clock.rs` may lift the ban on clocks (`disallowed_methods`)"
        );
        assert_eq!(verdict("clock.rs", "use tokio::time::sleep; #[expect(clippy::disallowed_methods)] fn f() {}"), "");
    }

    #[test]
    fn a_test_composes_as_it_likes() {
        assert_eq!(verdict("host.rs", "#[cfg(test)] mod tests { use crate::store::sqlite::open; }"), "");
    }
}
