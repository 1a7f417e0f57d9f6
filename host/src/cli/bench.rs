//! `taskhost bench`.
//!
//! Not here: measuring (`boot::bench`).

use serde_json::json;
use taskhost_core::config::Durability;

use super::args::{BenchArgs, Safety};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::render::tame;
use crate::boot::bench::{self, BenchError, BenchReport, BenchRequest, Pickups, Stage};

/// Measures, and shows it.
pub(super) fn bench(args: &BenchArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let durability = match args.durability {
        Safety::Full => Durability::Full,
        Safety::Relaxed => Durability::Relaxed,
    };
    let BenchArgs { tasks, slots, pickups, loaded, backlog, queues, jobs, .. } = *args;
    let plugins = args.plugins.clone();
    let request = BenchRequest { tasks, slots, pickups, loaded, backlog, queues, jobs, durability, plugins };
    let report =
        bench::bench(&request, &mut |stage| output.note(&said(stage, args))).map_err(|error| failed(&error))?;
    output.data(&if args.json { document(args, &report) } else { shown(args, &report) })
}

fn said(stage: Stage, args: &BenchArgs) -> String {
    match stage {
        Stage::Backlog if args.backlog == 0 => String::new(),
        Stage::Backlog => format!("A backlog of {} tasks is stored.\n", args.backlog),
        Stage::Pickups if args.pickups == 0 => String::new(),
        Stage::Pickups => format!("The idle host picks up {} tasks, 100 a second.\n", args.pickups),
        Stage::Load => format!("The load of {} tasks runs.\n", args.tasks),
        Stage::Check => "Every task of it is read back.\n".to_owned(),
    }
}

fn failed(error: &BenchError) -> Failure {
    let exit = if matches!(error, BenchError::Stopped) { Exit::Interrupted } else { Exit::Failed };
    let failure = Failure::new(exit, tame(&error.to_string()));
    match error.hint() {
        Some(hint) => failure.hint(tame(&hint)),
        None => failure,
    }
}

fn word(safety: Safety) -> &'static str {
    match safety {
        Safety::Full => "full",
        Safety::Relaxed => "relaxed",
    }
}

fn document(args: &BenchArgs, report: &BenchReport) -> String {
    let waits = |waits: Pickups| json!({ "p50": rounded(waits.p50, 3), "p99": rounded(waits.p99, 3), "max": rounded(waits.max, 3) });
    let mut document = json!({
        "lifecycles_per_s": rounded(report.lifecycles_per_s, 0),
        "enqueue_per_s": rounded(report.enqueue_per_s, 0),
        "pickup_ms": report.pickup.map(waits),
        "rss_mb": rounded(report.rss_mb, 1),
        "durability": word(args.durability),
        "slots": args.slots,
    });
    if let Some(loaded) = report.loaded {
        document["pickup_loaded_ms"] = waits(loaded);
    }
    if let Some(backlog) = report.backlog_per_s {
        document["backlog_per_s"] = json!(rounded(backlog, 0));
    }
    format!("{document}\n")
}

fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (number * scale).round() / scale
}

fn shown(args: &BenchArgs, report: &BenchReport) -> String {
    let rate = |per_s: f64| format!("{per_s:.0} a second");
    let waits = |waits: Pickups| format!("p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms", waits.p50, waits.p99, waits.max);
    let rows = [
        ("whole lives", Some(rate(report.lifecycles_per_s))),
        ("stored meanwhile", Some(rate(report.enqueue_per_s))),
        ("stored while none runs", report.backlog_per_s.map(rate)),
        ("pick-up by an idle host", report.pickup.map(waits)),
        ("pick-up under load", report.loaded.map(waits)),
        ("resident memory", Some(format!("{:.1} MB", report.rss_mb))),
    ];
    let rows = rows.into_iter().filter_map(|(name, measured)| Some(format!("{name:24}{}\n", measured?)));
    let head = format!("{} tasks, {} slots, durability {}\n", args.tasks, args.slots, word(args.durability));
    std::iter::once(head).chain(rows).collect()
}
