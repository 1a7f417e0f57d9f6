//! References to secrets: `${env:NAME}` stands for the value of a variable, `${file:PATH}` for what is in a file, and `$${`
//! for `${` itself.
//!
//! They count in the params of jobs and the configs of plugins that `tasks.toml` declares, in each string that is a value, as
//! the whole of it or inside a longer one; keys and all other values are what they are. Whoever keeps or shows such a
//! document keeps and shows the reference. Not here: reading variables and files (the host, which passes a reader).
//! Start at [`resolve`].

use std::fmt;
use std::ops::Range;

use serde_json::Value as Json;

use crate::suggest::closest;

/// The largest value of a reference, in bytes.
pub const SECRET_MAX: usize = 64 << 10;

/// What stands for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'t> {
    /// The variable of this name.
    Env(&'t str),
    /// The file at this path; a relative one begins in the folder of `tasks.toml`. One line end at its end does not count.
    File(&'t str),
}

/// As it is written.
impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "${{env:{name}}}"),
            Self::File(path) => write!(f, "${{file:{path}}}"),
        }
    }
}

/// Why a text that looks like a reference is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReferenceError {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The offending part of the text, in bytes.
    pub span: Range<usize>,
}

/// Why a reference has no value now. Never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{reference}` cannot be resolved: {reason}")]
pub struct Unresolved {
    /// The reference as it is written.
    pub reference: String,
    /// What is wrong.
    pub reason: String,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Reference(Reference<'t>, usize),
}

/// Where the references of a text stand, in bytes.
/// # Errors
/// The first that is written wrongly.
pub fn references(text: &str) -> Result<Vec<(Range<usize>, Reference<'_>)>, ReferenceError> {
    let found = pieces(text)?.into_iter().filter_map(|piece| match piece {
        Piece::Text(_) => None,
        Piece::Reference(reference, at) => Some((at..at + reference.to_string().len(), reference)),
    });
    Ok(found.collect())
}

/// Whether something of the document is to be resolved: it has references, or `$${`.
pub fn refers(document: &Json) -> bool {
    match document {
        Json::String(text) => refers_text(text),
        Json::Array(items) => items.iter().any(refers),
        Json::Object(object) => object.values().any(refers),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// Whether something of a text is to be resolved.
pub fn refers_text(text: &str) -> bool {
    text.contains("${") && pieces(text).is_ok_and(|pieces| !matches!(pieces[..], [Piece::Text(whole)] if whole == text))
}

/// Writes `$${` for `${`, so that every string of a JSON text comes back from [`resolve`] as it is now.
pub fn escaped(json: &str) -> String {
    json.replace("${", "$${")
}

/// Puts the values in the place of the references in a JSON text; all else, also the digits of its numbers, stays.
///
/// ```
/// use taskhost_core::secret::{Reference, resolve};
///
/// let read = |reference: Reference<'_>| match reference {
///     Reference::Env("KEY") => Ok(b"\"k\"".to_vec()),
///     _ => Err("it is not there".to_owned()),
/// };
/// let json = r#"{"key":"${env:KEY}","url":"https://me:${env:KEY}@host","plain":"$${env:KEY}","n":1.10}"#;
/// let resolved = resolve(json, read).unwrap();
/// assert_eq!(resolved, r#"{"key":"\"k\"","url":"https://me:\"k\"@host","plain":"${env:KEY}","n":1.10}"#);
/// let missing = resolve(r#"["${file:/run/key}"]"#, read).unwrap_err();
/// assert_eq!(missing.to_string(), "`${file:/run/key}` cannot be resolved: it is not there");
/// ```
/// # Errors
/// The first reference whose value cannot be read, is not UTF-8, or is larger than [`SECRET_MAX`].
pub fn resolve(
    json: &str,
    mut read: impl FnMut(Reference<'_>) -> Result<Vec<u8>, String>,
) -> Result<String, Unresolved> {
    let mut resolved = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (before, string) = rest.split_at(start);
        let (string, behind) = string.split_at(end_of_string(string));
        let is_key = behind.trim_start().starts_with(':');
        resolved.push_str(before);
        match serde_json::from_str::<String>(string) {
            Ok(text) if !is_key && text.contains("${") => {
                resolved.push_str(&Json::from(filled(&text, &mut read)?).to_string());
            }
            Ok(_) | Err(_) => resolved.push_str(string),
        }
        rest = behind;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

/// Where a string of a JSON text ends that begins at its quote.
fn end_of_string(json: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

fn filled(text: &str, read: &mut impl FnMut(Reference<'_>) -> Result<Vec<u8>, String>) -> Result<String, Unresolved> {
    // Nothing is kept that is written wrongly; if it is, it is a text as any other.
    let Ok(pieces) = pieces(text) else { return Ok(text.to_owned()) };
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Reference(reference, _) => {
                let value = read(reference).and_then(|bytes| value(reference, bytes));
                let value = value.map_err(|reason| Unresolved { reference: reference.to_string(), reason })?;
                filled.push_str(&value);
            }
        }
    }
    Ok(filled)
}

fn value(reference: Reference<'_>, mut bytes: Vec<u8>) -> Result<String, String> {
    if matches!(reference, Reference::File(_)) && bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() > SECRET_MAX {
        return Err(format!("it is larger than {} KiB", SECRET_MAX >> 10));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, ReferenceError> {
    let mut pieces = Vec::new();
    // Up to `done` everything is in `pieces`, up to `seen` it was looked at.
    let (mut done, mut seen) = (0, 0);
    while let Some(found) = text[seen..].find("${") {
        let at = seen + found;
        seen = at + "${".len();
        if text[done..at].ends_with('$') {
            pieces.push(Piece::Text(&text[done..at - 1]));
            done = at;
        } else if let Some((reference, end)) = reference(text, at)? {
            pieces.push(Piece::Text(&text[done..at]));
            pieces.push(Piece::Reference(reference, at));
            (done, seen) = (end, end);
        }
    }
    pieces.push(Piece::Text(&text[done..]));
    pieces.retain(|piece| *piece != Piece::Text(""));
    Ok(pieces)
}

/// The reference that begins at a `${`, and where it ends; none if that is a text as any other.
fn reference(text: &str, at: usize) -> Result<Option<(Reference<'_>, usize)>, ReferenceError> {
    let inner = &text[at + "${".len()..];
    let close = inner.find('}');
    let end = close.map_or(text.len(), |close| at + "${".len() + close + 1);
    let wrong = |message: String, hint: &str| ReferenceError { message, hint: hint.to_owned(), span: at..end };
    for later in ["jobs.", "parent."] {
        if inner.starts_with(later) {
            let message = format!("`${{{later}…}}` is not supported by this version");
            return Err(wrong(message, "if that is the text itself, write `$${`"));
        }
    }
    let word = inner.split(|char: char| !char.is_ascii_alphabetic()).next().unwrap_or_default();
    let Some(rest) = inner[word.len()..].strip_prefix(':') else { return Ok(None) };
    let name = &rest[..rest.find('}').unwrap_or(rest.len())];
    let reference = match word {
        "env" => Reference::Env(name),
        "file" => Reference::File(name),
        _ => {
            return match closest(word, ["env", "file"]) {
                Some(known) => {
                    let hint = format!("did you mean `${{{known}:{name}}}`? if that is the text itself, write `$${{`");
                    Err(wrong(format!("`${{{word}:…}}` is no reference"), &hint))
                }
                None => Ok(None),
            };
        }
    };
    let like = "write `${env:NAME}` or `${file:/path}`; for the text itself `$${`";
    if close.is_none() {
        return Err(wrong(format!("`${{{word}:` has no `}}` at its end"), like));
    }
    let is_good = match reference {
        Reference::Env(name) => is_variable(name),
        Reference::File(path) => !path.is_empty() && !path.contains('\0'),
    };
    if is_good {
        return Ok(Some((reference, end)));
    }
    let what = match reference {
        Reference::Env(_) => "a variable: ASCII letters, digits and `_`, no digit first",
        Reference::File(_) => "a file",
    };
    Err(wrong(format!("`{name}` does not name {what}"), like))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
