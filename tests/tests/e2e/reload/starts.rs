//! What a start makes of the file, and of the text that was applied last.

use std::fs;

use serde_json::json;
use taskhost_tests::Scene;

use super::{Desk, JOB, build_versions};

#[test]
fn a_start_on_a_broken_file_runs_the_last_good_text_and_strict_refuses() {
    let mut desk = Desk::new("");
    desk.save(JOB);
    desk.applied();
    let Desk { scene, daemon, base } = desk;
    assert!(daemon.stop().0.success());
    for broken in ["", "[jobs.nightly\n"] {
        scene.write("tasks.toml", broken);
        let strict = scene.taskhost(&["run", "--strict"]);
        assert_eq!(strict.code, Some(1), "{}", strict.stderr);
        assert!(strict.stderr.contains("error: ") && strict.stderr.contains("tasks.toml"), "{}", strict.stderr);
        let daemon = scene.start();
        assert_eq!(daemon.client().get("/api/v1/jobs/nightly").status, 200);
        let (status, said) = daemon.stop();
        assert!(status.success());
        assert!(said.contains("ERROR") && said.contains("the last good text of it runs"), "{said}");
    }
    // Repaired while it runs.
    let mut desk = Desk { daemon: scene.start(), scene, base };
    desk.save("");
    assert_eq!(desk.applied(), "-1 job (nightly), config generation 3.");
    assert_eq!(desk.job("nightly"), 404);
}

#[test]
fn a_restart_takes_no_edit_that_a_running_daemon_refuses() {
    let mut desk = Desk::new(JOB);
    let mistyped = JOB.replace("probe.echo", "probe.sleep") + "params = { mz = 1 }\n";
    for (edit, told) in [
        (JOB.replace("probe.echo", "probe.ech"), "no plugin provides"),
        (mistyped, "unknown key `mz`"),
        (format!("{JOB}[plugins.email]\nconfig = {{ form = \"a@example.org\" }}\n"), "unknown key `form`"),
    ] {
        desk.save_text(&desk.base.replace(JOB, &edit));
        desk.refused();
        desk = desk.restart(|scene| {
            let strict = scene.taskhost(&["run", "--strict"]);
            assert_eq!(strict.code, Some(1), "{}", strict.stderr);
            assert!(strict.stderr.contains(told) && strict.stderr.contains("tasks.toml has "), "{}", strict.stderr);
        });
        let job = desk.daemon.client().get("/api/v1/jobs/nightly").body;
        assert_eq!(job["kind"], "probe.echo", "{job}");
        let config = desk.daemon.client().get("/api/v1/config").body;
        assert_eq!((&config["generation"], config["refused"].is_null()), (&json!(1), false), "{config}");
        let kept = fs::read_to_string(desk.scene.file("var/last-good/tasks.toml")).expect("the last good text");
        assert_eq!(kept, desk.base);
    }
    desk.save_text(&format!("{}[queues.more]\n", desk.base));
    assert_eq!(desk.applied(), "+1 queue (more), config generation 2.");
}

#[test]
fn a_start_without_a_plugin_holds_its_jobs_and_takes_other_edits() {
    let scene = Scene::with_plugins("", &["plugins".into()]);
    fs::create_dir(scene.file("plugins")).expect("a folder for plugins");
    let library = build_versions(&scene);
    fs::copy(&library, scene.file("plugins/libversions.so")).expect("bring the plugin");
    let mut desk = Desk::of(scene);
    desk.save("[jobs.a]\nkind = \"versions.work\"\n");
    desk.applied();
    let edited = format!("{}[jobs.a]\nkind = \"versions.work\"\n[queues.more]\n", desk.base);
    desk = desk.restart(|scene| {
        fs::remove_file(scene.file("plugins/libversions.so")).expect("take the plugin away");
        scene.write("tasks.toml", edited);
    });
    let config = desk.daemon.client().get("/api/v1/config").body;
    assert_eq!((&config["generation"], config["refused"].is_null()), (&json!(3), true), "{config}");
    assert_eq!(desk.job("a"), 200);

    // A new one waits for its plugin, as an edit would.
    let edited = format!("{}[jobs.a]\nkind = \"versions.work\"\n[jobs.b]\nkind = \"versions.work\"\n", desk.base);
    desk = desk.restart(|scene| drop(scene.write("tasks.toml", edited)));
    assert_eq!((desk.job("a"), desk.job("b")), (200, 404));
    fs::rename(&library, desk.scene.file("plugins/libversions.so")).expect("bring the plugin");
    assert_eq!(desk.applied(), "+1 job (b); -1 queue (more), config generation 4.");
}

#[test]
fn without_a_last_good_text_a_broken_file_is_an_error() {
    let scene = Scene::new("[jobs.a]\nknd = \"probe.echo\"\n");
    let ran = scene.fails_to_start();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("did you mean `kind`?"), "{}", ran.stderr);
}

#[test]
fn a_job_of_the_api_keeps_its_name_from_a_file_that_was_edited_while_no_daemon_ran() {
    let desk = Desk::new("");
    let client = desk.daemon.client();
    let made = client.post("/api/v1/jobs", &json!({ "name": "nightly", "kind": "probe.echo", "params": { "api": 1 } }));
    assert_eq!(made.status, 201, "{}", made.body);
    let Desk { scene, daemon, base } = desk;
    assert!(daemon.stop().0.success());
    scene.write("tasks.toml", format!("{base}{JOB}"));
    let daemon = scene.start();
    let client = daemon.client();
    assert_eq!(client.get("/api/v1/jobs/nightly").body["params"], json!({ "api": 1 }));

    // The message says "delete the other": then the job of the file is there, and is planned.
    assert_eq!(client.delete("/api/v1/jobs/nightly").status, 200);
    let job = client.get("/api/v1/jobs/nightly");
    assert_eq!((job.status, &job.body["params"]), (200, &json!({})), "{}", job.body);
    let (_, said) = daemon.stop();
    assert!(said.contains("A job of the file is left out") && said.contains("job=nightly line=4"), "{said}");
}

#[test]
fn what_a_plugin_does_not_take_is_no_good_after_a_restart_either() {
    let email =
        |rest: &str| format!("[plugins.email]\nconfig = {{ transport = \"file\", from = \"a@example.org\"{rest} }}\n");
    let mut desk = Desk::new("");
    desk.save(&(JOB.to_owned() + &email(", path = \"out\"")));
    desk.applied();
    let good = fs::read_to_string(desk.scene.file("tasks.toml")).expect("the good text");
    for (edit, told) in [
        (email(""), "plugin `email` does not come up with its new settings: "),
        (email(", path = \"${file:gone}\""), "plugin `email` does not come up with its new settings: "),
    ] {
        desk.save(&edit);
        desk.refused();
        desk = desk.restart(|scene| {
            let strict = scene.taskhost(&["run", "--strict"]);
            assert_eq!(strict.code, Some(1), "{}", strict.stderr);
            assert!(strict.stderr.contains(told) && strict.stderr.contains("tasks.toml:"), "{}", strict.stderr);
        });
        assert_eq!(desk.job("nightly"), 200);
        let client = desk.daemon.client();
        let config = client.get("/api/v1/config").body;
        assert_eq!((&config["generation"], config["refused"].is_null()), (&json!(2), false), "{config}");
        let mail = json!({ "to": "b@example.org", "subject": "s", "text": "t" });
        assert_eq!(client.ended(&client.submit("email.send", &mail))["status"], "completed");
        let kept = fs::read_to_string(desk.scene.file("var/last-good/tasks.toml")).expect("the last good text");
        assert_eq!(kept, good);
    }
    desk.save(&email(", path = \"other\""));
    assert_eq!(desk.applied(), "-1 job (nightly); ~1 plugin section (email), config generation 3.");
}

#[test]
fn a_file_that_says_nothing_starts_no_empty_daemon_beside_what_was_kept_elsewhere() {
    let scene = Scene::new("state = \"elsewhere\"\n");
    let good = fs::read_to_string(scene.file("tasks.toml")).expect("the file of the scene");
    assert!(scene.start().stop().0.success());
    for (nothing, told) in [("", "it is empty"), ("# [jobs.a]\n\n", "there is nothing in it but comments")] {
        scene.write("tasks.toml", nothing);
        for words in [&["run"][..], &["run", "--strict"]] {
            let mut words = words.to_vec();
            words.extend(["--config", "tasks.toml"]);
            let ran = scene.taskhost(&words);
            assert_eq!(ran.code, Some(1), "{}", ran.stderr);
            assert!(ran.stderr.contains(&format!("error: tasks.toml cannot be applied: {told}\n")), "{}", ran.stderr);
            assert!(ran.stderr.contains("hint: begin it with a line `[host]`"), "{}", ran.stderr);
        }
    }
    assert!(!scene.file("var/lock").exists());
    scene.write("tasks.toml", good);
    assert!(scene.start().stop().0.success());
}
