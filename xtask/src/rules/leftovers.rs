//! What must not stay behind: work put off, tests put aside, aborts on panic, paths of one machine.

use super::Violation;
use super::lexer::tokens;
use super::tree::{File, Tree};

// Joined from halves, so that this file does not break its own rules.
const LATER: &str = concat!("FIX", "ME");
const MACHINES: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// `root`: where this checkout stands, a path that no file may name.
pub(super) fn check(tree: &Tree, root: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &tree.files {
        violations.extend(in_lines(file, root));
    }
    for file in tree.with_extension(".toml") {
        violations.extend(panic_abort(file));
    }
    for file in tree.rust() {
        violations.extend(in_code(file));
    }
    violations
}

fn in_lines(file: &File, root: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        if line.contains(LATER) {
            violations.push(Violation::at(&file.path, number, format!("`{LATER}`: do it now, or leave it out")));
        }
        if MACHINES.iter().chain([&root]).any(|path| has_path(line, path)) {
            violations.push(Violation::at(&file.path, number, "names a path of one machine; make it relative"));
        }
    }
    violations
}

/// Whether an absolute path in `line` begins with `path`; `docs` followed by it is a relative one.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}'))
    })
}

fn panic_abort(file: &File) -> Option<Violation> {
    let is_abort = |line: &str| line.split_whitespace().collect::<String>().starts_with("panic=\"abort\"");
    let found = file.text.lines().position(is_abort)?;
    let message = "`panic = \"abort\"` would let one plugin's panic end the daemon";
    Some(Violation::at(&file.path, found + 1, message))
}

fn in_code(file: &File) -> Vec<Violation> {
    let tokens = tokens(&file.text);
    let mut violations = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let next = |ahead: usize| tokens.get(at + ahead).map_or("", |token| token.text);
        let found = match token.text {
            "#" if next(1) == "[" && next(2) == "ignore" => "#[ignore]",
            "todo" if next(1) == "!" => "todo!",
            "unimplemented" if next(1) == "!" => "unimplemented!",
            _ => continue,
        };
        violations.push(Violation::at(&file.path, token.line, format!("`{found}`: do it now, or leave it out")));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::{LATER, MACHINES, Tree, check};

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let tree = Tree::made_up(&[(path, text)]);
        check(&tree, "/builds/checkout").into_iter().filter_map(|found| found.line).collect()
    }

    #[test]
    fn work_put_off_is_seen() {
        assert_eq!(lines("a.rs", "fn f() {\n todo!() }\n#[ignore]\nfn g() { unimplemented!() }"), [2, 3, 4]);
        assert_eq!(lines("a.md", &format!("{LATER}: more")), [1]);
        assert!(lines("a.rs", "// todo!\nfn ignore() { let todo = \"#[ignore]\"; }").is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_seen() {
        assert_eq!(lines("a.toml", &format!("x = \"{}y\"", MACHINES[0])), [1]);
        assert_eq!(lines("a.md", "see /builds/checkout/docs"), [1]);
        assert!(lines("a.md", &format!("docs{}page.md", MACHINES[0])).is_empty());
    }

    #[test]
    fn an_abort_on_panic_is_seen() {
        assert_eq!(lines("Cargo.toml", "[profile.release]\npanic   = \"abort\" # small"), [2]);
        assert!(lines("Cargo.toml", "panic = \"unwind\"").is_empty());
    }
}
