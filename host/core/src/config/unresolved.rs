//! References to secrets that stand for nothing now, and texts that look like one and are none.
//!
//! Not here: how they are written (`secret`), reading what they name (the host, which passes a reader). Start at
//! [`unresolved`].

use std::ops::Range;

use serde_json::Value as Json;

use super::place::{Places, follow};
use super::section::narrow;
use super::{Config, Diagnostic, Lines};
use crate::secret::{Reference, references, resolve};

/// Warnings about the references of `config`, which was read from `text`, that `read` does not know.
pub fn unresolved(
    text: &str,
    config: &Config,
    mut read: impl FnMut(Reference<'_>) -> Result<Vec<u8>, String>,
) -> Vec<Diagnostic> {
    let jobs = config.jobs.iter();
    let jobs = jobs.map(|(name, job)| (["jobs", name.as_str(), "params"], job.job.params.value()));
    let plugins = config.plugins.iter().map(|(name, it)| (["plugins", name.as_str(), "config"], it.config.get_ref()));
    let (places, lines) = (Places::read(text), Lines::of(text));
    let mut found = Vec::new();
    for (way, document) in jobs.chain(plugins) {
        let mut strings = Vec::new();
        collect(document, String::new(), &mut strings);
        for (pointer, string) in strings {
            for Doubt { span, problem, hint } in doubts(string, &mut read) {
                let [kind, name, key] = way;
                let value = places.table(&way[..2]).and_then(|table| table.get(key));
                let Some((steps, value)) = value.map(|value| follow(value, &pointer)) else { continue };
                let span = narrow(text, value, span).unwrap_or(value.span());
                let message = format!("`{key}{steps}` in [{kind}.{name}]: {problem}");
                found.push(Diagnostic::at(&lines, span, message, Some(hint)).warning());
            }
        }
    }
    found
}

/// What there is to say of a part of a string.
struct Doubt {
    span: Range<usize>,
    problem: String,
    hint: String,
}

fn doubts(string: &str, read: &mut impl FnMut(Reference<'_>) -> Result<Vec<u8>, String>) -> Vec<Doubt> {
    let references = references(string).unwrap_or_default();
    if references.is_empty() {
        return lookalike(string).into_iter().collect();
    }
    let tell = |(span, reference): (Range<usize>, Reference<'_>)| {
        let json = Json::from(reference.to_string()).to_string();
        let error = resolve(&json, &mut *read).err()?;
        let hint = "the daemon may have it: variables, files and rights are those of its own process".to_owned();
        Some(Doubt { span, problem: error.to_string(), hint })
    };
    references.into_iter().filter_map(tell).collect()
}

/// A whole string such as `${TOKEN}` was hardly meant as it stands; inside a longer one it may be somebody else's sign.
fn lookalike(string: &str) -> Option<Doubt> {
    let inner = string.strip_prefix("${")?.strip_suffix('}')?;
    if inner.is_empty() || inner.contains(['{', '}']) {
        return None;
    }
    let problem = format!("`{string}` is a text as any other and stands for no secret");
    let hint = "secrets are written `${env:NAME}` and `${file:PATH}`; for the text itself write `$${`".to_owned();
    Some(Doubt { span: 0..string.len(), problem, hint })
}

/// Every string in a document with a reference in it, and its JSON pointer.
fn collect<'d>(document: &'d Json, pointer: String, strings: &mut Vec<(String, &'d str)>) {
    match document {
        Json::String(string) if string.contains("${") => strings.push((pointer, string)),
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(item, format!("{pointer}/{at}"), strings));
        }
        Json::Object(object) => {
            for (key, value) in object {
                collect(value, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), strings);
            }
        }
        Json::String(_) | Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_where_it_stands() {
        let text = r#"
[plugins.mail]
config = { url = "smtp://me:${file:/run/none}@host", from = "${env:SET}" }
[jobs.a]
kind = "k"
params = { plain = "$${env:NONE}", deep = { "a/b" = ["x", "${env:SET}${env:NONE}"] } }
"#;
        let found = unresolved(text, &Config::parse(text).unwrap(), |reference| match reference {
            Reference::Env("SET") => Ok(b"v".to_vec()),
            _ => Err("it is not there".to_owned()),
        });
        let shown = found.iter().map(|found| (&text[found.span.clone()], &*found.message, found.is_error()));
        let env = "`params.deep.\"a/b\"[1]` in [jobs.a]: `${env:NONE}` cannot be resolved: it is not there";
        let file = "`config.url` in [plugins.mail]: `${file:/run/none}` cannot be resolved: it is not there";
        assert_eq!(shown.collect::<Vec<_>>(), [("${env:NONE}", env, false), ("${file:/run/none}", file, false)]);
    }
    #[test]
    fn what_looks_like_a_reference_and_is_none_is_told_if_it_is_the_whole_string() {
        let text = r#"
[jobs.a]
kind = "k"
params = { token = "${TOKEN}", other = "${vault:x}", shell = "echo ${HOME}", meant = "$${TOKEN}", dollars = "${}" }
"#;
        let found = unresolved(text, &Config::parse(text).unwrap(), |_| Ok(Vec::new()));
        let mut shown: Vec<_> = found.iter().map(|found| (&text[found.span.clone()], &*found.message)).collect();
        shown.sort_unstable();
        let expected = [
            ("${TOKEN}", "`params.token` in [jobs.a]: `${TOKEN}` is a text as any other and stands for no secret"),
            ("${vault:x}", "`params.other` in [jobs.a]: `${vault:x}` is a text as any other and stands for no secret"),
        ];
        assert_eq!(shown, expected);
        assert!(found.iter().all(|found| !found.is_error()));
    }
}
