//! A daemon that has nothing to do.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::json;
use taskhost_tests::Scene;

/// A poll that comes more often is found.
const WINDOW: Duration = Duration::from_secs(3);
/// What the start and the last task leave behind (threads that end when they were not needed for a while) is over by then.
const WINDOWS_MAX: usize = 15;

#[test]
fn a_daemon_with_nothing_to_do_does_not_wake_up() {
    let scene = Scene::new("[jobs.yearly]\nkind = \"probe.noop\"\nschedule = { cron = \"0 0 1 1 *\" }\n");
    let daemon = scene.start();
    let client = daemon.client();
    client.ended(&client.submit("probe.noop", &json!({})));
    let mut before = switches(daemon.id());
    for _ in 0..WINDOWS_MAX {
        // Nothing can be waited for: the claim is that nothing happens.
        std::thread::sleep(WINDOW);
        let after = switches(daemon.id());
        let woken: Vec<_> = after.iter().filter(|(thread, count)| before.get(*thread) != Some(count)).collect();
        if woken.is_empty() {
            return;
        }
        before = after;
    }
    panic!("in none of {WINDOWS_MAX} times {WINDOW:?} did all threads sleep: {before:?}");
}

/// How often each thread has given up the processor by itself, as one does that goes to sleep again. A busy machine adds
/// nothing to it.
fn switches(process: u32) -> BTreeMap<String, u64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("the threads of the daemon");
    let of_thread = |folder: fs::DirEntry| {
        // One that ends meanwhile has no more to say.
        let status = fs::read_to_string(folder.path().join("status")).ok()?;
        let field = |name: &str| Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned());
        let thread = format!("{} {}", field("Pid:")?, field("Name:")?);
        // It hears what happens in the folders above, which are those of all tests.
        if thread.contains("notify-rs") {
            return None;
        }
        Some((thread, field("voluntary_ctxt_switches:")?.parse().ok()?))
    };
    threads.filter_map(|folder| of_thread(folder.expect("a thread"))).collect()
}
