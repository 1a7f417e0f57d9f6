//! The author's tools on real libraries, without a daemon: `plugins check` and `plugins run`.

use serde_json::{Value, json};
use taskhost_tests::{Ran, Scene, binary, built_plugins, output, repository, run_in};

fn probe() -> String {
    built_plugins().join("libprobe.so").display().to_string()
}

fn check(scene: &Scene, file: &str) -> Ran {
    scene.taskhost(&["plugins", "check", file])
}

fn run(scene: &Scene, words: &[&str]) -> Ran {
    scene.taskhost(&[&["plugins", "run", &*probe()], words].concat())
}

/// A library in C whose `init` does this; it offers nothing.
fn library(scene: &Scene, init: &str) {
    let code = format!(
        "#include \"taskhost_plugin.h\"\n#include <stdlib.h>\n#include <stddef.h>\n\
         static const th_plugin *init(const th_host *host) {{ {init} return NULL; }}\n\
         TH_EXPORT const th_entry taskhost_plugin_v1 = {{ .magic = TH_MAGIC, .struct_size = sizeof(th_entry), .init = init }};\n"
    );
    scene.write("odd.c", code);
    let include = repository().join("plugin-api/include").display().to_string();
    let flags = ["-std=c11", "-fPIC", "-shared", "-fvisibility=hidden", "-I", &*include, "-o", "libodd.so", "odd.c"];
    output("cc", &flags, scene.path());
}

#[test]
fn a_check_tells_what_a_library_offers_and_what_could_be_better() {
    let scene = Scene::new("");
    let ran = check(&scene, &probe());
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"size    .*", "size    [size]");
    settings.add_filter(r"\S*/libprobe\.so", "[plugins]/libprobe.so");
    settings.bind(|| insta::assert_snapshot!("check_of_probe", ran.stdout));

    let ran = scene.taskhost(&["plugins", "check", &probe(), "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).expect("one document on stdout");
    assert_eq!((&document["usable"], &document["manifest"]["name"]), (&json!(true), &json!("probe")), "{document}");
}

#[test]
fn a_check_of_what_is_no_plugin_fails_with_the_reason() {
    let scene = Scene::new("");
    scene.write("notes.so", "no library");
    let ran = check(&scene, "notes.so");
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stdout.starts_with("error: it is not a shared library: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("hint: name the shared library that the build has made"), "{}", ran.stdout);
}

#[test]
fn a_library_that_crashes_costs_the_check_nothing() {
    let scene = Scene::new("");
    library(&scene, "(void)host; abort();");
    let ran = check(&scene, "libodd.so");
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stdout.starts_with("error: it ended its process by signal 6"), "{}", ran.stdout);
}

#[test]
fn a_library_that_reads_beyond_the_table_of_a_host_is_found() {
    let scene = Scene::new("");
    let example = repository().join("examples/c/hello.c");
    let code = std::fs::read_to_string(example).expect("the example in C");
    let careless = code.replace("host = given;", "host = given; (void)host->get_ext(NONE);");
    for (code, exit, says) in
        [(&code, 0, "a host can use it"), (&careless, 1, "given the shorter table of another host")]
    {
        scene.write("hello.c", code);
        let include = repository().join("plugin-api/include").display().to_string();
        let flags =
            ["-std=c11", "-fPIC", "-shared", "-fvisibility=hidden", "-I", &*include, "-o", "libhello.so", "hello.c"];
        output("cc", &flags, scene.path());
        let ran = check(&scene, "libhello.so");
        assert_eq!(ran.code, Some(exit), "{}", ran.stdout);
        assert!(ran.stdout.contains(says), "{}", ran.stdout);
    }
}

#[test]
fn a_run_prints_the_result_and_tells_the_rest_beside() {
    let scene = Scene::new("");
    let ran = run(&scene, &["probe.echo", "--params", r#"{"a":1.10}"#]);
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(0), "{\"a\":1.10}\n", ""));

    let ran = run(&scene, &["probe.progress", "--params", r#"{"steps":3,"step_ms":1}"#]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "{\"steps\":3,\"resumed_at\":0}\n"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("3/3 steps (100 %): step 3 of 3\n"), "{}", ran.stderr);

    // It saves more often than it is looked at.
    let ran = run(&scene, &["probe.progress", "--params", r#"{"steps":4,"step_ms":60}"#]);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(matches!(lines[..], [first, "4/4 steps (100 %): step 4 of 4"] if first.contains("/4 steps")), "{lines:?}");

    let ran = run(&scene, &["probe.enqueue", "--params", r#"{"kind":"other.kind","times":1,"params":{"b":2}}"#]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), "follow-up, not run: other.kind {\"b\":2}\n"), "{}", ran.stdout);
}

#[test]
fn a_run_that_fails_says_why_and_where() {
    let scene = Scene::new("");
    let ran = run(&scene, &["probe.fail", "--params", r#"{"times":1}"#]);
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""));
    let expected = "error: the task did not complete: asked: attempt 1 of 1 that were asked to fail\n";
    assert_eq!(ran.stderr, expected);
    assert_eq!(run(&scene, &["probe.fail", "--params", r#"{"times":1}"#, "--attempt", "2"]).code, Some(0));

    let ran = run(&scene, &["probe.panic"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("probe/src/failures.rs:"), "{}", ran.stderr);
}

#[test]
fn a_run_begins_only_with_a_kind_and_params_that_fit() {
    let scene = Scene::new("");
    let ran = run(&scene, &["probe.sleep", "--params", r#"{"ms":"x"}"#]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("\n  at /ms: value is not of type \"integer\"\n"), "{}", ran.stderr);
    let ran = run(&scene, &["probe.slep"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.ends_with("hint: did you mean `probe.sleep`?\n"), "{}", ran.stderr);
}

#[test]
fn a_run_ends_after_its_timeout() {
    let scene = Scene::new("");
    let ran = run(&scene, &["probe.sleep", "--params", r#"{"ms":60000}"#, "--timeout", "50ms"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stderr, "error: the task did not complete: timeout: timed out after 50 ms\n");
}

#[test]
fn what_a_crashed_run_leaves_is_cleaned_by_the_next() {
    let scene = Scene::new("");
    std::fs::create_dir(scene.file("tmp")).expect("a folder");
    let folder = scene.file("tmp");
    let run = |kind: &str, params: &str| {
        let words = ["plugins", "run", &*probe(), kind, "--params", params];
        run_in(binary(), &words, scene.path(), &[("TMPDIR", folder.as_os_str())])
    };
    let left = || std::fs::read_dir(scene.file("tmp")).expect("a folder").count();
    assert_eq!(run("probe.crash", r#"{"signal":9}"#).code, None);
    assert_eq!(left(), 1);
    assert_eq!(run("probe.noop", "{}").code, Some(0));
    assert_eq!(left(), 0);
}
