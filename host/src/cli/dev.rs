//! `taskhost dev`: builds a plugin and runs a task of it, again whenever its code changes.
//!
//! The task runs in a child (`plugins run`), so that nothing which the code does ends this. Not here: noticing a change
//! (`boot::tools`). Start at [`dev`].

use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use super::args::DevArgs;
use super::enqueue::read_json;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::boot::{self, tools};

/// Builds and runs until Ctrl-C; once, if so asked, and then well if the task is.
pub(super) fn dev(args: &DevArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let manifest = args.folder.join("Cargo.toml").canonicalize().map_err(|error| {
        Failure::new(Exit::NotFound, format!("{} is no folder of a crate: {error}", args.folder.display()))
            .hint("name that of a plugin; `taskhost plugins new NAME` makes one")
    })?;
    if args.once {
        return round(args, &manifest);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| unwatched(&error))?;
    let ended = runtime.block_on(repeat(args, &manifest, output));
    // After a second Ctrl-C nobody waits for the child.
    runtime.shutdown_background();
    ended
}

async fn repeat(args: &DevArgs, manifest: &Path, output: &mut Output<'_>) -> Result<(), Failure> {
    // From before the first build: what is written meanwhile is built next.
    let watch = tools::watch_crate(folder_of(manifest)).map_err(|error| unwatched(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| unwatched(&error))?;
    loop {
        let (args, manifest) = (args.clone(), manifest.to_owned());
        let mut round = spawn_blocking(move || round(&args, &manifest));
        let made = tokio::select! {
            made = &mut round => made,
            _ = interrupt.recv() => {
                // The terminal has told the child too; it may take its time to stop.
                tokio::select! {
                    _ = &mut round => {}
                    _ = interrupt.recv() => {}
                }
                return Ok(());
            }
        };
        if let Ok(Err(failure)) = made {
            output.note(&failure.report);
        }
        output.note("\nWaiting for a change of the code; Ctrl-C ends.\n");
        tokio::select! {
            () = watch.changed() => {}
            _ = interrupt.recv() => return Ok(()),
        }
    }
}

fn unwatched(error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the system does not tell of changes: {error}")).hint("`--once` does without")
}

/// Builds the crate and runs the task, in children that write to this terminal.
fn round(args: &DevArgs, manifest: &Path) -> Result<(), Failure> {
    let library = build(manifest)?;
    let Sample { kind, params, config } = Sample::find(args, folder_of(manifest))?;
    let program = std::env::current_exe().map_err(|error| not_run("taskhost", &error))?;
    let mut command = Command::new(program);
    command.args(["plugins", "run"]).arg(library).args([kind.as_str(), "--params", params.get()]);
    // Paths in params mean to the task what they mean in the daemon of this crate.
    command.current_dir(folder_of(manifest)).stdin(Stdio::null());
    let ended = match config {
        None => command.status(),
        // Not among the words, which everybody on this machine can read.
        Some(config) => with_input(command.args(["--plugin-config", "-"]), &config.to_string()),
    };
    verdict(ended.map_err(|error| not_run("taskhost", &error))?)
}

fn with_input(command: &mut Command, input: &str) -> io::Result<ExitStatus> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    // A child that does not read it has said why.
    drop(child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())));
    child.wait()
}

/// What the child has said stands there already.
fn verdict(ended: ExitStatus) -> Result<(), Failure> {
    let exit = match (ended.code(), ended.signal()) {
        (Some(0), _) => return Ok(()),
        (Some(2), _) => Exit::Usage,
        (Some(3), _) => Exit::NotFound,
        (_, Some(signal)) => {
            return Err(Failure::new(Exit::Failed, format!("the task ended its process by signal {signal}")));
        }
        (_, None) => Exit::Failed,
    };
    Err(Failure::reported(exit, String::new()))
}

/// Builds the crate; answers its library.
fn build(manifest: &Path) -> Result<PathBuf, Failure> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--message-format=json-render-diagnostics"]).current_dir(folder_of(manifest));
    let built = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let built = built.map_err(|error| not_run("cargo", &error))?;
    if !built.status.success() {
        return Err(Failure::new(Exit::Failed, "the build failed"));
    }
    library_in(&String::from_utf8_lossy(&built.stdout), manifest).ok_or_else(|| {
        Failure::new(Exit::Failed, "the build made no shared library")
            .hint("a plugin has `crate-type = [\"cdylib\"]` under [lib] in its Cargo.toml")
    })
}

/// The shared library that this crate was built to, in what cargo says.
fn library_in(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let of_crate = |message: &Value| {
        let is_artifact = message["reason"] == "compiler-artifact";
        let types = message["target"]["crate_types"].as_array()?;
        let is_library = types.iter().any(|word| word == "cdylib");
        let is_ours = message["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest);
        let files = message["filenames"].as_array().filter(|_| is_artifact && is_library && is_ours)?;
        let mut files = files.iter().filter_map(Value::as_str).map(PathBuf::from);
        files.find(|file| file.extension().is_some_and(|found| found == std::env::consts::DLL_EXTENSION))
    };
    messages.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(|message| of_crate(&message))
}

/// What is run.
#[derive(Debug)]
struct Sample {
    kind: String,
    params: Box<RawValue>,
    config: Option<Value>,
}

impl Sample {
    /// What was said, else the first job of the crate's tasks.toml and the config of the one plugin there.
    fn find(args: &DevArgs, folder: &Path) -> Result<Self, Failure> {
        let config = args.plugin_config.as_deref().map(|config| read_json("plugin-config", config)).transpose()?;
        if let Some(kind) = &args.kind {
            let params = read_json("params", args.params.as_deref().unwrap_or("{}"))?;
            return Ok(Self { kind: kind.to_string(), params, config });
        }
        let declared = boot::read_config(&folder.join("tasks.toml"));
        let declared = declared.map_err(|error| {
            Failure::reported(Exit::Failed, error.report()).hint("or say what to run: --kind KIND --params JSON")
        })?;
        let job = declared.jobs.values().min_by_key(|job| job.line).ok_or_else(|| {
            Failure::new(Exit::NotFound, format!("{} declares no job", folder.join("tasks.toml").display()))
                .hint("declare one as a sample, or say what to run: --kind KIND --params JSON")
        })?;
        let only = declared.plugins.values().next().filter(|_| declared.plugins.len() == 1);
        let params = job.params.get_ref().to_string();
        Ok(Self {
            kind: job.kind.get_ref().to_string(),
            params: RawValue::from_string(params).expect("a JSON value is JSON"),
            config: config.or_else(|| only.map(|plugin| plugin.config.get_ref().clone())),
        })
    }
}

fn folder_of(manifest: &Path) -> &Path {
    manifest.parent().unwrap_or(Path::new("."))
}

fn not_run(program: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{program} cannot be run: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_that_of_the_crate() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/dep/Cargo.toml","target":{"crate_types":["cdylib"]},"filenames":["/t/libdep.so"]}
   noise
{"reason":"compiler-artifact","manifest_path":"/me/Cargo.toml","target":{"crate_types":["bin"]},"filenames":["/t/me"]}
{"reason":"compiler-artifact","manifest_path":"/me/Cargo.toml","target":{"crate_types":["rlib","cdylib"]},"filenames":["/t/libme.rlib","/t/libme.so"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(library_in(messages, Path::new("/me/Cargo.toml")), Some(PathBuf::from("/t/libme.so")));
        assert_eq!(library_in(messages, Path::new("/you/Cargo.toml")), None);
    }

    fn sample(tasks: &str) -> Result<Sample, Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tasks.toml"), tasks).unwrap();
        let (folder, unsaid) = (folder.path(), None::<String>);
        let args = DevArgs { folder: folder.to_owned(), kind: None, params: None, plugin_config: unsaid, once: true };
        Sample::find(&args, folder)
    }

    #[test]
    fn the_sample_is_the_first_job_and_the_config_of_the_only_plugin() {
        let tasks = "[plugins.demo]\nconfig = { a = 1 }\n[jobs.b]\nkind = \"demo.b\"\nparams = { n = 1 }\n\
                     [jobs.a]\nkind = \"demo.a\"\n";
        let Sample { kind, params, config } = sample(tasks).unwrap();
        assert_eq!((&*kind, params.get()), ("demo.b", "{\"n\":1}"));
        assert_eq!(config, Some(serde_json::json!({ "a": 1 })));
    }

    #[test]
    fn without_a_job_it_is_told_what_to_say() {
        let failure = sample("").unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        assert!(
            failure.report.contains("declares no job") && failure.report.contains("--kind KIND"),
            "{}",
            failure.report
        );
    }
}
