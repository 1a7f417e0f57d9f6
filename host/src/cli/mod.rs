//! The command line. What needs a daemon is asked over its socket; `run` is the daemon, `cron next` needs none.
//!
//! Not here: what the daemon does (`boot`), what its answers mean (`api`). Start at [`main`].

mod about;
mod add_job;
mod args;
mod backup_store;
mod bars;
mod bench;
mod check;
mod check_file;
mod client;
mod config;
mod cron;
mod dev;
mod doctor;
mod enqueue;
mod events;
mod failure;
mod feed;
mod follow;
mod jobs;
mod listing;
mod logs;
mod meter;
mod new;
mod output;
mod plan;
mod plugins;
mod queues;
mod render;
mod run;
mod schema;
mod table;
mod task_list;
mod tasks;
mod watch;

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use crate::boot::{self, Options};
use crate::telemetry::{self, LogFormat};
use args::{Cli, Command, CronCommand, DescribeArgs, PluginsArgs, PluginsCommand};
use client::Client;
use failure::{Exit, Failure, interrupt};
use output::Output;

/// Does what the words ask for: 0 is well, 1 failed, 2 wrong words, 3 not found or no daemon, 130 ended by Ctrl-C.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(said) => {
            // Help and the version are no errors; a reader that has gone away is none either.
            drop(said.print());
            return if said.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    let mut output = Output::standard();
    match act(&cli, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.note(&failure.report);
            failure.exit.into()
        }
    }
}

fn act(cli: &Cli, output: &mut Output<'_>) -> Result<(), Failure> {
    let config = &cli.config;
    match &cli.command {
        Command::Run(args) => daemon(args.log_format, &Options { config: cli.config.clone(), strict: args.strict }),
        Command::Check(args) => check_file::check(config, args, output),
        Command::Plan(args) => plan::plan(config, args, output),
        Command::Schema(args) => schema::schema(config, args, output),
        Command::Cron { command: CronCommand::Next(args) } => cron::next(args, output),
        Command::Enqueue(args) => {
            let task = enqueue::NewTask::read(args)?;
            talk(config, output, async |client, output| enqueue::enqueue(args, &task, client, output).await)
        }
        Command::Tasks(args) => talk(config, output, async |client, output| tasks::act(args, client, output).await),
        Command::Jobs(args) => talk(config, output, async |client, output| jobs::act(args, client, output).await),
        Command::Queues(args) => talk(config, output, async |client, output| queues::act(args, client, output).await),
        Command::Dead(args) => talk(config, output, async |client, output| task_list::dead(args, client, output).await),
        Command::Config(args) => talk(config, output, async |client, output| config::act(args, client, output).await),
        Command::Doctor(args) => doctor::doctor(config, args, output),
        Command::BackupStore(args) => backup_store::backup_store(config, args, output),
        Command::Bench(args) => bench::bench(args, output),
        Command::Events(args) => {
            talk(config, output, async |client, output| events::events(args, client, output).await)
        }
        Command::Openapi => about::openapi(output),
        Command::Completions(args) => about::completions(args.shell, output),
        Command::Man(args) => about::man(args.folder.as_deref(), output),
        Command::Dev(args) => dev::dev(args, output),
        Command::Describe(args) => describe(args, output),
        Command::Plugins(PluginsArgs { command: Some(PluginsCommand::New(args)), .. }) => new::new(args, output),
        Command::Plugins(PluginsArgs { command: Some(PluginsCommand::Check(args)), json }) => {
            check::check(args, *json, output)
        }
        Command::Plugins(PluginsArgs { command: Some(PluginsCommand::Run(args)), .. }) => run::run(args, output),
        Command::Plugins(PluginsArgs { command: Some(PluginsCommand::Show { name }), json }) => {
            talk(config, output, async |client, output| plugins::show(name, *json, client, output).await)
        }
        Command::Plugins(PluginsArgs { command: None | Some(PluginsCommand::List), json }) => {
            talk(config, output, async |client, output| plugins::list(*json, client, output).await)
        }
    }
}

fn daemon(format: LogFormat, options: &Options) -> Result<(), Failure> {
    telemetry::start(format);
    boot::run(options).map_err(|error| match format {
        LogFormat::Human if io::stderr().is_terminal() => Failure::reported(Exit::Failed, error.report()),
        LogFormat::Human => Failure::reported(Exit::Failed, error.report_for_log()),
        // What reads the log reads this too: it is to be a line like the others.
        LogFormat::Json => {
            tracing::error!(%error, report = error.report_for_log(), "The daemon has ended.");
            Failure::reported(Exit::Failed, String::new())
        }
    })
}

fn describe(args: &DescribeArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let described = boot::describe(&args.file, args.parent, args.truncated_host);
    let answer = described.map_err(|error| Failure::reported(Exit::Failed, error.report()))?;
    // The library may have written to the standard output without ending its line.
    output.data(&format!("\n{answer}\n"))?;
    if answer.is_usable() { Ok(()) } else { Err(Failure::reported(Exit::Failed, String::new())) }
}

/// Talks with the daemon that a `tasks.toml` declares.
fn talk(
    config: &Path,
    output: &mut Output<'_>,
    conversation: impl AsyncFnOnce(&Client, &mut Output<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let client = Client::find(config)?;
    if let Some(note) = Client::missing(config) {
        output.note(&note);
    }
    converse(conversation(&client, output))
}

/// Runs a conversation with the daemon on this thread, until Ctrl-C.
fn converse(conversation: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Failed, format!("the system gives no timer: {error}")))?;
    runtime.block_on(async {
        tokio::select! {
            // First, as it may have to say what becomes of what was begun.
            biased;
            ended = conversation => ended,
            () = interrupt() => Err(Failure::interrupted(String::new())),
        }
    })
}
