//! Finds the word that a person probably meant.
//!
//! Not here: how the suggestion is shown (`hint: did you mean ...`), which is the caller's. Start at [`closest`].

/// The candidate that is most like `word`, or `None` if none is near enough to be a likely typing error.
///
/// Letter case does not count. Up to a third of the longer word may differ, at least one letter; of equals the
/// first wins.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| distance(&word, candidate).map(|distance| (distance, candidate)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

fn distance(word: &str, candidate: &str) -> Option<usize> {
    let longer = word.chars().count().max(candidate.chars().count());
    let distance = strsim::damerau_levenshtein(word, &candidate.to_lowercase());
    (distance <= (longer / 3).max(1) && distance < longer).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_typing_error_finds_its_word() {
        let kinds = ["backup.create", "backup.verify", "files.checksum"];
        assert_eq!(closest("bakcup.create", kinds), Some("backup.create"));
        assert_eq!(closest("FILES.checksum", kinds), Some("files.checksum"));
    }

    #[test]
    fn a_word_that_is_like_nothing_gets_no_suggestion() {
        assert_eq!(closest("email.send", ["backup.create", "q"]), None);
        assert_eq!(closest("x", ["y"]), None);
        assert_eq!(closest("anything", []), None);
    }
}
