//! `taskhost tasks watch`: a bar for each running task on a terminal, else lines.
//!
//! Not here: how bars are drawn (`bars`). Start at [`watch`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::args::WatchArgs;
use super::bars::Bars;
use super::client::Client;
use super::events::{STOPPED, line, place};
use super::failure::{Exit, Failure};
use super::feed::{Event, Feed, TaskEvent};
use super::output::Output;
use super::task_list::{Running, running};
use crate::clock::{monotonic, sleep};

/// How often what moves by itself, a time or a spinner, is drawn anew.
const TICK: Duration = Duration::from_millis(250);

/// Where there is no terminal, a task that reports all the time is heard this often.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Shows what runs until the daemon stops, or nobody reads it any more.
pub(super) async fn watch(args: &WatchArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let (queue, kind) = (args.queue.as_ref(), args.kind.as_ref());
    // Before the list is read: what happens after that is heard.
    let mut feed = Feed::open(client, &place(queue, kind)).await?;
    let mut sight = if output.screen().is_some() { Sight::Bars(Bars::new()) } else { Sight::Lines(Lines::default()) };
    sight.begin(running(queue, kind, client).await?, output)?;
    let resized = signal(SignalKind::window_change());
    let mut resized =
        resized.map_err(|error| Failure::new(Exit::Failed, format!("the system gives no signals: {error}")))?;
    let mut ticked = monotonic();
    loop {
        let rest = TICK.saturating_sub(monotonic().duration_since(ticked));
        let event = tokio::select! {
            // First: what is drawn before it knows the size is drawn wrong.
            biased;
            Some(()) = resized.recv() => {
                sight.resize();
                continue;
            }
            event = feed.next(), if !rest.is_zero() || !sight.moves() => event?,
            () = sleep(rest), if sight.moves() => {
                sight.tick();
                ticked = monotonic();
                continue;
            }
        };
        let Some(event) = event else {
            // The bars go away first.
            drop(sight);
            output.note(STOPPED);
            return Ok(());
        };
        if event.is_reset() {
            sight.begin(running(queue, kind, client).await?, output)?;
        } else {
            sight.take(&event, output)?;
        }
        if output.is_closed() {
            return Ok(());
        }
    }
}

/// What is seen.
enum Sight {
    Bars(Bars),
    Lines(Lines),
}

impl Sight {
    /// These run, and no others.
    fn begin(&mut self, running: Vec<Running>, output: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Bars(bars) => {
                bars.begin(running);
                Ok(())
            }
            Self::Lines(_) => running.iter().try_for_each(|task| output.data(&task.line())),
        }
    }

    fn take(&mut self, event: &Event, output: &mut Output<'_>) -> Result<(), Failure> {
        let task = event.task()?;
        match self {
            Self::Bars(bars) => {
                bars.take(&event.name, task);
                Ok(())
            }
            Self::Lines(lines) => lines.take(&event.name, &task, output),
        }
    }

    /// Whether something moves although nothing happens.
    fn moves(&self) -> bool {
        matches!(self, Self::Bars(bars) if bars.moves())
    }

    /// The terminal has another size.
    fn resize(&mut self) {
        if let Self::Bars(bars) = self {
            bars.resize();
        }
    }

    fn tick(&mut self) {
        if let Self::Bars(bars) = self {
            bars.tick();
        }
    }
}

/// Whether it is told of a task that it has begun, or that an attempt is over.
pub(super) fn is_news(name: &str) -> bool {
    matches!(name, "task.started" | "task.failed") || is_end(name)
}

/// Whether it is told of a task that it has ended.
pub(super) fn is_end(name: &str) -> bool {
    matches!(name, "task.completed" | "task.cancelled" | "task.died")
}

/// Where there is no terminal.
#[derive(Debug, Default)]
struct Lines {
    /// When the progress of each running task was written last.
    written: BTreeMap<String, Instant>,
}

impl Lines {
    fn take(&mut self, name: &str, task: &TaskEvent, output: &mut Output<'_>) -> Result<(), Failure> {
        let is_due = if name == "task.progressed" {
            let written = self.written.get(&task.task_id);
            written.is_none_or(|written| monotonic().duration_since(*written) >= LINE_EVERY)
        } else {
            self.written.remove(&task.task_id);
            is_news(name)
        };
        if !is_due {
            return Ok(());
        }
        if name == "task.progressed" {
            self.written.insert(task.task_id.clone(), monotonic());
        }
        output.data(&line(name, task))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_reports_all_the_time_is_heard_once_a_second() {
        let task: TaskEvent = serde_json::from_str(
            r#"{"task_id":"7","kind":"a.b","status":"running","attempt":1,"at":"T1","progress":{"current":1}}"#,
        )
        .unwrap();
        let (mut data, mut notes) = (Vec::new(), Vec::new());
        let mut lines = Lines::default();
        {
            let mut output = Output::captured(&mut data, &mut notes);
            let names =
                ["queued", "started", "progressed", "progressed", "failed", "started", "progressed", "completed"];
            for name in names {
                lines.take(&format!("task.{name}"), &task, &mut output).unwrap();
            }
        }
        let told = String::from_utf8(data).unwrap();
        let told: Vec<&str> = told.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(told, ["started", "progressed", "failed", "started", "progressed", "completed"]);
    }
}
