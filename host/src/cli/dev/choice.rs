//! Which task is run: what is asked for, else what was asked for the last time, else the sample of the crate's tasks.toml.
//!
//! Start at [`Choice::find`].

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use taskhost_core::config::Config;
use taskhost_core::ids::KindName;

use crate::boot;
use crate::cli::args::DevArgs;
use crate::cli::enqueue::read_json;
use crate::cli::failure::{Exit, Failure};

/// What is run.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) kind: KindName,
    pub(super) params: Box<RawValue>,
    pub(super) config: Option<Value>,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Asked(Asked),
    Again,
    Sample { job: String },
}

/// A task as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    kind: KindName,
    /// JSON, or `@` and an absolute path; such a file is read anew for each run.
    params: String,
}

impl Asked {
    fn params(&self) -> Result<Box<RawValue>, Failure> {
        read_json("params", &self.params)
    }
}

/// The file beside the library that keeps what was asked for. It goes when the build's folder is cleaned.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
}

impl Memory {
    pub(super) fn of(library: &Path) -> Self {
        Self { path: library.with_extension("dev.json") }
    }

    fn asked(&self) -> Option<Asked> {
        serde_json::from_slice(&std::fs::read(&self.path).ok()?).ok()
    }

    /// Keeps what was asked for, or forgets it if the sample was. For this user only: params may hold secrets.
    pub(super) fn keep(&self, choice: &Choice) -> io::Result<()> {
        match &choice.why {
            Why::Again => Ok(()),
            Why::Asked(asked) if self.asked().as_ref() == Some(asked) => Ok(()),
            Why::Asked(asked) => {
                let folder = self.path.parent().unwrap_or(Path::new("."));
                // A name that no plugin has: a daemon may watch the folder.
                let mut file = tempfile::Builder::new().suffix(".partial").tempfile_in(folder)?;
                serde_json::to_writer(&mut file, asked)?;
                file.flush()?;
                file.persist(&self.path).map(drop).map_err(|error| error.error)
            }
            Why::Sample { .. } => match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }
}

const SAY_IT: &str = "or say what to run: taskhost dev CRATE KIND --params JSON";

impl Choice {
    pub(super) fn find(args: &DevArgs, folder: &Path, memory: &Memory) -> Result<Self, Failure> {
        let asked = args.kind.clone().map(|kind| asked(kind, args.params.as_deref())).transpose()?;
        let remembered = if args.sample { None } else { memory.asked() };
        let (asked, why) = match (asked, remembered) {
            (Some(asked), _) => (asked.clone(), Why::Asked(asked)),
            (None, Some(asked)) => (asked, Why::Again),
            (None, None) => return Self::sample(args, folder),
        };
        let config = match given_config(args)? {
            Some(config) => Some(config),
            None if folder.join("tasks.toml").exists() => config_of_only_plugin(&declared(folder)?),
            None => None,
        };
        Ok(Self { params: asked.params()?, kind: asked.kind, config, why })
    }

    /// The first job of the crate's tasks.toml, and the config of the one plugin there.
    fn sample(args: &DevArgs, folder: &Path) -> Result<Self, Failure> {
        let declared = declared(folder)?;
        let first = declared.jobs.iter().min_by_key(|(_, job)| job.line);
        let (name, job) = first.ok_or_else(|| {
            Failure::new(Exit::NotFound, format!("{} declares no job", folder.join("tasks.toml").display()))
                .hint(format!("declare one as a sample, {SAY_IT}"))
        })?;
        let params = job.job.params.json().to_owned();
        let config = given_config(args)?;
        Ok(Self {
            kind: job.job.kind.clone(),
            params: RawValue::from_string(params).expect("a JSON value is JSON"),
            config: config.or_else(|| config_of_only_plugin(&declared)),
            why: Why::Sample { job: name.to_string() },
        })
    }

    /// What runs, and why that.
    pub(super) fn told(&self) -> String {
        let kind = &self.kind;
        match &self.why {
            Why::Asked(_) => format!("Running {kind}, as asked.\n"),
            Why::Again => format!("Running {kind} again, asked for the last time; --sample goes back to tasks.toml.\n"),
            Why::Sample { job } => format!("Running {kind}, the sample: job `{job}` of tasks.toml.\n"),
        }
    }
}

/// Whether somebody who typed this may have meant a kind.
pub(super) fn is_kind(word: &str) -> bool {
    KindName::new(word).is_ok() && !word.contains('/')
}

fn asked(kind: KindName, params: Option<&str>) -> Result<Asked, Failure> {
    let given = params.unwrap_or("{}");
    let params = match given.strip_prefix('@') {
        None => given.to_owned(),
        Some(file) => {
            let absolute = std::path::absolute(file);
            let unusable = |error| Failure::new(Exit::Usage, format!("cannot read the params `{given}`: {error}"));
            format!("@{}", absolute.map_err(unusable)?.display())
        }
    };
    Ok(Asked { kind, params })
}

fn given_config(args: &DevArgs) -> Result<Option<Value>, Failure> {
    args.plugin_config.as_deref().map(|config| read_json("plugin-config", config)).transpose()
}

fn declared(folder: &Path) -> Result<Config, Failure> {
    let declared = boot::read_config(&folder.join("tasks.toml"));
    declared.map_err(|error| Failure::reported(Exit::Failed, error.report()).hint(SAY_IT))
}

fn config_of_only_plugin(declared: &Config) -> Option<Value> {
    let only = declared.plugins.values().next().filter(|_| declared.plugins.len() == 1);
    only.map(|plugin| plugin.config.get_ref().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate with a tasks.toml, whose library would lie in the same folder.
    struct Scene(tempfile::TempDir);

    impl Scene {
        fn new(tasks: &str) -> Self {
            let scene = Self(tempfile::tempdir().unwrap());
            std::fs::write(scene.0.path().join("tasks.toml"), tasks).unwrap();
            scene
        }

        fn memory(&self) -> Memory {
            Memory::of(&self.0.path().join("libdemo.so"))
        }

        fn find(&self, args: &DevArgs) -> Result<Choice, Failure> {
            Choice::find(args, self.0.path(), &self.memory())
        }

        /// Runs it, as far as that is remembered; answers what was told.
        fn run(&self, args: &DevArgs) -> String {
            let choice = self.find(args).unwrap();
            self.memory().keep(&choice).unwrap();
            format!("{}{}", choice.told(), choice.params)
        }
    }

    fn unsaid() -> DevArgs {
        DevArgs { folder: ".".into(), kind: None, params: None, sample: false, plugin_config: None, once: true }
    }

    fn said(kind: &str, params: &str) -> DevArgs {
        DevArgs { kind: Some(KindName::new(kind).unwrap()), params: Some(params.to_owned()), ..unsaid() }
    }

    const TASKS: &str = "[plugins.demo]\nconfig = { a = 1 }\n[jobs.b]\nkind = \"demo.b\"\nparams = { n = 1 }\n\
                         [jobs.a]\nkind = \"demo.a\"\n";

    #[test]
    fn the_sample_is_the_first_job_and_the_config_is_that_of_the_only_plugin() {
        let choice = Scene::new(TASKS).find(&unsaid()).unwrap();
        assert_eq!((choice.kind.as_str(), choice.params.get()), ("demo.b", "{\"n\":1}"));
        assert_eq!(choice.config, Some(serde_json::json!({ "a": 1 })));
        assert_eq!(choice.told(), "Running demo.b, the sample: job `b` of tasks.toml.\n");
    }

    #[test]
    fn without_a_job_it_is_told_what_to_say() {
        let failure = Scene::new("").find(&unsaid()).unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        let report = failure.report;
        assert!(report.contains("declares no job") && report.contains("dev CRATE KIND --params JSON"), "{report}");
    }

    #[test]
    fn what_was_asked_for_is_run_again_until_the_sample_is_asked_for() {
        let scene = Scene::new(TASKS);
        assert_eq!(scene.run(&said("demo.c", "{\"x\":1.10}")), "Running demo.c, as asked.\n{\"x\":1.10}");
        let again = scene.run(&unsaid());
        assert!(again.starts_with("Running demo.c again") && again.ends_with("{\"x\":1.10}"), "{again}");
        assert_eq!(scene.find(&unsaid()).unwrap().config, Some(serde_json::json!({ "a": 1 })));
        assert!(scene.run(&DevArgs { sample: true, ..unsaid() }).starts_with("Running demo.b, the sample"));
        assert!(scene.run(&unsaid()).starts_with("Running demo.b, the sample"));
    }

    #[test]
    fn a_file_of_params_is_found_again_and_read_anew() {
        let scene = Scene::new(TASKS);
        let file = scene.0.path().join("params.json");
        std::fs::write(&file, "{\"n\":1}").unwrap();
        assert!(scene.run(&said("demo.c", &format!("@{}", file.display()))).ends_with("{\"n\":1}"));
        std::fs::write(&file, "{\"n\":2}").unwrap();
        assert!(scene.run(&unsaid()).ends_with("{\"n\":2}"));
        let relative = asked(KindName::new("demo.c").unwrap(), Some("@params.json")).unwrap();
        assert!(relative.params.starts_with("@/"), "{relative:?}");
    }

    #[test]
    fn only_this_user_reads_what_is_remembered() {
        use std::os::unix::fs::PermissionsExt as _;
        let scene = Scene::new(TASKS);
        scene.run(&said("demo.c", "{}"));
        let mode = std::fs::metadata(&scene.memory().path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
