//! How many tasks a second come in over HTTP, one by one and in batches, while they run.

use anyhow::Result;

use super::daemon::Daemon;
use super::rig::{Rig, number};
use super::table::Table;

/// How they come in, and the words for the program that submits.
const WAYS: [(&str, &[&str]); 2] = [
    ("stored over HTTP one by one, 64 connections", &["one", "64", "60000"]),
    ("stored over HTTP in batches of 1,000, 2 connections", &["batch", "2", "200000"]),
];

pub(super) fn measure(rig: &Rig) -> Result<Table> {
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..rig.runs {
        for ((_, words), rates) in WAYS.iter().zip(&mut all) {
            let folder = rig.folder()?;
            let daemon = Daemon::start(rig, folder.path())?;
            let address = daemon.address.to_string();
            let report = rig.program("http", &[&[&*address][..], words].concat())?;
            rates.push(number(&report, "/stored_per_s")?);
        }
    }
    let mut table = Table::default();
    for ((what, _), rates) in WAYS.iter().zip(all) {
        table.add(*what, "/s", rates);
    }
    Ok(table)
}
