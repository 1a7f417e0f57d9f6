//! The plugin's config, for the attempts that a test's thread begins.
//!
//! Not here: the config that a host gives (`export`).

use std::any::Any;
use std::cell::Cell;

/// What `cx.config()` looks into.
pub(crate) type Config = &'static (dyn Any + Send + Sync);

thread_local! {
    static GIVEN: Cell<Option<Config>> = const { Cell::new(None) };
}

/// The config of the run that this thread begins.
pub(crate) fn given() -> Option<Config> {
    GIVEN.get()
}

/// Runs `f`; attempts that it begins have this config.
pub(super) fn with<R>(config: Option<Config>, f: impl FnOnce() -> R) -> R {
    let before = GIVEN.replace(config);
    let result = f();
    GIVEN.set(before);
    result
}
