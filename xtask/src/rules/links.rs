//! Relative links of the documents lead to files of the repository.
//!
//! Not here: links to the web, and anchors inside a page.

use std::path::{Component, Path, PathBuf};

use super::Violation;
use super::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let leads_somewhere = |target: &Path| {
        target.as_os_str().is_empty() || tree.files.iter().any(|file| Path::new(&file.path).starts_with(target))
    };
    let mut violations = Vec::new();
    for page in tree.with_extension(".md") {
        for (line, link) in relative_links(page) {
            if !target(&page.path, link).is_some_and(|target| leads_somewhere(&target)) {
                violations.push(Violation::at(&page.path, line, format!("the link `{link}` leads nowhere")));
            }
        }
    }
    violations
}

fn relative_links(page: &File) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in (1..).zip(page.text.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(links(line).filter(|link| is_relative(link)).map(|link| (number, link)));
        }
    }
    found
}

/// What stands in `[text](here)` and `[name]: here`. Code spans are skipped; a link's text may hold one.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let outside_of_code = line.split('`').step_by(2);
    let inline = outside_of_code
        .flat_map(|part| part.match_indices("](").filter_map(move |(at, _)| part[at + 2..].split([')', ' ']).next()));
    let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, link)| link.trim());
    inline.chain(reference)
}

fn is_relative(link: &str) -> bool {
    !link.is_empty() && !link.starts_with('#') && !link.contains("://") && !link.starts_with("mailto:")
}

/// The link's file, from the root; `None` if it leaves the repository.
fn target(page: &str, link: &str) -> Option<PathBuf> {
    let file = link.split('#').next().unwrap_or_default();
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let mut resolved = PathBuf::new();
    for part in folder.join(file).components() {
        match part {
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    fn check_page(text: &str) -> usize {
        check(&Tree::made_up(&[("docs/guide.md", text), ("docs/decisions/0001-words.md", ""), ("README.md", "")])).len()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_seen() {
        assert_eq!(check_page("see [a](gone.md), [`b`](../gone.md) and [c](../../outside.md)"), 3);
        assert_eq!(check_page("[d]: gone.md"), 1);
    }

    #[test]
    fn links_to_files_folders_anchors_and_the_web_are_fine() {
        let text = "[a](decisions/0001-words.md#why) [b](../README.md) [c](decisions) [d](#here) [e](https://x.org/y)";
        assert_eq!(check_page(text), 0);
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(check_page("`[a](gone.md)`\n```\n[a](gone.md)\n```"), 0);
    }
}
