//! Edits of `tasks.toml` while the daemon runs: what is applied, what is refused, and what of the file is live.

mod slow;
mod starts;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::json;
use taskhost_tests::{Daemon, Manager, Scene, output, repository};

/// A scene, the daemon of it, and the text that both began with.
struct Desk {
    scene: Scene,
    daemon: Daemon,
    base: String,
}

impl Desk {
    fn new(rest: &str) -> Self {
        Self::of(Scene::new(rest))
    }

    fn of(scene: Scene) -> Self {
        let base = fs::read_to_string(scene.file("tasks.toml")).expect("the file of the scene");
        Self { daemon: scene.start(), scene, base }
    }

    /// Saves the base and this, as editors do: beside it, then renamed.
    fn save(&self, rest: &str) {
        self.save_text(&format!("{}{rest}", self.base));
    }

    fn save_text(&self, text: &str) {
        let aside = self.scene.write("aside", text);
        fs::rename(aside, self.scene.file("tasks.toml")).expect("rename the new file over the old");
    }

    /// What is told of the edit when it is applied.
    fn applied(&mut self) -> String {
        let line = self.daemon.wait_for_log("tasks.toml is applied: ");
        line.split("is applied: ").nth(1).expect("what was applied").to_owned()
    }

    fn refused(&mut self) {
        self.daemon.wait_for_log("tasks.toml is refused");
    }

    /// Stops the daemon, and starts another one once `meanwhile` is over.
    fn restart(self, meanwhile: impl FnOnce(&Scene)) -> Self {
        let Self { scene, daemon, base } = self;
        assert!(daemon.stop().0.success());
        meanwhile(&scene);
        Self { daemon: scene.start(), scene, base }
    }

    /// The status of `GET /jobs/{name}`.
    fn job(&self, name: &str) -> u16 {
        self.daemon.client().get(&format!("/api/v1/jobs/{name}")).status
    }
}

const JOB: &str = "[jobs.nightly]\nkind = \"probe.echo\"\nschedule = { cron = \"30 2 * * *\" }\n";

/// Builds the plugin `versions`, outside of any plugin folder.
fn build_versions(scene: &Scene) -> PathBuf {
    let include = repository().join("plugin-api/include").display().to_string();
    let source = repository().join("tests/fixtures/c/versions.c").display().to_string();
    let flags = ["-std=c11", "-D_GNU_SOURCE", "-fPIC", "-shared", "-fvisibility=hidden", "-DVERSION=1"];
    let words: Vec<&str> = flags.into_iter().chain(["-I", &include, "-o", "versions.so", &source]).collect();
    output("cc", &words, scene.path());
    scene.file("versions.so")
}

#[test]
fn a_saved_edit_is_applied_and_told_in_a_line() {
    let mut desk = Desk::new("");
    desk.save(JOB);
    let told = desk.applied();
    assert!(told.starts_with("+1 job (nightly), next 02:30 UTC (in "), "{told}");
    assert!(told.ends_with(", config generation 2."), "{told}");
    assert_eq!(desk.job("nightly"), 200);
    let triggered = desk.daemon.client().post("/api/v1/jobs/nightly/trigger", &json!(null));
    assert_eq!(triggered.status, 202, "{}", triggered.body);

    desk.save(&JOB.replace("probe.echo", "probe.noop"));
    assert_eq!(desk.applied(), "~1 job (nightly), config generation 3.");
    desk.save("");
    assert_eq!(desk.applied(), "-1 job (nightly), config generation 4.");
    assert_eq!(desk.job("nightly"), 404);
}

#[test]
fn what_is_no_good_changes_nothing_whatever_is_wrong_with_it() {
    let mut desk = Desk::new(JOB);
    let good = desk.base.clone();
    let unknown = good.replace("probe.echo", "prob.echo");
    let mistyped = format!("{good}tags = 3\n");
    for (text, told) in [
        ("", "tasks.toml cannot be applied: it is empty"),
        ("# taskhost\n", "tasks.toml cannot be applied: there is nothing in it but comments"),
        ("[jobs.nightly\n", "  --> tasks.toml:1:"),
        (&unknown, "error: job `nightly` names kind `prob.echo`, which no plugin provides"),
        (&mistyped, "  --> tasks.toml:7:8"),
    ] {
        desk.save_text(text);
        desk.refused();
        desk.daemon.wait_for_log(told);
        assert_eq!(desk.job("nightly"), 200, "{told}");
    }
    fs::remove_file(desk.scene.file("tasks.toml")).expect("the file");
    desk.daemon.wait_for_log("tasks.toml cannot be applied: No such file");
    assert_eq!((desk.job("nightly"), desk.daemon.client().get("/readyz").status), (200, 200));
    desk.save("");
    desk.daemon.wait_for_log("tasks.toml is again as it was applied.");
}

#[test]
fn a_save_that_truncates_first_is_applied_whole() {
    let mut desk = Desk::new(JOB);
    let next = format!("{}{JOB}[jobs.second]\nkind = \"probe.echo\"\n", desk.base.replace(JOB, ""));
    let (first, second) = next.split_at(next.find("[jobs.second]").expect("the second job"));
    let path = desk.scene.file("tasks.toml");
    // Truncated, half written, whole: nobody waits between.
    fs::write(&path, "").expect("truncate");
    fs::write(&path, &first[..first.len() / 2]).expect("write a half");
    fs::write(&path, first.to_owned() + second).expect("write all");
    assert_eq!(desk.applied(), "+1 job (second), config generation 2.");
}

#[test]
fn a_file_behind_a_link_that_is_turned_is_found_as_kubernetes_does_it() {
    let scene = Scene::new("");
    let base = fs::read_to_string(scene.file("tasks.toml")).expect("the file of the scene");
    fs::remove_file(scene.file("tasks.toml")).expect("the file of the scene");
    scene.write("..1/tasks.toml", &base);
    scene.write("..2/tasks.toml", format!("{base}{JOB}"));
    symlink("..1", scene.file("..data")).expect("a link");
    symlink("..data/tasks.toml", scene.file("tasks.toml")).expect("a link");
    let mut desk = Desk::of(scene);
    symlink("..2", desk.scene.file("..next")).expect("a link");
    fs::rename(desk.scene.file("..next"), desk.scene.file("..data")).expect("turn the link");
    assert!(desk.applied().starts_with("+1 job (nightly)"));
    // And by what the link leads to.
    desk.scene.write("..2/tasks.toml", &base);
    assert_eq!(desk.applied(), "-1 job (nightly), config generation 3.");
}

#[test]
fn plugin_and_edit_may_come_in_either_order() {
    let scene = Scene::with_plugins("", &["plugins".into()]);
    fs::create_dir(scene.file("plugins")).expect("a folder for plugins");
    let library = build_versions(&scene);
    let mut desk = Desk::of(scene);
    desk.save("[jobs.a]\nkind = \"versions.work\"\n");
    desk.refused();
    fs::rename(&library, desk.scene.file("plugins/libversions.so")).expect("bring the plugin");
    assert_eq!(desk.applied(), "+1 job (a), config generation 2.");

    // A kind that goes away is no fault of another edit.
    fs::rename(desk.scene.file("plugins/libversions.so"), &library).expect("take the plugin away");
    desk.daemon.wait_for_log("The file of a plugin is gone");
    desk.save("[jobs.a]\nkind = \"versions.work\"\n[queues.more]\n");
    assert_eq!(desk.applied(), "+1 queue (more), config generation 3.");
}

#[test]
fn a_plugin_folder_comes_and_goes_with_an_edit_and_may_be_made_after_it() {
    let scene = Scene::with_plugins("", &["plugins".into()]);
    fs::create_dir(scene.file("plugins")).expect("a folder for plugins");
    let library = build_versions(&scene);
    let mut desk = Desk::of(scene);
    let more = desk.base.replace("[\"plugins\"]", "[\"plugins\", \"more\"]");
    desk.save_text(&format!("{more}[jobs.a]\nkind = \"versions.work\"\n"));
    desk.refused();
    desk.daemon.wait_for_log("`plugins` in [host]: folder `more` cannot be read");
    fs::create_dir(desk.scene.file("more")).expect("the folder");
    fs::rename(library, desk.scene.file("more/libversions.so")).expect("bring the plugin");
    assert_eq!(desk.applied(), "+1 job (a); ~[host] plugins, config generation 2.");
    let task = desk.daemon.client().submit("versions.work", &json!({}));
    assert_eq!(desk.daemon.client().ended(&task)["status"], "completed");

    desk.save("");
    desk.daemon.wait_for_log("The file of a plugin is gone");
    assert_eq!(desk.applied(), "-1 job (a); ~[host] plugins, config generation 3.");
    let refused = desk.daemon.client().post("/api/v1/tasks", &json!({ "kind": "versions.work", "params": {} }));
    assert_eq!(refused.status, 422, "{}", refused.body);
}

#[test]
fn a_name_that_a_job_of_the_api_has_is_an_error_of_the_edit_until_that_is_gone() {
    let mut desk = Desk::new("");
    let client = desk.daemon.client().clone();
    let made = client.post("/api/v1/jobs", &json!({ "name": "nightly", "kind": "probe.echo", "params": {} }));
    assert_eq!(made.status, 201, "{}", made.body);
    desk.save(JOB);
    desk.refused();
    desk.daemon.wait_for_log("error: [jobs.nightly] has the name of a job that was declared over HTTP");
    assert_eq!(desk.daemon.wait_for_log("-->"), "  --> tasks.toml:5:8");
    assert_eq!(client.delete("/api/v1/jobs/nightly").status, 200);
    assert!(desk.applied().starts_with("+1 job (nightly)"));
    assert_eq!(client.delete("/api/v1/jobs/nightly").status, 409, "it is the file's now");
}

#[test]
fn queues_come_change_and_go_while_their_tasks_run() {
    let mut desk = Desk::new("[queues.default]\nconcurrency = 1\n");
    let client = desk.daemon.client().clone();
    let in_mail = json!({ "kind": "probe.sleep", "params": { "ms": 60_000 }, "queue": "mail" });
    assert_eq!(client.post("/api/v1/tasks", &in_mail).status, 422);
    desk.save("[queues.mail]\nconcurrency = 2\n");
    assert_eq!(desk.applied(), "+1 queue (mail), config generation 2.");
    let submit = || client.post("/api/v1/tasks", &in_mail).body["task_id"].as_str().expect("an id").to_owned();
    let (first, second, third) = (submit(), submit(), submit());
    client.until(&first, |task| task["status"] == "running");
    client.until(&second, |task| task["status"] == "running");
    assert_eq!(client.task(&third)["status"], "queued");

    // What is not declared any more keeps its two slots.
    desk.save("");
    assert_eq!(desk.applied(), "-1 queue (mail), config generation 3.");
    assert_eq!(client.post("/api/v1/tasks", &in_mail).status, 422);
    let cancel = |id: &str| client.post(&format!("/api/v1/tasks/{id}/cancel"), &json!(null));
    cancel(&first);
    client.until(&third, |task| task["status"] == "running");
    assert_eq!(client.task(&second)["status"], "running");

    desk.save("[queues.mail]\nconcurrency = 3\n");
    desk.applied();
    let fourth = submit();
    client.until(&fourth, |task| task["status"] == "running");
}

#[test]
fn settings_of_a_plugin_make_its_next_generation_and_what_runs_ends_on_the_old() {
    let email = |path: &str| {
        format!("[plugins.email]\nconfig = {{ transport = \"file\", path = \"{path}\", from = \"a@example.org\" }}\n")
    };
    let mut desk = Desk::new("");
    let text = format!("{}{}", desk.base, email("out"));
    desk.save_text(&text);
    desk.applied();
    let client = desk.daemon.client().clone();
    let mail = json!({ "to": "b@example.org", "subject": "s", "text": "t" });
    assert_eq!(client.ended(&client.submit("email.send", &mail))["status"], "completed");
    assert_eq!(fs::read_dir(desk.scene.file("out")).expect("the outbox").count(), 1);
    desk.save(&email("other"));
    let swapped = desk.daemon.wait_for_log("Plugin swapped.");
    assert!(swapped.contains("plugin=email generation=3"), "{swapped}");
    assert_eq!(desk.applied(), "~1 plugin section (email), config generation 3.");
    assert_eq!(client.ended(&client.submit("email.send", &mail))["status"], "completed");
    assert_eq!(fs::read_dir(desk.scene.file("other")).expect("the outbox").count(), 1);

    let sleeps = client.submit("probe.sleep", &json!({ "ms": 1_500 }));
    client.until(&sleeps, |task| task["status"] == "running");
    let hangs = json!({ "kind": "probe.hang", "params": { "ms": 1 } });
    desk.save(&format!("{}[plugins.probe]\nallow_in_process = true\n", email("other")));
    assert_eq!(desk.applied(), "+1 plugin section (probe), config generation 4.");
    let hung = client.post("/api/v1/tasks", &hangs).body["task_id"].as_str().expect("an id").to_owned();
    assert_eq!(client.ended(&hung)["status"], "completed");
    let slept = client.ended(&sleeps);
    assert_eq!((&slept["status"], &slept["attempt"]), (&json!("completed"), &json!(1)), "{slept}");

    desk.save(&email("other").replace("from", "form"));
    desk.refused();
    desk.daemon.wait_for_log("unknown key `form` in `config` of [plugins.email]");
    assert_eq!(client.ended(&client.submit("email.send", &mail))["status"], "completed");
}

#[test]
fn the_grace_of_cancels_and_the_time_to_stop_are_those_of_the_last_edit() {
    let scene = Scene::new("cancel_grace = \"1h\"\n[plugins.probe]\nallow_in_process = true\n");
    let manager = Manager::listen(scene.path());
    let base = fs::read_to_string(scene.file("tasks.toml")).expect("the file of the scene");
    let daemon = scene.start_with(&[("NOTIFY_SOCKET", manager.path().as_os_str())]);
    let mut desk = Desk { scene, daemon, base: base.replace("\"1h\"", "\"1ms\"\ndrain_timeout = \"7s\"") };
    desk.save("");
    assert_eq!(desk.applied(), "~[host] drain_timeout, cancel_grace, config generation 2.");
    let client = desk.daemon.client().clone();
    let hangs = client.submit("probe.hang", &json!({ "ms": 60_000 }));
    client.until(&hangs, |task| task["status"] == "running");
    client.post(&format!("/api/v1/tasks/{hangs}/cancel"), &json!(null));
    client.until(&hangs, |task| task["reason"].as_str().is_some_and(|reason| reason.contains("not responding")));
    desk.daemon.signal(libc::SIGTERM);
    assert_eq!(manager.wait_for("STOPPING=1")[1], "EXTEND_TIMEOUT_USEC=19000000");
    desk.daemon.signal(libc::SIGTERM);
}

#[test]
fn what_needs_a_restart_is_told_and_the_rest_is_applied() {
    let mut desk = Desk::new("");
    let other = desk.base.replace("[host]\n", "[host]\nstate = \"elsewhere\"\n");
    desk.save_text(&format!("{other}{JOB}"));
    assert!(desk.applied().contains("; ~[host] state, config generation 2."));
    let line = desk.daemon.wait_for_log("need a restart");
    assert!(line.contains("keys=\"state\""), "{line}");
    assert_eq!(desk.job("nightly"), 200);
    assert!(!desk.scene.file("elsewhere").exists());
}

#[test]
fn a_hangup_reads_the_file_and_tells_the_service_manager() {
    let scene = Scene::new("");
    let manager = Manager::listen(scene.path());
    let base = fs::read_to_string(scene.file("tasks.toml")).expect("the file of the scene");
    let daemon = scene.start_with(&[("NOTIFY_SOCKET", manager.path().as_os_str())]);
    let mut desk = Desk { scene, daemon, base };
    assert_eq!(manager.next()[0], "READY=1");
    desk.daemon.signal(libc::SIGHUP);
    desk.daemon.wait_for_log("tasks.toml is as it was applied.");
    let reloading = manager.next();
    assert!(reloading[0] == "RELOADING=1" && reloading[1].starts_with("MONOTONIC_USEC="), "{reloading:?}");
    assert_eq!(manager.next(), ["READY=1", "STATUS=Config generation 1; 0 jobs in the file."]);

    desk.save(&JOB.replace("probe.echo", "nobody.knows"));
    desk.refused();
    manager.wait_for("RELOADING=1");
    assert_eq!(manager.next()[1], "STATUS=tasks.toml is refused, config generation 1 goes on; see the log.");
    desk.daemon.signal(libc::SIGHUP);
    desk.refused();
}

#[test]
fn what_was_applied_refused_and_changed_is_shown_without_secrets() {
    let mut desk = Desk::new(JOB);
    let email = |path: &str| {
        format!("[plugins.email]\nconfig = {{ transport = \"file\", path = \"{path}\", from = \"a@example.org\" }}\n")
    };
    desk.save(&email("out"));
    desk.applied();
    desk.save(&format!("# A comment with hunter2.\n{}", email("other")));
    desk.applied();
    let changed = desk.scene.taskhost(&["config", "diff"]);
    assert_eq!(changed.stdout, "~ plugins.email.config.path = \"out\"  ->  \"other\"\n", "{}", changed.stderr);
    assert!(changed.stderr.starts_with("config generation 2 -> 3, "), "{}", changed.stderr);
    let since = desk.scene.taskhost(&["config", "diff", "3", "--from", "1"]);
    assert!(since.stdout.starts_with("+ plugins.email = {\"config\":"), "{}", since.stdout);
    let shown = desk.scene.taskhost(&["config", "show", "3"]);
    assert!(shown.stdout.contains("[jobs.nightly]\nkind = \"probe.echo\"\n"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("hunter2"), "{}", shown.stdout);
    assert_eq!(desk.scene.taskhost(&["config", "show", "9"]).code, Some(3));

    desk.save("[jobs.late]\nkind = \"prob.echo\"\n");
    desk.refused();
    let told = desk.scene.taskhost(&["config"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    for line in [
        "generation  3\n",
        "tasks.toml has 1 error\n",
        "line 8, column 8: error: job `late` names kind `prob.echo`, which no plugin provides\n",
        "hint: did you mean `probe.echo`?\n",
        "\n1\t",
    ] {
        assert!(told.stdout.contains(line), "{line}: {}", told.stdout);
    }
    let client = desk.daemon.client();
    let document = client.get("/api/v1/config").body;
    assert_eq!((&document["generation"], &document["last_reload"]["ok"]), (&json!(3), &json!(false)), "{document}");
    let ready = client.get("/readyz?verbose");
    assert_eq!((ready.status, &ready.body["checks"][2]["ok"]), (200, &json!(false)), "{}", ready.body);

    // The command finds the daemon also while the file is gone.
    fs::remove_file(desk.scene.file("tasks.toml")).expect("the file");
    desk.daemon.wait_for_log("tasks.toml cannot be applied");
    let told = desk.scene.taskhost(&["config", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).expect("a document");
    assert_eq!(told["refused"]["errors"], json!([]), "{told}");
}
