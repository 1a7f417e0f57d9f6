//! `taskhost plugins run`: the result on stdout; on stderr how far it is, and what the plugin logs.

use taskhost_core::duration::DurationText;
use taskhost_core::submit::NewTask;

use super::args::PluginsRunArgs;
use super::check::must_be_there;
use super::enqueue::read_json;
use super::failure::{Exit, Failure};
use super::meter::Meter;
use super::output::Output;
use super::render::{tame, tame_json};
use crate::boot::tools::{self, News, Ran, RunError, RunRequest, Unfinished};
use crate::telemetry;

/// Runs the task; well only if it completed.
pub(super) fn run(args: &PluginsRunArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    if let Some(parent) = args.parent {
        tools::end_with(parent).map_err(|error| Failure::new(Exit::Failed, error))?;
    }
    must_be_there(&args.file)?;
    let request = request(args)?;
    let mut meter = Meter::new();
    let above = meter.above();
    telemetry::start_for_plugin(move || above.again());
    let ran = tools::run(&request, &mut |news| match news {
        News::Progress { progress, unit } => meter.show(progress, unit, output),
        News::Cancelling => output.note("Cancelling; once more ends at once.\n"),
    });
    meter.end(output);
    let ran = ran.map_err(|error| failed(&error))?;
    output.note(&beside(&ran));
    match ran.outcome {
        Ok(result) => output.data(&(tame_json(&result) + "\n")),
        Err(Unfinished { code, message }) => {
            Err(Failure::new(Exit::Failed, format!("the task did not complete: {code}: {}", tame(&message))))
        }
    }
}

fn request(args: &PluginsRunArgs) -> Result<RunRequest, Failure> {
    let params = args.params.as_deref().unwrap_or("{}");
    let state = args.state.as_deref().map(|state| read_json("state", state));
    let config = args.plugin_config.as_deref().map(|config| read_json("plugin-config", config));
    Ok(RunRequest {
        file: args.file.clone(),
        kind: args.kind.clone(),
        params: read_json("params", params)?,
        attempt: args.attempt,
        state: state.transpose()?,
        config: config.transpose()?,
        timeout: args.timeout.map(DurationText::get),
    })
}

fn failed(error: &RunError) -> Failure {
    let exit = if matches!(error, RunError::UnknownKind { .. }) { Exit::NotFound } else { Exit::Failed };
    let failure = Failure::new(exit, tame(&error.to_string()));
    match error.hint() {
        Some(hint) => failure.hint(tame(&hint)),
        None => failure,
    }
}

/// What the task left behind beside its result.
fn beside(ran: &Ran) -> String {
    let state = ran.state.as_ref().filter(|_| ran.outcome.is_err());
    let state = state.map(|state| format!("The last checkpoint, to go on from with --state: {}\n", tame(state)));
    let params = |task: &NewTask| tame(&String::from_utf8_lossy(&task.params));
    let follow_ups = ran.follow_ups.iter().map(|task| format!("follow-up, not run: {} {}\n", task.kind, params(task)));
    state.into_iter().chain(follow_ups).collect()
}
