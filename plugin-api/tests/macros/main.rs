//! What the macros make of an author's code. `plugin-api` is the only crate that this code names.
#![expect(unsafe_code, reason = "the description of a kind lies behind the C ABI")]

mod data;
mod kinds;
mod ui;

use plugin_api::export::Kind;
use plugin_api::serde_json::{self, Value};

/// The meta document of a kind.
fn meta<T: Kind<M>, M>() -> Value {
    let table = T::table();
    // SAFETY: header, "Memory": a table and its buffers live as long as the library.
    let meta = unsafe { table.meta.as_slice() };
    serde_json::from_slice(meta).expect("meta is JSON")
}
