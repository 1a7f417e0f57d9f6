//! `taskhost jobs`, and what `taskhost` tells of itself.

use serde_json::{Value, json};
use taskhost_tests::{Scene, output};

const FILE: &str = "[jobs.nightly]\nkind = \"probe.echo\"\nparams = { a = 1 }\nschedule = { cron = \"30 2 * * *\" }\n";

#[test]
fn a_job_is_added_shown_paused_triggered_and_removed() {
    let scene = Scene::new(FILE);
    let _daemon = scene.start();
    let run = |words: &[&str]| {
        let ran = scene.taskhost(words);
        assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.stderr);
        ran.stdout
    };
    let added = ["jobs", "add", "probe.echo", "--name", "digits", "--params", r#"{"exact":1.10}"#, "--every", "1h"];
    assert_eq!(run(&added), "digits\n");
    let listed = run(&["jobs"]);
    let names: Vec<_> = listed.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
    assert_eq!(names, ["digits", "nightly"], "{listed}");
    assert!(listed.contains("\tevery 1h\t") && listed.contains("\ttasks.toml:4\t30 2 * * *"), "{listed}");
    assert!(run(&["jobs", "show", "digits"]).contains("params    {\"exact\":1.10}\n"));
    assert_eq!(run(&["jobs", "pause", "nightly"]), "job nightly is paused\n");
    assert!(run(&["jobs"]).contains("\tpaused since 20"));
    let resumed = scene.taskhost(&["jobs", "resume", "nightly"]);
    assert_eq!(resumed.stdout, "job nightly is resumed\n");
    assert!(resumed.stderr.starts_with("it fires next at 20"), "the answer knows it at once: {}", resumed.stderr);
    assert_eq!(run(&["jobs", "trigger", "digits", "--wait"]), "{\"exact\":1.10}\n");
    assert_eq!(run(&["jobs", "remove", "digits"]), "job digits is removed\n");
    assert_eq!(scene.taskhost(&["jobs", "show", "digits"]).code, Some(3));
    let file_job = scene.taskhost(&["jobs", "remove", "nightly"]);
    assert_eq!(file_job.code, Some(1));
    assert!(file_job.stderr.contains("declared in tasks.toml on line 4"), "{}", file_job.stderr);
}

#[test]
fn a_long_list_of_jobs_is_one_document() {
    let scene = Scene::new("");
    let daemon = scene.start();
    for number in 0..250 {
        let job = json!({ "name": format!("job-{number:03}"), "kind": "probe.noop" });
        assert_eq!(daemon.client().post("/api/v1/jobs", &job).status, 201);
    }
    let listed = scene.taskhost(&["jobs", "list", "--json"]);
    let document: Value = serde_json::from_str(&listed.stdout).expect("one document on stdout");
    assert_eq!(document["jobs"].as_array().map(Vec::len), Some(250));
    assert_eq!((&document["jobs"][249]["job_id"], &document["next_cursor"]), (&json!("job-249"), &json!(null)));
}

#[test]
fn a_follower_hears_what_the_task_says_and_gets_its_result() {
    let scene =
        Scene::new("[jobs.talks]\nkind = \"probe.log\"\nparams = { text = \"tick\", lines = 3, step_ms = 20 }\n");
    let _daemon = scene.start();
    let ran = scene.taskhost(&["jobs", "trigger", "talks", "--follow"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "null\n"), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches(" probe: tick line=").count(), 3, "{}", ran.stderr);
}

#[test]
fn the_document_of_the_api_is_that_of_the_daemon() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let printed = scene.taskhost(&["openapi"]).stdout;
    let printed: Value = serde_json::from_str(&printed).expect("one document on stdout");
    assert_eq!(printed, daemon.client().get("/api/openapi.json").body);
}

#[test]
fn bash_takes_the_completions_and_man_the_pages() {
    let scene = Scene::new("");
    scene.write("completions", scene.taskhost(&["completions", "bash"]).stdout);
    let words = "source completions; COMP_WORDS=(taskhost enq); COMP_CWORD=1; _taskhost taskhost enq taskhost; echo ${COMPREPLY[@]}";
    assert_eq!(output("bash", &["-c", words], scene.path()), "enqueue\n");
    let written = scene.taskhost(&["man", "man1"]);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let pages: Vec<_> = written.stdout.lines().collect();
    assert!(pages.contains(&"man1/taskhost.1") && pages.contains(&"man1/taskhost-jobs-add.1"), "{pages:?}");
    for page in pages {
        let page = std::fs::read_to_string(scene.file(page)).expect("a page");
        assert!(page.contains(".SH NAME") && page.contains("Examples:"), "{page}");
    }
}
