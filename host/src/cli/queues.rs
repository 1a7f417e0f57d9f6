//! `taskhost queues`.

use serde::Deserialize;

use super::args::{QueueArgs, QueuesArgs, QueuesCommand};
use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::render::{Times, fields, span};
use super::table::{Column, table};

const QUEUES: &str = "/api/v1/queues";

/// Does what the words ask for.
pub(super) async fn act(args: &QueuesArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    match &args.command {
        None => list(args.json, client, output).await,
        Some(QueuesCommand::List { json }) => list(*json, client, output).await,
        Some(QueuesCommand::Show(args)) => show(args, client, output).await,
        Some(QueuesCommand::Pause(args)) => turn(("pause", "paused"), args, client, output).await,
        Some(QueuesCommand::Resume(args)) => turn(("resume", "resumed"), args, client, output).await,
    }
}

#[derive(Debug, Deserialize)]
struct Page {
    queues: Vec<Queue>,
}

/// What the commands know of a queue.
#[derive(Debug, Deserialize)]
struct Queue {
    name: String,
    declared: bool,
    paused_since: Option<String>,
    concurrency: u32,
    counts: Counts,
    latency_seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Counts {
    scheduled: u64,
    blocked: u64,
    queued: u64,
    running: u64,
    retrying: u64,
    completed: u64,
    cancelled: u64,
    dead: u64,
}

const HEADER: [Column; 8] = [
    Column::name("QUEUE"),
    Column::whole("RUNNING"),
    Column::whole("QUEUED"),
    Column::spare("SCHEDULED"),
    Column::spare("RETRYING"),
    Column::whole("DEAD"),
    Column::spare("OLDEST"),
    Column::whole("STATE"),
];

impl Queue {
    /// What is special about it.
    fn state(&self, times: Times) -> String {
        let paused = self.paused_since.as_ref().map(|since| times.paused(since));
        let undeclared = (!self.declared).then(|| "not in tasks.toml".to_owned());
        [paused, undeclared].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// How long its oldest queued task has waited.
    fn oldest(&self) -> String {
        if self.counts.queued == 0 { String::new() } else { span(self.latency_seconds) }
    }

    fn running(&self) -> String {
        format!("{}/{}", self.counts.running, self.concurrency)
    }

    fn row(&self, times: Times) -> Vec<String> {
        let Counts { scheduled, queued, retrying, dead, .. } = &self.counts;
        let counts = [queued, scheduled, retrying, dead].map(ToString::to_string);
        let before = [self.name.clone(), self.running()];
        before.into_iter().chain(counts).chain([self.oldest(), self.state(times)]).collect()
    }

    fn render(&self, times: Times) -> String {
        let counts = &self.counts;
        fields(&[
            ("queue", self.name.clone()),
            ("state", self.state(times)),
            ("running", format!("{} of {}", counts.running, self.concurrency)),
            ("queued", counts.queued.to_string()),
            ("oldest", self.oldest()),
            ("scheduled", counts.scheduled.to_string()),
            ("blocked", counts.blocked.to_string()),
            ("retrying", counts.retrying.to_string()),
            ("completed", counts.completed.to_string()),
            ("cancelled", counts.cancelled.to_string()),
            ("dead", counts.dead.to_string()),
        ])
    }
}

async fn list(json: bool, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.get(QUEUES).await?;
    if json {
        return output.data(&answer.text());
    }
    let times = output.times();
    let rows: Vec<_> = answer.read::<Page>()?.queues.iter().map(|queue| queue.row(times)).collect();
    output.data(&table(&HEADER, &rows, output.screen()))
}

async fn show(args: &QueueArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.get(&format!("{QUEUES}/{}", args.queue)).await?;
    if args.json {
        return output.data(&answer.text());
    }
    output.data(&answer.read::<Queue>()?.render(output.times()))
}

async fn turn(
    (verb, done): (&str, &str),
    args: &QueueArgs,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let answer = client.ask(&format!("{QUEUES}/{}/{verb}", args.queue)).await?;
    if args.json {
        return output.data(&answer.text());
    }
    output.data(&format!("queue {} is {done}\n", args.queue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_a_row_and_a_page_of_fields() {
        let document = r#"{"name":"mail","declared":false,"paused":true,"paused_since":"T1","concurrency":4,"running":1,
            "counts":{"scheduled":2,"blocked":0,"queued":37,"running":1,"retrying":3,"completed":9,"cancelled":0,"dead":5},
            "oldest_queued_at":"T0","latency_seconds":71.5}"#;
        let queue: Queue = serde_json::from_str(document).unwrap();
        let row = ["mail", "1/4", "37", "2", "3", "5", "1m 11s", "paused since T1, not in tasks.toml"];
        assert_eq!(queue.row(Times::exact()), row);
        let shown = queue.render(Times::exact());
        assert!(
            shown.starts_with("queue      mail\nstate      paused since T1, not in tasks.toml\nrunning    1 of 4\n")
        );
    }
}
