//! taskhost: one daemon that runs background work in native plugins.
//!
//! The rooms are described in `docs/ARCHITECTURE.md`. Start at `host` (the handle that every face uses) and `boot`
//! (which builds everything once and takes it down again).

pub mod api;
pub mod applied;
pub mod boot;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod events;
pub mod follow_ups;
pub mod host;
pub mod live;
pub mod lock;
pub mod metrics;
pub mod patience;
pub mod plugins;
pub mod pulse;
pub mod secrets;
pub mod service_manager;
pub mod services;
pub mod store;
pub mod submit;
pub mod tally;
pub mod telemetry;
pub mod uploads;
