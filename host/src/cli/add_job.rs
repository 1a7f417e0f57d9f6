//! `taskhost jobs add`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{JobName, KindName, QueueName};
use taskhost_core::priority::Priority;
use taskhost_core::time::UnixMicros;

use super::args::AddArgs;
use super::client::Client;
use super::cron::check_line;
use super::enqueue::{NewRetry, read_json};
use super::failure::Failure;
use super::jobs::JOBS;
use super::output::Output;

/// What is sent to declare a job.
#[derive(Debug, Serialize)]
struct NewJob<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a JobName>,
    kind: &'a KindName,
    /// As it was written: its numbers keep their digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<NewWhen<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a QueueName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<NewRetry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<DurationText>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

#[derive(Debug, Serialize)]
struct NewWhen<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<UnixMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<DurationText>,
}

impl<'a> NewWhen<'a> {
    fn read(args: &'a AddArgs) -> Result<Option<Self>, Failure> {
        let when = &args.when;
        if let Some(line) = &when.cron {
            check_line(line, args.timezone.unwrap_or_default())?;
        }
        let is_said = when.cron.is_some() || when.every.is_some() || when.at.is_some() || when.delay.is_some();
        let timezone = args.timezone.map(|zone| zone.to_string());
        let said = Self { cron: when.cron.as_deref(), timezone, every: when.every, at: when.at, delay: when.delay };
        Ok(is_said.then_some(said))
    }
}

impl<'a> NewJob<'a> {
    fn read(args: &'a AddArgs) -> Result<Self, Failure> {
        Ok(Self {
            name: args.name.as_ref(),
            kind: &args.kind,
            params: args.params.as_deref().map(|given| read_json("params", given)).transpose()?,
            schedule: NewWhen::read(args)?,
            queue: args.queue.as_ref(),
            priority: args.priority,
            timeout: args.timeout,
            retry: args.attempts.map(|attempts| NewRetry { attempts }),
            expires_in: args.expires_in,
            tags: &args.tags,
        })
    }
}

/// A job that was declared.
#[derive(Debug, Deserialize)]
struct Declared {
    job_id: String,
    next_at: Option<String>,
}

/// Declares a job, and prints its name.
pub(super) async fn add(args: &AddArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.post(JOBS, &NewJob::read(args)?).await?;
    if args.json {
        return output.data(&answer.text());
    }
    let Declared { job_id, next_at } = answer.read()?;
    output.data(&format!("{job_id}\n"))?;
    output.note(&match next_at {
        Some(next_at) => format!("it fires first at {next_at}\n"),
        None => format!("it has no schedule: `taskhost jobs trigger {job_id}` makes a task of it\n"),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::args::{Cli, Command, JobsArgs, JobsCommand};
    use crate::cli::failure::Exit;

    fn sent(words: &[&str]) -> Result<Value, Failure> {
        let words = ["taskhost", "jobs", "add"].iter().chain(words);
        let Command::Jobs(JobsArgs { command: Some(JobsCommand::Add(args)), .. }) =
            Cli::try_parse_from(words).unwrap().command
        else {
            panic!("it is `jobs add`")
        };
        NewJob::read(&args).map(|job| serde_json::to_value(job).unwrap())
    }

    #[test]
    fn only_what_was_said_is_sent() {
        assert_eq!(sent(&["a.b"]).unwrap(), json!({ "kind": "a.b" }));
        let words = ["a.b", "--name", "n", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--tag", "x"];
        let schedule = json!({ "cron": "30 2 * * *", "timezone": "Europe/Berlin" });
        let expected = json!({ "kind": "a.b", "name": "n", "schedule": schedule, "tags": ["x"] });
        assert_eq!(sent(&words).unwrap(), expected);
        let words = ["a.b", "--params", "{\"a\":1}", "--every", "90s", "--attempts", "3", "--expires-in", "1h"];
        let expected = json!({
            "kind": "a.b", "params": { "a": 1 }, "schedule": { "every": "1m30s" }, "retry": { "attempts": 3 }, "expires_in": "1h",
        });
        assert_eq!(sent(&words).unwrap(), expected);
    }

    #[test]
    fn a_wrong_cron_line_is_shown_before_anything_is_sent() {
        let failure = sent(&["a.b", "--cron", "61 * * * *"]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.report.contains("  --> cron line:1:1\n"), "{}", failure.report);
    }

    #[test]
    fn a_job_fires_in_one_way() {
        let words = ["taskhost", "jobs", "add", "a.b", "--every", "1m", "--delay", "1m"];
        assert!(Cli::try_parse_from(words).unwrap_err().to_string().contains("cannot be used with"));
        let words = ["taskhost", "jobs", "add", "a.b", "--every", "1m", "--timezone", "UTC"];
        assert!(Cli::try_parse_from(words).unwrap_err().to_string().contains("cannot be used with"));
    }
}
