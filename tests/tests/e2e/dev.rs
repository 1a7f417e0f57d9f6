//! `taskhost dev` on a crate that `plugins new` has made: it builds, runs, and does so again after an edit.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use taskhost_tests::{Program, Ran, Scene, binary, repository, run_in, target};

/// A new crate of this name, which is no other test's: libraries of one name would be built to one place.
fn new_crate(name: &str) -> Scene {
    let scene = Scene::new("");
    let api = repository().join("plugin-api").display().to_string();
    let new = scene.taskhost(&["plugins", "new", name, "--api", &api]);
    assert_eq!(new.code, Some(0), "{}", new.stderr);
    let memory = built().join(format!("debug/lib{name}.dev.json"));
    assert!(!memory.exists() || std::fs::remove_file(memory).is_ok(), "an earlier run of this test is remembered");
    scene
}

/// A folder that is kept: the dependencies of a new plugin are built once, as on an author's machine.
fn built() -> PathBuf {
    target().join("journey")
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("a file of the crate");
    assert!(text.contains(from), "`{from}` is not in the template any more");
    std::fs::write(file, text.replace(from, to)).expect("a file of the crate");
}

fn dev_once(scene: &Scene, words: &[&str]) -> Ran {
    let built = built();
    let variables = [("CARGO_TARGET_DIR", built.as_os_str()), ("CARGO_TERM_COLOR", OsStr::new("never"))];
    run_in(binary(), &[&["dev", "--once"], words].concat(), scene.path(), &variables)
}

#[test]
fn once_runs_the_sample_then_what_was_asked_for_last() {
    let scene = new_crate("again");
    edit(&scene.file("again/tasks.toml"), "times = 20", "times = 1");
    let ran = dev_once(&scene, &["again"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "[\"hello, you\"]\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Running again.greet, the sample: job `sample` of tasks.toml.\n"), "{}", ran.stderr);

    let ran = dev_once(&scene, &["again", "again.greet", "--params", r#"{"name":"ada"}"#]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "[\"hello, ada\"]\n"), "{}", ran.stderr);
    let ran = dev_once(&scene, &["again", "again.gret"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let ran = dev_once(&scene, &["again"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "[\"hello, ada\"]\n"), "what failed is not what is remembered");
    assert!(ran.stderr.contains("Running again.greet again, asked for the last time"), "{}", ran.stderr);

    let ran = dev_once(&scene, &["again", "--sample"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "[\"hello, you\"]\n"), "{}", ran.stderr);
}

#[test]
fn an_edit_interrupts_the_run_and_a_signal_ends_all_of_it() {
    let scene = new_crate("edited");
    let (binary, built) = (binary(), built());
    let words = ["dev", "edited", "edited.greet", "--params", r#"{"name":"ada","times":100000}"#];
    let words: Vec<&OsStr> = [binary.as_os_str()].into_iter().chain(words.iter().map(OsStr::new)).collect();
    let mut dev = Program::start(&words, scene.path(), &[("CARGO_TARGET_DIR", built.as_os_str())]);
    dev.wait_for("/100000 greetings");

    edit(&scene.file("edited/src/lib.rs"), "greeting {}", "good day {}");
    dev.wait_for("did not complete: cancelled");
    dev.wait_for("The code has changed.");
    dev.wait_for("greetings (0 %): good day");

    dev.signal(libc::SIGTERM);
    // Also its children write there: that this returns shows that they have ended.
    let (status, said) = dev.wait();
    assert!(status.success(), "{said}");
    assert_eq!(said.matches("did not complete: cancelled").count(), 2, "{said}");
}

#[test]
fn a_build_that_fails_says_where_and_ends_a_single_round() {
    let scene = new_crate("broken");
    edit(&scene.file("broken/src/lib.rs"), "Ok(greetings)", "Ok(greeting)");
    let ran = dev_once(&scene, &["broken"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""));
    assert!(ran.stderr.contains("src/lib.rs:") && ran.stderr.contains("error: the build failed\n"), "{}", ran.stderr);
}

#[test]
fn a_kind_in_the_place_of_the_crate_is_told_where_it_belongs() {
    let ran = Scene::new("").taskhost(&["dev", "thumbs.greet"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.ends_with("hint: a kind comes second: `taskhost dev . thumbs.greet`\n"), "{}", ran.stderr);
}
