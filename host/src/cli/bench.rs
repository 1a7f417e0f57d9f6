//! `taskhost bench`.
//!
//! Not here: measuring (`boot::bench`).

use serde_json::json;
use taskhost_core::config::Durability;

use super::args::{BenchArgs, Safety};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::render::tame;
use crate::boot::bench::{self, BenchError, BenchReport, BenchRequest, Stage};

/// Measures, and shows it.
pub(super) fn bench(args: &BenchArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let durability = match args.durability {
        Safety::Full => Durability::Full,
        Safety::Relaxed => Durability::Relaxed,
    };
    let BenchArgs { tasks, slots, pickups, .. } = *args;
    let request = BenchRequest { tasks, slots, pickups, durability, plugins: args.plugins.clone() };
    let report =
        bench::bench(&request, &mut |stage| output.note(&said(stage, args))).map_err(|error| failed(&error))?;
    output.data(&if args.json { document(args, &report) } else { shown(args, &report) })
}

fn said(stage: Stage, args: &BenchArgs) -> String {
    match stage {
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
    let pickup = report.pickup.map(
        |pickup| json!({ "p50": rounded(pickup.p50, 3), "p99": rounded(pickup.p99, 3), "max": rounded(pickup.max, 3) }),
    );
    let document = json!({
        "lifecycles_per_s": rounded(report.lifecycles_per_s, 0),
        "enqueue_per_s": rounded(report.enqueue_per_s, 0),
        "pickup_ms": pickup,
        "rss_mb": rounded(report.rss_mb, 1),
        "durability": word(args.durability),
        "slots": args.slots,
    });
    format!("{document}\n")
}

fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (number * scale).round() / scale
}

fn shown(args: &BenchArgs, report: &BenchReport) -> String {
    let BenchReport { lifecycles_per_s, enqueue_per_s, pickup, rss_mb } = *report;
    let pickup = pickup.map(|pickup| {
        format!(
            "{:24}p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms\n",
            "pick-up by an idle host", pickup.p50, pickup.p99, pickup.max
        )
    });
    let (tasks, slots, durability) = (args.tasks, args.slots, word(args.durability));
    format!(
        "{tasks} tasks, {slots} slots, durability {durability}\n\
         {:24}{lifecycles_per_s:.0} a second\n\
         {:24}{enqueue_per_s:.0} a second\n\
         {}\
         {:24}{rss_mb:.1} MB\n",
        "whole lives",
        "stored meanwhile",
        pickup.unwrap_or_default(),
        "resident memory",
    )
}
