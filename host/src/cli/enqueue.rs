//! `taskhost enqueue`.

use std::io::Read as _;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::once::IdempotencyKey;
use taskhost_core::priority::Priority;
use taskhost_core::time::UnixMicros;

use super::args::{EnqueueArgs, OnceArgs, Patience};
use super::client::{Answer, Client};
use super::failure::{Exit, Failure};
use super::follow::stay;
use super::output::Output;
use crate::chance::Chance;

#[derive(Debug, Deserialize)]
struct Accepted {
    task_id: String,
    status: String,
}

/// What is sent to the daemon.
#[derive(Debug, Serialize)]
pub(super) struct NewTask<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a KindName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a JobName>,
    /// As it was written: its numbers keep their digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a QueueName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<UnixMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<NewRetry>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

/// What is said of further attempts.
#[derive(Debug, Serialize)]
pub(super) struct NewRetry {
    pub(super) attempts: u32,
}

impl<'a> NewTask<'a> {
    /// Reads the params, from a file or stdin if so asked.
    pub(super) fn read(args: &'a EnqueueArgs) -> Result<Self, Failure> {
        Ok(Self {
            kind: args.kind.as_ref(),
            job: args.job.as_ref(),
            params: args.params.as_deref().map(|given| read_json("params", given)).transpose()?,
            queue: args.queue.as_ref(),
            priority: args.priority,
            delay: args.delay,
            run_at: args.at,
            timeout: args.timeout,
            retry: args.attempts.map(|attempts| NewRetry { attempts }),
            tags: &args.tags,
        })
    }
}

/// The JSON that was given to an option: itself, in a file (`@FILE`), or on stdin (`-`).
pub(super) fn read_json<T: DeserializeOwned>(option: &str, given: &str) -> Result<T, Failure> {
    let mut text = given.to_owned();
    let read = if given == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text).map(|_| "of stdin".to_owned())
    } else if let Some(file) = given.strip_prefix('@') {
        std::fs::read_to_string(file).map(|read| text = read).map(|()| format!("of {file}"))
    } else {
        Ok(format!("of --{option}"))
    };
    let wrong = |message: String| {
        Failure::new(Exit::Usage, message)
            .hint(format!("write it like --{option} '{{\"path\": \"README.md\"}}', or name a file: --{option} @FILE"))
    };
    let place = read.map_err(|error| wrong(format!("cannot read the {option} `{given}`: {error}")))?;
    serde_json::from_str(&text).map_err(|error| wrong(format!("the text {place} is not JSON: {error}")))
}

impl OnceArgs {
    /// The key that was given, or a new one.
    pub(super) fn key(&self) -> IdempotencyKey {
        self.key.clone().unwrap_or_else(|| Chance::default().idempotency_key())
    }
}

/// Submits the task, and stays with it if so asked.
pub(super) async fn enqueue(
    args: &EnqueueArgs,
    task: &NewTask<'_>,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let task = serde_json::to_vec(task).expect("what we send is JSON");
    let answer = client.make("/api/v1/tasks", task, &args.once.key()).await?;
    accepted(&answer, &args.patience, args.json, client, output).await
}

/// Tells of a task that was accepted, and stays with it if so asked.
pub(super) async fn accepted(
    answer: &Answer,
    patience: &Patience,
    json: bool,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let Accepted { task_id, status } = answer.read()?;
    if patience.wait || patience.follow {
        output.note(&format!("task {task_id} is {status}\n"));
        return stay(&task_id, patience, json, client, output).await;
    }
    if json {
        return output.data(&answer.text());
    }
    output.data(&format!("{task_id}\n"))?;
    output.note(&format!("{status}\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn sent(words: &[&str]) -> Result<Value, Failure> {
        let words = ["taskhost", "enqueue"].iter().chain(words);
        let Command::Enqueue(args) = Cli::try_parse_from(words).unwrap().command else { panic!("it is `enqueue`") };
        NewTask::read(&args).map(|task| serde_json::to_value(task).unwrap())
    }

    #[test]
    fn only_what_was_said_is_sent() {
        assert_eq!(sent(&["files.checksum"]).unwrap(), json!({ "kind": "files.checksum" }));
        let words = ["--job", "nightly", "--at", "2026-12-24T19:00:00+01:00", "--tag", "a", "--tag", "b"];
        let expected = json!({ "job": "nightly", "run_at": "2026-12-24T18:00:00.000000Z", "tags": ["a", "b"] });
        assert_eq!(sent(&words).unwrap(), expected);
        let words = ["k", "--params", "[-1]", "--queue", "q", "--priority", "low", "--delay", "90m", "--timeout", "5s"];
        let expected = json!({
            "kind": "k", "params": [-1], "queue": "q", "priority": "low", "delay": "1h30m", "timeout": "5s",
        });
        assert_eq!(sent(&words).unwrap(), expected);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let words = ["taskhost", "enqueue", "k", "--params", "{\"a\":12345678901234567890123,\"b\":1.10}"];
        let Command::Enqueue(args) = Cli::try_parse_from(words).unwrap().command else { panic!("it is `enqueue`") };
        let text = serde_json::to_string(&NewTask::read(&args).unwrap()).unwrap();
        assert_eq!(text, r#"{"kind":"k","params":{"a":12345678901234567890123,"b":1.10}}"#);
    }

    #[test]
    fn params_may_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"path\": \"a\"}\n").unwrap();
        let params = format!("@{}", file.path().display());
        assert_eq!(sent(&["k", "--params", &params]).unwrap()["params"], json!({ "path": "a" }));
    }

    #[test]
    fn params_that_are_not_json_are_wrong_words() {
        let failure = sent(&["k", "--params", "{path: 1}"]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        let message = "error: the text of --params is not JSON: key must be a string at line 1 column 2\n";
        assert!(failure.report.starts_with(message), "{}", failure.report);
        let failure = sent(&["k", "--params", "@/nowhere"]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.report.starts_with("error: cannot read the params `@/nowhere`: "), "{}", failure.report);
    }
}
