//! The modules of one crate: which file is which, and what of it is there for tests only.
//!
//! Not here: which paths a module names (`paths`).

use std::collections::BTreeSet;

use super::lexer::{Token, tokens};
use super::tree::Tree;

/// One source file of a crate.
#[derive(Debug)]
pub(super) struct Module<'a> {
    pub(super) file: &'a str,
    /// `["store", "sqlite"]` for `src/store/sqlite/mod.rs`; empty for the crate's root.
    pub(super) path: Vec<String>,
    /// Without the parts that stand under `#[cfg(test)]`.
    pub(super) tokens: Vec<Token<'a>>,
}

impl Module<'_> {
    pub(super) fn is_in(&self, room: &[&str]) -> bool {
        self.path.len() >= room.len() && self.path.iter().zip(room).all(|(have, want)| have == want)
    }
}

/// The modules below `folder` (`host/src/`) that end up in a released binary: a test composes as it likes.
pub(super) fn modules<'a>(tree: &'a Tree, folder: &str) -> Vec<Module<'a>> {
    let mut found = Vec::new();
    let mut for_tests: BTreeSet<Vec<String>> = BTreeSet::new();
    for file in tree.rust() {
        let Some(inside) = file.path.strip_prefix(folder) else { continue };
        let path = module_path(inside);
        let (tokens, test_children) = without_tests(&tokens(&file.text));
        for child in test_children {
            for_tests.insert(path.iter().cloned().chain(child).collect());
        }
        found.push(Module { file: &file.path, path, tokens });
    }
    let is_for_tests = |path: &[String]| (0..=path.len()).any(|depth| for_tests.contains(&path[..depth]));
    found.retain(|module| !is_for_tests(&module.path));
    found
}

fn module_path(file: &str) -> Vec<String> {
    let stem = file.trim_end_matches(".rs");
    let mut path: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

/// Drops every item under `#[cfg(test)]`, and names the modules so marked that have a file of their own
/// (`None`: the file itself is one).
fn without_tests<'a>(tokens: &[Token<'a>]) -> (Vec<Token<'a>>, Vec<Option<String>>) {
    let (mut kept, mut children) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        let rest = &tokens[at..];
        if begins(rest, &["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
            children.push(None);
        }
        if begins(rest, &["#", "[", "cfg", "(", "test", ")", "]"])
            || begins(rest, &["#", "[", "cfg", "(", "all", "(", "test", ","])
        {
            let item = skip_attributes(rest);
            let length = item_length(item);
            if let [.., keyword, name, end] = &item[..length]
                && keyword.text == "mod"
                && end.text == ";"
            {
                children.push(Some(name.text.to_owned()));
            }
            at += rest.len() - item.len() + length;
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    (kept, children)
}

fn begins(tokens: &[Token<'_>], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.text == *word)
}

fn skip_attributes<'t, 'a>(mut tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    while begins(tokens, &["#", "["]) {
        tokens = &tokens[1 + group_length(&tokens[1..])..];
    }
    tokens
}

/// Length of the group that `tokens` begins with.
fn group_length(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// An item ends with its block or its semicolon; a field or an arm at the latest with what surrounds it.
fn item_length(tokens: &[Token<'_>]) -> usize {
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text {
            "{" => return at + group_length(&tokens[at..]),
            ";" => return at + 1,
            "(" | "[" => at += group_length(&tokens[at..]),
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::{Tree, modules};

    fn check(files: &[(&str, &str)], expected: &str) {
        let tree = Tree::made_up(files);
        let shown: Vec<_> = modules(&tree, "host/src/")
            .iter()
            .map(|module| {
                let words: Vec<_> = module.tokens.iter().map(|token| token.text).collect();
                format!("{}: {}", module.path.join("::"), words.join(" "))
            })
            .collect();
        assert_eq!(shown.join(" | "), expected);
    }

    #[test]
    fn a_file_knows_its_module() {
        check(
            &[("host/src/lib.rs", "a"), ("host/src/store/mod.rs", "b"), ("host/src/store/sqlite/turn.rs", "c")],
            ": a | store: b | store::sqlite::turn: c",
        );
    }

    #[test]
    fn what_is_there_for_tests_falls_away() {
        check(
            &[
                ("host/src/a.rs", "use x; #[cfg(test)] #[expect(y)] mod tests { fn f() { {} } } fn g() {}"),
                ("host/src/b.rs", "#[cfg(test)] mod tests; #[cfg(all(test, unix))] fn f(a: [u8; 2]) {} z"),
                ("host/src/b/tests.rs", "t"),
                ("host/src/b/tests/deeper.rs", "t"),
                ("host/src/c.rs", "#![cfg(test)] t"),
            ],
            "a: use x ; fn g ( ) { } | b: z",
        );
    }
}
