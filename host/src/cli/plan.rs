//! `taskhost plan`.
//!
//! Not here: what is different (`taskhost_core::config::Plan`), how it is shown (`shown`). Start at [`plan`].

mod shown;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use taskhost_core::config::{Diff, Plan, taken};
use taskhost_core::ids::JobName;
use taskhost_core::time::UnixMicros;

use self::shown::{Reach, Sheet};
use self::waiting::Waiting;
use super::args::PlanArgs;
use super::check_file::{self, findings};
use super::client::Client;
use super::converse;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::boot::tools::{Catalog, FileCheck, FileReport, Manifest};
use crate::clock::{Clock as _, SystemClock};

/// What a running daemon says of itself.
#[derive(Debug, Default)]
struct Daemon {
    /// The next firing of each of its jobs that has one.
    next_at: BTreeMap<JobName, UnixMicros>,
    /// Those that were declared over HTTP.
    of_http: BTreeSet<JobName>,
    /// The names of the plugins that it has loaded.
    plugins: Vec<String>,
}

/// Shows what the file would change.
pub(super) fn plan(config: &Path, args: &PlanArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let file = args.file.as_deref().unwrap_or(config);
    let check = FileCheck::begin(file).map_err(|error| check_file::failed(&error))?;
    let mut report = check.check().map_err(|error| check_file::failed(&error))?;
    let name = file.display().to_string();
    let client = Client::find(check.file()).ok();
    let (reach, daemon) = match &client {
        Some(client) => ask(client)?,
        None => (Reach::Absent, None),
    };
    if let (Some(new), Some(daemon)) = (&report.draft.config, &daemon) {
        let taken = taken(&report.text, new, &daemon.of_http);
        report.draft.add(taken);
    }
    let new = match &report.draft.config {
        Some(new) if report.is_good() => new,
        Some(_) | None => {
            output.note(&findings(&name, &report));
            return Err(Failure::new(Exit::Failed, check_file::verdict(&name, &report))
                .hint("an edit with errors changes nothing: what was applied last goes on"));
        }
    };
    let applied = check.applied(new);
    let next_at = |job: &JobName| daemon.as_ref().and_then(|daemon| daemon.next_at.get(job).copied());
    let plan = Plan::of(applied.as_ref(), new, SystemClock.now(), next_at);
    let waiting = match client.filter(|_| daemon.is_some()) {
        Some(client) => waiting(&client, &plan.diff, output)?,
        None => Waiting::default(),
    };
    let sheet = Sheet { plan: &plan, waiting, old: applied.as_ref(), new, load: load(&report, daemon.as_ref()), reach };
    if let Reach::Silent(why) = &sheet.reach {
        output.note(&format!("the daemon did not answer: {why}\n"));
    }
    if args.json {
        return output.data(&(sheet.document(&name).to_string() + "\n"));
    }
    output.note(&sheet.compared_with());
    output.data(&sheet.text())
}

/// Asks how many tasks wait; what is not answered is not known, which is no failure of a plan.
fn waiting(client: &Client, diff: &Diff, output: &mut Output<'_>) -> Result<Waiting, Failure> {
    let mut waiting = Waiting::default();
    let conversation = async {
        waiting = Waiting::ask(client, diff).await?;
        Ok(())
    };
    match converse(conversation) {
        Ok(()) => Ok(waiting),
        Err(interrupted) if interrupted.exit == Exit::Interrupted => Err(interrupted),
        Err(failure) => {
            output.note(&format!("how many tasks wait is not known: {}\n", failure.message()));
            Ok(Waiting::default())
        }
    }
}

/// The plugins in the folders that the daemon has not loaded.
fn load<'a>(report: &'a FileReport, daemon: Option<&Daemon>) -> Vec<&'a Manifest> {
    let is_loaded = |manifest: &&Manifest| {
        daemon.is_some_and(|daemon| daemon.plugins.iter().any(|name| name == manifest.name.as_str()))
    };
    report.catalog.iter().flat_map(Catalog::manifests).filter(|manifest| !is_loaded(manifest)).collect()
}

#[derive(Debug, Deserialize)]
struct Jobs {
    jobs: Vec<Job>,
    next_cursor: Option<JobName>,
}

#[derive(Debug, Deserialize)]
struct Job {
    #[serde(rename = "job_id")]
    name: JobName,
    origin: String,
    next_at: Option<UnixMicros>,
}

#[derive(Debug, Deserialize)]
struct Plugins {
    plugins: Vec<Plugin>,
}

#[derive(Debug, Deserialize)]
struct Plugin {
    name: String,
    generation: u32,
}

/// Asks the daemon of the file. That there is none, or none that answers, is no failure of a plan; Ctrl-C is one.
fn ask(client: &Client) -> Result<(Reach, Option<Daemon>), Failure> {
    let mut daemon = Daemon::default();
    let conversation = async {
        let Plugins { plugins } = client.get("/api/v1/plugins").await?.read()?;
        let loaded = plugins.into_iter().filter(|plugin| plugin.generation > 0);
        daemon.plugins = loaded.map(|plugin| plugin.name).collect();
        let mut path = "/api/v1/jobs?limit=200".to_owned();
        loop {
            let Jobs { jobs, next_cursor } = client.get(&path).await?.read()?;
            for Job { name, origin, next_at } in jobs {
                if origin == "api" {
                    daemon.of_http.insert(name.clone());
                }
                daemon.next_at.extend(next_at.map(|next_at| (name, next_at)));
            }
            match next_cursor {
                Some(cursor) => path = format!("/api/v1/jobs?limit=200&cursor={cursor}"),
                None => return Ok(()),
            }
        }
    };
    match converse(conversation) {
        Ok(()) => Ok((Reach::Answered, Some(daemon))),
        Err(interrupted) if interrupted.exit == Exit::Interrupted => Err(interrupted),
        // Both places are always there where a daemon is.
        Err(absent) if absent.exit == Exit::NotFound => Ok((Reach::Absent, None)),
        Err(failure) => Ok((Reach::Silent(failure.message().to_owned()), None)),
    }
}
