//! The daemon's workers, one duty each. They never call one another: they meet in the store and in channels made by `boot`.
//!
//! | service | duty |
//! |---|---|
//! | `dispatcher` | says what this host can run |
//! | `runner` | hands what was claimed to the plugins |
//! | `completer` | moves outcomes into the store, in batches |
//! | `scheduler` | fires the jobs whose time has come |
//! | `maintainer` | keeps the store moving with the time |
//! | `meter` | counts what the store has done |
//! | `announcer` | tells how far running tasks have come |
//! | `sweeper` | removes the files of tasks that are no longer kept |
//! | `watcher` | takes in what changes in the plugin folders, and tells of saves of `tasks.toml` |
//! | `reloader` | applies `tasks.toml` when it is saved |
//! | `watchdog` | tells the service manager that the daemon lives |

pub mod announcer;
pub mod completer;
pub mod dispatcher;
pub mod maintainer;
pub mod meter;
pub mod reloader;
pub mod runner;
pub mod scheduler;
pub mod sweeper;
pub mod watchdog;
pub mod watcher;

#[cfg(test)]
mod tests;
