//! The query of a call: a parameter that its document does not name is refused, not ignored. So is an `Idempotency-Key` of a call
//! that changes something and takes none.
//!
//! A handler reads typed values from [`Query`]; that nothing else stands in the query was seen to before, by [`Known`], for
//! every call at once.

use std::collections::HashMap;
use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::{FromRequestParts, MatchedPath, Query as Pairs, Request};
use axum::http::request::Parts;
use axum::http::{Method, Uri};
use taskhost_core::suggest::closest;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem, Paths};

use super::once::{KEY_HEADER, refuse_key};
use super::problem::{Problem, ProblemType};

/// The parameters of a call.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // What cannot be read was refused before.
        Ok(Self(pairs(&parts.uri).unwrap_or_default()))
    }
}

impl Query {
    /// Whether the parameter is there, with a value or without.
    pub(super) fn has(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// The parameter, if it is there.
    pub(super) fn get<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let read = self.text(name).map(str::parse).transpose();
        read.map_err(|error| invalid(name, &error))
    }

    /// The values of the parameter, one after the other with commas between; none if it is not there.
    pub(super) fn get_list<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Vec<T>, Problem> {
        let values = self.text(name).into_iter().flat_map(|text| text.split(','));
        values.map(|value| value.parse().map_err(|error| invalid(name, &error))).collect()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

fn invalid(name: &str, error: &dyn std::fmt::Display) -> Problem {
    Problem::new(ProblemType::InvalidQuery, format!("`{name}`: {error}"))
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    let pairs = Pairs::<Vec<(String, String)>>::try_from_uri(uri);
    pairs.map(|Pairs(pairs)| pairs).map_err(|error| Problem::new(ProblemType::InvalidQuery, error.body_text()))
}

/// What every call takes, as the API's document has it: by path, then by method.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<String, Vec<(Method, Call)>>);

#[derive(Debug)]
struct Call {
    /// The names of its query parameters.
    query: Vec<String>,
    takes_key: bool,
}

impl Known {
    /// Knows these paths too.
    pub(super) fn add(&mut self, paths: &Paths) {
        let calls = |item| operations(item).map(|(method, operation)| (method, Call::of(operation))).collect();
        self.0.extend(paths.paths.iter().map(|(path, item)| (path.clone(), calls(item))));
    }

    /// The methods that a path knows, as the header `Allow` lists them.
    pub(super) fn allowed(&self, path: &str) -> String {
        let methods = [Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
        let known = methods.into_iter().filter(|method| self.call(path, method).is_some());
        let words = known.map(|method| if method == Method::GET { "GET, HEAD".to_owned() } else { method.to_string() });
        words.chain(["OPTIONS".to_owned()]).collect::<Vec<_>>().join(", ")
    }

    fn call(&self, path: &str, method: &Method) -> Option<&Call> {
        self.0.get(path)?.iter().find(|(known, _)| known == method).map(|(_, call)| call)
    }

    /// Why a call is not let through, if its document does not name all that is in its query, or its key, or if something is
    /// there twice.
    pub(super) fn refusal(&self, request: &Request) -> Option<Problem> {
        self.check(request).err()
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
        // A method that the path does not know is refused later on.
        let Some(call) = self.call(path, method) else { return Ok(()) };
        // What only reads may be repeated anyway.
        if !call.takes_key && *method != Method::GET {
            refuse_key(request.headers())?;
        }
        let known = &call.query;
        let given = pairs(request.uri())?;
        for (at, (name, _)) in given.iter().enumerate() {
            if !known.contains(name) {
                return Err(unknown(name, known));
            }
            if given[..at].iter().any(|(before, _)| before == name) {
                return Err(Problem::new(ProblemType::InvalidQuery, format!("`{name}` is given twice")));
            }
        }
        Ok(())
    }
}

fn unknown(name: &str, known: &[String]) -> Problem {
    let names = known.iter().map(String::as_str);
    let hint = match closest(name, names) {
        Some(closest) => format!("did you mean `{closest}`?"),
        None if known.is_empty() => "the call takes no parameters".to_owned(),
        None => format!("the parameters are {}", known.join(", ")),
    };
    Problem::new(ProblemType::InvalidQuery, format!("unknown parameter `{name}`")).hint(hint)
}

fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let methods = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ];
    methods.into_iter().filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)))
}

impl Call {
    fn of(operation: &Operation) -> Self {
        let takes_key = names(operation, &ParameterIn::Header).any(|name| name.eq_ignore_ascii_case(KEY_HEADER));
        Self { query: names(operation, &ParameterIn::Query).map(str::to_owned).collect(), takes_key }
    }
}

/// The names of the parameters there.
fn names<'a>(operation: &'a Operation, place: &ParameterIn) -> impl Iterator<Item = &'a str> {
    operation.parameters.iter().flatten().filter_map(move |parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == *place => Some(parameter.name.as_str()),
        RefOr::T(_) | RefOr::Ref(_) => None,
    })
}
