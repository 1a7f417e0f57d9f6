//! The safe layer behind the raw C functions: what a host sees of a plugin that is written in Rust.

mod host;
mod kinds;

use std::sync::atomic::Ordering;

use host::{resume, start};
use plugin_api::abi;
use plugin_api::testing::ctx::{now, set_now};
use plugin_api::testing::host::Driver;
use serde_json::json;

const NOTHING: &str = "{}";

#[test]
fn a_save_is_waited_for_and_its_end_lets_the_task_go_on() {
    let mut run = start("test.steps", r#"{"to":2}"#);
    assert_eq!(run.poll(), abi::PENDING);
    assert_eq!(run.ctx.saves(), [r#"{"v":0,"state":[0]}"#]);
    assert_eq!(run.poll(), abi::PENDING, "a wake for another reason changes nothing");
    assert_eq!(run.ctx.saves(), [r#"{"v":0,"state":[0]}"#]);
    run.ctx.end_save(1);
    assert_eq!(run.poll(), abi::PENDING);
    assert_eq!(run.ctx.saves(), [r#"{"v":0,"state":[0]}"#, r#"{"v":0,"state":[0,1]}"#]);
    run.ctx.end_save(2);
    assert_eq!(run.poll(), abi::READY);
    let end = run.finished();
    assert_eq!((end.outcome, end.body.as_str(), end.code.as_str()), (abi::OK, "[0,1]", ""));
}

#[test]
fn a_drain_ends_the_task_at_its_checkpoint_and_a_later_attempt_resumes_there() {
    let mut run = start("test.steps", r#"{"to":3}"#);
    assert_eq!(run.poll(), abi::PENDING);
    run.ctx.set_flag(abi::F_DRAIN);
    assert_eq!(run.poll(), abi::PENDING, "the save has not ended yet");
    run.ctx.end_save(1);
    assert_eq!(run.poll(), abi::READY);
    let end = run.finished();
    assert_eq!((end.outcome, end.body.as_str(), end.not_before_ms), (abi::SUSPEND, "", 0));

    let run = resume("test.steps", r#"{"to":3}"#, r#"{"v":0,"state":[0]}"#);
    assert_eq!(run.poll(), abi::PENDING);
    assert_eq!(run.ctx.saves(), [r#"{"v":0,"state":[0,1]}"#]);
}

#[test]
fn a_cancel_ends_the_task_at_its_checkpoint_also_during_a_drain() {
    let mut run = start("test.steps", r#"{"to":3}"#);
    assert_eq!(run.poll(), abi::PENDING);
    run.ctx.set_flag(abi::F_DRAIN | abi::F_CANCEL);
    run.ctx.end_save(1);
    assert_eq!(run.poll(), abi::READY);
    assert_eq!(run.finished().outcome, abi::CANCELLED);
}

#[test]
fn a_lost_save_fails_the_attempt_and_a_lost_lease_cancels_it() {
    let mut run = start("test.steps", r#"{"to":3}"#);
    assert_eq!(run.poll(), abi::PENDING);
    run.ctx.lose_saves();
    assert_eq!(run.poll(), abi::READY);
    let end = run.finished();
    assert_eq!((end.outcome, end.code.as_str()), (abi::RETRY, "state"));

    let mut run = start("test.steps", r#"{"to":3}"#);
    assert_eq!(run.poll(), abi::PENDING);
    run.ctx.lose_saves();
    run.ctx.set_flag(abi::F_LEASE_LOST);
    assert_eq!(run.poll(), abi::READY);
    assert_eq!(run.finished().outcome, abi::CANCELLED);
}

#[test]
fn a_state_that_the_host_refuses_is_fatal() {
    let end = start("test.too_large", NOTHING).drive();
    assert_eq!((end.outcome, end.code.as_str()), (abi::FATAL, "state"));
    assert_eq!(end.body, "the host refused to save a state of 1048594 bytes");
}

#[test]
fn a_state_of_another_shape_is_fatal() {
    let end = resume("test.steps", r#"{"to":3}"#, r#"{"v":0,"state":{"old":true}}"#).drive();
    assert_eq!((end.outcome, end.code.as_str()), (abi::FATAL, "state"));
    assert!(end.body.starts_with("cannot read the state of the task: invalid type: map"), "{}", end.body);
}

#[test]
fn a_blocking_kind_gets_one_poll_and_waits_for_its_saves_inside() {
    let mut run = start("test.blocking_steps", r#"{"to":3}"#);
    assert_eq!(run.poll(), abi::READY);
    assert_eq!(run.ctx.saves(), [1, 2, 3].map(|step| format!(r#"{{"v":0,"state":{step}}}"#)));
    let end = run.finished();
    assert_eq!((end.outcome, end.body.as_str()), (abi::OK, "3"));
}

#[test]
fn a_drain_ends_a_blocking_kind_at_its_checkpoint() {
    let mut run = start("test.blocking_steps", r#"{"to":3}"#);
    run.ctx.set_flag(abi::F_DRAIN);
    assert_eq!(run.poll(), abi::READY);
    assert_eq!(run.ctx.saves(), [r#"{"v":0,"state":1}"#]);
    assert_eq!(run.finished().outcome, abi::SUSPEND);
}

#[test]
fn sleeps_that_run_at_once_share_the_hosts_slot_and_end_in_order() {
    let begun = now();
    let mut run = start("test.sleeps", "[30, 10, 20, 10]");
    assert_eq!(run.poll(), abi::PENDING);
    assert_eq!(run.ctx.wake_at(), Some(begun + 10));
    assert_eq!(run.poll(), abi::PENDING, "too early");
    assert_eq!(run.ctx.wake_at(), Some(begun + 10), "each poll asks again");
    let end = run.drive();
    assert_eq!((end.outcome, end.body.as_str()), (abi::OK, "[1,3,2,0]"));
    assert_eq!(now(), begun + 30);
}

#[test]
fn a_cancel_reaches_a_task_that_sleeps() {
    let mut run = start("test.cancellable", NOTHING);
    assert_eq!(run.poll(), abi::PENDING);
    assert!(run.ctx.wake_at().is_some());
    run.ctx.set_flag(abi::F_CANCEL);
    assert_eq!(run.poll(), abi::READY);
    assert_eq!(run.finished().outcome, abi::CANCELLED);
}

#[test]
fn a_poll_that_waits_for_itself_alone_wakes_nobody() {
    let run = start("test.cancellable", NOTHING);
    assert_eq!(run.poll(), abi::PENDING);
    run.ctx.set_flag(abi::F_DRAIN);
    set_now(now() + 1);
    assert_eq!(run.poll(), abi::PENDING);
    assert_eq!(run.ctx.wakes.load(Ordering::SeqCst), 0, "or the host would poll for ever");
}

#[test]
fn a_wake_after_the_drop_is_harmless_and_gives_the_last_handle_back() {
    let mut run = start("test.leaves_waker", NOTHING);
    assert_eq!(run.poll(), abi::PENDING);
    run.drop_task();
    assert!(run.ctx.said().finished.is_empty(), "a drop is no end");
    assert_eq!(run.ctx.handles.load(Ordering::SeqCst), 1, "the waker that was kept");
    let waker = kinds::KEPT.lock().unwrap().take().expect("the task left it");
    let thread = std::thread::spawn(move || waker.wake());
    thread.join().unwrap();
    assert_eq!(run.ctx.wakes.load(Ordering::SeqCst), 1);
    assert_eq!(run.ctx.handles.load(Ordering::SeqCst), 0);
}

#[test]
fn a_panic_in_create_poll_or_a_blocking_run_is_an_outcome_with_file_and_line() {
    let panicked = |mut run: Driver| {
        let end = run.drive();
        assert_eq!((end.outcome, end.code.as_str()), (abi::PANIC, "panic"));
        let (first, frames) = end.body.split_once('\n').expect("the message, then the backtrace");
        let (place, message) = first.rsplit_once(": ").expect("a place and a message");
        assert!(place.starts_with("panicked at ") && place.contains("kinds.rs:"), "{place}");
        assert!(frames.contains("safe_layer::kinds::") && !frames.contains("/rustc/"), "{frames}");
        message.to_owned()
    };
    assert_eq!(panicked(start("test.panics", r#""create""#)), "boom in create");
    assert_eq!(panicked(start("test.panics", r#""poll""#)), "boom in poll");
    assert_eq!(panicked(start("test.blocking_panic", NOTHING)), "boom while blocking");
}

#[test]
fn a_panic_in_drop_is_a_line_of_the_log() {
    let mut run = start("test.panics", r#""drop""#);
    assert_eq!(run.poll(), abi::PENDING);
    run.drop_task();
    let log = run.ctx.said().log;
    let [line] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!(line.level, abi::ERROR);
    assert!(line.message.ends_with("boom in drop (while the task was dropped)"), "{line:?}");
    assert!(line.fields.contains("safe_layer::kinds::"), "{line:?}");
    assert_eq!(run.ctx.handles.load(Ordering::SeqCst), 0);
}

#[test]
fn params_that_do_not_fit_are_fatal_with_serdes_reason() {
    let end = start("test.steps", "{}").drive();
    assert_eq!((end.outcome, end.code.as_str()), (abi::FATAL, "params"));
    assert_eq!(end.body, "cannot read the params: missing field `to` at line 1 column 2");
}

#[test]
fn what_the_host_gives_reaches_the_task_and_its_reports_reach_the_host() {
    assert_eq!(
        host::configure(r#"{"greeting": 1}"#).unwrap_err(),
        "invalid type: integer `1`, expected a string at line 1 column 14"
    );
    assert_eq!(host::configure(r#"{"greeting": "hello"}"#), Ok(()));
    assert_eq!(host::configure("").unwrap_err(), "the plugin has its config already");
    set_now(5_000);
    let mut run = start("test.about", NOTHING);
    let end = run.drive();
    let about: serde_json::Value = serde_json::from_str(&end.body).unwrap();
    let expected = json!({
        "task": "0198abcd-ef01-7123-8456-001122334455", "attempt": 2, "max": 5,
        "left": {"secs": 1, "nanos": 0}, "greeting": "hello", "drain": false,
    });
    assert_eq!(about, expected);
    let said = run.ctx.said();
    let told: Vec<(u64, u64, &str)> =
        said.progress.iter().map(|(done, total, note)| (*done, *total, note.as_str())).collect();
    assert_eq!(told, [(0, 4, ""), (1, 4, ""), (1, 4, "one"), (3, 4, "one")]);
    assert_eq!(said.log.len(), 1);
    assert_eq!((said.log[0].level, said.log[0].message.as_str()), (abi::WARN, "careful"));
}

#[test]
fn polls_after_the_end_and_null_tasks_are_harmless() {
    let mut run = start("test.blocking_steps", r#"{"to":0}"#);
    assert_eq!(run.poll(), abi::READY);
    assert_eq!(run.poll(), abi::READY);
    assert_eq!(run.finished().outcome, abi::OK);
    assert_eq!(host::poll_and_drop_null(host::kinds()[0]), abi::READY);
}

#[test]
fn the_entry_and_the_tables_say_what_the_plugin_is() {
    let entry = host::entry();
    assert_eq!((entry.magic, entry.struct_size, entry.flags), (abi::MAGIC, 40, abi::E_OWN_THREADS));
    let plugin = host::plugin();
    assert_eq!(plugin.struct_size, 64);
    let meta = host::json(plugin.meta);
    assert_eq!((&meta["name"], &meta["version"]), (&json!("test"), &json!("1.2.3")));
    assert_eq!(meta["config_schema"]["properties"]["greeting"]["type"], "string");
    let kinds = host::kinds();
    let flags: Vec<(String, u32)> = kinds.iter().map(|kind| (host::name(kind), kind.flags)).collect();
    assert_eq!(flags[0], ("test.steps".to_owned(), abi::K_ISOLATE));
    assert_eq!(flags[1], ("test.sleeps".to_owned(), 0));
    assert_eq!(flags[7], ("test.blocking_steps".to_owned(), abi::K_BLOCKING));
    let meta = host::json(kinds[0].meta);
    assert_eq!((&meta["unit"], &meta["retry"]), (&json!("steps"), &json!({"attempts": 3})));
    assert_eq!(meta["description"], "Count to a number.");
    assert_eq!(meta["params_schema"]["properties"]["to"]["type"], "integer");
}

#[test]
fn init_refuses_a_host_that_lacks_what_it_needs() {
    let mut short = host::table();
    short.struct_size = 104;
    let mut hole = host::table();
    hole.finish = None;
    assert!(host::init_with(None).is_none());
    assert!(host::init_with(Some(&short)).is_none());
    assert!(host::init_with(Some(&hole)).is_none());
}
