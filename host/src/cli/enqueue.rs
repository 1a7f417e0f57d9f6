//! `taskhost enqueue`.

use std::io::Read as _;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::args::EnqueueArgs;
use super::client::{Answer, Client};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::tasks::Task;

/// How long one answer is held; then it is asked for again.
const HELD: Duration = Duration::from_mins(1);

#[derive(Debug, Deserialize)]
struct Accepted {
    task_id: String,
    status: String,
}

/// What is sent to the daemon. Reads the params, from a file or stdin if so asked.
pub(super) fn body(args: &EnqueueArgs) -> Result<Value, Failure> {
    let text = |value: &dyn ToString| Value::String(value.to_string());
    let params = args.params.as_deref().map(|given| read_json("params", given)).transpose()?;
    let tags = args.tags.iter().cloned().map(Value::String).collect::<Vec<_>>();
    let said = [
        ("kind", args.kind.as_ref().map(|kind| text(kind))),
        ("job", args.job.as_ref().map(|job| text(job))),
        ("params", params),
        ("queue", args.queue.as_ref().map(|queue| text(queue))),
        ("priority", args.priority.map(|priority| text(&priority))),
        ("delay", args.delay.map(|delay| text(&delay))),
        ("run_at", args.at.map(|at| text(&at))),
        ("timeout", args.timeout.map(|timeout| text(&timeout))),
        ("tags", Some(tags).filter(|tags| !tags.is_empty()).map(Value::Array)),
    ];
    let fields = said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Ok(Value::Object(fields.collect::<Map<_, _>>()))
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
    let place =
        read.map_err(|error| Failure::new(Exit::Usage, format!("cannot read the {option} `{given}`: {error}")))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(Exit::Usage, format!("the text {place} is not JSON: {error}"))
            .hint(format!("write it like --{option} '{{\"path\": \"README.md\"}}', or name a file: --{option} @FILE"))
    })
}

/// Submits the task, and waits for it if so asked.
pub(super) async fn enqueue(
    args: &EnqueueArgs,
    body: &Value,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let answer = client.post("/api/v1/tasks", Some(body)).await?;
    let Accepted { task_id, status } = answer.read()?;
    if args.wait {
        output.note(&format!("task {task_id} is {status}\n"));
        tell_why_held(&task_id, client, output).await?;
        let ended = wait(&task_id, client).await?;
        return tell_end(args.json, &ended, output);
    }
    if args.json {
        return output.data(&answer.text());
    }
    output.data(&format!("{task_id}\n"))?;
    output.note(&format!("{status}\n"));
    Ok(())
}

/// A held task may wait for ever: who waits for it should know.
async fn tell_why_held(task_id: &str, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let task: Task = client.get(&format!("/api/v1/tasks/{task_id}")).await?.read()?;
    if let Some(held) = task.held() {
        output.note(&format!("it is {held}\n"));
    }
    Ok(())
}

async fn wait(task_id: &str, client: &Client) -> Result<Answer, Failure> {
    let path = format!("/api/v1/tasks/{task_id}?wait={}s", HELD.as_secs());
    loop {
        let answer = client.get_held(&path, HELD).await.map_err(|failure| {
            let report = format!("{}\ntask {task_id} was accepted and is kept\n", failure.report);
            Failure::reported(failure.exit, report)
        })?;
        if answer.read::<Task>()?.has_ended() {
            return Ok(answer);
        }
    }
}

fn tell_end(json: bool, ended: &Answer, output: &mut Output<'_>) -> Result<(), Failure> {
    let task: Task = ended.read()?;
    if json {
        output.data(&ended.text())?;
    } else if task.is_completed() {
        output.data(&format!("{}\n", task.result()))?;
    }
    if task.is_completed() { Ok(()) } else { Err(Failure::new(Exit::Failed, task.outcome())) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn sent(words: &[&str]) -> Result<Value, Failure> {
        let words = ["taskhost", "enqueue"].iter().chain(words);
        let Command::Enqueue(args) = Cli::try_parse_from(words).unwrap().command else { panic!("it is `enqueue`") };
        body(&args)
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
