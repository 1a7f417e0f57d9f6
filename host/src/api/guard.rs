//! Keeps web pages away: a name that somebody points at this machine (DNS rebinding) is not one of ours, and a page of
//! another site changes nothing here. Start at [`check_site`].

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::{Problem, ProblemType};

/// Refuses a request of HTTP/1.1 that does not name its host once, as RFC 9112 wants it: what stands between would disagree on
/// whom it is for.
pub(super) async fn check_host(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let detail = match hosts {
        1 => return next.run(request).await,
        0 if request.version() < Version::HTTP_11 => return next.run(request).await,
        0 => "the request has no Host header",
        _ => "the request has several Host headers",
    };
    Problem::new(ProblemType::InvalidHost, detail).hint("HTTP/1.1 wants one, such as `Host: localhost`").into_response()
}

/// Lets a call through if every host that it names is this machine, which a browser always does, and if no page of another
/// site makes it. A call without a body is one that a browser makes for any page without asking first.
pub(super) async fn check_site(request: Request, next: Next) -> Response {
    if !request.method().is_safe() && is_of_another_site(request.headers()) {
        return Problem::new(ProblemType::CrossSite, "a page of another site may not make this call").into_response();
    }
    let in_headers = request.headers().get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let in_target = request.uri().authority().map(Authority::as_str);
    let foreign = in_headers.chain(in_target).find(|host| !is_this_machine(host)).map(str::to_owned);
    match foreign {
        None => next.run(request).await,
        Some(host) => Problem::new(ProblemType::WrongHost, format!("`{host}` is not a name of this machine's own"))
            .hint("call 127.0.0.1, [::1] or localhost")
            .into_response(),
    }
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
