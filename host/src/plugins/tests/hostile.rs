//! What an operator reads of each defect that a plugin can have: `hostile.golden`.
//!
//! `UPDATE_GOLDEN=1 cargo test -p taskhost --lib hostile` rewrites that file; its difference is what is to be reviewed.
//! Panics in `create`, `poll` and `drop` of a Rust plugin are caught in the plugin: tests of the crate `plugin-api`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::super::{Executor as _, Outcome};
use super::bench::{Bench, LONG, done};
use super::{Folder, SOURCES};

/// Each a plugin of `defects.c` with these `-D` options.
const DEFECTS: &[&[&str]] = &[
    &["MAGIC=7"],
    &["SIZE=16"],
    &["SYMBOL=taskhost_plugin_v2"],
    &["MIN_HOST=9"],
    &["ENTRY_FLAGS=TH_E_PANIC_ABORT"],
    &["NO_INIT"],
    &["INIT_FAILS"],
    &["INIT_SLEEPS"],
    &["INIT_EXITS=3"],
    &["INIT_EXITS=0"],
    &["INIT_FAULTS"],
    &["INIT_ABORTS"],
    &["INIT_PRINTS"],
    &["NULL_KINDS"],
    &["NULL_KIND"],
    &["NO_POLL"],
    &["KIND_TWICE"],
    &[r#"KIND="bad\377name""#],
    &[r#"KIND="two words""#],
    &["HUGE_META"],
    &[r#"META="{""#],
    &[r#"META="\377""#],
    &[r#"META="{\"retry\": {\"attempts\": 0}}""#],
    &[r#"META="{\"params_schema\": {\"type\": 7}}""#],
    &[r#"PLUGIN_META="{}""#],
    &[r#"PLUGIN_META="{\"name\": \"sound\", \"config_schema\": {\"type\": 7}}""#],
    &["UNDEFINED_SYMBOL"],
    &["LEAVES_A_THREAD"],
    &["LEAVES_A_DESTRUCTOR"],
];

/// Each an attempt of a kind of `actor.c` with this number in its params.
const BREACHES: &[(&str, usize)] = &[
    ("act.forget", 0),
    ("act.nothing", 0),
    ("act.twice", 0),
    ("act.end", 7),
    ("act.answer", 7),
    ("act.block-wrong", 0),
    ("act.junk", 0),
    ("act.junk", 1),
    ("act.junk", 5),
    ("act.lie", 1 << 40),
];

/// How long the one that sleeps may do so here.
const LIMIT: Duration = Duration::from_millis(300);

#[test]
fn each_defect_has_its_own_message() {
    let mut fresh = String::new();
    for defines in DEFECTS {
        let folder = folder_for(defines);
        folder.build("bad.so", "defects.c", defines);
        entry(&mut fresh, &defines.join(" "), &verdict(&folder));
    }
    entry(&mut fresh, "a Rust plugin whose init panics", &panic_in_init());
    let mut bench = Bench::new(LONG);
    for (kind, number) in BREACHES {
        let said = match bench.run(kind, *number) {
            Outcome::Failed { fatal, code, message, .. } => {
                format!("{}, {code}: {message}", if fatal { "fatal" } else { "retryable" })
            }
            other => format!("{other:?}"),
        };
        entry(&mut fresh, &format!("{kind} {number}"), &said);
    }
    let golden = Path::new(SOURCES).join("hostile.golden");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &fresh).unwrap();
    }
    assert_eq!(fresh, fs::read_to_string(&golden).unwrap());
}

/// A slow machine must not make a library look silent, so only the one that never answers gets little time.
fn folder_for(defines: &[&str]) -> Folder {
    let mut folder = Folder::new();
    if defines == ["INIT_SLEEPS"] {
        folder.describe_limit = LIMIT;
    }
    folder
}

fn entry(table: &mut String, defect: &str, verdict: &str) {
    writeln!(table, "{defect}").unwrap();
    for line in verdict.lines() {
        writeln!(table, "    {line}").unwrap();
    }
}

fn verdict(folder: &Folder) -> String {
    let plugins = super::super::Kinds::plugins(&folder.scan());
    let Some(view) = plugins.first() else { return "(ignored)".to_owned() };
    let Some(error) = &view.error else { return "(loaded)".to_owned() };
    let generations = folder.state().join("generations");
    let error = error.replace(&*generations.to_string_lossy(), "<generations>").replace(&view.sha256, "<sha256>");
    // Copies are numbered in the whole process.
    let Some((before, numbered)) = error.split_once("<sha256>-") else { return error };
    format!("{before}<sha256>-<number>{}", numbered.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

fn panic_in_init() -> String {
    let folder = Folder::new();
    let built = Command::new("rustc")
        .args(["--crate-type=cdylib", "--crate-name=panics", "panics.rs", "-o"])
        .arg(folder.plugins().join("panics.so"))
        .current_dir(SOURCES)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let said = verdict(&folder);
    // The number of the thread, which newer compilers tell.
    let (before, after) = said.split_once("thread ").unwrap();
    let after = after.split_once(" panicked").unwrap().1;
    format!("{before}thread <name> panicked{after}")
}

#[test]
fn what_a_plugin_leaves_on_a_thread_of_the_host_is_freed_with_the_thread() {
    let mut bench = Bench::new(LONG);
    assert_eq!(bench.run("act.leave", 0), done("{}"));
    assert_eq!(bench.executor.running(), 0);
    // Its threads end now, and run the destructor in a library that nobody uses any more; later ones are not disturbed.
    drop(bench);
    assert_eq!(Bench::new(LONG).run("act.noop", 0), done("{}"));
}
