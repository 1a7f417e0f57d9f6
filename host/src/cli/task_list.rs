//! Lists of tasks: `taskhost tasks list`, and `taskhost dead`.
//!
//! Start at [`tasks`].

use serde::Deserialize;
use taskhost_core::ids::{KindName, QueueName};
use taskhost_core::task::Status;

use super::args::{DeadArgs, DeadCommand, DeadListArgs, FilterArgs, MeantArgs, TaskListArgs};
use super::client::Client;
use super::failure::Failure;
use super::listing::{Listing, query_text};
use super::output::Output;
use super::render::{Times, tame};
use super::table::{Column, table};
use super::tasks::Progress;

/// What the commands know of a task of a list.
#[derive(Debug, Deserialize)]
struct Listed {
    task_id: String,
    kind: String,
    queue: String,
    status: String,
    reason: Option<String>,
    error: Option<String>,
    attempt: u32,
    max_attempts: u32,
    progress: Option<Progress>,
    job: Option<String>,
    created_at: String,
    scheduled_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
}

const HEADER: [Column; 6] = [
    Column::whole("TASK"),
    Column::whole("STATUS"),
    Column::name("KIND"),
    Column::spare("QUEUE"),
    Column::welcome("WHEN"),
    Column::whole("DETAIL"),
];

impl Listed {
    /// When it came to stand where it stands, or what it waits for.
    fn when(&self) -> &str {
        match self.status.as_str() {
            "scheduled" | "retrying" => &self.scheduled_at,
            "running" => self.started_at.as_ref().unwrap_or(&self.created_at),
            _ => self.finished_at.as_ref().unwrap_or(&self.created_at),
        }
    }

    /// What the status does not say, what is asked first before what may be cut off.
    fn detail(&self) -> String {
        let job = self.job.as_ref().map(|job| format!("job {job}"));
        let attempt = (self.attempt > 1).then(|| format!("attempt {} of {}", self.attempt, self.max_attempts));
        let progress = self.progress.as_ref().filter(|_| self.status == "running").map(Progress::render);
        let said = [progress, self.error.clone(), self.reason.clone(), attempt, job];
        said.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn row(&self, times: Times) -> Vec<String> {
        let when = times.show(self.when());
        vec![self.task_id.clone(), self.status.clone(), self.kind.clone(), self.queue.clone(), when, self.detail()]
    }
}

/// Lists the tasks.
pub(super) async fn tasks(args: &TaskListArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut query = pairs(&args.filter);
    if !args.status.is_empty() {
        let statuses: Vec<_> = args.status.iter().map(|status| status.as_str()).collect();
        query.push(("status", statuses.join(",")));
    }
    let listing = Listing::read(client, "/api/v1/tasks", &query, "tasks", args.limit.most()).await?;
    let none = if query.is_empty() { "no task is kept\n" } else { "no such task is kept\n" };
    show(&listing, none, args.json, output)
}

/// Does what the words about dead tasks ask for.
pub(super) async fn dead(args: &DeadArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    match &args.command {
        None => list_dead(&args.list, client, output).await,
        Some(DeadCommand::List(args)) => list_dead(args, client, output).await,
        Some(DeadCommand::Retry(args)) => sweep(("retry", "queued again"), args, client, output).await,
        Some(DeadCommand::Discard(args)) => sweep(("discard", "deleted"), args, client, output).await,
    }
}

async fn list_dead(args: &DeadListArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let query = pairs(&args.filter);
    let listing = Listing::read(client, "/api/v1/dead", &query, "tasks", args.limit.most()).await?;
    let none = if query.is_empty() { "no task is dead\n" } else { "no such task is dead\n" };
    show(&listing, none, args.json, output)
}

/// How many dead tasks it was done with.
#[derive(Debug, Deserialize)]
struct Swept {
    count: u64,
}

async fn sweep(
    (verb, done): (&str, &str),
    args: &MeantArgs,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut query = pairs(&args.filter);
    query.extend(args.all.then(|| ("all", "true".to_owned())));
    let answer = client.ask_long(&format!("/api/v1/dead/{verb}?{}", query_text(&query))).await?;
    if args.json {
        return output.data(&answer.text());
    }
    let tasks = match answer.read::<Swept>()?.count {
        1 => "1 task is".to_owned(),
        count => format!("{count} tasks are"),
    };
    output.data(&format!("{tasks} {done}\n"))
}

/// What is known of a running task.
#[derive(Debug, Deserialize)]
pub(super) struct Running {
    pub(super) task_id: String,
    pub(super) kind: String,
    pub(super) started_at: Option<String>,
    pub(super) progress: Option<Progress>,
}

impl Running {
    /// It for people, like the events that come after it.
    pub(super) fn line(&self) -> String {
        let Self { task_id, kind, started_at, progress } = self;
        let since = started_at.as_deref().unwrap_or_default();
        let progress = progress.as_ref().map(Progress::render).unwrap_or_default();
        tame(format!("{since} {:12} {task_id} {kind} {progress}", "running").trim_end()).replace('\n', " ") + "\n"
    }
}

/// Everything that runs.
pub(super) async fn running(
    queue: Option<&QueueName>,
    kind: Option<&KindName>,
    client: &Client,
) -> Result<Vec<Running>, Failure> {
    let mut query = vec![("status", Status::Running.as_str().to_owned())];
    query.extend(queue.map(|queue| ("queue", queue.to_string())));
    query.extend(kind.map(|kind| ("kind", kind.to_string())));
    Listing::read(client, "/api/v1/tasks", &query, "tasks", None).await?.rows()
}

fn pairs(filter: &FilterArgs) -> Vec<(&'static str, String)> {
    let FilterArgs { queue, kind, job, tag, search } = filter;
    let said = [
        ("queue", queue.as_ref().map(ToString::to_string)),
        ("kind", kind.as_ref().map(ToString::to_string)),
        ("job", job.as_ref().map(ToString::to_string)),
        ("tag", tag.clone()),
        ("q", search.as_ref().map(|text| text.as_str().to_owned())),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn show(listing: &Listing, none: &str, json: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    if json {
        return output.data(&listing.json());
    }
    let times = output.times();
    let rows: Vec<_> = listing.rows::<Listed>()?.iter().map(|task| task.row(times)).collect();
    if rows.is_empty() {
        output.note(none);
        return Ok(());
    }
    output.data(&table(&HEADER, &rows, output.screen()))?;
    if listing.is_cut() {
        output.note(&format!("the first {}; there may be more: --limit N or --all\n", rows.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(status: &str, rest: &str) -> Listed {
        let json = format!(
            r#"{{"task_id":"7","kind":"a.b","queue":"q","priority":"normal","status":"{status}","reason":null,"error":null,
            "attempt":1,"max_attempts":5,"progress":null,"job":null,"tags":[],"created_at":"T0","scheduled_at":"T1",
            "started_at":"T2","finished_at":null}}"#
        );
        let mut task: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
        task.extend(serde_json::from_str::<serde_json::Map<_, _>>(rest).unwrap());
        serde_json::from_value(task.into()).unwrap()
    }

    #[test]
    fn a_row_says_what_matters_of_a_task_where_it_stands() {
        let row = |task: Listed| task.row(Times::exact()).join("|");
        assert_eq!(row(listed("queued", r#"{"reason":"held: away"}"#)), "7|queued|a.b|q|T0|held: away");
        let progress = r#"{"progress":{"current":1,"total":2,"percentage":50.0},"job":"nightly"}"#;
        assert_eq!(row(listed("running", progress)), "7|running|a.b|q|T2|50 %, 1 of 2; job nightly");
        let failed = r#"{"attempt":3,"error":"gone"}"#;
        assert_eq!(row(listed("retrying", failed)), "7|retrying|a.b|q|T1|gone; attempt 3 of 5");
        assert_eq!(row(listed("completed", r#"{"finished_at":"T3"}"#)), "7|completed|a.b|q|T3|");
    }
}
