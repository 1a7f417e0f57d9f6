//! Runs one task of one library in this process: no daemon, no store.
//!
//! A checkpoint counts as saved as soon as it is made and lives as long as the run; follow-ups are listed, not run.
//! Not here: what is shown meanwhile (`cli`). Start at [`run`].

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use taskhost_core::duration::DurationText;
use taskhost_core::ids::{KindName, LeaseId, PluginName, TaskId};
use taskhost_core::secret::escaped;
use taskhost_core::submit::NewTask;
use taskhost_core::view::Progress;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::RunError;
use super::listed::Listed;
use super::scratch::Scratch;
use crate::boot::BootError;
use crate::chance::Chance;
use crate::clock::{Clock, SystemClock, sleep};
use crate::events::Events;
use crate::plugins::check::manifest_of;
use crate::plugins::describe::DescribeOptions;
use crate::plugins::{Attempt, Executor, InProcess, Kind, Kinds, Outcome, PluginSettings, Registry, Report, Search};

/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long the task may go on after it was told to stop.
const GRACE: Duration = Duration::from_secs(2);
/// How long the plugin may take to end its threads.
const PLUGIN_TIME: Duration = Duration::from_secs(1);

/// What is to be run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The library.
    pub file: PathBuf,
    /// One of its kinds.
    pub kind: KindName,
    /// What the task gets, as it was written.
    pub params: Box<RawValue>,
    /// The number that the attempt believes to have, from 1.
    pub attempt: u32,
    /// The checkpoint that it goes on from.
    pub state: Option<Box<RawValue>>,
    /// The config of the plugin.
    pub config: Option<Value>,
    /// How long it may take; none: as the kind says.
    pub timeout: Option<Duration>,
}

/// What happens while it runs.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// It goes on; `unit` is what is counted, and may be empty.
    Progress {
        /// What it reported last.
        progress: &'a Progress,
        /// From the kind.
        unit: &'a str,
    },
    /// It was told to stop.
    Cancelling,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Its result as JSON, or why there is none.
    pub outcome: Result<String, Unfinished>,
    /// The last checkpoint of this run, JSON.
    pub state: Option<String>,
    /// The tasks that it made.
    pub follow_ups: Vec<NewTask>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// A word for programs: `panic`, `error`, `timeout`, what the plugin gave.
    pub code: String,
    /// What people read.
    pub message: String,
}

/// Runs one attempt, tells `hear` what happens, and waits for its end. SIGINT and SIGTERM cancel it; a second one ends at once.
/// # Errors
/// [`RunError`] if the attempt could not begin, or was not waited for.
pub fn run(request: &RunRequest, hear: &mut dyn FnMut(News<'_>)) -> Result<Ran, RunError> {
    let scratch = Scratch::new()?;
    let registry = load(request, scratch.path())?;
    let kind = find(&registry, &request.kind)?;
    let errors: Vec<_> = match serde_json::from_str(request.params.get()) {
        Ok(params) => kind.check_params(&params).into_iter().map(|error| (error.pointer, error.message)).collect(),
        Err(error) => vec![(String::new(), error.to_string())],
    };
    if !errors.is_empty() {
        return Err(RunError::Params { kind: kind.name.clone(), errors });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| BootError::system("start a timer in", scratch.path(), source))?;
    runtime.block_on(attend(request, kind, registry, hear))
}

/// The registry of a folder with a copy of the library alone.
fn load(request: &RunRequest, scratch: &Path) -> Result<Registry, RunError> {
    let folder = scratch.join("plugins");
    let copy = folder.join("library").with_extension(std::env::consts::DLL_EXTENSION);
    let unusable = |source| BootError::system("copy", &request.file, source);
    fs::create_dir(&folder).map_err(unusable)?;
    fs::copy(&request.file, &copy).map_err(unusable)?;
    let (state, describe) = (scratch.join("state"), DescribeOptions::default());
    let manifest = manifest_of(&copy, &state, describe.clone()).map_err(|error| RunError::from_load(&error))?;
    // References to secrets are for tasks.toml alone.
    let literal = |config: &Value| serde_json::from_str(&escaped(&config.to_string())).expect("JSON, as it was");
    let settings = PluginSettings { config: request.config.as_ref().map(literal), allow_in_process: true };
    let settings = BTreeMap::<PluginName, _>::from([(manifest.name, settings)]);
    let registry = Registry::scan(Search { folders: vec![folder], state, settings, describe });
    let registry = registry.map_err(BootError::from)?;
    let refused = registry.plugins().into_iter().find_map(|plugin| plugin.error);
    refused.map_or(Ok(registry), |error| {
        // What is behind it is meant for operators.
        let message = error.lines().take_while(|line| !line.starts_with("hint: ")).collect::<Vec<_>>().join("\n");
        Err(RunError::Refused { message, hint: Some("its config is what --plugin-config says, else {}".to_owned()) })
    })
}

fn find(registry: &Registry, name: &KindName) -> Result<Arc<Kind>, RunError> {
    registry.find(name).ok_or_else(|| RunError::UnknownKind {
        kind: name.clone(),
        closest: registry.closest(name.as_str()),
        all: registry.all().iter().map(|kind| kind.name.clone()).collect(),
    })
}

/// The one task, and what was heard of it.
#[derive(Debug)]
struct Watched<'a> {
    executor: &'a InProcess,
    task: TaskId,
    unit: String,
    shown: Option<Progress>,
    state: Option<String>,
    follow_ups: Vec<NewTask>,
}

async fn attend(
    request: &RunRequest,
    kind: Arc<Kind>,
    registry: Registry,
    hear: &mut dyn FnMut(News<'_>),
) -> Result<Ran, RunError> {
    let unheard = |source| BootError::system("hear signals in", Path::new("."), source);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let (clock, kinds) = (Arc::new(SystemClock), Arc::new(registry));
    let task = Chance::default().task_id(clock.now());
    let (reporting, mut reports) = mpsc::unbounded_channel();
    let listed = Arc::new(Listed { kinds: Arc::clone(&kinds) as Arc<dyn Kinds>, task });
    let executor = InProcess::new(reporting, listed, Events::default(), clock, GRACE);
    let unit = kind.unit.clone();
    executor.start(vec![attempt(request, task, kind)]);
    let mut watched = Watched { executor: &executor, task, unit, shown: None, state: None, follow_ups: Vec::new() };
    let mut told = false;
    let outcome = loop {
        tokio::select! {
            biased;
            () = stop(&mut interrupt, &mut terminate) => {
                if told {
                    return Err(RunError::StoppedAtOnce);
                }
                told = true;
                executor.cancel(task, LeaseId::FIRST);
                hear(News::Cancelling);
            }
            Some(heard) = reports.recv() => {
                if let Some(outcome) = watched.take(heard, hear) {
                    break outcome;
                }
                // One that saves all the time would leave no time for the look below.
                watched.show(executor.progress(task), hear);
            }
            () = sleep(LOOK) => watched.show(executor.progress(task), hear),
        }
    };
    tokio::select! {
        () = executor.shut_down(&kinds.all(), PLUGIN_TIME) => {}
        () = sleep(PLUGIN_TIME) => {}
    }
    Ok(Ran { outcome: result(outcome), state: watched.state, follow_ups: watched.follow_ups })
}

async fn stop(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn attempt(request: &RunRequest, task: TaskId, kind: Arc<Kind>) -> Attempt {
    let queue = kind.queue.clone().unwrap_or_default();
    let context = json!({ "max_attempts": request.attempt, "queue": queue });
    let json = |written: &RawValue| written.get().as_bytes().to_vec();
    Attempt {
        task,
        lease: LeaseId::FIRST,
        attempt: request.attempt,
        params: json(&request.params),
        state: request.state.as_deref().map(json).unwrap_or_default(),
        context: context.to_string().into_bytes(),
        timeout: request.timeout.or(kind.timeout),
        follow_ups: 0,
        queue,
        kind,
    }
}

impl Watched<'_> {
    /// Takes in what the task says; answers how it ended, if it has.
    fn take(&mut self, reports: Vec<Report>, hear: &mut dyn FnMut(News<'_>)) -> Option<Outcome> {
        for report in reports {
            match report {
                Report::Saved { lease, ticket, state, follow_ups, .. } => {
                    self.state = Some(String::from_utf8_lossy(&state).into_owned());
                    self.follow_ups.extend(follow_ups);
                    self.executor.saved(self.task, lease, ticket);
                }
                // Its lines were shown when they came.
                Report::Logged { .. } => {}
                Report::Ended { outcome, progress, follow_ups, .. } => {
                    self.show(progress, hear);
                    if keeps_follow_ups(&outcome) {
                        self.follow_ups.extend(follow_ups);
                    }
                    return Some(outcome);
                }
            }
        }
        None
    }

    /// Tells of a progress that was not told yet.
    fn show(&mut self, progress: Option<Progress>, hear: &mut dyn FnMut(News<'_>)) {
        if let Some(progress) = progress
            && self.shown.as_ref() != Some(&progress)
        {
            hear(News::Progress { progress: &progress, unit: &self.unit });
            self.shown = Some(progress);
        }
    }
}

/// As in the daemon: any other end forgets the tasks that were made since the last save.
fn keeps_follow_ups(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done(_) | Outcome::Suspended { .. } => true,
        Outcome::Failed { .. }
        | Outcome::RateLimited { .. }
        | Outcome::Interrupted
        | Outcome::Cancelled
        | Outcome::TimedOut(_) => false,
    }
}

fn result(outcome: Outcome) -> Result<String, Unfinished> {
    let text = |json: Vec<u8>| String::from_utf8_lossy(&json).into_owned();
    let unfinished = |code: &str, message: String| Err(Unfinished { code: code.to_owned(), message });
    match outcome {
        Outcome::Done(json) => Ok(text(json)),
        Outcome::Failed { code, message, .. } => Err(Unfinished { code, message }),
        Outcome::Suspended { until, state } => {
            unfinished("suspended", format!("it goes on at {until} from the state {}", text(state)))
        }
        Outcome::RateLimited { until, message } => {
            unfinished("rate-limited", format!("it is to be tried again at {until}: {message}"))
        }
        Outcome::Interrupted => unfinished("interrupted", "it was interrupted".to_owned()),
        Outcome::Cancelled => unfinished("cancelled", "it was cancelled".to_owned()),
        Outcome::TimedOut(limit) => {
            unfinished("timeout", format!("timed out after {}", DurationText::from(limit).in_words()))
        }
    }
}

#[cfg(test)]
mod tests {
    use taskhost_core::time::UnixMicros;

    use super::*;

    #[test]
    fn a_suspended_attempt_keeps_the_tasks_that_it_made_and_an_interrupted_one_does_not() {
        assert!(keeps_follow_ups(&Outcome::Suspended { until: UnixMicros::from_micros(0), state: b"7".to_vec() }));
        assert!(keeps_follow_ups(&Outcome::Done(b"1".to_vec())));
        assert!(!keeps_follow_ups(&Outcome::Interrupted));
        assert!(!keeps_follow_ups(&Outcome::TimedOut(Duration::from_secs(2))));
    }

    #[test]
    fn every_end_but_a_good_one_has_a_code() {
        let failed =
            Outcome::Failed { fatal: true, delay: None, code: "panic".to_owned(), message: "at a.rs:1".to_owned() };
        let shown = |outcome| match result(outcome) {
            Ok(json) => json,
            Err(Unfinished { code, message }) => format!("{code}: {message}"),
        };
        assert_eq!(shown(Outcome::Done(b"[1]".to_vec())), "[1]");
        assert_eq!(shown(failed), "panic: at a.rs:1");
        assert_eq!(shown(Outcome::TimedOut(Duration::from_secs(2))), "timeout: timed out after 2 s");
        let suspended = Outcome::Suspended { until: UnixMicros::from_micros(0), state: b"7".to_vec() };
        assert_eq!(shown(suspended), "suspended: it goes on at 1970-01-01T00:00:00.000000Z from the state 7");
        assert_eq!(shown(Outcome::Cancelled), "cancelled: it was cancelled");
    }
}
