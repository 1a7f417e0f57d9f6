//! `taskhost check`: everything that is wrong with a file, without a daemon.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;

use serde_json::Value;
use taskhost_tests::{Program, Scene, binary, built_plugins};

/// A scene whose plugin folder has the same name on every machine.
fn scene(rest: &str) -> Scene {
    let scene = Scene::with_plugins(rest, &["plugins".into()]);
    symlink(built_plugins(), scene.file("plugins")).expect("a link to the built plugins");
    scene
}

const WRONG: &str = r#"
[plugins.prob]
allow_in_process = true

[plugins.files]
config = { a = 1 }

[jobs.mistyped]
kind     = "files.checksun"
params   = { path = "Cargo.lock" }

[jobs.inline]
kind     = "backup.create"
params   = { source = 3, targt = "x", foo = [1] }
schedule = { cron = "0 0 30 2 *" }

[jobs.subtable]
kind = "backup.create"
[jobs.subtable.params]
source = "docs"

[jobs.without]
kind = "files.checksum"

[jobs.dotted]
kind      = "probe.sleep"
params.ms = "long"
schedule  = { evry = "1d" }
"#;

#[test]
fn every_mistake_is_shown_at_once_each_at_its_place() {
    let ran = scene(WRONG).taskhost(&["check"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""));
    insta::assert_snapshot!("check_wrong", ran.stderr);
}

#[test]
fn a_good_file_is_one_line_and_leaves_nothing_behind() {
    let scene = scene("[jobs.a]\nkind = \"probe.noop\"\n[jobs.b]\nkind = \"probe.sleep\"\nparams = { ms = 1 }\n");
    let ran = scene.taskhost(&["check"]);
    let line = "tasks.toml is good: 2 jobs, 1 queue, 4 plugins with ";
    assert!(ran.code == Some(0) && ran.stdout.is_empty() && ran.stderr.starts_with(line), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(!scene.file("var").exists(), "it is no daemon");
}

#[test]
fn a_file_elsewhere_is_checked_from_its_own_folder() {
    let scene = scene("[jobs.a]\nkind = \"probe.noop\"\n");
    let file = scene.file("tasks.toml").display().to_string();
    let ran = Scene::new("").taskhost(&["check", &file]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = Scene::new("").taskhost(&["check", "nowhere.toml"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("error: cannot read "), "{}", ran.stderr);
}

#[test]
fn folders_and_libraries_that_are_no_good_are_told() {
    let scene =
        Scene::with_plugins("[jobs.a]\nkind = \"probe.nop\"\n", &["plugins".into(), "empty".into(), "nowhere".into()]);
    scene.write("plugins/libnote.so", "this is a text");
    std::fs::create_dir(scene.file("empty")).expect("a folder");
    insta::assert_snapshot!("check_folders", scene.taskhost(&["check"]).stderr);
}

#[test]
fn the_document_says_the_same_with_places() {
    let ran = scene("[jobs.a]\nkind = \"probe.nop\"\n").taskhost(&["check", "--json"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(1), ""));
    let document: Value = serde_json::from_str(&ran.stdout).expect("one document on stdout");
    insta::assert_snapshot!("check_document", format!("{:#}", document["diagnostics"]));
    assert_eq!((&document["file"], &document["good"]), (&"tasks.toml".into(), &false.into()));
    assert!(
        document["plugins"].as_array().is_some_and(|plugins| plugins.iter().any(|plugin| plugin["name"] == "probe"))
    );
}

#[test]
fn a_file_that_says_nothing_is_an_error_where_one_was_applied_before() {
    let scene = scene("");
    for (text, told) in [
        ("", "error: the file cannot be applied: it is empty; what was applied before goes on\n"),
        (
            "# no jobs\n",
            "error: the file cannot be applied: there is nothing in it but comments; what was applied before goes on\n",
        ),
    ] {
        scene.write("tasks.toml", text);
        std::fs::remove_dir_all(scene.file("var")).unwrap_or_default();
        assert_eq!(scene.taskhost(&["check"]).code, Some(0), "{told}");
        scene.write("var/last-good/tasks.toml", "[jobs]\n");
        let ran = scene.taskhost(&["check"]);
        assert!(ran.code == Some(1) && ran.stderr.contains(told), "{}", ran.stderr);
        assert_eq!(scene.taskhost(&["plan"]).code, Some(1), "{told}");
    }
    scene.write("tasks.toml", "[host]\n");
    assert_eq!(scene.taskhost(&["check"]).code, Some(0));
}

#[test]
fn a_file_that_is_not_text_is_an_error_at_its_place() {
    let scene = scene("");
    scene.write("tasks.toml", b"[host]\ntimezone = \"caf\xe9\"\n");
    for words in [&["check"][..], &["plan"], &["run"]] {
        let ran = scene.taskhost(words);
        assert_eq!(ran.code, Some(1), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("error: the file is not UTF-8 text from here on\n"), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("tasks.toml:2:16"), "{words:?}: {}", ran.stderr);
    }
    let ran = scene.taskhost(&["check", "--json"]);
    assert!(ran.stdout.contains(r#""column":16"#), "{}", ran.stdout);
}

#[test]
fn watch_checks_again_after_each_save_however_it_is_saved() {
    let scene = scene("");
    let program = binary();
    let words = [program.as_os_str(), "check".as_ref(), "--watch".as_ref()];
    let mut watch = Program::start(&words, scene.path(), &[]);
    watch.wait_for("tasks.toml is good");
    watch.wait_for("Waiting for the next save");
    let good = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("tasks.toml", format!("{good}[job.a]\n"));
    watch.wait_for("did you mean `jobs`?");
    scene.write("tasks.toml.new", format!("{good}[jobs.a]\nkind = \"probe.noop\"\n"));
    std::fs::rename(scene.file("tasks.toml.new"), scene.file("tasks.toml")).expect("renamed over");
    watch.wait_for("tasks.toml is good: 1 job");
    std::fs::remove_file(scene.file("tasks.toml")).expect("deleted");
    watch.wait_for("error: cannot read ");
    scene.write("tasks.toml", good);
    watch.wait_for("tasks.toml is good: 0 jobs");
    watch.signal(libc::SIGINT);
    assert_eq!(watch.wait().0.code(), Some(130));
}

#[test]
fn of_a_large_file_the_first_mistakes_are_shown_and_the_others_are_counted() {
    let misfit = "kind = \"probe.sleep\"\nparams = { ms = \"x\" }\nschedule = { cron = \"30 2 * * *\" }\n";
    let mistyped = "kinds = \"probe.sleep\"\ntimeout = \"3 minutes\"\n";
    for (job, errors) in [(misfit, 5_000), (mistyped, 10_000)] {
        let jobs = (0..5_000).fold(String::new(), |mut text, number| {
            write!(text, "[jobs.j{number}]\n{job}").expect("a String takes all text");
            text
        });
        let ran = scene(&jobs).taskhost(&["check"]);
        assert_eq!(ran.stderr.matches("\n  --> ").count() + ran.stderr.matches("\n   --> ").count(), 100);
        assert!(ran.stderr.contains(&format!("\nand {} more errors", errors - 100)));
        assert!(ran.stderr.ends_with(&format!("error: tasks.toml has {errors} errors\n")), "{}", ran.stderr.len());
    }
}
