//! `cargo xtask bench [SECTION…] [--runs N]`: builds for release, measures what `docs/performance.md` tells, prints tables and
//! writes `target/bench.json`.
//!
//! What is held against a yardstick runs in turn with it, and medians are compared: on a busy machine the ratios stay. Not here:
//! what is measured in one run (`taskhost bench`, `benches/`). Start at [`run`].

mod boundary;
mod daemon;
mod growth;
mod help;
mod http;
mod lives;
mod pickup;
mod rig;
mod table;

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use self::rig::{Rig, machine};
use self::table::Table;
use crate::console::say;
use crate::workspace::Workspace;

/// A section: its name, and what measures it.
type Section = (&'static str, fn(&Rig) -> Result<Table>);

const SECTIONS: [Section; 6] = [
    ("lives", lives::measure),
    ("pickup", pickup::measure),
    ("growth", growth::measure),
    ("http", http::measure),
    ("daemon", daemon::measure),
    ("boundary", boundary::measure),
];

/// How often everything is measured, unless somebody says otherwise.
const RUNS: usize = 5;

/// Measures these sections, or all.
///
/// # Errors
/// If something cannot be built or run, or if whole lives or the pick-up miss the budget that they may not miss.
pub(crate) fn run(workspace: &Workspace, words: &[&str]) -> Result<()> {
    let (names, runs) = read(words)?;
    let sections: Vec<_> = SECTIONS.iter().filter(|(name, _)| names.is_empty() || names.contains(name)).collect();
    let rig = Rig::build(workspace, runs)?;
    let machine = machine();
    say(&format!("{machine}, {runs} runs each; shown are the medians, with the least and the most"));
    let mut document = Map::from_iter([("machine".to_owned(), json!(machine)), ("runs".to_owned(), json!(runs))]);
    let mut missed = Vec::new();
    for (name, measure) in sections {
        let table = measure(&rig).with_context(|| format!("section `{name}`"))?;
        say(&format!("\n{name}\n{}", table.shown()));
        missed.extend(table.missed());
        document.insert((*name).to_owned(), table.document());
    }
    let file = workspace.target.join("bench.json");
    fs::write(&file, format!("{:#}\n", Value::Object(document)))
        .with_context(|| format!("write {}", file.display()))?;
    say(&format!("\nwritten to {}", file.display()));
    ensure!(missed.is_empty(), "missed: {}", missed.join("; "));
    Ok(())
}

fn read<'w>(words: &[&'w str]) -> Result<(Vec<&'w str>, usize)> {
    let (mut names, mut runs) = (Vec::new(), RUNS);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--runs" => {
                let number = words.next().and_then(|number| number.parse().ok()).filter(|runs| (1..=99).contains(runs));
                runs = number.context("--runs takes a number from 1 to 99")?;
            }
            name if SECTIONS.iter().any(|(section, _)| *section == name) => names.push(name),
            other => {
                let known: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
                bail!("`{other}` is no section of the bench; there are: {}", known.join(", "));
            }
        }
    }
    Ok((names, runs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_runs_are_read_in_any_order() {
        assert_eq!(read(&[]).unwrap(), (vec![], RUNS));
        assert_eq!(read(&["--runs", "3", "pickup", "lives"]).unwrap(), (vec!["pickup", "lives"], 3));
        assert!(read(&["pikcup"]).is_err() && read(&["--runs", "0"]).is_err() && read(&["--runs"]).is_err());
    }
}
