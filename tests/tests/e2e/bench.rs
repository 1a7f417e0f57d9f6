//! `taskhost bench`: a small one, as a person and as a program sees it. What it measures is nobody's business here.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value;
use taskhost_tests::{Program, Ran, binary, run_in};

fn bench(folder: &Path, words: &[&str]) -> Ran {
    run_in(binary(), &[&["bench"], words].concat(), folder, &[])
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("the folder of the test").next().is_none()
}

#[test]
fn a_bench_runs_every_task_once_tells_a_document_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let small = ["--tasks", "2500", "--slots", "7", "--pickups", "5", "--json"];
    let ran = bench(folder.path(), &small);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout).expect("a document");
    let keys: Vec<_> = document.as_object().expect("an object").keys().cloned().collect();
    let expected = ["durability", "enqueue_per_s", "lifecycles_per_s", "pickup_ms", "rss_mb", "slots"];
    assert_eq!(keys, expected);
    assert_eq!((&document["durability"], &document["slots"]), (&"full".into(), &7.into()));
    let number = |pointer: &str| document.pointer(pointer).and_then(Value::as_f64).expect("a number");
    assert!(number("/lifecycles_per_s") > 0.0 && number("/rss_mb") > 0.0, "{document}");
    assert!(number("/pickup_ms/p50") <= number("/pickup_ms/p99"), "{document}");
    assert!(number("/pickup_ms/p99") <= number("/pickup_ms/max"), "{document}");
    assert!(is_empty(folder.path()));
}

#[test]
fn a_bench_that_may_lose_says_so_and_without_pickups_tells_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ran = bench(folder.path(), &["--tasks", "50", "--pickups", "0", "--durability", "relaxed"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("50 tasks, 1024 slots, durability relaxed\nwhole lives"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("pick-up"), "{}", ran.stdout);
}

#[test]
fn a_bench_without_plugins_says_how_to_get_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("none")).expect("a folder");
    for (plugins, told) in [("nowhere", "there is no folder nowhere"), ("none", "no plugin in ")] {
        let ran = bench(folder.path(), &["--plugins", plugins]);
        assert_eq!((ran.code, &*ran.stdout), (Some(1), ""));
        assert!(
            ran.stderr.contains(told) && ran.stderr.contains("hint: `cargo xtask build --release`"),
            "{}",
            ran.stderr
        );
    }
    std::fs::remove_dir(folder.path().join("none")).expect("the folder is empty");
    assert!(is_empty(folder.path()));
}

#[test]
fn a_bench_that_is_interrupted_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = binary();
    let words = [program.as_os_str(), OsStr::new("bench")];
    let mut bench = Program::start(&words, folder.path(), &[]);
    bench.wait_for("picks up");
    assert!(!is_empty(folder.path()), "its store is here");
    bench.signal(2);
    let (status, said) = bench.wait();
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(is_empty(folder.path()), "{said}");
}
