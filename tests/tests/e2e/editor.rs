//! The first minutes of somebody who edits `tasks.toml` of a running daemon. What each step says is a snapshot:
//! `INSTA_UPDATE=always cargo test -p taskhost-tests --test e2e editor` writes them anew, and the difference is the review.

use std::fs;

use taskhost_tests::{Daemon, Scene};

const NIGHTLY: &str = "
[jobs.nightly]
kind     = \"probe.echo\"
params   = { wanted = 1 }
schedule = { cron = \"30 2 * * *\" }
";

/// Times, places and zones differ from day to day.
fn settings(scene: &Scene) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(&scene.path().display().to_string().replace('.', r"\."), "[scene]");
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "[id]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "[time]");
    settings.add_filter(r"\d{4}-\d\d-\d\d", "[date]");
    settings.add_filter(r"next 0[23]:[03]0 CES?T \(in \d+ [a-z]+\)", "next 02:30 CET (in 9 h)");
    settings
}

/// Saves as an editor does.
fn save(scene: &Scene, text: &str) {
    let aside = scene.write(".tasks.toml.swp", text);
    fs::rename(aside, scene.file("tasks.toml")).expect("rename the new file over the old");
}

/// What the daemon says, without the time and the level; `lines` of it.
fn said(daemon: &mut Daemon, text: &str, lines: usize) -> String {
    let first = daemon.wait_for_log(text);
    let first = first.find("tasks.toml").map_or(first.clone(), |at| first[at..].to_owned());
    let rest = (1..lines).map(|_| daemon.wait_for_log(""));
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_editor_is_warned_saves_triggers_breaks_and_mends() {
    let scene = Scene::new("timezone = \"Europe/Berlin\"\n");
    let before = fs::read_to_string(scene.file("tasks.toml")).expect("the file of the scene");
    let mut daemon = scene.start();
    let settings = settings(&scene);
    let _bound = settings.bind_to_scope();

    // Half a minute: a nightly job in a draft. What do the clocks do to it, and what would change?
    let after = format!("{before}{NIGHTLY}");
    scene.write("draft.toml", &after);
    let checked = scene.taskhost(&["check", "draft.toml"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    // Which of the two changes of the clocks comes first depends on the season.
    let mut findings: Vec<_> = checked.stderr.split("\n\n").collect();
    findings.sort_unstable();
    insta::assert_snapshot!("editor_1_check", findings.join("\n\n"));
    let planned = scene.taskhost(&["plan", "draft.toml"]);
    insta::assert_snapshot!("editor_2_plan", format!("{}{}", planned.stdout, planned.stderr));

    // A minute: it is saved.
    save(&scene, &after);
    insta::assert_snapshot!("editor_3_log", said(&mut daemon, "tasks.toml is applied", 1));
    insta::assert_snapshot!("editor_4_config", scene.taskhost(&["config"]).stdout);
    insta::assert_snapshot!("editor_5_diff", scene.taskhost(&["config", "diff"]).stdout);

    // Two minutes: does it work?
    let triggered = scene.taskhost(&["jobs", "trigger", "nightly", "--follow"]);
    assert_eq!(triggered.code, Some(0), "{}", triggered.stderr);
    insta::assert_snapshot!("editor_6_trigger", triggered.stdout);

    // Three minutes: the file is broken, and the job goes on.
    save(&scene, &after.replace("schedule = {", "schedul = {").replace("probe.echo", "prob.echo"));
    insta::assert_snapshot!("editor_7_refused", said(&mut daemon, "tasks.toml is refused", 9));
    insta::assert_snapshot!("editor_8_config", scene.taskhost(&["config"]).stdout);
    assert_eq!(daemon.client().get("/readyz").status, 200);
    let triggered = scene.taskhost(&["jobs", "trigger", "nightly", "--wait"]);
    assert_eq!((triggered.code, &*triggered.stdout), (Some(0), "{\"wanted\":1}\n"), "{}", triggered.stderr);

    // Five minutes: another time is planned, and saved.
    let later = after.replace("30 2", "45 3");
    scene.write("draft.toml", &later);
    let planned = scene.taskhost(&["plan", "draft.toml"]);
    insta::assert_snapshot!("editor_9_plan", format!("{}{}", planned.stdout, planned.stderr));
    save(&scene, &later);
    let line = said(&mut daemon, "tasks.toml is applied", 1);
    assert!(line.starts_with("tasks.toml is applied: ~1 job (nightly), next 03:45 CE"), "{line}");
    assert!(line.ends_with(", config generation 3."), "{line}");
}
