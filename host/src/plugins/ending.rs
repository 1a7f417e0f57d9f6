//! Tells a copy of a plugin that it is not needed any more, so that its threads end. Its code stays mapped.
//!
//! Not here: which copies these are (`shelf` throws some away, `in_process` ends all). Start at [`shut_down`].

use std::thread;
use std::time::Duration;

use super::ffi::PluginCode;

/// Enters the plugin on a thread that is nothing else, and does not wait for it. `ended` is dropped when it has returned.
///
/// To be called when no task of the copy is left and none will come.
pub(super) fn shut_down(name: String, code: &'static PluginCode, limit: Duration, ended: impl Send + 'static) {
    let spawned = thread::Builder::new().name(format!("{name}-end")).spawn(move || {
        if let Err(answer) = code.shut_down(limit) {
            tracing::warn!(plugin = name, answer, "A plugin did not shut down well.");
        }
        drop(ended);
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "No thread to shut down a plugin on could be started.");
    }
}
