//! `taskhost events`: what happens, line by line.

use taskhost_core::ids::{KindName, QueueName};

use super::args::EventsArgs;
use super::client::Client;
use super::failure::Failure;
use super::feed::{Event, Feed, TaskEvent};
use super::listing::query_text;
use super::output::Output;
use super::render::{tame, tame_json};
use super::tasks::Progress;

/// Where the events of all these tasks are.
pub(super) fn place(queue: Option<&QueueName>, kind: Option<&KindName>) -> String {
    let said = [("queue", queue.map(ToString::to_string)), ("kind", kind.map(ToString::to_string))];
    let said: Vec<_> = said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    format!("/api/v1/events?{}", query_text(&said))
}

/// Prints what happens until the daemon stops, or nobody reads it any more.
pub(super) async fn events(args: &EventsArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut feed = Feed::open(client, &place(args.queue.as_ref(), args.kind.as_ref())).await?;
    while let Some(event) = feed.next().await? {
        if args.json {
            output.data(&json(&event))?;
        } else if event.is_reset() {
            output.note("events were missed here\n");
        } else {
            output.data(&line(&event.name, &event.task()?))?;
        }
        if output.is_closed() {
            return Ok(());
        }
    }
    output.note(STOPPED);
    Ok(())
}

/// The stream has ended in good order: what lasts until the daemon stops has done what it was asked for.
pub(super) const STOPPED: &str = "the daemon has stopped\n";

fn json(event: &Event) -> String {
    let text = |text: &str| serde_json::to_string(text).expect("a text is JSON");
    let (id, name) = (text(&event.id), text(&event.name));
    tame_json(&format!("{{\"id\":{id},\"event\":{name},\"data\":{}}}\n", event.data.get()))
}

/// An event for people.
pub(super) fn line(name: &str, event: &TaskEvent) -> String {
    let name = name.strip_prefix("task.").unwrap_or(name);
    let attempt = matches!(name, "started" | "failed").then(|| format!("attempt {}", event.attempt));
    let next = event.scheduled_at.as_ref().map(|at| format!("next at {at}"));
    let progress = event.progress.as_ref().map(Progress::render);
    let details: Vec<_> = [attempt, event.reason.clone(), next, progress].into_iter().flatten().collect();
    let line = format!("{} {name:12} {} {} {}", event.at, event.task_id, event.kind, details.join("; "));
    tame(line.trim_end()).replace('\n', " ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(rest: &str) -> TaskEvent {
        let document = format!(
            r#"{{"task_id":"7","kind":"a.b","queue":"q","status":"running","reason":null,"attempt":2,"at":"T1",{rest}}}"#
        );
        serde_json::from_str(&document).unwrap()
    }

    #[test]
    fn a_line_says_when_what_whom_and_why() {
        let plain = event(r#""scheduled_at":null,"progress":null"#);
        assert_eq!(line("task.started", &plain), "T1 started      7 a.b attempt 2\n");
        assert_eq!(line("task.completed", &plain), "T1 completed    7 a.b\n");
        let again = event(r#""scheduled_at":"T9","progress":null"#);
        assert_eq!(line("task.failed", &again), "T1 failed       7 a.b attempt 2; next at T9\n");
        let further = event(r#""scheduled_at":null,"progress":{"current":1,"message":"a\nb\u001b"}"#);
        assert_eq!(line("task.progressed", &further), "T1 progressed   7 a.b 1 (a b\\u{1b})\n");
    }
}
