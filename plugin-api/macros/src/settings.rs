//! The keys of `#[task(…)]`: what each takes, and what is said where it takes something else.
//!
//! Not here: the function below them (`task`). Start at [`Settings::parse`].

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Meta, MetaNameValue, Result, Token};

use crate::suggest::did_you_mean;
use crate::{duration, name};

const ATTEMPTS_MAX: u32 = 1_000;

/// Every key, as an author would write it.
const KEYS: [(&str, &str); 15] = [
    ("name", "name = \"image.resize\""),
    ("blocking", "blocking"),
    ("title", "title = \"Resize an image\""),
    ("attempts", "attempts = 5"),
    ("backoff", "backoff = \"exponential\""),
    ("initial", "initial = \"1s\""),
    ("max", "max = \"10m\""),
    ("jitter", "jitter = 0.2"),
    ("timeout", "timeout = \"2m\""),
    ("queue", "queue = \"images\""),
    ("unit", "unit = \"tiles\""),
    ("state_version", "state_version = 2"),
    ("default_error", "default_error = \"fatal\""),
    ("privileged", "privileged"),
    ("isolate", "isolate"),
];

const BACKOFFS: [&str; 3] = ["fixed", "linear", "exponential"];
const DEFAULT_ERRORS: [&str; 2] = ["retry", "fatal"];

/// What stands in the parentheses.
pub(crate) struct Settings {
    /// `None` beside an error alone.
    pub(crate) name: Option<LitStr>,
    pub(crate) title: Option<LitStr>,
    pub(crate) blocking: Option<Span>,
    /// Calls on a `Defaults`.
    pub(crate) defaults: TokenStream,
    /// Of every key that is wrong.
    pub(crate) errors: Vec<Error>,
    initial_ms: Option<u64>,
    max_ms: Option<u64>,
}

impl Settings {
    pub(crate) fn parse(arguments: TokenStream) -> Self {
        let mut settings = Self {
            name: None,
            title: None,
            blocking: None,
            defaults: TokenStream::new(),
            errors: Vec::new(),
            initial_ms: None,
            max_ms: None,
        };
        let metas = match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(arguments) {
            Ok(metas) => metas,
            Err(error) => {
                settings.errors.push(error);
                return settings;
            }
        };
        let mut seen: Vec<String> = Vec::new();
        for meta in &metas {
            let key = meta.path().get_ident().map(ToString::to_string).unwrap_or_default();
            let read = if seen.contains(&key) {
                Err(Error::new_spanned(meta, format!("`{key}` stands here twice")))
            } else {
                settings.read(&key, meta)
            };
            settings.errors.extend(read.err());
            seen.push(key);
        }
        if !seen.iter().any(|key| key == "name") {
            let message = "a task needs a name, its plugin's and what it does: `#[task(name = \"image.resize\")]`";
            settings.errors.push(Error::new(Span::call_site(), message));
        }
        settings
    }

    fn read(&mut self, key: &str, meta: &Meta) -> Result<()> {
        let Some((_, example)) = KEYS.iter().find(|(known, _)| *known == key) else {
            let hint = did_you_mean(key, KEYS.iter().map(|(known, _)| *known));
            return Err(Error::new_spanned(meta.path(), format!("`#[task]` has no key `{key}`{hint}")));
        };
        match meta {
            Meta::Path(path) if example.contains('=') => {
                Err(Error::new_spanned(path, format!("`{key}` needs a value: write `{example}`")))
            }
            Meta::Path(path) => {
                self.flag(key, path);
                Ok(())
            }
            Meta::NameValue(pair) if example.contains('=') => {
                let value = Value { key, example, pair };
                let call = self.value(&value)?;
                self.defaults.extend(call);
                Ok(())
            }
            Meta::NameValue(_) | Meta::List(_) => Err(Error::new_spanned(meta, format!("write `{example}`"))),
        }
    }

    fn flag(&mut self, key: &str, path: &syn::Path) {
        match key {
            "blocking" => self.blocking = path.get_ident().map(syn::Ident::span),
            "privileged" => self.defaults.extend(quote!(.privileged())),
            _ => self.defaults.extend(quote!(.isolate())),
        }
    }

    /// The call on `Defaults` that says it, if it is one of them.
    fn value(&mut self, value: &Value<'_>) -> Result<TokenStream> {
        Ok(match value.key {
            "name" => {
                self.name = Some(value.name("kind", name::fault_of_kind)?);
                TokenStream::new()
            }
            "title" => {
                self.title = Some(value.text()?);
                TokenStream::new()
            }
            "attempts" => {
                let attempts = value.number()?;
                if !(1..=ATTEMPTS_MAX).contains(&attempts) {
                    return Err(value.error(&format!("a task has 1 to {ATTEMPTS_MAX} attempts")));
                }
                quote!(.attempts(#attempts))
            }
            "state_version" => {
                let version = value.number()?;
                quote!(.state_version(#version))
            }
            "jitter" => {
                let jitter = value.part()?;
                quote!(.jitter(#jitter))
            }
            "backoff" => match value.choice(&BACKOFFS)?.as_str() {
                "fixed" => quote!(.backoff(::plugin_api::Backoff::Fixed)),
                "linear" => quote!(.backoff(::plugin_api::Backoff::Linear)),
                _ => quote!(.backoff(::plugin_api::Backoff::Exponential)),
            },
            "default_error" => match value.choice(&DEFAULT_ERRORS)?.as_str() {
                "fatal" => quote!(.errors_are_fatal()),
                _ => TokenStream::new(),
            },
            "queue" => {
                let queue = value.name("queue", name::fault)?;
                quote!(.queue(#queue))
            }
            "unit" => {
                let unit = value.text()?;
                quote!(.unit(#unit))
            }
            _ => self.duration(value)?,
        })
    }

    fn duration(&mut self, value: &Value<'_>) -> Result<TokenStream> {
        let text = value.text()?;
        let ms = duration::parse(&text.value()).map_err(|why| {
            Error::new(text.span(), format!("`{}` is not a duration: {why}; write `{}`", text.value(), value.example))
        })?;
        let (initial, max) = match value.key {
            "initial" => (Some(ms), self.max_ms),
            "max" => (self.initial_ms, Some(ms)),
            _ => (None, None),
        };
        if initial.zip(max).is_some_and(|(initial, max)| initial > max) {
            return Err(Error::new(text.span(), "the first wait, `initial`, is longer than the longest, `max`"));
        }
        (self.initial_ms, self.max_ms) = (initial.or(self.initial_ms), max.or(self.max_ms));
        let length = quote!(::core::time::Duration::from_millis(#ms));
        Ok(match value.key {
            "initial" => quote!(.initial(#length)),
            "max" => quote!(.max(#length)),
            _ => quote!(.timeout(#length)),
        })
    }
}

/// `key = value`.
struct Value<'a> {
    key: &'a str,
    example: &'a str,
    pair: &'a MetaNameValue,
}

impl Value<'_> {
    fn error(&self, message: &str) -> Error {
        Error::new_spanned(&self.pair.value, message)
    }

    fn literal(&self) -> Option<&Lit> {
        match &self.pair.value {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        }
    }

    fn text(&self) -> Result<LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) if !text.value().is_empty() => Ok(text.clone()),
            _ => Err(self.error(&format!("`{}` is a text: `{}`", self.key, self.example))),
        }
    }

    fn number(&self) -> Result<u32> {
        match self.literal() {
            Some(Lit::Int(number)) => number.base10_parse().ok(),
            _ => None,
        }
        .ok_or_else(|| self.error(&format!("`{}` is a whole number: `{}`", self.key, self.example)))
    }

    fn part(&self) -> Result<f64> {
        let part: Option<f64> = match self.literal() {
            Some(Lit::Int(number)) => number.base10_parse().ok(),
            Some(Lit::Float(number)) => number.base10_parse().ok(),
            _ => None,
        };
        part.filter(|part| (0.0..=1.0).contains(part))
            .ok_or_else(|| self.error(&format!("`{}` is a number from 0.0 to 1.0: `{}`", self.key, self.example)))
    }

    fn choice(&self, choices: &[&'static str]) -> Result<String> {
        let text = self.text()?.value();
        if choices.contains(&text.as_str()) {
            return Ok(text);
        }
        let all = choices.iter().map(|choice| format!("\"{choice}\"")).collect::<Vec<_>>().join(" or ");
        let hint = did_you_mean(&text, choices.iter().copied());
        Err(self.error(&format!("`{}` is {all}, not \"{text}\"{hint}", self.key)))
    }

    fn name(&self, what: &str, fault: impl Fn(&str) -> Option<&'static str>) -> Result<LitStr> {
        let text = self.text()?;
        let Some(fault) = fault(&text.value()) else { return Ok(text) };
        Err(self.error(&format!("`{}` is not a name for a {what}: {fault}; write `{}`", text.value(), self.example)))
    }
}
