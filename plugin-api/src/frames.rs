//! What of a backtrace an author wants to see: the frames of the plugin, between the panic's machinery and the host's call.
//!
//! Not here: catching it (`guard`). Start at [`of_the_plugin`].

use std::fmt::Write as _;

/// The most frames that are shown.
const FRAMES_MAX: usize = 15;

/// Where a name begins that is nobody's own code.
const MACHINERY: [&str; 8] =
    ["core::", "std::", "alloc::", "__rust", "rust_begin_unwind", "_rust", "plugin_api::", "T as plugin_api::"];

/// Where a place lies that is nobody's own code: functions that were inlined have no full name.
const MACHINE_ROOMS: [&str; 3] = ["/rustc/", "/rustlib/src/rust/", "plugin-api/src/"];

/// The frames of the plugin in the text that `Backtrace` makes: `  NAME` and `    at FILE:LINE:COLUMN` each on a line.
pub(crate) fn of_the_plugin(backtrace: &str) -> String {
    let mut text = String::new();
    let mut shown = 0;
    let mut lines = backtrace.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        // A frame is `12: name`; its place follows on a line of its own, where it is known.
        let Some((number, name)) = line.split_once(": ") else { continue };
        if number.parse::<u32>().is_err() {
            continue;
        }
        let place = lines.next_if(|next| next.starts_with("at "));
        let is_call = place.is_some_and(|place| place.contains("plugin-api/src/guard.rs")) && name.starts_with("call<");
        if is_call || name.contains("plugin_api::guard::call") {
            // Behind it there is only who called the plugin.
            if shown > 0 {
                break;
            }
            continue;
        }
        let is_foreign = place.is_some_and(|place| MACHINE_ROOMS.iter().any(|room| place.contains(room)));
        if shown == FRAMES_MAX || is_foreign || is_machinery(name) {
            continue;
        }
        shown += 1;
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str("  ");
        text.push_str(name);
        if let Some(place) = place {
            write!(text, "\n    {place}").expect("a String takes all");
        }
    }
    text
}

/// `<alloc::boxed::Box<F> as core::ops::function::FnOnce<A>>::call_once` is as little of the plugin as `core::panicking::panic`.
fn is_machinery(name: &str) -> bool {
    let name = name.trim_start_matches(['<', '&', '*']);
    name == "unknown>" || MACHINERY.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::of_the_plugin;

    #[test]
    fn the_machinery_of_panics_and_of_the_host_is_left_out() {
        let backtrace = "   0: std::backtrace_rs::backtrace::libunwind::trace
             at /rustc/abc/library/std/src/a.rs:117:9
   1: plugin_api::guard::install_hook::{{closure}}::{{closure}}
             at /src/plugin-api/src/guard.rs:48:50
   2: <alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call
   3: core::panicking::panic_fmt
   4: unwrap<alloc::string::String>
             at /rustc/abc/library/core/src/option.rs:1016:21
   4: thumbs::tile
             at ./src/lib.rs:12:9
   5: <thumbs::Resize as thumbs::Work>::work
   6: core::ops::function::FnOnce::call_once
   7: plugin_api::guard::call
             at /src/plugin-api/src/guard.rs:80:5
   8: taskhost::plugins::poller::poll
   9: <unknown>";
        let expected = "  thumbs::tile\n    at ./src/lib.rs:12:9\n  <thumbs::Resize as thumbs::Work>::work";
        assert_eq!(of_the_plugin(backtrace), expected);
    }

    #[test]
    fn a_recursion_without_end_is_cut() {
        let backtrace = "0: a::f\n".repeat(200);
        assert_eq!(of_the_plugin(&backtrace).lines().count(), 15);
    }

    #[test]
    fn a_library_without_names_has_no_frames() {
        assert_eq!(of_the_plugin("   0: <unknown>\n   1: <unknown>"), "");
        assert_eq!(of_the_plugin("disabled backtrace"), "");
    }
}
