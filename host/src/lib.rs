//! taskhost: one daemon that runs background work in native plugins.
//!
//! The rooms are described in `docs/ARCHITECTURE.md`. Start at `host` (the handle that every face uses) and `boot`
//! (which builds everything once and takes it down again).

pub mod clock;
pub mod events;
pub mod plugins;
pub mod store;
