//! Whole lives of tasks a second through the real path, each in turn with bare SQLite.

use anyhow::Result;

use super::rig::{Rig, number};
use super::table::Table;

/// Slots, and how many tasks are enough to measure them.
const SIZES: [(u32, u32); 3] = [(10, 60_000), (100, 120_000), (1_024, 200_000)];
/// Whole lives at the most slots are to be at least so many times those of bare SQLite.
const FLOOR: f64 = 1.0;

pub(super) fn measure(rig: &Rig) -> Result<Table> {
    let (mut bare, mut scattered) = (Vec::new(), Vec::new());
    let (mut lives, mut stored) = (vec![Vec::new(); SIZES.len()], Vec::new());
    let mut memory = Vec::new();
    for _ in 0..rig.runs {
        for (place, (slots, tasks)) in SIZES.iter().enumerate() {
            bare.push(number(&rig.program("bare", &["sqlite", "200000"])?, "/lifecycles_per_s")?);
            let report = rig.bench(&format!("--pickups 0 --slots {slots} --tasks {tasks}"))?;
            lives[place].push(number(&report, "/lifecycles_per_s")?);
            if place == SIZES.len() - 1 {
                scattered.push(number(&rig.program("bare", &["scattered", "200000"])?, "/lifecycles_per_s")?);
                stored.push(number(&report, "/enqueue_per_s")?);
                memory.push(number(&report, "/rss_mb")?);
            }
        }
    }
    let mut table = Table::default();
    let bare = table.add("bare SQLite, 512 a transaction", "/s", bare);
    let scattered = table.add("the same with ids all by chance", "/s", scattered);
    for ((slots, _), lives) in SIZES.iter().zip(lives) {
        let ratio = table.add(format!("whole lives, {slots} slots"), "/s", lives) / bare;
        let by_chance = ratio * bare / scattered;
        table.note(format!("{ratio:.2} × bare, {by_chance:.2} × with ids by chance"));
        if *slots == 1_024 {
            table.note(format!(
                "{ratio:.2} × bare, {by_chance:.2} × with ids by chance; floor {FLOOR:.1} × bare, aim 2.0"
            ));
            table.demand(ratio >= FLOOR, || {
                format!("whole lives at {slots} slots are {ratio:.2} × bare SQLite, less than {FLOOR:.1}")
            });
        }
    }
    table.add("stored in process meanwhile, in batches of 1,000", "/s", stored);
    table.add("resident memory after the load, its producer included", "MB", memory);
    Ok(table)
}
