//! Keeps web pages away: a name that somebody points at this machine (DNS rebinding) is not one of ours.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::{Problem, ProblemType};

/// Lets a call through if every host that it names is this machine. A browser always names one.
pub(super) async fn check_host(request: Request, next: Next) -> Response {
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
