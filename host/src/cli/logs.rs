//! `taskhost tasks logs`: what a task's attempts said.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use taskhost_core::log::LogLevel;

use super::args::LogsArgs;
use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::render::{tame, tame_json};

/// How long the daemon holds an answer while there is nothing new.
const HELD: Duration = Duration::from_secs(30);

/// What the command knows of a page of lines.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    logs: Vec<Box<RawValue>>,
    dropped: u64,
    next_cursor: String,
    status: String,
}

impl Page {
    /// Its lines for people.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.logs.iter().map(|line| shown(line))
    }

    /// The task says nothing more.
    fn is_last(&self) -> bool {
        matches!(self.status.as_str(), "completed" | "cancelled" | "dead")
    }
}

/// What the command knows of a line.
#[derive(Debug, Deserialize)]
struct Line {
    at: String,
    level: String,
    attempt: u32,
    target: String,
    message: String,
    fields: Option<Map<String, Value>>,
}

/// The log of a task, page by page, until it has ended.
#[derive(Debug)]
pub(super) struct Pages {
    path: String,
    level: String,
    after: Option<String>,
    is_over: bool,
}

impl Pages {
    pub(super) fn of(task_id: impl fmt::Display, level: Option<LogLevel>) -> Self {
        let level = level.map(|level| format!("&level={level}")).unwrap_or_default();
        Self { path: format!("/api/v1/tasks/{task_id}/logs"), level, after: None, is_over: false }
    }

    /// What is there now, or else will be soon; nothing once the task has ended.
    ///
    /// # Cancel safety
    /// What was not answered is answered the next time.
    pub(super) async fn next(&mut self, client: &Client) -> Result<Option<Page>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        let Self { path, level, after, .. } = self;
        let answer = match after {
            None => client.get(&format!("{path}?after=0{level}")).await?,
            Some(after) => {
                client.get_held(&format!("{path}?after={after}{level}&wait={}s", HELD.as_secs()), HELD).await?
            }
        };
        let page: Page = answer.read()?;
        self.after = Some(page.next_cursor.clone());
        self.is_over = page.is_last();
        Ok(Some(page))
    }
}

/// Shows the log of a task; with `--follow` also what it says from now on, until it has ended.
pub(super) async fn logs(args: &LogsArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let LogsArgs { id, follow, level, json } = args;
    let mut pages = Pages::of(id, *level);
    if *json && !follow {
        return output.data(&client.get(&format!("{}?after=0{}", pages.path, pages.level)).await?.text());
    }
    let mut is_first = true;
    while let Some(page) = pages.next(client).await? {
        if is_first && page.dropped > 0 {
            output.note(&format!("the first {} lines are kept no longer\n", page.dropped));
        }
        is_first = false;
        for line in &page.logs {
            output.data(&if *json { tame_json(line.get()) + "\n" } else { shown(line) })?;
        }
        if !follow || output.is_closed() {
            return Ok(());
        }
    }
    Ok(())
}

/// A line for people; one that is not understood is shown as it came.
fn shown(line: &RawValue) -> String {
    let Ok(Line { at, level, attempt, target, message, fields }) = serde_json::from_str(line.get()) else {
        return tame(line.get()).replace('\n', " ") + "\n";
    };
    let field = |(name, value): (&String, &Value)| match value.as_str() {
        Some(text) if !text.is_empty() && !text.contains([' ', '"', '=', '\n']) => format!(" {name}={text}"),
        Some(_) | None => format!(" {name}={value}"),
    };
    let fields: String = fields.iter().flatten().map(field).collect();
    let text = tame(&format!("{at} {level:5} #{attempt} {target}: {message}{fields}"));
    text.trim_end().replace('\n', "\n    ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, fields: &str) -> String {
        let message = Value::from(message);
        let json = format!(
            r#"{{"n":3,"at":"T1","level":"info","attempt":2,"target":"files","message":{message},"fields":{fields}}}"#
        );
        shown(&RawValue::from_string(json).unwrap())
    }

    #[test]
    fn a_line_says_when_how_bad_which_attempt_who_and_what() {
        assert_eq!(line("19 files", "null"), "T1 info  #2 files: 19 files\n");
        let fields = r#"{"path":"a/b","why":"not now","n":[1,2],"none":""}"#;
        assert_eq!(line("cut", fields), "T1 info  #2 files: cut n=[1,2] none=\"\" path=a/b why=\"not now\"\n");
    }

    #[test]
    fn a_line_can_neither_move_the_cursor_nor_pretend_to_be_another() {
        let forged = "a\u{1b}[2J\r\nT1 info  #2 taskhost: b\n";
        assert_eq!(line(forged, "null"), "T1 info  #2 files: a\\u{1b}[2J\\r\n    T1 info  #2 taskhost: b\n");
        assert_eq!(shown(&RawValue::from_string("[1]".to_owned()).unwrap()), "[1]\n");
    }
}
