//! Keeps web pages away: a name that somebody points at this machine (DNS rebinding) is not one of ours, and a page of
//! another site changes nothing here. Start at [`refusal`].

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version, header};

use super::Source;
use super::problem::{Problem, ProblemType};

/// Lets a call through if it names its host once. Over TCP every host that it names has to be this machine, which a browser
/// always tells, and no page of another site may make it.
pub(super) fn refusal(source: Source, request: &Request) -> Option<Problem> {
    host_is_unclear(request).or_else(|| match source {
        Source::Tcp => of_another_site(request).or_else(|| of_another_machine(request)),
        Source::Socket => None,
    })
}

/// What stands between would disagree on whom the request is for, so RFC 9112 wants it refused.
fn host_is_unclear(request: &Request) -> Option<Problem> {
    let detail = match request.headers().get_all(header::HOST).iter().count() {
        1 => return None,
        0 if request.version() < Version::HTTP_11 => return None,
        0 => "the request has no Host header",
        _ => "the request has several Host headers",
    };
    Some(Problem::new(ProblemType::InvalidHost, detail).hint("HTTP/1.1 wants one, such as `Host: localhost`"))
}

fn of_another_machine(request: &Request) -> Option<Problem> {
    let in_headers = request.headers().get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let in_target = request.uri().authority().map(Authority::as_str);
    let host = in_headers.chain(in_target).find(|host| !is_this_machine(host))?;
    let problem = Problem::new(ProblemType::WrongHost, format!("`{host}` is not a name of this machine's own"));
    Some(problem.hint("call 127.0.0.1, [::1] or localhost"))
}

/// Looking is free. A call without a body is one that a browser makes for any page without asking first.
fn of_another_site(request: &Request) -> Option<Problem> {
    let is_refused = !request.method().is_safe() && is_of_another_site(request.headers());
    is_refused.then(|| Problem::new(ProblemType::CrossSite, "a page of another site may not make this call"))
}

/// Whether a browser says that a page of another site makes the call. One that does not say whose page it is (`Sec-Fetch-Site`)
/// says where it came from (`Origin`), which is `null` for a page that hides it. Programs say neither.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        return site != b"same-origin" && site != b"none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    let of_origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map_or("", |(_, host)| host);
    !of_origin.as_bytes().eq_ignore_ascii_case(host)
}

fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_loopback_names_are_this_machine() {
        for host in ["127.0.0.1", "127.0.0.1:7878", "[::1]:7878", "localhost", "LOCALHOST:1", "127.9.9.9"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example:7878", "10.0.0.1", "localhost@evil.example", "[::1", "a b"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
