//! The daemon as a service: what it tells the service manager, where it keeps its things, the unit of `packaging/`.

use std::ffi::OsStr;

use serde_json::json;
use taskhost_tests::{Manager, Scene, binary, output, repository, run_in};

#[test]
fn a_service_manager_is_told_when_the_daemon_serves_and_when_it_stops() {
    let scene = Scene::new("drain_timeout = \"7s\"\n");
    let manager = Manager::listen(scene.path());
    let daemon = scene.start_with(&[("NOTIFY_SOCKET", manager.path().as_os_str())]);
    let told = manager.next();
    assert_eq!(told[0], "READY=1");
    assert!(told[1].starts_with(&format!("STATUS=Listening on {}; ", daemon.address())), "{told:?}");

    let id = daemon.client().submit("probe.sleep", &json!({ "ms": 60_000 }));
    daemon.client().until(&id, |task| task["status"] == "running");
    daemon.signal(libc::SIGTERM);
    let told = manager.next();
    // The drain timeout, and what the end takes besides.
    assert_eq!(told[..2], ["STOPPING=1", "EXTEND_TIMEOUT_USEC=19000000"], "{told:?}");
    assert!(told[2].starts_with("STATUS=Stopping"), "{told:?}");
    daemon.signal(libc::SIGTERM);
    assert!(!daemon.wait().0.success(), "the second signal ends it at once");
}

#[test]
fn a_watchdog_hears_the_daemon_as_long_as_it_turns() {
    let scene = Scene::new("");
    let manager = Manager::listen(scene.path());
    let variables = [("NOTIFY_SOCKET", manager.path().as_os_str()), ("WATCHDOG_USEC", OsStr::new("300000"))];
    let daemon = scene.start_with(&variables);
    for _ in 0..3 {
        assert_eq!(manager.wait_for("WATCHDOG=1"), ["WATCHDOG=1"]);
    }
    // Also while it stops, when its scheduler is gone.
    let id = daemon.client().submit("probe.sleep", &json!({ "ms": 2_000 }));
    daemon.client().until(&id, |task| task["status"] == "running");
    daemon.signal(libc::SIGTERM);
    manager.wait_for("STOPPING=1");
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    let (status, said) = daemon.wait();
    assert!(status.success(), "{said}");
}

#[test]
fn without_a_word_in_the_file_a_service_keeps_its_things_where_its_manager_says() {
    let scene = Scene::new("");
    for folder in ["state", "run"] {
        std::fs::create_dir(scene.file(folder)).expect("a folder");
    }
    let (state, run) = (scene.file("state"), scene.file("run"));
    let variables = [("STATE_DIRECTORY", state.as_os_str()), ("RUNTIME_DIRECTORY", run.as_os_str())];
    let daemon = scene.start_with(&variables);
    assert!(state.join("taskhost.db").exists() && state.join("lock").exists());
    assert!(run.join("taskhost.sock").exists() && !scene.file("var").exists());
    let listed = run_in(binary(), &["plugins"], scene.path(), &variables);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    assert!(daemon.stop().0.success());
}

#[test]
fn the_file_of_the_user_is_found_and_its_daemon_too() {
    let scene = Scene::new("");
    let config = std::fs::read(scene.file("tasks.toml")).expect("the file of the scene");
    scene.write("config/taskhost/tasks.toml", config);
    std::fs::remove_file(scene.file("tasks.toml")).expect("the file of the scene");
    let (config, state) = (scene.file("config"), scene.file("state"));
    let variables = [
        ("XDG_CONFIG_HOME", config.as_os_str()),
        ("XDG_STATE_HOME", state.as_os_str()),
        ("XDG_RUNTIME_DIR", OsStr::new("/nowhere")),
    ];
    let daemon = scene.start_with(&variables);
    assert!(state.join("taskhost/taskhost.db").exists());
    let ran = run_in(binary(), &["enqueue", "probe.echo", "--wait"], scene.path(), &variables);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "{}\n"), "{}", ran.stderr);
    assert!(daemon.stop().0.success());
}

#[test]
fn a_file_that_is_nowhere_is_told_where_it_was_looked_for() {
    let scene = Scene::new("");
    std::fs::remove_file(scene.file("tasks.toml")).expect("the file of the scene");
    let config = scene.file("config");
    for (words, code) in [(&["run"], 1), (&["plugins"], 3)] {
        let ran = run_in(binary(), words, scene.path(), &[("XDG_CONFIG_HOME", config.as_os_str())]);
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        let searched =
            format!("tasks.toml, then {}/taskhost/tasks.toml, then /etc/taskhost/tasks.toml", config.display());
        assert!(ran.stderr.contains("cannot read tasks.toml: ") && ran.stderr.contains(&searched), "{}", ran.stderr);
    }
}

#[test]
fn the_unit_of_the_service_is_one_that_systemd_takes() {
    let scene = Scene::new("");
    let unit = repository().join("packaging/taskhost.service");
    let unit = std::fs::read_to_string(unit).expect("the unit");
    // systemd looks whether the program is there.
    let program = binary().display().to_string();
    scene.write("taskhost.service", unit.replace("/usr/bin/taskhost", &program));
    let ran = run_in("systemd-analyze", &["verify", "./taskhost.service"], scene.path(), &[]);
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(0), "", ""));
    // 0 is a service that can do nothing, 100 one that can do all.
    output("systemd-analyze", &["security", "--offline=yes", "--threshold=25", "./taskhost.service"], scene.path());
}
