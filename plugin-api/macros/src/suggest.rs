//! "Did you mean" for words that stand in a list.

/// `; did you mean …?`, or nothing if no word of the list is near.
pub(crate) fn did_you_mean<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let nearest = words.into_iter().map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate)).min();
    match nearest {
        Some((distance, candidate)) if distance <= (word.len().max(candidate.len()) / 3).max(1) => {
            format!("; did you mean `{candidate}`?")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word_and_a_strange_word_finds_none() {
        let words = ["timeout", "title", "attempts"];
        assert_eq!(did_you_mean("timout", words), "; did you mean `timeout`?");
        assert_eq!(did_you_mean("colour", words), "");
    }
}
