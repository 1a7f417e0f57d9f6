//! Keeps panics inside the plugin and remembers where they happened.
//!
//! Not here: what becomes of them (`shim` turns them into an outcome). Start at [`call`].

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::frames;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LAST: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicked {
    /// `panicked at FILE:LINE: MESSAGE`.
    pub(crate) message: String,
    /// The frames of the plugin, innermost first, each on a line; empty if there is nothing to tell.
    frames: String,
}

impl Panicked {
    /// The frames as fields of a log line.
    pub(crate) fn fields(&self) -> Vec<u8> {
        if self.frames.is_empty() {
            return Vec::new();
        }
        serde_json::json!({ "backtrace": self.frames }).to_string().into_bytes()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.frames.is_empty() { Ok(()) } else { write!(f, "\n{}", self.frames) }
    }
}

/// Notes panics that [`call`] will catch instead of printing them; all others go to the hook that was there before.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                before(info);
            } else {
                // Captured whatever the environment says: here alone the stack still stands.
                let frames = frames::of_the_plugin(&Backtrace::force_capture().to_string());
                LAST.set(Some(Panicked { message: describe(info), frames }));
            }
        }));
    });
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = text(info.payload());
    match info.location() {
        Some(place) => format!("panicked at {}:{}: {message}", place.file(), place.line()),
        None => format!("panicked: {message}"),
    }
}

fn text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

/// Runs `f`, and tells of a panic as an error.
///
/// What `f` may have left half done must not be used again, except to drop it.
pub(crate) fn call<R>(f: impl FnOnce() -> R) -> Result<R, Panicked> {
    DEPTH.set(DEPTH.get() + 1);
    let caught = catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        // The hook saw it, unless the author replaced the hook or used `resume_unwind`.
        let unseen = || Panicked { message: format!("panicked: {}", text(&*payload)), frames: String::new() };
        let panic = LAST.take().unwrap_or_else(unseen);
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            // A payload whose drop panics: its own payload may do the same, so it is left where it is.
            std::mem::forget(second);
        }
        panic
    });
    LAST.take();
    DEPTH.set(DEPTH.get() - 1);
    caught
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_file_and_line() {
        install_hook();
        let line = line!() + 1;
        let caught = call::<()>(|| panic!("boom {}", 7));
        let message = caught.unwrap_err().message;
        assert_eq!(message, format!("panicked at {}:{line}: boom 7", file!()));
        assert_eq!(call(|| 1), Ok(1));
    }

    #[test]
    fn a_panic_that_no_hook_saw_keeps_its_message() {
        install_hook();
        let caught = call::<()>(|| std::panic::resume_unwind(Box::new("quiet")));
        assert_eq!(caught.unwrap_err().to_string(), "panicked: quiet");
    }

    #[test]
    fn a_payload_that_panics_when_dropped_stays_inside() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        install_hook();
        let caught = call::<()>(|| std::panic::panic_any(Bomb));
        assert!(caught.expect_err("it panicked").message.ends_with("(no message)"));
    }
}
