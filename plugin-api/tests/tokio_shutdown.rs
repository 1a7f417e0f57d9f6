//! The end of a plugin with the feature `tokio`: its runtime goes when the host says `shutdown`. A process of its own, because
//! there is no second begin.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "the host's side of the C ABI, for tests alone")]

use std::sync::Barrier;

use plugin_api::abi::{E_OWN_THREADS, PENDING, ThEntry, ThKind, ThPlugin};
use plugin_api::prelude::*;
use plugin_api::testing::ctx::Ctx;
use plugin_api::testing::host::{Driver, Given, HOST};
use plugin_api::tokio::task;

/// The worker waits here until the task was polled for the first time: one that was done before would wake nobody.
static POLLED: Barrier = Barrier::new(2);

#[task(name = "shutdown.waits")]
async fn waits(cx: Context) -> TaskResult<()> {
    task::spawn(async {
        POLLED.wait();
    })
    .await?;
    task::spawn(std::future::pending::<()>());
    cx.sleep(Duration::from_hours(1)).await;
    Ok(())
}

plugin_api::plugin!(waits);

unsafe extern "C" {
    safe static taskhost_plugin_v1: ThEntry;
}

/// How many threads of tokio there are.
fn workers() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").expect("a process has threads").flatten();
    let names = threads.map(|thread| std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default());
    names.filter(|name| name.trim_end() == "plugin-tokio").count()
}

fn load() -> (&'static ThPlugin, &'static ThKind) {
    let init = taskhost_plugin_v1.init.expect("every entry has it");
    // SAFETY: header, th_entry.init: a table that lives as long as the process.
    let plugin = unsafe { init(&raw const HOST) };
    // SAFETY: header, "Memory": lives as long as the process.
    let plugin = unsafe { plugin.as_ref() }.expect("the table is complete");
    // SAFETY: header, th_plugin.kinds: the first of one.
    let kind = unsafe { plugin.kinds.read() };
    // SAFETY: header, "Memory": lives as long as the process.
    (plugin, unsafe { &*kind })
}

#[test]
fn the_runtime_begins_with_the_first_task_and_ends_at_shutdown() {
    let (plugin, kind) = load();
    assert_eq!(taskhost_plugin_v1.flags & E_OWN_THREADS, E_OWN_THREADS);
    assert_eq!(workers(), 0, "a plugin that is only described starts no thread");

    let params = Given { attempt: 1, params: "{}".to_owned(), ..Given::default() };
    let mut task = Driver::new(kind, Ctx::default(), &params);
    assert_eq!(task.poll(), PENDING);
    POLLED.wait();
    assert!(task.ctx.wait_for_wake(Duration::from_mins(1)), "the worker has done something");
    assert_eq!(task.poll(), PENDING);
    assert_eq!(workers(), 1);
    let mut late = Driver::new(kind, Ctx::default(), &params);
    task.drop_task();

    let shutdown = plugin.shutdown.expect("a plugin with threads has it");
    // SAFETY: header, th_plugin.shutdown: on a thread that is nothing else.
    assert_eq!(unsafe { shutdown(5_000) }, 0);
    assert_eq!(workers(), 0);
    // SAFETY: as above; a second call finds nothing to do.
    assert_eq!(unsafe { shutdown(5_000) }, 0);
    late.drop_task();
    assert!(late.ctx.said().log.is_empty(), "a drop after the shutdown is harmless");
}
