//! The plugin that this test binary exports, as a host sees it: entry, tables, configure; and attempts of its kinds.
//!
//! Not here: the host itself (`plugin_api::testing`), driving an attempt (its `Driver`). Start at [`start`].
#![expect(unsafe_code, reason = "the host's side of the C ABI, for tests alone")]

use plugin_api::abi::*;
use plugin_api::testing::ctx::{Ctx, Plan};
use plugin_api::testing::host::{Driver, Given, HOST};
use serde_json::Value;

unsafe extern "C" {
    // What the plugin of the test binary exports.
    safe static taskhost_plugin_v1: ThEntry;
}

/// # Safety
/// Header, "Memory": valid for the call.
unsafe fn text(bytes: ThBytes) -> String {
    // SAFETY: as this function says.
    let bytes = unsafe { bytes.as_slice() };
    String::from_utf8(bytes.to_vec()).expect("the ABI's text is UTF-8")
}

pub(crate) fn entry() -> &'static ThEntry {
    &taskhost_plugin_v1
}

/// `init` with some other table.
pub(crate) fn init_with(host: Option<&ThHost>) -> Option<&'static ThPlugin> {
    let init = entry().init.expect("every entry has it");
    // SAFETY: header, th_entry.init; `plugin_api` keeps copies of the pointers, not the table.
    let plugin = unsafe { init(host.map_or(std::ptr::null(), std::ptr::from_ref)) };
    // SAFETY: header, "Memory": null, or lives as long as the process.
    unsafe { plugin.as_ref() }
}

/// The table of this host, to be spoiled.
pub(crate) fn table() -> ThHost {
    HOST
}

pub(crate) fn plugin() -> &'static ThPlugin {
    init_with(Some(&HOST)).expect("this table is complete")
}

pub(crate) fn kinds() -> Vec<&'static ThKind> {
    let plugin = plugin();
    // SAFETY: header, th_plugin.kinds: `n_kinds` pointers.
    let kinds = unsafe { std::slice::from_raw_parts(plugin.kinds, plugin.n_kinds) };
    // SAFETY: header, "Memory": each lives as long as the process.
    kinds.iter().map(|kind| unsafe { &**kind }).collect()
}

pub(crate) fn name(kind: &ThKind) -> String {
    // SAFETY: header, th_kind.name.
    unsafe { text(kind.name) }
}

pub(crate) fn json(bytes: ThBytes) -> Value {
    // SAFETY: header, "Memory": metadata lives as long as the process.
    serde_json::from_str(&unsafe { text(bytes) }).expect("metadata is JSON")
}

/// `configure`; its reason where it refuses.
pub(crate) fn configure(config: &str) -> Result<(), String> {
    let mut error = ThBytes::EMPTY;
    let configure = plugin().configure.expect("the test's plugin has a config");
    // SAFETY: header, th_plugin.configure.
    let answer = unsafe { configure(ThBytes::new(config.as_bytes()), &raw mut error) };
    // SAFETY: header, th_plugin.configure: valid until `shutdown`.
    if answer == 0 { Ok(()) } else { Err(unsafe { text(error) }) }
}

/// What `poll` and `drop` do with a null task.
pub(crate) fn poll_and_drop_null(kind: &ThKind) -> i32 {
    let poll = kind.poll.expect("every kind has it");
    // SAFETY: this crate's kinds accept null.
    let answer = unsafe { poll(std::ptr::null_mut()) };
    let drop = kind.drop.expect("every kind has it");
    // SAFETY: as above.
    unsafe { drop(std::ptr::null_mut()) };
    answer
}

/// A first attempt.
pub(crate) fn start(name_of_kind: &str, params: &str) -> Driver {
    resume(name_of_kind, params, "")
}

/// An attempt that is given `state`.
pub(crate) fn resume(name_of_kind: &str, params: &str, state: &str) -> Driver {
    let kind = kinds().into_iter().find(|kind| name(kind) == name_of_kind).expect("a kind of the test's plugin");
    let id = *b"\x01\x98\xab\xcd\xef\x01\x71\x23\x84\x56\x00\x11\x22\x33\x44\x55";
    let given = Given {
        attempt: 2,
        deadline_ms: 6_000,
        params: params.to_owned(),
        state: state.to_owned(),
        context: r#"{"max_attempts":5,"queue":"mail","job":"nightly","nominal_at":"2026-12-24T18:00:00.000000Z"}"#
            .to_owned(),
    };
    Driver::new(kind, Ctx::new(Plan::default(), id, 0), &given)
}
