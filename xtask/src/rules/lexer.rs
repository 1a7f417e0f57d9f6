//! Cuts Rust source into words and signs; comments, and what stands in literals, fall away.
//!
//! Crude on purpose: the rules ask which words stand in code, not what they mean.

/// A word, a sign, `::`, or `""` in place of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Counted from 1.
    pub(super) line: usize,
}

impl Token<'_> {
    pub(super) fn is_word(&self) -> bool {
        self.text.chars().next().is_some_and(starts_word)
    }
}

pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (text, length) = next(rest, first);
        if let Some(text) = text {
            found.push(Token { text, line });
        }
        let (eaten, after) = rest.split_at(length);
        line += eaten.matches('\n').count();
        rest = after;
    }
    found
}

/// The token that `rest` begins with, if it is one that counts, and how many bytes it takes.
fn next(rest: &str, first: char) -> (Option<&str>, usize) {
    if rest.starts_with("//") {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, block_comment(rest));
    }
    if let Some(length) = literal(rest) {
        return (Some("\"\""), length);
    }
    if let Some(length) = lifetime(rest) {
        return (None, length);
    }
    if rest.starts_with("::") {
        return (Some("::"), 2);
    }
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    let skipped = if rest.starts_with("r#") { 2 } else { 0 };
    let length = rest[skipped..].find(|c| !continues_word(c)).map_or(rest.len(), |end| skipped + end);
    let length = length.max(first.len_utf8());
    (Some(&rest[skipped.min(length)..length]), length)
}

fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Length of a string, raw string or character literal, with its prefix.
fn literal(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        let after = rest.strip_prefix(prefix).unwrap_or_default();
        let after = if prefix.ends_with('r') { after.trim_start_matches('#') } else { after };
        after.starts_with('"') || (*prefix == "b" && after.starts_with('\''))
    });
    let Some(prefix) = prefix else { return character(rest) };
    let body = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = &body[hashes + 1..];
        let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
        return Some(prefix.len() + hashes + 1 + length);
    }
    let quote = body.chars().next()?;
    Some(prefix.len() + quoted(body, quote))
}

/// A lone quote begins a lifetime: `'a`; `'a'` and `'\n'` are characters.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    let is_character = first == '\\' || inside[first.len_utf8()..].starts_with('\'');
    is_character.then(|| quoted(rest, '\''))
}

fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    body.len()
}

fn lifetime(rest: &str) -> Option<usize> {
    let name = rest.strip_prefix('\'')?;
    Some(1 + name.find(|c| !continues_word(c)).unwrap_or(name.len()))
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn check(source: &str, expected: &str) {
        let words: Vec<_> = tokens(source).iter().map(|token| token.text).collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn comments_fall_away() {
        check("a // b\n/* c /* d */ e */ f /// g", "a f");
    }

    #[test]
    fn literals_keep_their_place_and_lose_their_content() {
        check(r#"a("x \" y", b"w", 'c', '\'', b'\n')"#, "a ( \"\" , \"\" , \"\" , \"\" , \"\" )");
        check("r#\"say \"z\"\"#; br\"\\\"; d", "\"\" ; \"\" ; d");
    }

    #[test]
    fn lifetimes_are_no_characters() {
        check("fn f<'a>(x: &'a str, c: 'static) { 'x' }", "fn f < > ( x : & str , c : ) { \"\" }");
    }

    #[test]
    fn paths_and_raw_names_are_words() {
        check("crate::store::r#type::<T>()", "crate :: store :: type :: < T > ( )");
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let lines: Vec<_> = tokens("a\n/* \n */ b \"\n\" c").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 3, 4]);
    }
}
