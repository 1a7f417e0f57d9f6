//! `taskhost doctor`: each fault is really made, found, and told with its cure.

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use serde_json::Value;
use taskhost_tests::{Scene, binary, built_plugins, run_in};

use super::recovery::SmallDisk;

/// A scene whose plugin folder has the same name on every machine.
fn scene(rest: &str) -> Scene {
    let scene = Scene::with_plugins(rest, &["plugins".into()]);
    symlink(built_plugins(), scene.file("plugins")).expect("a link to the built plugins");
    scene
}

/// The lines of these checks with their hints, in their order. What this machine's disk, limits and zones are is its own.
fn said(scene: &Scene, checks: &[&str]) -> String {
    let ran = scene.taskhost(&["doctor"]);
    let mut shown = Vec::new();
    let mut is_meant = false;
    for line in ran.stdout.lines() {
        let name = line.get(9..24).unwrap_or_default().trim();
        is_meant = if line.starts_with(' ') { is_meant } else { checks.contains(&name) };
        if is_meant {
            shown.push(line.replace(&scene.path().display().to_string(), "[scene]"));
        }
    }
    format!("{}\nexit {}", shown.join("\n"), ran.code.expect("an exit code"))
}

/// The verdicts by the name of the check.
fn verdicts(scene: &Scene) -> Vec<(String, String)> {
    let ran = scene.taskhost(&["doctor", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let word = |check: &Value, key: &str| check[key].as_str().expect("a text").to_owned();
    let checks = document["checks"].as_array().expect("a list").iter();
    let is_bad = document["status"] == "error";
    assert_eq!((ran.code, &*ran.stderr), (Some(i32::from(is_bad)), ""), "{document}");
    checks.map(|check| (word(check, "name"), word(check, "status"))).collect()
}

const OWN: &[&str] = &["config", "state", "store", "permissions", "plugins", "listen", "socket"];

#[test]
fn where_nothing_is_wrong_each_check_is_a_line_and_nothing_is_changed() {
    // That the clocks skip its time once a year is no fault.
    let job = "[jobs.a]\nkind = \"probe.noop\"\nschedule = { cron = \"30 2 * * *\", timezone = \"Europe/Berlin\" }\n";
    let scene = scene(job);
    insta::assert_snapshot!("doctor_good", said(&scene, OWN));
    let names: Vec<_> = verdicts(&scene).into_iter().map(|(name, _)| name).collect();
    let expected = "config state permissions disk disk fsync socket listen files plugins clock zones";
    assert_eq!(names.join(" "), expected);
    assert!(!scene.file("var").exists(), "it looks, and makes nothing");
}

#[test]
fn it_may_be_asked_while_the_daemon_runs() {
    let scene = scene("");
    let address = scene.start().address().to_owned();
    let text = fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("tasks.toml", text.replace("127.0.0.1:0", &address));
    let daemon = scene.start();
    let ran = scene.taskhost(&["doctor"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert!(ran.stdout.contains("a daemon answers on ") && ran.stdout.contains("is taken, while the daemon runs"));
    assert_eq!(daemon.client().get("/readyz").status, 200);
}

#[test]
fn many_faults_are_all_found_each_with_its_cure() {
    let scene = scene("[jobs.a]\nkind = \"probe.nop\"\n[queues.mail]\nconcurency = 2\n");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let text = fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    let port = taken.local_addr().expect("an address").port();
    let text = text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    scene.write("tasks.toml", text.replace("plugins = [", "state = \"file/state\"\nplugins = [\"own\", \"nowhere\", "));
    scene.write("file", "in the way");
    scene.write("own/libbroken.so", "this is no library");
    fs::set_permissions(scene.file("own"), Permissions::from_mode(0o777)).expect("an open folder");
    insta::assert_snapshot!("doctor_faults", said(&scene, OWN).replace(&port.to_string(), "[port]"));
}

#[test]
fn a_clock_behind_the_store_is_found() {
    let scene = scene("");
    assert!(scene.start().stop().0.success());
    let store = File::options().write(true).open(scene.file("var/taskhost.db")).expect("the store");
    let written = store.metadata().and_then(|found| found.modified()).expect("a time");
    store.set_modified(written + Duration::from_hours(48)).expect("another time");
    assert!(verdicts(&scene).contains(&("clock".to_owned(), "error".to_owned())));
    assert!(said(&scene, &["clock"]).contains("hint: set the clock"));
}

#[test]
fn a_damaged_store_is_found_with_what_to_do_and_a_good_one_is_sound() {
    let scene = scene("");
    let daemon = scene.start();
    let filler = "x".repeat(60_000);
    for _ in 0..20 {
        daemon.client().submit("probe.echo", &serde_json::json!({ "filler": filler }));
    }
    let sound = said(&scene, &["store"]);
    assert!(sound.contains("ok       store          var/taskhost.db is sound, "), "{sound}");
    daemon.stop();
    let full = scene.taskhost(&["doctor", "--full"]);
    assert!(full.code == Some(0) && full.stdout.contains("is sound, and so are its indexes"), "{full:?}");

    let file = rusqlite::Connection::open(scene.file("var/taskhost.db")).expect("the store");
    file.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).expect("one file");
    drop(file);
    let mut bytes = fs::read(scene.file("var/taskhost.db")).expect("the store");
    for page in (1..bytes.len() / 4_096).step_by(10) {
        bytes[page * 4_096..page * 4_096 + 8].iter_mut().for_each(|byte| *byte ^= 0xFF);
    }
    scene.write("var/taskhost.db", bytes);
    let damaged = said(&scene, &["store"]);
    assert!(damaged.starts_with("error    store          var/taskhost.db is damaged: "), "{damaged}");
    assert!(
        damaged.contains("hint: stop the daemon; keep a copy of the file") && damaged.ends_with("exit 1"),
        "{damaged}"
    );
}

#[test]
fn a_log_of_the_store_that_grows_is_told() {
    let scene = scene("");
    assert!(scene.start().stop().0.success());
    let log = File::options().create(true).append(true).open(scene.file("var/taskhost.db-wal")).expect("the log");
    log.set_len(300 << 20).expect("a long log");
    let said = said(&scene, &["store log"]);
    assert!(said.contains("warning  store log      the log of the store, var/taskhost.db-wal, has 300 MiB"), "{said}");
    assert!(said.contains("hint: something reads the store without end") && said.ends_with("exit 0"), "{said}");
}

#[test]
fn a_store_in_memory_and_a_socket_path_that_is_too_long_are_found() {
    let memory = tempfile::tempdir_in("/dev/shm").expect("a folder in memory");
    let long = "s".repeat(120);
    let scene = scene(&format!("store = \"sqlite:{}/taskhost.db\"\nstate = \"{long}\"\n", memory.path().display()));
    let verdicts = verdicts(&scene);
    for found in [("disk", "warning"), ("socket", "error")] {
        assert!(verdicts.iter().any(|(name, verdict)| (&**name, &**verdict) == found), "{verdicts:?}");
    }
    let said = said(&scene, &["disk", "socket"]);
    assert!(
        said.contains("is in memory (tmpfs)") && said.contains("hint: set [host] state to a shorter path"),
        "{said}"
    );
}

#[test]
fn of_a_file_that_cannot_be_read_the_rest_is_not_guessed() {
    let scene = scene("");
    scene.write("tasks.toml", "[host");
    assert_eq!(verdicts(&scene)[0], ("config".to_owned(), "error".to_owned()));
    assert_eq!(verdicts(&scene).len(), 3, "clock and zones need no file");
    fs::remove_file(scene.file("tasks.toml")).expect("the file");
    let said = said(&scene, OWN);
    let first = "error    config         cannot read [scene]/tasks.toml: ";
    assert!(said.starts_with(first) && said.contains("hint: name the file") && said.ends_with("exit 1"), "{said}");
}

#[test]
fn a_disk_without_room_or_that_cannot_be_written_and_a_low_limit_are_found() {
    let scene = scene("store = \"sqlite:small/taskhost.db\"\n");
    let words = format!("ulimit -n 256; exec {} doctor", binary().display());
    let ran = run_in("sh", &["-c", &words], scene.path(), &[]);
    assert!(ran.code == Some(0) && ran.stdout.contains("warning  files          a process may have 256 "), "{ran:?}");

    let Some(disk) = SmallDisk::mount(&scene) else { return };
    let full = said(&scene, &["disk", "store"]);
    assert!(full.contains("error    disk           3 MiB are free in small\n") && full.ends_with("exit 1"), "{full}");
    disk.remount("ro");
    let locked = said(&scene, &["fsync", "store"]);
    assert!(locked.contains("may not write to small: Read-only file system"), "{locked}");
    assert!(locked.contains("hint: mount it for writing") && locked.contains("error    fsync "), "{locked}");
}
