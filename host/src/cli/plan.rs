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

use self::shown::Sheet;
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
    let daemon = client.as_ref().and_then(ask);
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
    let waiting = client.filter(|_| daemon.is_some()).and_then(|client| waiting(&client, &plan.diff));
    let sheet = Sheet {
        plan: &plan,
        waiting: waiting.unwrap_or_default(),
        old: applied.as_ref(),
        new,
        load: load(&report, daemon.as_ref()),
        has_daemon: daemon.is_some(),
    };
    if args.json {
        return output.data(&(sheet.document(&name).to_string() + "\n"));
    }
    output.note(&sheet.compared_with());
    output.data(&sheet.text())
}

fn waiting(client: &Client, diff: &Diff) -> Option<Waiting> {
    let mut waiting = Waiting::default();
    let conversation = async {
        waiting = Waiting::ask(client, diff).await?;
        Ok(())
    };
    converse(conversation).ok()?;
    Some(waiting)
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

/// Asks the daemon of the file; none if there is no daemon, which is no failure of a plan.
fn ask(client: &Client) -> Option<Daemon> {
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
    converse(conversation).ok()?;
    Some(daemon)
}
