//! How soon a task is picked up, in turn with bare writes that are synced.

use anyhow::Result;
use serde_json::Value;

use super::rig::{Rig, number};
use super::table::Table;

/// So much later than 99 of 100 bare writes are 99 of 100 pick-ups to be, in milliseconds.
const BEHIND: f64 = 0.2;
const POINTS: [&str; 3] = ["p50", "p99", "max"];

pub(super) fn measure(rig: &Rig) -> Result<Table> {
    let (mut bare, mut idle, mut loaded) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rig.runs {
        bare.push(rig.program("bare", &["fdatasync", "1000"])?);
        idle.push(rig.bench("--pickups 1000 --tasks 1")?["pickup_ms"].take());
        loaded.push(rig.bench("--pickups 0 --loaded --tasks 200000")?["pickup_loaded_ms"].take());
    }
    let mut table = Table::default();
    let bare = add(&mut table, "bare write of 16 KiB and fdatasync", &bare)?;
    let idle = add(&mut table, "pick-up by an idle host", &idle)?;
    let behind = idle[1] - bare[1];
    table.add("p99 of the pick-up behind that of the bare write", "ms", vec![behind]);
    table.note(format!("budget: {BEHIND} ms"));
    table.demand(behind <= BEHIND, || {
        format!("the pick-up's p99 is {behind:.3} ms behind the bare write's, more than {BEHIND} ms")
    });
    add(&mut table, "pick-up under the load of 1,024 slots", &loaded)?;
    Ok(table)
}

/// A row for each point; answers the medians.
fn add(table: &mut Table, what: &str, runs: &[Value]) -> Result<Vec<f64>> {
    let mut medians = Vec::new();
    for point in POINTS {
        let all = runs.iter().map(|run| number(run, &format!("/{point}"))).collect::<Result<Vec<_>>>()?;
        medians.push(table.add(format!("{what}, {point}"), "ms", all));
    }
    Ok(medians)
}
