//! Keeps web pages away: a name that somebody points at this machine (DNS rebinding) is not one of ours, and a page of
//! another site changes nothing here.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::{Problem, ProblemType};

/// Lets a call through if every host that it names is this machine, which a browser always does, and if no page of another
/// site makes it. A call without a body is one that a browser makes for any page without asking first.
pub(super) async fn check_host(request: Request, next: Next) -> Response {
    if is_of_another_site(&request) {
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

/// Whether a browser says that a page of another site changes something here. Programs say nothing of this.
fn is_of_another_site(request: &Request) -> bool {
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    let is_foreign = site.is_some_and(|site| site != b"same-origin" && site != b"none");
    is_foreign && !request.method().is_safe()
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
