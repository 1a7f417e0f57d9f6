//! Files stay short enough to be read in one go.

use super::Violation;
use super::tree::{File, Tree};

/// Lines of a source file, at most.
const LINES_MAX: usize = 400;

/// Files that have their own limit: with the reason.
const OWN_LIMITS: &[Limit] =
    &[Limit { path: "host/src/host.rs", lines_max: 299, reason: "the handle owns no loop and stays a list of verbs" }];

#[derive(Debug)]
struct Limit {
    path: &'static str,
    lines_max: usize,
    reason: &'static str,
}

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    tree.rust().filter_map(too_long).collect()
}

fn too_long(file: &File) -> Option<Violation> {
    let own = OWN_LIMITS.iter().find(|limit| limit.path == file.path);
    let lines_max = own.map_or(LINES_MAX, |limit| limit.lines_max);
    let reason = own.map_or("split it by duty", |limit| limit.reason);
    let lines = file.text.lines().count();
    (lines > lines_max)
        .then(|| Violation::whole(&file.path, format!("{lines} lines, of {lines_max} allowed: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::{LINES_MAX, Tree, check};

    #[test]
    fn a_file_over_its_limit_is_seen() {
        let (full, over) = ("\n".repeat(LINES_MAX), "\n".repeat(LINES_MAX + 1));
        let handle = "\n".repeat(300);
        let tree = Tree::made_up(&[("a.rs", &full), ("b.rs", &over), ("host/src/host.rs", &handle)]);
        let places: Vec<_> = check(&tree).into_iter().map(|found| found.place).collect();
        assert_eq!(places, ["b.rs", "host/src/host.rs"]);
    }
}
