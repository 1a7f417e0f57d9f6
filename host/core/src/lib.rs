//! The rules of taskhost, pure: no async, no I/O, no clock, no randomness, no logging.
//!
//! The time and every chance are arguments. Not here: keeping tasks (the host's `store`), running them (`plugins`),
//! waiting for a time (`services`). Start at [`task::step`], the only place where a task's status changes.

pub mod config;
pub mod duration;
pub mod ids;
pub mod job;
pub mod log;
pub mod once;
pub mod priority;
pub mod query;
pub mod retention;
pub mod retry;
pub mod schedule;
pub mod secret;
pub mod size;
pub mod submit;
pub mod suggest;
pub mod task;
pub mod time;
pub mod view;
