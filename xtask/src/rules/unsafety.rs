//! `unsafe` stands only where the plugin contract is crossed, and in crates that exist for tests.

use super::Violation;
use super::lexer::tokens;
use super::tree::Tree;

/// A file, or with a closing `/` all of a folder.
const ALLOWED: &[&str] = &[
    "host/src/plugins/loader.rs",
    "host/src/plugins/loader/",
    "host/src/plugins/ffi.rs",
    "host/src/plugins/ffi/",
    "plugin-api/src/abi.rs",
    "plugin-api/src/abi/",
    "plugin-api/src/export.rs",
    "plugin-api/src/export/",
    "plugin-api/src/host.rs",
    "plugin-api/src/host/",
    "plugin-api/src/shim.rs",
    "plugin-api/src/shim/",
    // The other side of the boundary: the mock host of the test kit.
    "plugin-api/src/testing/host.rs",
    "plugin-api/tests/",
    // Exists to misbehave: a plugin for tests and benches.
    "plugins/probe/",
    "tests/",
    // A disk that fails, for the tests of the store.
    "host/src/store/sqlite/tests/disk/shim.rs",
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust().filter(|file| !is_allowed(&file.path)) {
        if let Some(found) = tokens(&file.text).iter().find(|token| token.text == "unsafe") {
            let message = "`unsafe` outside of the plugin boundary; call a safe function of `plugins::{loader,ffi}`";
            violations.push(Violation::at(&file.path, found.line, message));
        }
    }
    violations
}

fn is_allowed(path: &str) -> bool {
    ALLOWED.iter().any(|allowed| path == *allowed || (allowed.ends_with('/') && path.starts_with(allowed)))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn unsafe_code_outside_of_the_boundary_is_seen() {
        let tree = Tree::made_up(&[
            ("host/src/store/sqlite.rs", "fn f() {\n unsafe { g() } }"),
            ("host/src/plugins/loader.rs", "unsafe {}"),
            ("host/src/plugins/loader_more.rs", "unsafe {}"),
            ("host/src/boot.rs", "#![expect(unsafe_code)] // unsafe\n const A: &str = \"unsafe\";"),
        ]);
        let places: Vec<_> = check(&tree).into_iter().map(|found| (found.place, found.line)).collect();
        let expected =
            [("host/src/store/sqlite.rs".to_owned(), Some(2)), ("host/src/plugins/loader_more.rs".to_owned(), Some(1))];
        assert_eq!(places, expected);
    }
}
