//! An author's first minutes, from an empty folder to a plugin that is swapped while it serves. What each step says is a
//! snapshot: `INSTA_UPDATE=always cargo test -p taskhost-tests` writes them anew, and the difference is the review.

use std::path::Path;

use serde_json::json;
use taskhost_tests::{Daemon, Ran, Scene, binary, repository, run_in, target};

/// Ids, times, places and sizes differ from run to run.
fn settings(scene: &Scene) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(&regex_of(scene.path()), "[scene]");
    settings.add_filter(&regex_of(&repository()), "[repository]");
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "[id]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "[time]");
    settings.add_filter(r"thumbs-[0-9a-f]{16}", "thumbs-[hash]");
    settings.add_filter(r"finished in [\d.]+s", "finished in [seconds]");
    settings
}

fn regex_of(path: &Path) -> String {
    path.display().to_string().replace('.', r"\.")
}

fn cargo(scene: &Scene, word: &str) -> Ran {
    // A folder that is kept: the dependencies of a new plugin are built once, as on an author's machine.
    let built = target().join("journey");
    let variables = [("CARGO_TARGET_DIR", built.as_os_str()), ("CARGO_TERM_COLOR", "never".as_ref())];
    let ran = run_in("cargo", &[word, "--quiet"], &scene.file("thumbs"), &variables);
    assert_eq!(ran.code, Some(0), "cargo {word}: {}{}", ran.stdout, ran.stderr);
    ran
}

/// Builds the plugin and puts it where the daemon looks; answers when the daemon says `says`.
fn make_live(scene: &Scene, daemon: &mut Daemon, says: &str) -> String {
    cargo(scene, "build");
    let library = scene.file("plugins/libthumbs.so");
    let partial = scene.file("plugins/.libthumbs.so.partial");
    std::fs::copy(target().join("journey/debug/libthumbs.so"), &partial).expect("the built plugin");
    std::fs::rename(&partial, &library).expect("a folder for plugins");
    let line = daemon.wait_for_log(says);
    line.split_once("INFO ").map_or(line.clone(), |(_, said)| said.to_owned())
}

fn edit(scene: &Scene, from: &str, to: &str) {
    let path = scene.file("thumbs/src/lib.rs");
    let code = std::fs::read_to_string(&path).expect("the plugin's code");
    assert!(code.contains(from), "`{from}` is not in the template any more");
    std::fs::write(&path, code.replacen(from, to, 1)).expect("the plugin's code");
}

#[test]
fn an_author_goes_from_an_empty_folder_to_a_plugin_that_is_swapped_while_it_serves() {
    let scene = Scene::with_plugins("", &["plugins".into()]);
    std::fs::create_dir(scene.file("plugins")).expect("a folder for plugins");
    let settings = settings(&scene);
    let _bound = settings.bind_to_scope();

    let api = repository().join("plugin-api").display().to_string();
    let new = scene.taskhost(&["plugins", "new", "thumbs", "--api", &api]);
    insta::assert_snapshot!("1_new", format!("{}{}", new.stdout, new.stderr));
    insta::assert_snapshot!("2_test", cargo(&scene, "test").stdout);

    let mut daemon = scene.start();
    insta::assert_snapshot!("3_live", make_live(&scene, &mut daemon, "Plugin loaded."));
    let greet = ["enqueue", "thumbs.greet", "--params", r#"{"name":"ada","times":2}"#, "--wait"];
    insta::assert_snapshot!("4_task", scene.taskhost(&greet).stdout);

    edit(&scene, "hello, {}", "good day, {}");
    insta::assert_snapshot!("5_live_again", make_live(&scene, &mut daemon, "Plugin swapped."));
    insta::assert_snapshot!("6_task_again", scene.taskhost(&greet).stdout);

    let mistyped = scene.taskhost(&["enqueue", "thumbs.greet", "--params", r#"{"name":"ada","tims":2}"#]);
    assert_eq!(mistyped.code, Some(1));
    insta::assert_snapshot!("7_mistyped_param", mistyped.stderr);

    edit(
        &scene,
        "    let mut greetings",
        "    panic!(\"no greetings today\");\n    #[expect(unreachable_code)]\n    let mut greetings",
    );
    make_live(&scene, &mut daemon, "Plugin swapped.");
    let document = json!({ "kind": "thumbs.greet", "params": { "name": "ada" }, "retry": { "attempts": 1 } });
    let id = daemon.client().post("/api/v1/tasks", &document).body["task_id"].as_str().expect("an id").to_owned();
    let task = daemon.client().ended(&id);
    let error = task["error"].as_str().expect("an error");
    insta::assert_snapshot!("8_panic", error.lines().next().unwrap_or_default());
    assert_eq!(daemon.client().get("/livez").status, 200, "the daemon lives");
    assert!(binary().exists());
}
