//! `taskhost jobs`.
//!
//! Not here: declaring one (`add_job`). Start at [`act`].

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use taskhost_core::ids::JobName;

use super::add_job;
use super::args::{JobArgs, JobsArgs, JobsCommand};
use super::client::Client;
use super::enqueue::accepted;
use super::failure::Failure;
use super::listing::Listing;
use super::output::Output;
use super::render::{Times, fields};
use super::table::{Column, table};

/// Does what the words ask for.
pub(super) async fn act(args: &JobsArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    match &args.command {
        None => list(args.json, client, output).await,
        Some(JobsCommand::List { json }) => list(*json, client, output).await,
        Some(JobsCommand::Show(args)) => show(args, client, output).await,
        Some(JobsCommand::Add(args)) => add_job::add(args, client, output).await,
        Some(JobsCommand::Remove(args)) => remove(args, client, output).await,
        Some(JobsCommand::Trigger { job, once, patience, json }) => {
            let answer = client.make(&format!("{}/trigger", place(job)), Vec::new(), &once.key()).await?;
            accepted(&answer, patience, *json, client, output).await
        }
        Some(JobsCommand::Pause(args)) => turn("pause", "paused", args, client, output).await,
        Some(JobsCommand::Resume(args)) => turn("resume", "resumed", args, client, output).await,
    }
}

pub(super) const JOBS: &str = "/api/v1/jobs";

fn place(job: &JobName) -> String {
    format!("{JOBS}/{job}")
}

/// What the commands know of the document of a job.
#[derive(Debug, Deserialize)]
struct Job {
    #[serde(rename = "job_id")]
    name: String,
    origin: String,
    line: Option<usize>,
    kind: String,
    params: Option<Box<RawValue>>,
    schedule: Option<When>,
    queue: Option<String>,
    priority: String,
    timeout: Option<String>,
    retry: Value,
    expires_in: Option<String>,
    tags: Vec<String>,
    paused_since: Option<String>,
    next_at: Option<String>,
    held: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

/// When a job fires.
#[derive(Debug, Deserialize)]
struct When {
    cron: Option<String>,
    timezone: Option<String>,
    every: Option<String>,
    at: Option<String>,
    delay: Option<String>,
}

impl When {
    fn render(&self, times: Times) -> String {
        let zone = self.timezone.as_ref().map(|zone| format!(" ({zone})")).unwrap_or_default();
        let said = [
            self.cron.as_ref().map(|line| format!("{line}{zone}")),
            self.every.as_ref().map(|every| format!("every {every}")),
            self.at.as_ref().map(|at| format!("at {}", times.to_the_second(at))),
            self.delay.as_ref().map(|delay| format!("after {delay}")),
        ];
        said.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Job {
    fn when(&self, times: Times) -> String {
        self.schedule.as_ref().map(|when| when.render(times)).unwrap_or_default()
    }

    /// When it fires next, or why it does not.
    fn next(&self, times: Times) -> String {
        if let Some(since) = &self.paused_since {
            return times.paused(since);
        }
        match (&self.held, &self.next_at, &self.schedule) {
            (Some(held), _, _) => format!("held: {held}"),
            (None, Some(next_at), _) => times.show_both(next_at),
            (None, None, Some(_)) => "never again".to_owned(),
            (None, None, None) => "when triggered".to_owned(),
        }
    }

    /// Where it is declared.
    fn origin(&self) -> String {
        self.line.map_or_else(|| self.origin.clone(), |line| format!("tasks.toml:{line}"))
    }

    fn row(&self, times: Times) -> Vec<String> {
        vec![self.name.clone(), self.kind.clone(), self.origin(), self.when(times), self.next(times)]
    }

    fn render(&self, times: Times) -> String {
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        let retry = self.retry.as_object().filter(|retry| !retry.is_empty());
        fields(&[
            ("job", self.name.clone()),
            ("declared", self.origin()),
            ("kind", self.kind.clone()),
            ("fires", self.when(times)),
            ("next", self.next(times)),
            ("queue", said(&self.queue)),
            ("priority", self.priority.clone()),
            ("timeout", said(&self.timeout)),
            ("retry", retry.map(|_| self.retry.to_string()).unwrap_or_default()),
            ("expires in", said(&self.expires_in)),
            ("tags", self.tags.join(", ")),
            ("params", self.params.as_ref().map(|params| params.get().to_owned()).unwrap_or_default()),
            ("created", said(&self.created_at)),
            ("changed", said(&self.updated_at)),
        ])
    }
}

const HEADER: [Column; 5] = [
    Column::name("JOB"),
    Column::name("KIND"),
    Column::spare("DECLARED"),
    Column::welcome("FIRES"),
    Column::whole("NEXT"),
];

async fn list(json: bool, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let listing = Listing::read(client, JOBS, &[], "jobs", None).await?;
    if json {
        return output.data(&listing.json());
    }
    let times = output.times();
    let rows: Vec<_> = listing.rows::<Job>()?.iter().map(|job| job.row(times)).collect();
    if rows.is_empty() {
        output.note("no job is declared\n");
        return Ok(());
    }
    output.data(&table(&HEADER, &rows, output.screen()))
}

async fn show(args: &JobArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.get(&place(&args.job)).await?;
    if args.json {
        return output.data(&answer.text());
    }
    output.data(&answer.read::<Job>()?.render(output.times()))
}

async fn remove(args: &JobArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.delete(&place(&args.job)).await?;
    if args.json {
        return output.data(&answer.text());
    }
    output.data(&format!("job {} is removed\n", args.job))?;
    output.note("tasks that it has made stay\n");
    Ok(())
}

async fn turn(verb: &str, done: &str, args: &JobArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.ask(&format!("{}/{verb}", place(&args.job))).await?;
    if args.json {
        return output.data(&answer.text());
    }
    output.data(&format!("job {} is {done}\n", args.job))?;
    let job: Job = answer.read()?;
    if let (None, Some(next_at)) = (&job.paused_since, &job.next_at) {
        output.note(&format!("it fires next at {next_at}\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_a_row_and_a_page_of_fields() {
        let document = r#"{"job_id":"nightly","origin":"file","line":14,"kind":"backup.create","params":{"a":1.10},
            "schedule":{"cron":"30 2 * * *","timezone":"Europe/Berlin"},"queue":null,"priority":"high","timeout":"30m",
            "retry":{"attempts":3},"expires_in":null,"tags":["a","b"],"paused_since":null,"next_at":"T1","held":null,
            "created_at":null,"updated_at":null}"#;
        let mut job: Job = serde_json::from_str(document).unwrap();
        assert_eq!(
            job.row(Times::exact()),
            ["nightly", "backup.create", "tasks.toml:14", "30 2 * * * (Europe/Berlin)", "T1"]
        );
        assert_eq!(
            job.render(Times::exact()),
            "job       nightly
declared  tasks.toml:14
kind      backup.create
fires     30 2 * * * (Europe/Berlin)
next      T1
priority  high
timeout   30m
retry     {\"attempts\":3}
tags      a, b
params    {\"a\":1.10}
"
        );
        job.held = Some("no plugin provides it".to_owned());
        assert_eq!(job.next(Times::exact()), "held: no plugin provides it");
        job.paused_since = Some("T0".to_owned());
        assert_eq!(job.next(Times::exact()), "paused since T0");
    }
}
