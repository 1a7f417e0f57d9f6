//! Staying with a task that a command has made, until it has ended.
//!
//! Start at [`stay`].

use std::cell::RefCell;
use std::time::Duration;

use super::args::Patience;
use super::client::{Answer, Client};
use super::failure::{Exit, Failure, interrupt};
use super::feed::Feed;
use super::logs::Pages;
use super::meter::Meter;
use super::output::Output;
use super::render::{tame, tame_json};
use super::tasks::Task;

/// How long one answer is held; then it is asked for again.
const HELD: Duration = Duration::from_mins(1);

/// Waits for the task, and prints its result, or with `json` its document. It fails unless the task completes.
pub(super) async fn stay(
    task_id: &str,
    patience: &Patience,
    json: bool,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut meter = Meter::new();
    let end = async {
        tell_why_held(task_id, client, output).await?;
        if patience.follow {
            tell(task_id, client, &mut meter, output).await?;
        }
        wait(task_id, client).await
    };
    let ended = tokio::select! {
        biased;
        ended = end => ended,
        () = interrupt() => Err(Failure::interrupted(String::new())),
    };
    meter.end(output);
    let ended = ended.map_err(|failure| {
        if failure.exit == Exit::Interrupted {
            return Failure::interrupted(format!("task {task_id} goes on\n"));
        }
        let report = format!("{}\ntask {task_id} was accepted and is kept\n", failure.report);
        // Whatever is not there: the task is.
        Failure::reported(Exit::Failed, report)
    })?;
    tell_end(json, &ended, output)
}

/// A held task may wait for ever: who waits for it should know.
async fn tell_why_held(task_id: &str, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let task: Task = client.get(&format!("/api/v1/tasks/{task_id}")).await?.read()?;
    if let Some(held) = task.held() {
        output.note(&format!("it is {}\n", tame(held)));
    }
    Ok(())
}

/// Tells what the task says and how far it is, until it has ended.
async fn tell(task_id: &str, client: &Client, meter: &mut Meter, output: &mut Output<'_>) -> Result<(), Failure> {
    let shown = RefCell::new((meter, output));
    let log = async {
        let mut pages = Pages::of(task_id, None);
        while let Some(page) = pages.next(client).await? {
            let (meter, output) = &mut *shown.borrow_mut();
            page.lines().for_each(|line| meter.note(&line, output));
        }
        Ok(())
    };
    let progress = async {
        let Err(failure) = show_progress(task_id, client, &shown).await else { return Ok(()) };
        let (meter, output) = &mut *shown.borrow_mut();
        meter.note(&format!("how far it is cannot be shown: {}\n", failure.message()), output);
        Ok(())
    };
    tokio::try_join!(log, progress).map(|_| ())
}

type Shown<'a, 'b, 'c> = RefCell<(&'a mut Meter, &'b mut Output<'c>)>;

async fn show_progress(task_id: &str, client: &Client, shown: &Shown<'_, '_, '_>) -> Result<(), Failure> {
    let mut feed = Feed::open(client, &format!("/api/v1/tasks/{task_id}/events")).await?;
    while let Some(event) = feed.next().await? {
        if let Some(progress) = event.task().ok().and_then(|event| event.progress) {
            let (meter, output) = &mut *shown.borrow_mut();
            meter.show(&progress.plain(), progress.unit(), output);
        }
    }
    Ok(())
}

async fn wait(task_id: &str, client: &Client) -> Result<Answer, Failure> {
    let path = format!("/api/v1/tasks/{task_id}?wait={}s", HELD.as_secs());
    loop {
        let answer = client.get_held(&path, HELD).await?;
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
        output.data(&format!("{}\n", tame_json(task.result())))?;
    }
    if task.is_completed() {
        return Ok(());
    }
    let id = task.id();
    Err(Failure::new(Exit::Failed, task.outcome())
        .hint(format!("`taskhost tasks logs {id}` has what it said, `taskhost tasks retry {id}` queues it again")))
}
