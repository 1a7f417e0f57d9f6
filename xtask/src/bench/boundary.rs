//! What a call of a plugin costs, what a waiting task costs, and how long a command takes to say something.

use anyhow::Result;

use super::help;
use super::rig::{Rig, number};
use super::table::Table;

pub(super) fn measure(rig: &Rig) -> Result<Table> {
    let (mut nanos, mut threads, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rig.runs {
        let report = rig.program("boundary", &[])?;
        nanos.push(number(&report, "/noop_ns")?);
        threads.push(number(&report, "/waiting_threads")?);
        bytes.push(number(&report, "/waiting_bytes")?);
    }
    let mut table = Table::default();
    table.add("a no-op attempt with typed JSON params, handed over and reported", "ns", nanos);
    table.note("budget: under 1,000");
    table.add("10,000 tasks asleep in one async plugin: further threads", "", threads);
    table.note("budget: 0");
    table.add("10,000 tasks asleep in one async plugin: memory of each", "bytes", bytes);
    table.note("budget: under 2,000");
    help::measure(&rig.taskhost, &mut table)?;
    Ok(table)
}
