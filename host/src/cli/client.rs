//! Talks HTTP with the daemon over its socket.
//!
//! Not here: what the answers mean (each command). Start at [`Client::find`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

use super::failure::{Exit, Failure};
use crate::boot;
use crate::clock::sleep;

/// How long the daemon may take for an answer that it does not hold.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long, where it may have a million tasks to touch.
const LONG_PATIENCE: Duration = Duration::from_mins(30);

/// Knows where the daemon listens.
#[derive(Debug)]
pub(super) struct Client {
    socket: PathBuf,
}

/// The body of a good answer.
#[derive(Debug)]
pub(super) struct Answer(Bytes);

impl Answer {
    /// The JSON as it came, one line.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).trim_end().to_owned() + "\n"
    }

    /// The JSON as what the command knows of it.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.0).map_err(|error| misunderstood(&error))
    }
}

/// The daemon's answer is not what the command knows.
pub(super) fn misunderstood(error: &serde_json::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the daemon's answer is not understood: {error}"))
        .hint("use the `taskhost` of the same version as the daemon")
}

/// What is read of a problem.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
    hint: Option<String>,
    #[serde(default)]
    errors: Vec<Place>,
}

#[derive(Debug, Deserialize)]
struct Place {
    pointer: String,
    detail: String,
}

impl Client {
    /// Finds the daemon that a `tasks.toml` declares.
    pub(super) fn find(config: &Path) -> Result<Self, Failure> {
        let socket = boot::socket_of(config).map_err(|error| {
            Failure::new(Exit::NotFound, &error)
                .hint(format!("the daemon is found through its tasks.toml: name it with --config; without it the first of these is used: {}", boot::searched()))
        })?;
        Ok(Self { socket })
    }

    /// What a person should know who reaches a daemon whose file is not there any more.
    pub(super) fn missing(config: &Path) -> Option<String> {
        let is_missing = config.try_exists().is_ok_and(|exists| !exists);
        is_missing.then(|| format!("{} is gone; its daemon runs on without it\n", config.display()))
    }

    /// Reads what is at `path`.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.call(Method::GET, path, Bytes::new(), PATIENCE).await
    }

    /// Reads what is at `path`; the daemon may hold the answer that long.
    pub(super) async fn get_held(&self, path: &str, held: Duration) -> Result<Answer, Failure> {
        self.call(Method::GET, path, Bytes::new(), held + PATIENCE).await
    }

    /// Sends JSON to `path`.
    pub(super) async fn post(&self, path: &str, json: &(impl Serialize + Sync)) -> Result<Answer, Failure> {
        let body = serde_json::to_vec(json).expect("what we send is JSON");
        self.call(Method::POST, path, body.into(), PATIENCE).await
    }

    /// Asks for `path`, which is a verb and takes no body.
    pub(super) async fn ask(&self, path: &str) -> Result<Answer, Failure> {
        self.call(Method::POST, path, Bytes::new(), PATIENCE).await
    }

    /// Asks for `path`, which is a verb that may have much to do.
    pub(super) async fn ask_long(&self, path: &str) -> Result<Answer, Failure> {
        self.call(Method::POST, path, Bytes::new(), LONG_PATIENCE).await
    }

    /// Deletes what is at `path`.
    pub(super) async fn delete(&self, path: &str) -> Result<Answer, Failure> {
        self.call(Method::DELETE, path, Bytes::new(), PATIENCE).await
    }

    async fn call(&self, method: Method, path: &str, body: Bytes, patience: Duration) -> Result<Answer, Failure> {
        let request = Request::builder().method(method).uri(path).header(HOST, "taskhost");
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(body));
        let request = request.expect("a path of names and ids makes a request");
        let (status, body) = tokio::select! {
            answer = self.exchange(request) => answer?,
            () = sleep(patience) => return Err(self.silent(patience)),
        };
        if status.is_success() { Ok(Answer(body)) } else { Err(refusal(status, &body)) }
    }

    /// Opens what goes on for ever at `path`.
    pub(super) async fn stream(&self, path: &str) -> Result<Incoming, Failure> {
        let request = Request::get(path).header(HOST, "taskhost").body(Full::new(Bytes::new()));
        let request = request.expect("a path of names and ids makes a request");
        let response = tokio::select! {
            response = self.send(request) => response?,
            () = sleep(PATIENCE) => return Err(self.silent(PATIENCE)),
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body());
        }
        let body = response.into_body().collect().await.map_err(|_| self.lost())?;
        Err(refusal(status, &body.to_bytes()))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        let response = self.send(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|_| self.lost())?;
        Ok((status, body.to_bytes()))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.unreachable(error))?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| self.unreachable(error))?;
        tokio::spawn(async move {
            // What goes wrong with the connection is told to the request.
            drop(connection.await);
        });
        sender.send_request(request).await.map_err(|_| self.lost())
    }

    fn silent(&self, patience: Duration) -> Failure {
        self.unreachable(format!("no answer within {} s", patience.as_secs()))
    }

    /// The daemon was there, and is no more: it was killed, or has crashed.
    pub(super) fn lost(&self) -> Failure {
        Failure::new(Exit::NotFound, format!("the daemon on {} has gone away without a word", self.shown().display()))
            .hint("its log says why, if anything does; start it with `taskhost run`")
    }

    fn shown(&self) -> PathBuf {
        std::path::absolute(&self.socket).unwrap_or_else(|_| self.socket.clone())
    }

    /// The daemon is not there.
    fn unreachable(&self, reason: impl std::fmt::Display) -> Failure {
        Failure::new(Exit::NotFound, format!("no daemon answers on {}: {reason}", self.shown().display()))
            .hint("start it with `taskhost run`")
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    let exit = if status == StatusCode::NOT_FOUND { Exit::NotFound } else { Exit::Failed };
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return Failure::new(exit, format!("the daemon answered {status}"));
    };
    let places = problem.errors.iter().map(|place| format!("\n  at {}: {}", place.pointer, place.detail));
    let failure = Failure::new(exit, problem.detail + &places.collect::<String>());
    match problem.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_with_its_places_and_its_hint() {
        let body = br#"{"type":"/problems/invalid-params","title":"Invalid params","status":422,"detail":"the params do not fit","hint":"look","errors":[{"pointer":"/params/path","detail":"is not a string"}]}"#;
        let failure = refusal(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(failure.exit, Exit::Failed);
        assert_eq!(failure.report, "error: the params do not fit\n  at /params/path: is not a string\n\nhint: look\n");
        assert_eq!(refusal(StatusCode::NOT_FOUND, b"").exit, Exit::NotFound);
    }

    #[tokio::test]
    async fn nobody_at_the_socket_is_told_with_its_path_and_the_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("tasks.toml");
        std::fs::write(&config, "[host]\nstate = \"here\"\n").unwrap();
        let failure = Client::find(&config).unwrap().get("/livez").await.unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        let socket = folder.path().join("here/taskhost.sock").display().to_string();
        assert!(failure.report.starts_with(&format!("error: no daemon answers on {socket}: ")), "{}", failure.report);
        assert!(failure.report.ends_with("\n\nhint: start it with `taskhost run`\n"), "{}", failure.report);
    }

    #[test]
    fn a_daemon_is_found_through_a_tasks_toml_even_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("tasks.toml");
        assert_eq!(Client::find(&config).unwrap_err().exit, Exit::NotFound);
        std::fs::write(&config, "[hots]\n").unwrap();
        assert_eq!(Client::find(&config).unwrap().socket, folder.path().join("var/taskhost.sock"));
    }
}
