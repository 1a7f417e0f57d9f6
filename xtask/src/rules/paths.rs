//! Which paths a module names, written out from the crate's root: `use` trees, qualified names, `super`, aliases.

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::Token;
use super::modules::Module;

/// A path that stands in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Begins with `crate`, or with the name of another crate.
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

impl Named {
    pub(super) fn is_in(&self, room: &[&str]) -> bool {
        self.path.len() >= room.len() && self.path.iter().zip(room).all(|(have, want)| have == want)
    }

    pub(super) fn shown(&self) -> String {
        self.path.join("::")
    }
}

/// A path as written, before it is resolved.
#[derive(Debug)]
struct Written {
    path: Vec<String>,
    line: usize,
    /// The module that it stands in (a file may hold several).
    module: Vec<String>,
    import: Import,
}

#[derive(Debug, PartialEq, Eq)]
enum Import {
    None,
    As(String),
    Glob,
}

/// Resolves the paths of one module after another.
#[derive(Debug)]
pub(super) struct Resolver<'a> {
    /// The crate's own name: its binary calls its library by it.
    crate_name: &'a str,
    modules: BTreeSet<Vec<String>>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(crate_name: &'a str, modules: &[Module<'_>]) -> Self {
        let ancestors = |path: &Vec<String>| (1..=path.len()).map(|depth| path[..depth].to_vec()).collect::<Vec<_>>();
        Self { crate_name, modules: modules.iter().flat_map(|module| ancestors(&module.path)).collect() }
    }

    pub(super) fn is_module(&self, path: &[String]) -> bool {
        self.modules.contains(path)
    }

    pub(super) fn names(&self, module: &Module<'_>) -> Vec<Named> {
        let written = written(module);
        let mut imports = BTreeMap::new();
        let mut globs = Vec::new();
        for one in &written {
            let path = self.resolve(one, &imports, &globs);
            match &one.import {
                Import::As(name) => {
                    imports.insert(name.clone(), path);
                }
                Import::Glob => globs.push(path),
                Import::None => {}
            }
        }
        let named = |one: &Written| Named { path: self.resolve(one, &imports, &globs), line: one.line };
        written.iter().map(named).collect()
    }

    fn resolve(
        &self,
        written: &Written,
        imports: &BTreeMap<String, Vec<String>>,
        globs: &[Vec<String>],
    ) -> Vec<String> {
        let (root, rest) = written.path.split_first().expect("a path has a first word");
        let joined = |base: &[String]| base.iter().chain(rest).cloned().collect::<Vec<_>>();
        if root == "crate" || root == self.crate_name {
            return joined(&["crate".to_owned()]);
        }
        if root == "self" || root == "super" {
            return relative(&written.path, &written.module);
        }
        if let Some(path) = imports.get(root).filter(|path| **path != written.path) {
            return joined(path);
        }
        let here = in_crate(&written.module);
        for base in std::iter::once(&here).chain(globs) {
            let child: Vec<String> = base.iter().chain([root]).cloned().collect();
            if base[0] == "crate" && self.is_module(&child[1..]) {
                return joined(&child);
            }
        }
        written.path.clone()
    }
}

fn in_crate(module: &[String]) -> Vec<String> {
    std::iter::once("crate".to_owned()).chain(module.iter().cloned()).collect()
}

fn relative(path: &[String], module: &[String]) -> Vec<String> {
    let mut base = in_crate(module);
    let mut rest = path;
    while let Some((word, after)) = rest.split_first() {
        match word.as_str() {
            "self" => {}
            "super" => base.truncate((base.len() - 1).max(1)),
            _ => break,
        }
        rest = after;
    }
    base.extend_from_slice(rest);
    base
}

fn written(module: &Module<'_>) -> Vec<Written> {
    let mut reader =
        Reader { tokens: &module.tokens, at: 0, found: Vec::new(), module: module.path.clone(), open: Vec::new() };
    while reader.at < reader.tokens.len() {
        reader.step();
    }
    reader.found
}

/// Walks over the tokens of one file.
struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    found: Vec<Written>,
    module: Vec<String>,
    /// For each open brace: whether it opened a module.
    open: Vec<bool>,
}

impl Reader<'_, '_> {
    fn word(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text)
    }

    fn step(&mut self) {
        match self.word(0) {
            "mod" if self.word(2) == "{" => {
                let name = self.word(1).to_owned();
                self.module.push(name);
                self.open.push(true);
                self.at += 3;
            }
            "{" => {
                self.open.push(false);
                self.at += 1;
            }
            "}" => {
                if self.open.pop() == Some(true) {
                    self.module.pop();
                }
                self.at += 1;
            }
            // `use<'a>` captures lifetimes.
            "use" if self.word(1) != "<" => {
                self.at += 1;
                self.use_tree(Vec::new());
            }
            _ => self.qualified(),
        }
    }

    /// `a::b::c`; a single word names nothing in another room.
    fn qualified(&mut self) {
        let first = self.tokens[self.at];
        let continues = self.at > 0 && self.tokens[self.at - 1].text == "::" && !self.is_global();
        if !first.is_word() || continues || self.word(1) != "::" {
            self.at += 1;
            return;
        }
        let mut path = vec![first.text.to_owned()];
        self.at += 1;
        while self.word(0) == "::" && self.tokens.get(self.at + 1).is_some_and(Token::is_word) {
            path.push(self.word(1).to_owned());
            self.at += 2;
        }
        self.push(path, first.line, Import::None);
    }

    /// `::notify::Event` begins with a sign that belongs to no word or type before it; the `>` of an arrow ends none.
    fn is_global(&self) -> bool {
        match &self.tokens[..self.at - 1] {
            [.., sign, arrow] if arrow.text == ">" => matches!(sign.text, "-" | "="),
            [.., before] => !before.is_word() && before.text != ">",
            [] => true,
        }
    }

    fn use_tree(&mut self, mut path: Vec<String>) {
        loop {
            let Some(token) = self.tokens.get(self.at).copied() else { return };
            self.at += 1;
            match token.text {
                "::" => {}
                "{" => return self.use_group(&path),
                "*" => return self.push(path, token.line, Import::Glob),
                _ if token.is_word() => {
                    path.push(token.text.to_owned());
                    if self.word(0) != "::" {
                        return self.use_leaf(path, token.line);
                    }
                }
                _ => return,
            }
        }
    }

    fn use_group(&mut self, prefix: &[String]) {
        while self.at < self.tokens.len() && self.word(0) != "}" {
            self.use_tree(prefix.to_vec());
            if self.word(0) == "," {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn use_leaf(&mut self, mut path: Vec<String>, line: usize) {
        // `use a::{self}` names `a`.
        if path.len() > 1 && path.last().is_some_and(|word| word == "self") {
            path.pop();
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if self.word(0) == "as" {
            self.word(1).clone_into(&mut name);
            self.at += 2;
        }
        self.push(path, line, Import::As(name));
    }

    fn push(&mut self, path: Vec<String>, line: usize, import: Import) {
        if !path.is_empty() {
            self.found.push(Written { path, line, module: self.module.clone(), import });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::modules::modules;
    use super::super::tree::Tree;
    use super::Resolver;

    /// Paths that `host/src/services/runner.rs` names, in a crate that has also a store and a completer.
    fn check(source: &str, expected: &[&str]) {
        let tree = Tree::made_up(&[
            ("host/src/store/sqlite.rs", ""),
            ("host/src/services/completer.rs", ""),
            ("host/src/services/runner.rs", source),
            ("host/src/services/runner/pool.rs", ""),
        ]);
        let modules = modules(&tree, "host/src/");
        let resolver = Resolver::new("taskhost", &modules);
        let runner = modules.iter().find(|module| module.file.ends_with("runner.rs")).expect("it is made up above");
        let names: Vec<_> = resolver.names(runner).iter().map(super::Named::shown).collect();
        assert_eq!(names, expected, "{source}");
    }

    #[test]
    fn groups_are_written_out() {
        check(
            "use crate::{store::{self, sqlite::*}, Host as H};",
            &["crate::store", "crate::store::sqlite", "crate::Host"],
        );
    }

    #[test]
    fn relative_paths_are_written_out() {
        check("use super::completer::Inbox;", &["crate::services::completer::Inbox"]);
        check("use self::pool::Pool;", &["crate::services::runner::pool::Pool"]);
        check("fn f() { pool::go() }", &["crate::services::runner::pool::go"]);
        check("mod inner { use super::super::completer; }", &["crate::services::completer"]);
        check("fn main() { taskhost::store::open() }", &["crate::store::open"]);
    }

    #[test]
    fn imported_names_stand_for_what_they_import() {
        check("use crate::store as s; fn f() { s::sqlite::open() }", &["crate::store", "crate::store::sqlite::open"]);
        check("use super::*; fn f() { completer::go() }", &["crate::services", "crate::services::completer::go"]);
        check("use tokio::time; fn f() { time::sleep() }", &["tokio::time", "tokio::time::sleep"]);
    }

    #[test]
    fn other_crates_and_generics_keep_their_names() {
        check("fn f() -> ::notify::Event { Vec::<u8>::new() }", &["notify::Event", "Vec"]);
        check("fn f() -> impl Sized + use<'a> { x.notify() }", &[]);
    }
}
