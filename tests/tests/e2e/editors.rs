//! What an editor makes of `tasks.toml`: the schema that `taskhost schema` prints, in the hands of taplo, the language server
//! that editors run.
//!
//! `UPDATE_GOLDEN=1 cargo test -p taskhost-tests editors` writes `tasks.schema.json` anew.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};
use taskhost_tests::{Ran, Scene, built_plugins, npm_package, output, repository, run_in};

/// A scene in which the built plugins are where the repository's files look for them.
fn scene() -> Scene {
    let scene = Scene::with_plugins("", &["target/release/plugins".into()]);
    std::fs::create_dir_all(scene.file("target/release")).expect("folders");
    symlink(built_plugins(), scene.file("target/release/plugins")).expect("a link to the built plugins");
    scene
}

fn golden() -> PathBuf {
    repository().join("tasks.schema.json")
}

/// Has taplo look at files of a scene, with the schema of the repository.
fn lint(scene: &Scene, files: &[String]) -> Ran {
    std::fs::copy(golden(), scene.file("tasks.schema.json")).expect("the schema");
    let files = files.iter().map(String::as_str);
    let words: Vec<&str> = ["lint", "--colors", "never"].into_iter().chain(files).collect();
    run_in(npm_package(".bin/taplo"), &words, scene.path(), &[])
}

fn repository_file(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).expect(name)
}

/// Each `toml` block of the front page and of the guides, and the file of the repository.
fn documented() -> Vec<(String, String)> {
    let guides = std::fs::read_dir(repository().join("docs/guide")).expect("the guides");
    let guides = guides.map(|guide| format!("docs/guide/{}", guide.expect("a guide").file_name().display()));
    let pages = guides.chain(["README.md".to_owned()]).map(|page| (repository_file(&page), page));
    let blocks = pages.flat_map(|(text, page)| {
        let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let named = blocks.enumerate().map(|(place, block)| (format!("{page}, block {}", place + 1), block.to_owned()));
        named.collect::<Vec<_>>()
    });
    blocks.chain([("tasks.toml".to_owned(), repository_file("tasks.toml"))]).collect()
}

#[test]
fn the_schema_of_the_repository_is_that_of_its_plugins() {
    let ran = scene().taskhost(&["schema"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        // By a rename: other tests read it meanwhile.
        let new = golden().with_extension("new");
        std::fs::write(&new, &ran.stdout).and_then(|()| std::fs::rename(new, golden())).expect("the golden file");
    }
    let hint =
        "the keys of tasks.toml or the plugins have changed: `UPDATE_GOLDEN=1 cargo test -p taskhost-tests editors`";
    assert!(ran.stdout == repository_file("tasks.schema.json"), "{hint} writes tasks.schema.json anew");
    assert!(repository_file("tasks.toml").starts_with("#:schema ./tasks.schema.json\n"));
}

#[test]
fn every_file_that_is_shown_is_good_for_taplo_and_for_check() {
    let scene = scene();
    let documented = documented();
    let mut files = Vec::new();
    for (place, (name, text)) in documented.iter().enumerate() {
        let file = format!("{place}.toml");
        scene.write(&file, format!("#:schema ./tasks.schema.json\n{text}"));
        // A block may leave out what the page has shown before.
        let hosted = text.contains("[host]");
        let host = if hosted { "" } else { "[host]\nplugins = [\"target/release/plugins\"]\n" };
        scene.write("tasks.toml", format!("{host}{text}"));
        let ran = scene.taskhost(&["check"]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        files.push(file);
    }
    let ran = lint(&scene, &files);
    assert_eq!(ran.code, Some(0), "{documented:#?}\n{}", ran.stderr);
}

#[test]
fn taplo_refuses_what_check_refuses() {
    let scene = scene();
    let right = repository_file("tasks.toml");
    let edits = [
        (
            "key",
            "schedule = { cron = \"* *",
            "schedul = { cron = \"* *",
            "Additional properties are not allowed ('schedul' was unexpected)",
        ),
        (
            "param",
            "{ path = \"Cargo.lock\" }",
            "{ pth = \"Cargo.lock\" }",
            "Additional properties are not allowed ('pth' was unexpected)",
        ),
        ("type", "{ path = \"Cargo.lock\" }", "{ path = 3 }", "3 is not of type \"string\""),
        ("absent", "{ path = \"Cargo.lock\" }", "{}", "\"path\" is a required property"),
        ("kind", "\"files.checksum\"", "\"files.checksun\"", "\"files.checksun\" is not one of"),
        (
            "config",
            "path = \"var/outbox\"",
            "pth = \"var/outbox\"",
            "Additional properties are not allowed ('pth' was unexpected)",
        ),
        ("word", "\"high\"", "\"hihg\"", "\"hihg\" is not one of"),
        ("duration", "\"30m\"", "\"30min\"", "\"30min\" does not match"),
        ("zone", "\"Europe/Berlin\"", "\"Europe/Berln\"", "\"Europe/Berln\" is not valid"),
    ];
    let files = edits.map(|(name, from, to, _)| {
        assert!(right.contains(from), "`{from}` is not in tasks.toml any more");
        let wrong = right.replacen(from, to, 1);
        scene.write("tasks.toml", &wrong);
        assert_eq!(scene.taskhost(&["check"]).code, Some(1), "{name}");
        scene.write(&format!("{name}.toml"), wrong);
        format!("{name}.toml")
    });
    let ran = lint(&scene, &files);
    assert_eq!(ran.code, Some(1));
    for (name, _, _, told) in edits {
        let refused = ran
            .stderr
            .split("error: ")
            .any(|error| error.starts_with(told) && error.contains(&format!("/{name}.toml:")));
        assert!(refused, "{name}: {}", ran.stderr);
    }
}

/// Asks the language server about places of a file: `completion` or `hover`, the line from 0, the character from 0.
fn ask(scene: &Scene, text: &str, questions: &Value) -> Vec<Value> {
    std::fs::copy(golden(), scene.file("tasks.schema.json")).expect("the schema");
    let file = scene.write("edited.toml", text).display().to_string();
    let script = repository().join("tests/fixtures/taplo.mjs").display().to_string();
    let server = npm_package("@taplo/lsp").display().to_string();
    let answers = output("node", &[&script, &server, &file, &questions.to_string()], scene.path());
    serde_json::from_str(&answers).expect("a list of answers")
}

#[test]
fn an_editor_completes_and_explains_keys_kinds_and_the_params_of_the_plugins() {
    let text = r#"#:schema ./tasks.schema.json
[host]
timezone = ""
[jobs.a]
kind = ""
[jobs.b]
kind = "backup.create"
params = { source = "docs", target = "var" }
schedule = {  }
[plugins.email.config]
t
"#;
    let questions = json!([
        ["completion", 2, 12],
        ["completion", 4, 8],
        ["completion", 8, 13],
        ["completion", 10, 1],
        ["hover", 2, 3],
        ["hover", 6, 12],
        ["hover", 7, 13],
        ["hover", 8, 3],
    ]);
    let answers = ask(&scene(), text, &questions);
    let labels = |answer: &Value| -> Vec<String> {
        let items = answer.as_array().or_else(|| answer["items"].as_array()).expect("a list of completions");
        items.iter().filter_map(|item| item["label"].as_str().map(str::to_owned)).collect()
    };
    assert!(labels(&answers[0]).contains(&"\"Europe/Berlin\"".to_owned()), "{}", answers[0]);
    assert!(labels(&answers[1]).contains(&"\"email.send\"".to_owned()), "{}", answers[1]);
    assert_eq!(labels(&answers[2]), ["at", "cron", "delay", "every", "timezone"]);
    assert_eq!(labels(&answers[3]), ["from", "path", "transport"]);
    let explained = ["The zone of cron lines", "Back up a folder", "The folder to back up.", "When the job fires"];
    for (answer, told) in answers[4..].iter().zip(explained) {
        let shown = answer["contents"]["value"].as_str().unwrap_or_default();
        assert!(shown.contains(told), "{told}: {answer}");
    }
}

#[test]
fn a_schema_that_would_refuse_what_is_right_is_not_printed() {
    let scene = Scene::with_plugins("", &["nowhere".into()]);
    let ran = scene.taskhost(&["schema"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""));
    assert!(ran.stderr.contains("folder `nowhere` cannot be read"), "{}", ran.stderr);
    assert_eq!(Scene::new("").taskhost(&["schema", "nowhere.toml"]).code, Some(3));
    let edited = Scene::new("[jobs.a]\nkind = 3\n").taskhost(&["schema"]);
    assert_eq!((edited.code, &*edited.stderr), (Some(0), ""), "what else is wrong does not matter");
}
