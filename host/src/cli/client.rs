//! Talks HTTP with the daemon over its socket.
//!
//! Not here: what the answers mean (each command). Start at [`Client::find`].

mod unanswered;

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use taskhost_core::once::IdempotencyKey;
use tokio::net::UnixStream;

use self::unanswered::Unanswered;
use super::failure::{Exit, Failure};
use super::render::{tame, tame_json};
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
        tame_json(String::from_utf8_lossy(&self.0).trim_end()) + "\n"
    }

    /// The JSON as what the command knows of it.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.0).map_err(|error| misunderstood(&error))
    }
}

/// The daemon's answer is not what the command knows.
pub(super) fn misunderstood(error: &serde_json::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the daemon's answer is not understood: {}", tame(&error.to_string())))
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

    /// Asks for something to be made, once: without an answer the same is asked for again.
    pub(super) async fn make(&self, path: &str, body: Vec<u8>, key: &IdempotencyKey) -> Result<Answer, Failure> {
        let body = Bytes::from(body);
        let request = || {
            let request = request(Method::POST, path).header("idempotency-key", key.as_str());
            request.body(Full::new(body.clone())).expect("a key is the value of a header")
        };
        let unanswered = match self.exchange(request(), PATIENCE).await {
            Ok((status, body)) => return judge(status, body),
            Err(unanswered) if !unanswered.may_be_done() => return Err(self.unanswered(&unanswered)),
            Err(unanswered) => unanswered,
        };
        match self.exchange(request(), PATIENCE).await {
            // The first one may be under way still.
            Ok((StatusCode::CONFLICT, _)) | Err(_) => Err(unanswered.failure(&self.shown()).hint(format!(
                "the task may have been accepted all the same: the same command with `--key '{key}'` makes no second one"
            ))),
            Ok((status, body)) => judge(status, body),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Bytes, patience: Duration) -> Result<Answer, Failure> {
        let is_read = method == Method::GET;
        let request = request(method, path).body(Full::new(body)).expect("a path of names and ids makes a request");
        match self.exchange(request, patience).await {
            Ok((status, body)) => judge(status, body),
            Err(unanswered) if is_read || !unanswered.may_be_done() => Err(self.unanswered(&unanswered)),
            Err(unanswered) => Err(unanswered
                .failure(&self.shown())
                .hint("what you asked for may have been done all the same: look before you ask for it again")),
        }
    }

    /// Opens what goes on for ever at `path`.
    pub(super) async fn stream(&self, path: &str) -> Result<Incoming, Failure> {
        let request = request(Method::GET, path).body(Full::new(Bytes::new()));
        let request = request.expect("a path of names and ids makes a request");
        let opened = async {
            let response = self.send(request).await?;
            let status = response.status();
            if status.is_success() {
                return Ok(Ok(response.into_body()));
            }
            let body = response.into_body().collect().await.map_err(|_| Unanswered::Lost)?;
            Ok(Err(refusal(status, &body.to_bytes())))
        };
        within(PATIENCE, opened).await.map_err(|unanswered| self.unanswered(&unanswered))?
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<(StatusCode, Bytes), Unanswered> {
        let exchanged = async {
            let response = self.send(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(|_| Unanswered::Lost)?;
            Ok((status, body.to_bytes()))
        };
        within(patience, exchanged).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Unanswered> {
        let stream = UnixStream::connect(&self.socket).await.map_err(Unanswered::unreachable)?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(Unanswered::unreachable)?;
        tokio::spawn(async move {
            // What goes wrong with the connection is told to the request.
            drop(connection.await);
        });
        sender.send_request(request).await.map_err(|_| Unanswered::Lost)
    }

    /// The daemon was there, and is no more.
    pub(super) fn lost(&self) -> Failure {
        self.unanswered(&Unanswered::Lost)
    }

    fn unanswered(&self, unanswered: &Unanswered) -> Failure {
        unanswered.failure(&self.shown()).hint(unanswered.hint())
    }

    fn shown(&self) -> PathBuf {
        std::path::absolute(&self.socket).unwrap_or_else(|_| self.socket.clone())
    }
}

fn request(method: Method, path: &str) -> Builder {
    Request::builder().method(method).uri(path).header(HOST, "taskhost").header(CONTENT_TYPE, "application/json")
}

/// Its end, if that comes soon enough.
async fn within<T>(patience: Duration, call: impl Future<Output = Result<T, Unanswered>>) -> Result<T, Unanswered> {
    tokio::select! {
        answered = call => answered,
        () = sleep(patience) => Err(Unanswered::Silent(patience)),
    }
}

fn judge(status: StatusCode, body: Bytes) -> Result<Answer, Failure> {
    if status.is_success() { Ok(Answer(body)) } else { Err(refusal(status, &body)) }
}

fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    let exit = if status == StatusCode::NOT_FOUND { Exit::NotFound } else { Exit::Failed };
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return Failure::new(exit, format!("the daemon answered {status}"));
    };
    let places = problem.errors.iter().map(|place| format!("\n  at {}: {}", place.pointer, place.detail));
    let failure = Failure::new(exit, tame(&(problem.detail + &places.collect::<String>())));
    match problem.hint {
        Some(hint) => failure.hint(tame(&hint)),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::Interest;

    use super::*;

    #[test]
    fn a_problem_is_shown_with_its_places_and_its_hint() {
        let body = br#"{"type":"/problems/invalid-params","title":"Invalid params","status":422,"detail":"the params do not fit","hint":"look","errors":[{"pointer":"/params/path","detail":"is not a string"}]}"#;
        let failure = refusal(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(failure.exit, Exit::Failed);
        assert_eq!(failure.report, "error: the params do not fit\n  at /params/path: is not a string\n\nhint: look\n");
        assert_eq!(refusal(StatusCode::NOT_FOUND, b"").exit, Exit::NotFound);
        let hostile = br#"{"detail":"a\u001b[2J","hint":"b\u009b","errors":[{"pointer":"/\r","detail":"c\u0007"}]}"#;
        let tamed = "error: a\\u{1b}[2J\n  at /\\r: c\\u{7}\n\nhint: b\\u{9b}\n";
        assert_eq!(refusal(StatusCode::CONFLICT, hostile).report, tamed);
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

    /// A daemon that reads one call after the other, and treats each as `treat` says.
    async fn treated(treat: &[Option<&str>], call: impl AsyncFnOnce(&Client) -> Failure) -> (Failure, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let client = Client { socket: folder.path().join("s") };
        let listener = tokio::net::UnixListener::bind(&client.socket).unwrap();
        let mut heard = Vec::new();
        let daemon = async {
            let mut stuck = Vec::new();
            for answer in treat {
                let (stream, _) = listener.accept().await.unwrap();
                let mut call = vec![0; 4096];
                let read = stream.async_io(Interest::READABLE, || stream.try_read(&mut call)).await.unwrap();
                heard.push(String::from_utf8_lossy(&call[..read]).into_owned());
                match answer {
                    Some(answer) => assert_eq!(stream.try_write(answer.as_bytes()).unwrap(), answer.len()),
                    None => stuck.push(stream),
                }
            }
            std::future::pending::<()>().await;
        };
        let failure = tokio::select! {
            failure = call(&client) => failure,
            () = daemon => unreachable!("it goes on for ever"),
        };
        (failure, heard)
    }

    const GOOD: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}";

    #[tokio::test(start_paused = true)]
    async fn what_makes_a_task_is_sent_again_under_its_key_if_no_answer_comes() {
        let key = IdempotencyKey::new("k-1").unwrap();
        let make = async |client: &Client| {
            let made = client.make("/api/v1/tasks", b"{}".to_vec(), &key).await;
            made.map_or_else(|failure| failure, |answer| Failure::reported(Exit::Failed, answer.text()))
        };
        for first in [None, Some("")] {
            let (answered, heard) = treated(&[first, Some(GOOD)], make).await;
            assert_eq!(answered.report, "{}\n");
            assert!(
                heard.len() == 2 && heard.iter().all(|call| call.contains("idempotency-key: k-1\r\n")),
                "{heard:?}"
            );
        }
        let in_flight = "HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n";
        for second in [None, Some(""), Some(in_flight)] {
            let (failure, heard) = treated(&[None, second], make).await;
            assert_eq!((failure.exit, heard.len()), (Exit::Failed, 2));
            let report = failure.report;
            assert!(
                report.contains(" gave no answer within 30 s\n\nhint: the task may have been accepted"),
                "{report}"
            );
            assert!(report.contains("`--key 'k-1'`"), "{report}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_where_nobody_is_there_nothing_can_have_been_done() {
        let ask = async |client: &Client| client.ask("/api/v1/tasks/1/cancel").await.unwrap_err();
        let (failure, heard) = treated(&[None], ask).await;
        assert_eq!((failure.exit, heard.len()), (Exit::Failed, 1));
        assert!(failure.report.contains("may have been done all the same"), "{}", failure.report);
        let get = async |client: &Client| client.get("/api/v1/tasks").await.unwrap_err();
        let (failure, _) = treated(&[Some("")], get).await;
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.report.contains(" has gone away without a word\n\nhint: its log"), "{}", failure.report);
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
