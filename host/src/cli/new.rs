//! `taskhost plugins new`: a crate that builds, tests and loads as it is written.

use std::path::{Path, PathBuf};

use super::args::PluginsNewArgs;
use super::failure::{Exit, Failure};
use super::output::Output;

/// The files of a new crate. `{{name}}`, `{{library}}` and `{{api}}` are filled in.
const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("templates/Cargo.toml.in")),
    ("src/lib.rs", include_str!("templates/lib.rs.in")),
    ("tasks.toml", include_str!("templates/tasks.toml.in")),
    (".gitignore", "/target\n/var\n"),
];

/// Writes the crate, and says what to do next.
pub(super) fn new(args: &PluginsNewArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let name = checked(&args.name)?;
    let folder = args.path.clone().unwrap_or_else(|| PathBuf::from(name));
    if folder.exists() {
        let message = format!("{} is there already", folder.display());
        return Err(
            Failure::new(Exit::Failed, message).hint("choose another name, or another place with --path FOLDER")
        );
    }
    let api = find_api(args.api.as_deref())?;
    let api = api.display().to_string();
    for (file, template) in FILES {
        let text = template.replace("{{name}}", name).replace("{{library}}", &name.replace('-', "_"));
        write(&folder.join(file), &text.replace("{{api}}", &toml_text(&api)))?;
    }
    let folder = folder.display();
    output.data(&format!("{folder}\n"))?;
    let library = format!("target/debug/lib{}.so", name.replace('-', "_"));
    output.note(&format!(
        "The plugin `{name}` is in {folder}. Next:\n  cd {folder}\n  cargo test    # its tests, without a daemon\n  \
         cargo build   # {library}\n  taskhost plugins check {library}\n  \
         taskhost dev  # builds and runs the sample of tasks.toml after each edit\n  \
         taskhost run  # a daemon for it: tasks.toml there names the plugin and a job\n  \
         taskhost enqueue --job sample --wait   # in a second terminal\n",
    ));
    Ok(())
}

/// A name that is good for a crate, a plugin and the first half of a kind.
fn checked(name: &str) -> Result<&str, Failure> {
    let starts = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    let rest = name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    if starts && rest && name.len() <= 50 && !name.ends_with('-') {
        return Ok(name);
    }
    let message = format!("`{name}` is not a name for a plugin");
    Err(Failure::new(Exit::Usage, message)
        .hint("a lower-case letter, then lower-case letters, digits and `-`, like `thumbs`"))
}

/// Where the crate `plugin-api` is: given, or in a folder above this one.
fn find_api(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let is_api =
        |folder: &Path| folder.join("include/taskhost_plugin.h").is_file() && folder.join("Cargo.toml").is_file();
    if let Some(given) = given {
        let found = given.canonicalize().ok().filter(|folder| is_api(folder));
        let message = || format!("{} is not the crate plugin-api", given.display());
        return found.ok_or_else(|| {
            Failure::new(Exit::NotFound, message()).hint("name its folder, the one with include/ in it")
        });
    }
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let above = here.ancestors().map(|folder| folder.join("plugin-api")).find(|folder| is_api(folder));
    above.ok_or_else(|| {
        Failure::new(Exit::NotFound, "the crate plugin-api is in no folder above this one")
            .hint("name it with --api PATH; it is in the repository of taskhost")
    })
}

/// The text between the quotes of a TOML string.
fn toml_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(args: &PluginsNewArgs) -> Result<(), Failure> {
        let (mut data, mut notes) = (Vec::new(), Vec::new());
        new(args, &mut Output::captured(&mut data, &mut notes))
    }

    #[test]
    fn a_new_crate_names_itself_and_the_api() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("thumbs");
        let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-api");
        let args = PluginsNewArgs { name: "big-thumbs".to_owned(), path: Some(folder.clone()), api: Some(api) };
        made(&args).unwrap();
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"big-thumbs\"") && manifest.contains("plugin-api\""), "{manifest}");
        let code = std::fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        assert!(code.contains("\"big-thumbs.greet\"") && !code.contains("{{"), "{code}");
        assert!(made(&args).unwrap_err().report.contains("is there already"));
    }

    #[test]
    fn a_bad_name_or_a_bad_api_is_refused_with_what_would_do() {
        let args = |name: &str, api: &str| PluginsNewArgs { name: name.to_owned(), path: None, api: Some(api.into()) };
        for name in ["Thumbs", "1st", "a b", "", "a-", "../a"] {
            assert_eq!(made(&args(name, "x")).unwrap_err().exit, Exit::Usage, "{name}");
        }
        let refused = made(&args("thumbs", "/")).unwrap_err();
        assert!(refused.report.contains("is not the crate plugin-api"), "{}", refused.report);
    }
}
