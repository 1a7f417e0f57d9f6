//! `taskhost doctor`.
//!
//! Not here: what is looked at (`boot::tools`).

use std::path::Path;

use serde_json::{Value, json};

use super::args::DoctorArgs;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::render::tame;
use crate::boot::tools::{self, Examined, Verdict};

/// Shows what is looked at, each with what to do if it is not good; well if nothing is wrong.
pub(super) fn doctor(config: &Path, args: &DoctorArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let examined = tools::examine(config, args.full);
    let wrong = examined.iter().filter(|examined| examined.verdict == Verdict::Bad).count();
    if args.json {
        output.data(&(document(&examined).to_string() + "\n"))?;
    } else {
        output.data(&examined.iter().map(shown).collect::<String>())?;
    }
    match wrong {
        0 => Ok(()),
        _ if args.json => Err(Failure::reported(Exit::Failed, String::new())),
        wrong => Err(Failure::new(Exit::Failed, format!("{wrong} of {} checks failed", examined.len()))),
    }
}

/// The names are aligned under each other, and hints under the details.
fn shown(examined: &Examined) -> String {
    let Examined { name, verdict, detail, hint } = examined;
    let line = |text: &str| tame(text).replace('\n', &format!("\n{:24}", ""));
    let hint = hint.as_ref().map(|hint| format!("{:24}hint: {}\n", "", line(hint))).unwrap_or_default();
    format!("{:9}{name:15}{}\n{hint}", verdict.as_str(), line(detail))
}

fn document(examined: &[Examined]) -> Value {
    let check = |examined: &Examined| {
        let Examined { name, verdict, detail, hint } = examined;
        json!({ "name": name, "status": verdict.as_str(), "detail": detail, "hint": hint })
    };
    let worst = examined.iter().map(|examined| examined.verdict).max().unwrap_or(Verdict::Good);
    json!({ "status": worst.as_str(), "checks": examined.iter().map(check).collect::<Vec<_>>() })
}
