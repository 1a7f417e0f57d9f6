//! `taskhost tasks`.
//!
//! Not here: the list (`task_list`), the log (`logs`). Start at [`act`].

use serde::Deserialize;
use serde_json::value::RawValue;

use super::args::{TaskArgs, TasksArgs, TasksCommand};
use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::render::{fields, span, tame};
use super::watch::watch;
use super::{logs, task_list};

/// What the commands know of the document of a task.
#[derive(Debug, Deserialize)]
pub(super) struct Task {
    #[serde(rename = "task_id")]
    id: String,
    kind: String,
    queue: String,
    priority: String,
    status: String,
    reason: Option<String>,
    params: Option<Box<RawValue>>,
    result: Option<Box<RawValue>>,
    error: Option<String>,
    errors: Vec<AttemptError>,
    attempt: u32,
    max_attempts: u32,
    attempted_by: Vec<String>,
    progress: Option<Progress>,
    job: Option<String>,
    tags: Vec<String>,
    created_at: String,
    scheduled_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct AttemptError {
    attempt: u32,
    at: String,
    message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Progress {
    current: u64,
    total: Option<u64>,
    percentage: Option<f64>,
    message: Option<String>,
    unit: Option<String>,
    eta_seconds: Option<f64>,
}

impl Task {
    /// Why it waits although a slot may be free, if it does.
    pub(super) fn held(&self) -> Option<&str> {
        self.reason.as_deref().filter(|reason| reason.starts_with("held: "))
    }
}

/// Does what the words ask for.
pub(super) async fn act(args: &TasksArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    match &args.command {
        None => task_list::tasks(&args.list, client, output).await,
        Some(TasksCommand::List(args)) => task_list::tasks(args, client, output).await,
        Some(TasksCommand::Show(args)) => show(args, client, output).await,
        Some(TasksCommand::Why(args)) => why(args, client, output).await,
        Some(TasksCommand::Logs(args)) => logs::logs(args, client, output).await,
        Some(TasksCommand::Watch(args)) => watch(args, client, output).await,
        Some(TasksCommand::Cancel(args)) => turn("cancel", args, client, output).await,
        Some(TasksCommand::Retry(args)) => turn("retry", args, client, output).await,
        Some(TasksCommand::Discard(args)) => discard(args, client, output).await,
    }
}

fn place(args: &TaskArgs) -> String {
    format!("/api/v1/tasks/{}", args.id)
}

async fn show(args: &TaskArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.get(&place(args)).await?;
    if args.json { output.data(&answer.text()) } else { output.data(&answer.read::<Task>()?.render()) }
}

/// Why a task stands where it stands.
#[derive(Debug, Deserialize)]
struct Why {
    status: String,
    #[serde(rename = "why")]
    text: String,
    hint: Option<String>,
}

async fn why(args: &TaskArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.get(&format!("{}/why", place(args))).await?;
    if args.json {
        return output.data(&answer.text());
    }
    let Why { status, text, hint } = answer.read()?;
    output.data(&(tame(&format!("{status}: {text}")) + "\n"))?;
    if let Some(hint) = hint {
        output.note(&format!("\nhint: {}\n", tame(&hint)));
    }
    Ok(())
}

/// Where a task stands after something was asked of it.
#[derive(Debug, Deserialize)]
struct Turned {
    task_id: String,
    status: String,
    reason: Option<String>,
}

async fn turn(verb: &str, args: &TaskArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.ask(&format!("{}/{verb}", place(args))).await?;
    if args.json {
        return output.data(&answer.text());
    }
    let Turned { task_id, status, reason } = answer.read()?;
    output.data(&format!("task {task_id} is {}\n", tame(&standing(&status, reason.as_deref()))))
}

async fn discard(args: &TaskArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.ask(&format!("{}/discard", place(args))).await?;
    if args.json { output.data(&answer.text()) } else { output.data(&format!("task {} is deleted\n", args.id)) }
}

impl Task {
    /// Nothing more happens by itself.
    pub(super) fn has_ended(&self) -> bool {
        self.finished_at.is_some()
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn is_completed(&self) -> bool {
        self.status == "completed"
    }

    /// The result as JSON; `null` if there is none.
    pub(super) fn result(&self) -> &str {
        self.result.as_ref().map_or("null", |result| result.get())
    }

    /// How it ended, in one sentence.
    pub(super) fn outcome(&self) -> String {
        let standing = standing(&self.status, self.reason.as_deref());
        let error = self.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        tame(&format!("task {} is {standing}{error}", self.id))
    }

    fn render(&self) -> String {
        let json = |json: &Option<Box<RawValue>>| json.as_ref().map(|json| json.get().to_owned()).unwrap_or_default();
        let time = |time: &Option<String>| time.clone().unwrap_or_default();
        fields(&[
            ("task", self.id.clone()),
            ("kind", self.kind.clone()),
            ("status", standing(&self.status, self.reason.as_deref())),
            ("queue", format!("{} ({} priority)", self.queue, self.priority)),
            ("job", self.job.clone().unwrap_or_default()),
            ("tags", self.tags.join(", ")),
            ("attempt", format!("{} of {}", self.attempt, self.max_attempts)),
            ("ran on", self.attempted_by.join(", ")),
            ("progress", self.progress.as_ref().map(Progress::render).unwrap_or_default()),
            ("created", self.created_at.clone()),
            ("scheduled", self.scheduled_at.clone()),
            ("started", time(&self.started_at)),
            ("finished", time(&self.finished_at)),
            ("params", json(&self.params)),
            ("result", json(&self.result)),
            ("errors", self.errors.iter().map(AttemptError::render).collect::<Vec<_>>().join("\n")),
        ])
    }
}

impl AttemptError {
    fn render(&self) -> String {
        format!("attempt {} at {}: {}", self.attempt, self.at, self.message)
    }
}

impl Progress {
    /// As the rest of the program knows it.
    pub(super) fn plain(&self) -> taskhost_core::view::Progress {
        taskhost_core::view::Progress {
            current: self.current,
            total: self.total.unwrap_or(0),
            message: self.message.clone().unwrap_or_default(),
            ..Default::default()
        }
    }

    /// Units done.
    pub(super) fn current(&self) -> u64 {
        self.current
    }

    /// Units in all, if that is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// What a bar does not show: `5/20 steps, 1m 15s left, message`.
    pub(super) fn beside_bar(&self) -> String {
        let total = self.total.map(|total| format!("/{total}")).unwrap_or_default();
        let unit = self.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let eta = self.eta_seconds.map(|seconds| format!("{} left", span(seconds)));
        let count = format!("{}{total}{unit}", self.current);
        [Some(count), eta, self.message.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// What is counted.
    pub(super) fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or_default()
    }

    pub(super) fn render(&self) -> String {
        let percentage = self.percentage.map(|percentage| format!("{percentage} %, ")).unwrap_or_default();
        let total = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
        let unit = self.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let eta = self.eta_seconds.map(|seconds| format!(", {seconds:.0} s left")).unwrap_or_default();
        let message = self.message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
        format!("{percentage}{}{total}{unit}{eta}{message}", self.current)
    }
}

/// The status, and what it does not say.
pub(super) fn standing(status: &str, reason: Option<&str>) -> String {
    reason.map_or_else(|| status.to_owned(), |reason| format!("{status} ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD: &str = r#"{"task_id":"7","kind":"files.checksum","queue":"default","priority":"high","status":"dead",
        "reason":"attempts spent","params":{"path":"a"},"result":null,"error":"gone",
        "errors":[{"attempt":1,"at":"T1","host":"h","generation":1,"code":"error","message":"no\nfile"},
                  {"attempt":2,"at":"T2","host":"h","generation":1,"code":"error","message":"gone"}],
        "attempt":2,"max_attempts":2,"attempted_by":["h"],
        "progress":{"current":5,"total":20,"percentage":25.0,"message":"hashing","unit":"bytes","rate":null,"eta_seconds":null},
        "job":"nightly","tags":["a","b"],"created_at":"T0","scheduled_at":"T0","started_at":"T2","finished_at":"T3"}"#;

    #[test]
    fn a_task_is_shown_field_by_field() {
        let task: Task = serde_json::from_str(DEAD).unwrap();
        assert_eq!(
            task.render(),
            "task       7
kind       files.checksum
status     dead (attempts spent)
queue      default (high priority)
job        nightly
tags       a, b
attempt    2 of 2
ran on     h
progress   25 %, 5 of 20 bytes (hashing)
created    T0
scheduled  T0
started    T2
finished   T3
params     {\"path\":\"a\"}
errors     attempt 1 at T1: no
           file
           attempt 2 at T2: gone
"
        );
        assert_eq!(task.outcome(), "task 7 is dead (attempts spent): gone");
        assert!(task.has_ended() && !task.is_completed());
    }
}
