//! The rules of names, as the host has them: 1 to 100 ASCII letters, digits, `-`, `_`, `.`, the first a letter or a digit.

const LONGEST: usize = 100;

/// What is wrong with the name of a plugin or a queue.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    let may_begin = |c: char| c.is_ascii_alphanumeric();
    let may_follow = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > LONGEST {
        Some("it is longer than 100 characters")
    } else if !name.starts_with(may_begin) {
        Some("it should begin with a letter or a digit")
    } else if !name.chars().all(may_follow) {
        Some("only ASCII letters, digits, `-`, `_` and `.` may stand in it")
    } else {
        None
    }
}

/// What is wrong with the name of a kind, which has two parts at least.
pub(crate) fn fault_of_kind(name: &str) -> Option<&'static str> {
    let one_part = || !name.contains('.') || name.split('.').any(str::is_empty);
    fault(name).or_else(|| one_part().then_some("it should be a thing and what is done with it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_kind_has_two_parts() {
        assert_eq!(fault_of_kind("image.resize"), None);
        assert_eq!(fault_of_kind("image.thumb-nail.make_2"), None);
        for name in ["resize", "image.", "image..resize", ".resize", "image.re size", "", "image/resize"] {
            assert!(fault_of_kind(name).is_some(), "{name}");
        }
    }
}
