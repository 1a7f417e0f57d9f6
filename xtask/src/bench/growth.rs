//! What a task costs beside many others: a backlog, many queues, many jobs. Each in turn with the least of it.

use anyhow::Result;

use super::rig::{Rig, number};
use super::table::Table;

/// What grows, the words that make it so, and what it is held against: the first of its group.
const GROUPS: [&[(&str, &str)]; 3] = [
    &[
        ("1,000 queued aside", "--backlog 1000"),
        ("100,000 queued aside", "--backlog 100000"),
        ("1,000,000 queued aside", "--backlog 1000000"),
    ],
    &[("1 queue of 1,000 slots", "--queues 1 --slots 1000"), ("1,000 queues of 1 slot", "--queues 1000 --slots 1")],
    &[("1 job", "--jobs 1"), ("100,000 jobs", "--jobs 100000")],
];

pub(super) fn measure(rig: &Rig) -> Result<Table> {
    let mut table = Table::default();
    for group in GROUPS {
        let mut all = vec![(Vec::new(), Vec::new(), Vec::new()); group.len()];
        for _ in 0..rig.runs {
            for ((_, words), (lives, memory, stored)) in group.iter().zip(&mut all) {
                let report = rig.bench(&format!("--pickups 0 --tasks 100000 {words}"))?;
                lives.push(number(&report, "/lifecycles_per_s")?);
                memory.push(number(&report, "/rss_mb")?);
                stored.extend(number(&report, "/backlog_per_s").ok());
            }
        }
        let mut least = None;
        for ((what, _), (lives, memory, stored)) in group.iter().zip(all) {
            let lives = table.add(format!("whole lives, {what}"), "/s", lives);
            let least = *least.get_or_insert(lives);
            table.note(format!("{:.2} × the first; budget: at most 1.5 × the time", lives / least));
            table.add(format!("resident memory, {what}"), "MB", memory);
            if !stored.is_empty() {
                table.add(format!("stored in process while none runs, {what}"), "/s", stored);
            }
        }
    }
    Ok(table)
}
