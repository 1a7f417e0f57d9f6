//! `taskhost config`: which tasks.toml is applied, why an edit is not, and what earlier edits changed.
//!
//! Start at [`act`].

use serde::Deserialize;
use serde_json::Value;

use super::args::{ConfigArgs, ConfigCommand, ConfigDiffArgs, ConfigShowArgs};
use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::render::{Times, fields, tame};
use super::table::{Column, table};

const CONFIG: &str = "/api/v1/config";

/// Does what the words ask for.
pub(super) async fn act(args: &ConfigArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    match &args.command {
        None => standing(args.json, client, output).await,
        Some(ConfigCommand::Show(ConfigShowArgs { generation: None, json })) => standing(*json, client, output).await,
        Some(ConfigCommand::Show(ConfigShowArgs { generation: Some(number), json })) => {
            generation(*number, *json, client, output).await
        }
        Some(ConfigCommand::Diff(args)) => diff(args, client, output).await,
    }
}

/// How it stands.
#[derive(Debug, Deserialize)]
struct Standing {
    file: String,
    #[serde(flatten)]
    applied: Generation,
    needs_restart: Vec<String>,
    refused: Option<Refusal>,
    generations: Vec<Generation>,
}

#[derive(Debug, Deserialize)]
struct Generation {
    #[serde(rename = "generation")]
    number: u64,
    applied_at: String,
    source: String,
    summary: String,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    at: String,
    detail: String,
    errors: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    severity: String,
    message: String,
    line: usize,
    column: usize,
    hint: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(flatten)]
    generation: Generation,
    config: Value,
}

#[derive(Debug, Deserialize)]
struct Change {
    from: Option<Generation>,
    to: Generation,
    changes: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
struct Difference {
    pointer: String,
    before: Value,
    after: Value,
}

const HEADER: [Column; 4] =
    [Column::whole("GENERATION"), Column::whole("APPLIED"), Column::whole("BY"), Column::whole("CHANGES")];

impl Generation {
    fn row(&self, times: Times) -> Vec<String> {
        vec![self.number.to_string(), times.show(&self.applied_at), self.source.clone(), self.summary.clone()]
    }
}

impl Standing {
    fn render(&self, times: Times) -> String {
        let Generation { number, applied_at, source, summary } = &self.applied;
        fields(&[
            ("file", self.file.clone()),
            ("generation", number.to_string()),
            ("applied", format!("{}, by {source}", times.show_both(applied_at))),
            ("changes", summary.clone()),
            ("restart", self.restart()),
            ("refused", self.refused.as_ref().map(|refused| refused.render(times)).unwrap_or_default()),
        ])
    }

    fn restart(&self) -> String {
        if self.needs_restart.is_empty() {
            return String::new();
        }
        format!("[host] {} of the file need a restart", self.needs_restart.join(", "))
    }
}

impl Refusal {
    fn render(&self, times: Times) -> String {
        let mut lines = vec![format!("{}: {}", times.show(&self.at), self.detail)];
        for Finding { severity, message, line, column, hint } in &self.errors {
            lines.push(format!("line {line}, column {column}: {severity}: {message}"));
            lines.extend(hint.as_ref().map(|hint| format!("hint: {hint}")));
        }
        lines.join("\n")
    }
}

async fn standing(json: bool, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.get(CONFIG).await?;
    if json {
        return output.data(&answer.text());
    }
    let (times, standing) = (output.times(), answer.read::<Standing>()?);
    let rows: Vec<_> = standing.generations.iter().map(|generation| generation.row(times)).collect();
    let rows = table(&HEADER, &rows, output.screen());
    output.data(&format!("{}\n{rows}", standing.render(times)))
}

async fn generation(number: u64, json: bool, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let answer = client.get(&format!("{CONFIG}/{number}")).await?;
    if json {
        return output.data(&answer.text());
    }
    let Text { generation, config } = answer.read()?;
    let Generation { number, applied_at, source, summary } = generation;
    output.note(&format!(
        "config generation {number}, applied {} by {source}: {}\n",
        output.times().show_both(&applied_at),
        tame(&summary)
    ));
    let text = toml::to_string_pretty(&config).unwrap_or_else(|_| format!("{config:#}\n"));
    // A file gets it as it is.
    output.data(&if output.screen().is_some() { tame(&text) } else { text })
}

async fn diff(args: &ConfigDiffArgs, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let generation = match args.generation {
        Some(generation) => generation,
        None => client.get(CONFIG).await?.read::<Standing>()?.applied.number,
    };
    let from = args.from.map(|from| format!("?from={from}")).unwrap_or_default();
    let answer = client.get(&format!("{CONFIG}/{generation}/diff{from}")).await?;
    if args.json {
        return output.data(&answer.text());
    }
    let Change { from, to, changes } = answer.read()?;
    let from = from.map_or_else(|| "nothing".to_owned(), |from| from.number.to_string());
    output.note(&format!("config generation {from} -> {}, {}\n", to.number, output.times().show(&to.applied_at)));
    let lines: String = changes.iter().map(Difference::line).collect();
    output.data(if lines.is_empty() { "nothing differs\n" } else { &lines })
}

impl Difference {
    fn line(&self) -> String {
        let Self { pointer, before, after } = self;
        let place = tame(&dotted(pointer));
        let (before, after) = (tame(&before.to_string()), tame(&after.to_string()));
        match (&self.before, &self.after) {
            (Value::Null, _) => format!("+ {place} = {after}\n"),
            (_, Value::Null) => format!("- {place} = {before}\n"),
            (_, _) => format!("~ {place} = {before}  ->  {after}\n"),
        }
    }
}

/// The place as the file would write it: `jobs.nightly.schedule.cron`.
fn dotted(pointer: &str) -> String {
    let is_bare =
        |key: &str| !key.is_empty() && key.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));
    let keys = pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"));
    let keys: Vec<_> = keys.map(|key| if is_bare(&key) { key } else { format!("{key:?}") }).collect();
    keys.join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refused_edit_is_told_with_its_places_beside_what_goes_on() {
        let document = json!({
            "file": "/etc/taskhost/tasks.toml", "generation": 14, "applied_at": "T1", "source": "save",
            "summary": "+1 job (nightly), next 02:30 CET (in 9 h)", "needs_restart": ["listen"],
            "refused": { "at": "T2", "detail": "tasks.toml has 1 error", "errors": [
                { "severity": "error", "message": "unknown key `knd`", "line": 3, "column": 1, "hint": "did you mean `kind`?" },
            ] },
            "last_reload": { "at": "T2", "ok": false }, "generations": [],
        });
        let standing: Standing = serde_json::from_value(document).unwrap();
        assert_eq!(
            standing.render(Times::exact()),
            "file        /etc/taskhost/tasks.toml\n\
             generation  14\n\
             applied     T1, by save\n\
             changes     +1 job (nightly), next 02:30 CET (in 9 h)\n\
             restart     [host] listen of the file need a restart\n\
             refused     T2: tasks.toml has 1 error\n            \
             line 3, column 1: error: unknown key `knd`\n            \
             hint: did you mean `kind`?\n"
        );
    }

    #[test]
    fn a_change_is_a_line_as_the_file_would_write_its_place() {
        let line = |pointer: &str, before, after| Difference { pointer: pointer.to_owned(), before, after }.line();
        assert_eq!(line("/jobs/a/tags", json!(["x"]), json!([])), "~ jobs.a.tags = [\"x\"]  ->  []\n");
        assert_eq!(line("/jobs/a.b", json!(null), json!({"kind": "k"})), "+ jobs.\"a.b\" = {\"kind\":\"k\"}\n");
        assert_eq!(line("/queues/q/concurrency", json!(4), json!(null)), "- queues.q.concurrency = 4\n");
    }
}
